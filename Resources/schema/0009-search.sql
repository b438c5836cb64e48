-- Full text in a form of its own: words that the server has cut and folded itself.
--
-- The documents are made anew by the program, which finds in search_format that it must.
DROP TABLE search_index;
DROP TABLE search_documents;

-- The words of every record that can be found, each word after a space. Each begins with letters
-- that stand for its tenant and its column, so that no query walks through the words of others.
-- search_index holds no text of its own; the server writes both together (a trigger may not touch a virtual table under
-- trusted_schema=OFF).
CREATE TABLE search_documents (
  n           INTEGER PRIMARY KEY,          -- the later the change, the larger
  tenant_id   TEXT    NOT NULL,
  entity_type TEXT    NOT NULL,
  entity_id   TEXT    NOT NULL,
  reach       TEXT    NOT NULL,             -- words for those who may find it
  title       TEXT    NOT NULL,
  body        TEXT    NOT NULL,
  phone       TEXT    NOT NULL,             -- every end of each phone number
  UNIQUE (tenant_id, entity_type, entity_id)
) STRICT;

-- detail = column: which column a word stands in, not where. prefix: beginnings of one to three
-- letters behind the four of tenant and column.
CREATE VIRTUAL TABLE search_index USING fts5 (
  reach, title, body, phone,
  content = 'search_documents', content_rowid = 'n',
  tokenize = 'ascii', prefix = '5 6 7', detail = 'column', columnsize = 0
);

-- Fewer, larger merges: a tenth less work for each record that is written.
INSERT INTO search_index (search_index, rank) VALUES ('automerge', 8);

-- The form in which the documents are; 0 when none has been made yet.
CREATE TABLE search_format (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  number INTEGER NOT NULL
) STRICT;

INSERT INTO search_format (id, number) VALUES (1, 0);
