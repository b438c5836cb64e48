-- Cardfile's tables. Rules that hold throughout:
--
-- * Every table of a tenant begins its key with tenant_id, and every query names it.
-- * Timestamps are RFC 3339 text in UTC with milliseconds, which sorts like the moment itself.
-- * Money is a whole number of cents (1/100), credits of 1/10,000: sums never drift.
-- * Tags, custom fields, metadata and addresses are JSON text, written canonically by the server.
-- * A column NAME_folded holds the text without case and accents, for sorting and comparing.
-- * n is the INTEGER PRIMARY KEY where full text or files refer to a row: VACUUM keeps it.

CREATE TABLE companies (
  n             INTEGER PRIMARY KEY,
  tenant_id     TEXT    NOT NULL,
  id            TEXT    NOT NULL,
  external_id   TEXT,
  owner_id      TEXT,
  created_by    TEXT    NOT NULL,
  created_at    TEXT    NOT NULL,
  updated_at    TEXT    NOT NULL,
  deleted_at    TEXT,                       -- in the trash since
  version       INTEGER NOT NULL DEFAULT 1,
  tags          TEXT    NOT NULL DEFAULT '[]',
  custom_fields TEXT    NOT NULL DEFAULT '{}',
  metadata      TEXT    NOT NULL DEFAULT '{}',
  name          TEXT    NOT NULL,
  name_folded   TEXT    NOT NULL,
  domain        TEXT,
  phone         TEXT,
  website       TEXT,
  industry      TEXT,
  size          TEXT,
  address       TEXT    NOT NULL DEFAULT '{}',
  UNIQUE (tenant_id, id)
) STRICT;

CREATE TABLE contacts (
  n                 INTEGER PRIMARY KEY,
  tenant_id         TEXT    NOT NULL,
  id                TEXT    NOT NULL,
  external_id       TEXT,                   -- "<system>:<id>" in another program
  owner_id          TEXT,
  created_by        TEXT    NOT NULL,
  created_at        TEXT    NOT NULL,
  updated_at        TEXT    NOT NULL,
  deleted_at        TEXT,
  version           INTEGER NOT NULL DEFAULT 1,
  tags              TEXT    NOT NULL DEFAULT '[]',
  custom_fields     TEXT    NOT NULL DEFAULT '{}',
  metadata          TEXT    NOT NULL DEFAULT '{}',
  first_name        TEXT,
  first_name_folded TEXT,
  last_name         TEXT,
  last_name_folded  TEXT,
  email             TEXT,
  email_folded      TEXT,                   -- lower case only: accents tell addresses apart
  phone             TEXT,
  job_title         TEXT,
  company           TEXT,
  company_folded    TEXT,
  company_id        TEXT,
  lifecycle         TEXT    NOT NULL,
  source            TEXT,
  address           TEXT    NOT NULL DEFAULT '{}',
  UNIQUE (tenant_id, id),
  -- Purging a company sets the link to null first, in the same transaction. SET NULL would also
  -- clear tenant_id, which is part of the key.
  FOREIGN KEY (tenant_id, company_id) REFERENCES companies (tenant_id, id) ON DELETE RESTRICT
) STRICT;

-- One address per tenant, case aside; what lies in the trash does not count.
CREATE UNIQUE INDEX contacts_email ON contacts (tenant_id, email_folded)
  WHERE email_folded IS NOT NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX contacts_external ON contacts (tenant_id, external_id)
  WHERE external_id IS NOT NULL AND deleted_at IS NULL;
