-- Files of records, and their bytes: one SQLite file is the whole system.

-- The bytes of one or more files of a tenant, found by their hash: what the tenant uploads twice is
-- kept once, and never shared with another tenant. An upload stands here without a hash until it is
-- complete; what no file refers to any more loses its hash. Either is cleared away chunk by chunk
-- when nobody works on it, so that no single transaction has to write hundreds of megabytes.
CREATE TABLE file_contents (
  tenant_id TEXT    NOT NULL,
  id        TEXT    NOT NULL,               -- of the upload that brought it
  sha256    TEXT,                           -- lower-case hex
  size      INTEGER NOT NULL,               -- bytes
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, sha256)
) STRICT, WITHOUT ROWID;

-- 256 KiB each, the last of a content less: byte b of it stands in part b / 262144. With a rowid,
-- since rows of this size would make the tree of a WITHOUT ROWID table deep.
CREATE TABLE file_chunks (
  n          INTEGER PRIMARY KEY,
  tenant_id  TEXT    NOT NULL,
  content_id TEXT    NOT NULL,
  part       INTEGER NOT NULL,              -- from 0
  bytes      BLOB    NOT NULL,
  UNIQUE (tenant_id, content_id, part),
  FOREIGN KEY (tenant_id, content_id) REFERENCES file_contents (tenant_id, id) ON DELETE RESTRICT
) STRICT;

CREATE TABLE files (
  n             INTEGER PRIMARY KEY,
  tenant_id     TEXT    NOT NULL,
  id            TEXT    NOT NULL,
  external_id   TEXT,
  owner_id      TEXT,
  created_by    TEXT    NOT NULL,
  created_at    TEXT    NOT NULL,
  updated_at    TEXT    NOT NULL,
  deleted_at    TEXT,
  deleted_with  TEXT,                       -- the parent whose way into the trash it shared
  version       INTEGER NOT NULL DEFAULT 1,
  tags          TEXT    NOT NULL DEFAULT '[]',
  custom_fields TEXT    NOT NULL DEFAULT '{}',
  metadata      TEXT    NOT NULL DEFAULT '{}',
  name          TEXT    NOT NULL,
  name_folded   TEXT    NOT NULL,
  content_type  TEXT    NOT NULL,
  size          INTEGER NOT NULL,           -- bytes
  sha256        TEXT    NOT NULL,
  entity_type   TEXT    NOT NULL,           -- what it hangs from: contact, company, lead or deal
  entity_id     TEXT    NOT NULL,
  contact_id    TEXT    GENERATED ALWAYS AS (CASE entity_type WHEN 'contact' THEN entity_id END),
  company_id    TEXT    GENERATED ALWAYS AS (CASE entity_type WHEN 'company' THEN entity_id END),
  lead_id       TEXT    GENERATED ALWAYS AS (CASE entity_type WHEN 'lead' THEN entity_id END),
  deal_id       TEXT    GENERATED ALWAYS AS (CASE entity_type WHEN 'deal' THEN entity_id END),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (tenant_id, company_id) REFERENCES companies (tenant_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (tenant_id, deal_id) REFERENCES deals (tenant_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (tenant_id, sha256) REFERENCES file_contents (tenant_id, sha256) ON DELETE RESTRICT
) STRICT;

CREATE UNIQUE INDEX files_external ON files (tenant_id, external_id)
  WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX files_created ON files (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX files_owner ON files (tenant_id, owner_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX files_creator ON files (tenant_id, created_by, created_at, id)
  WHERE deleted_at IS NULL;
-- The list of one record's files, newest first: no two records share an id.
CREATE INDEX files_entity ON files (tenant_id, entity_id, created_at, id)
  WHERE deleted_at IS NULL;
-- The parents' sides of the foreign keys; the trash counts there too.
CREATE INDEX files_contact ON files (tenant_id, contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX files_company ON files (tenant_id, company_id) WHERE company_id IS NOT NULL;
CREATE INDEX files_lead ON files (tenant_id, lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX files_deal ON files (tenant_id, deal_id) WHERE deal_id IS NOT NULL;
CREATE INDEX files_content ON files (tenant_id, sha256);
CREATE INDEX files_trash ON files (tenant_id, deleted_at) WHERE deleted_at IS NOT NULL;

-- The last file of a content is gone: by whatever way it went, nothing can refer to the content
-- from now on, and its chunks are cleared away.
CREATE TRIGGER files_content_unused AFTER DELETE ON files
WHEN NOT EXISTS (
  SELECT 1 FROM files WHERE tenant_id = OLD.tenant_id AND sha256 = OLD.sha256)
BEGIN
  UPDATE file_contents SET sha256 = NULL
  WHERE tenant_id = OLD.tenant_id AND sha256 = OLD.sha256;
END;