-- The default list, newest first, and its total order: ties are broken by id.
CREATE INDEX contacts_created ON contacts (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_owner ON contacts (tenant_id, owner_id, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX contacts_name ON contacts (tenant_id, last_name_folded, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_lifecycle ON contacts (tenant_id, lifecycle, created_at, id)
  WHERE deleted_at IS NULL;
-- The parent's side of the foreign key.
CREATE INDEX contacts_company ON contacts (tenant_id, company_id) WHERE company_id IS NOT NULL;
CREATE INDEX contacts_trash ON contacts (tenant_id, deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE leads (
  n                INTEGER PRIMARY KEY,
  tenant_id        TEXT    NOT NULL,
  id               TEXT    NOT NULL,
  external_id      TEXT,
  owner_id         TEXT,
  created_by       TEXT    NOT NULL,
  created_at       TEXT    NOT NULL,
  updated_at       TEXT    NOT NULL,
  deleted_at       TEXT,
  version          INTEGER NOT NULL DEFAULT 1,
  tags             TEXT    NOT NULL DEFAULT '[]',
  custom_fields    TEXT    NOT NULL DEFAULT '{}',
  metadata         TEXT    NOT NULL DEFAULT '{}',
  title            TEXT    NOT NULL,
  title_folded     TEXT    NOT NULL,
  source           TEXT,
  value            INTEGER,                 -- cents
  currency         TEXT,                    -- ISO 4217
  priority         TEXT    NOT NULL,
  status           TEXT    NOT NULL,
  first_name       TEXT,
  last_name        TEXT,
  last_name_folded TEXT,
  email            TEXT,
  email_folded     TEXT,
  phone            TEXT,
  company          TEXT,
  contact_id       TEXT,
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE RESTRICT
) STRICT;

CREATE UNIQUE INDEX leads_external ON leads (tenant_id, external_id)
  WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX leads_created ON leads (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_owner ON leads (tenant_id, owner_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_status ON leads (tenant_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_contact ON leads (tenant_id, contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX leads_trash ON leads (tenant_id, deleted_at) WHERE deleted_at IS NOT NULL;

-- The activity log. The first fourteen columns are declared as consumers of this table know them,
-- so it is not STRICT; exact sums use credit_units.
CREATE TABLE crm_activities (
  id            TEXT PRIMARY KEY,
  tenant_id     TEXT NOT NULL,
  user_id       TEXT NOT NULL,
  operation     TEXT NOT NULL,
  entity_id     TEXT,
  entity_type   TEXT,
  credit_cost   DECIMAL(10,4),
  timestamp     DATETIME NOT NULL,
  session_id    TEXT,
  user_context  JSON,
  permissions   JSON,
  metadata      JSON,
  compliance    JSON,
  created_at    DATETIME DEFAULT CURRENT_TIMESTAMP,
  seq           INTEGER NOT NULL,           -- place in the tenant's chain, from 1 without gaps
  credit_units  INTEGER NOT NULL,           -- 1/10,000 credit
  unit_id       TEXT,                       -- the user's unit at that time
  unit_path     TEXT,                       -- its ancestors, root first: "/org/department/team/"
  source        TEXT    NOT NULL DEFAULT 'cardfile',  -- cardfile, api or import
  received_at   TEXT,                       -- when another application's entry arrived
  salt          BLOB,                       -- 16 random bytes; erased together with the personal part
  core_hash     BLOB    NOT NULL,           -- over what is never erased
  personal_hash BLOB    NOT NULL,           -- over salt, contexts and metadata
  hash          BLOB    NOT NULL            -- over the previous entry's hash and the two above
);

CREATE UNIQUE INDEX crm_activities_chain ON crm_activities (tenant_id, seq);
CREATE INDEX crm_activities_time ON crm_activities (tenant_id, timestamp, id);
CREATE INDEX crm_activities_user ON crm_activities (tenant_id, user_id, timestamp, id);
CREATE INDEX crm_activities_entity ON crm_activities (tenant_id, entity_type, entity_id, timestamp)
  WHERE entity_id IS NOT NULL;

-- What may lift the append-only rule, and only inside one transaction: erasure of a person, or
-- retention of sealed segments. The row is removed again before that transaction commits.
CREATE TABLE activity_exemptions (
  tenant_id TEXT NOT NULL PRIMARY KEY,
  reason    TEXT NOT NULL CHECK (reason IN ('erasure', 'retention'))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER crm_activities_no_update BEFORE UPDATE ON crm_activities
WHEN NOT EXISTS (
  SELECT 1 FROM activity_exemptions WHERE tenant_id = OLD.tenant_id AND reason = 'erasure')
BEGIN
  SELECT RAISE(ABORT, 'crm_activities is append-only');
END;

CREATE TRIGGER crm_activities_no_delete BEFORE DELETE ON crm_activities
WHEN NOT EXISTS (
  SELECT 1 FROM activity_exemptions WHERE tenant_id = OLD.tenant_id AND reason = 'retention')
BEGIN
  SELECT RAISE(ABORT, 'crm_activities is append-only');
END;

-- The newest link of each tenant's chain.
CREATE TABLE activity_chains (
  tenant_id TEXT    NOT NULL PRIMARY KEY,
  seq       INTEGER NOT NULL,
  head      BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

-- Sums per quarter of an hour, so that every time zone's hours and days can be put together.
CREATE TABLE activity_rollups (
  tenant_id    TEXT    NOT NULL,
  bucket       INTEGER NOT NULL,            -- start, in quarters of an hour since 1970
  unit_id      TEXT    NOT NULL,            -- '' when unknown
  user_id      TEXT    NOT NULL,
  operation    TEXT    NOT NULL,
  entity_type  TEXT    NOT NULL,            -- '' when none
  entries      INTEGER NOT NULL,
  credit_units INTEGER NOT NULL,
  latest       TEXT    NOT NULL,            -- timestamp of the newest entry
  PRIMARY KEY (tenant_id, bucket, unit_id, user_id, operation, entity_type)
) STRICT, WITHOUT ROWID;

-- Counts per quarter of an hour of where and how people worked: location, authentication method,
-- address.
CREATE TABLE activity_facets (
  tenant_id TEXT    NOT NULL,
  bucket    INTEGER NOT NULL,
  unit_id   TEXT    NOT NULL,
  user_id   TEXT    NOT NULL,
  facet     TEXT    NOT NULL CHECK (facet IN ('location', 'method', 'address')),
  value     TEXT    NOT NULL,
  entries   INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, bucket, unit_id, user_id, facet, value)
) STRICT, WITHOUT ROWID;

-- Entries that the Wrapper has not acknowledged yet, in order.
CREATE TABLE activity_outbox (
  n            INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id    TEXT    NOT NULL,
  activity_id  TEXT    NOT NULL,
  credit_units INTEGER NOT NULL,
  queued_at    TEXT    NOT NULL
) STRICT;

CREATE INDEX activity_outbox_tenant ON activity_outbox (tenant_id, n);

-- Entries that the Wrapper refused for good; kept until somebody looks at them.
CREATE TABLE activity_dead_letters (
  n           INTEGER PRIMARY KEY,
  tenant_id   TEXT    NOT NULL,
  activity_id TEXT    NOT NULL,
  status      INTEGER NOT NULL,             -- the HTTP status of the refusal
  reason      TEXT    NOT NULL,
  refused_at  TEXT    NOT NULL
) STRICT;

CREATE INDEX activity_dead_letters_tenant ON activity_dead_letters (tenant_id, n);

-- The answer to an executed POST with an Idempotency-Key, kept for a day.
CREATE TABLE idempotency_answers (
  tenant_id  TEXT    NOT NULL,
  user_id    TEXT    NOT NULL,
  method     TEXT    NOT NULL,
  path       TEXT    NOT NULL,
  key        TEXT    NOT NULL,
  body_hash  BLOB    NOT NULL,
  status     INTEGER NOT NULL,
  location   TEXT,
  etag       TEXT,
  body       BLOB    NOT NULL,
  created_at TEXT    NOT NULL,
  PRIMARY KEY (tenant_id, user_id, method, path, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_answers_age ON idempotency_answers (created_at);

-- What changed, for those who follow: kept for seven days.
CREATE TABLE change_log (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id   TEXT    NOT NULL,
  entity_type TEXT    NOT NULL,
  entity_id   TEXT    NOT NULL,
  action      TEXT    NOT NULL,             -- create, update, delete, restore, purge
  version     INTEGER NOT NULL,
  owner_id    TEXT,                         -- before and after, so that a scope can tell who
  old_owner_id TEXT,                        -- may see the record and who has just lost it
  user_id     TEXT    NOT NULL,
  changed_at  TEXT    NOT NULL
) STRICT;

CREATE INDEX change_log_tenant ON change_log (tenant_id, seq);

-- The words of every record that can be found, folded. search_index holds no text of its own; the
-- server writes both together (a trigger may not touch a virtual table under trusted_schema=OFF).
CREATE TABLE search_documents (
  n            INTEGER PRIMARY KEY,
  tenant_id    TEXT    NOT NULL,
  entity_type  TEXT    NOT NULL,
  entity_id    TEXT    NOT NULL,
  tenant_token TEXT    NOT NULL,            -- one word per tenant, part of every MATCH
  title        TEXT    NOT NULL,
  body         TEXT    NOT NULL,
  UNIQUE (tenant_id, entity_type, entity_id)
) STRICT;

CREATE VIRTUAL TABLE search_index USING fts5 (
  tenant_token, title, body,
  content = 'search_documents', content_rowid = 'n',
  tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);

-- What the Wrapper last said, so that a start needs no Wrapper.
CREATE TABLE wrapper_cache (
  tenant_id  TEXT NOT NULL,
  kind       TEXT NOT NULL,                 -- permissions, employees, organization, credit-config …
  id         TEXT NOT NULL,                 -- '' for a whole collection
  etag       TEXT,
  body       BLOB NOT NULL,                 -- the JSON answer; encrypted when a key is set
  fetched_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, kind, id)
) STRICT, WITHOUT ROWID;

-- How far the change feed has been read; moved in the transaction of what it changed.
CREATE TABLE wrapper_cursors (
  feed       TEXT NOT NULL PRIMARY KEY,
  cursor     TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
