-- Every resource of the contract beside contacts and leads. The rules of 0001 hold.
--
-- What hangs from a record of one of several resources names it by entity_type and entity_id. One
-- generated column per resource carries the foreign key, so that no row can hang from nothing; they
-- are computed when read and stored only in the index that the parent's side needs.

CREATE UNIQUE INDEX companies_external ON companies (tenant_id, external_id)
  WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX companies_created ON companies (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX companies_owner ON companies (tenant_id, owner_id, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX companies_name ON companies (tenant_id, name_folded, id) WHERE deleted_at IS NULL;
CREATE INDEX companies_trash ON companies (tenant_id, deleted_at) WHERE deleted_at IS NOT NULL;

-- Sales processes. stages is a JSON array of {id, name, probability, kind} in their order.
CREATE TABLE pipelines (
  n             INTEGER PRIMARY KEY,
  tenant_id     TEXT    NOT NULL,
  id            TEXT    NOT NULL,
  external_id   TEXT,
  owner_id      TEXT,
  created_by    TEXT    NOT NULL,
  created_at    TEXT    NOT NULL,
  updated_at    TEXT    NOT NULL,
  deleted_at    TEXT,
  version       INTEGER NOT NULL DEFAULT 1,
  tags          TEXT    NOT NULL DEFAULT '[]',
  custom_fields TEXT    NOT NULL DEFAULT '{}',
  metadata      TEXT    NOT NULL DEFAULT '{}',
  name          TEXT    NOT NULL,
  name_folded   TEXT    NOT NULL,
  stages        TEXT    NOT NULL,
  UNIQUE (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX pipelines_external ON pipelines (tenant_id, external_id)
  WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX pipelines_created ON pipelines (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX pipelines_trash ON pipelines (tenant_id, deleted_at) WHERE deleted_at IS NOT NULL;

-- status, probability and stage_changed_at follow from the stage; they stand here so that lists,
-- sums and the board need not read the pipeline for every deal.
CREATE TABLE deals (
  n             INTEGER PRIMARY KEY,
  tenant_id     TEXT    NOT NULL,
  id            TEXT    NOT NULL,
  external_id   TEXT,
  owner_id      TEXT,
  created_by    TEXT    NOT NULL,
  created_at    TEXT    NOT NULL,
  updated_at    TEXT    NOT NULL,
  deleted_at    TEXT,
  version       INTEGER NOT NULL DEFAULT 1,
  tags          TEXT    NOT NULL DEFAULT '[]',
  custom_fields TEXT    NOT NULL DEFAULT '{}',
  metadata      TEXT    NOT NULL DEFAULT '{}',
  title         TEXT    NOT NULL,
  title_folded  TEXT    NOT NULL,
  value         INTEGER,                    -- cents
  currency      TEXT,
  pipeline_id   TEXT    NOT NULL,
  stage         TEXT    NOT NULL,
  status        TEXT    NOT NULL CHECK (status IN ('open', 'won', 'lost')),
  probability   INTEGER NOT NULL,           -- percent
  stage_changed_at TEXT NOT NULL,
  contact_id    TEXT,
  company_id    TEXT,
  assigned_to   TEXT,
  expected_close_on TEXT,                   -- a day
  closed_at     TEXT,
  lost_reason   TEXT,
  position      INTEGER,                    -- millionths: where the card lies in its column
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, pipeline_id) REFERENCES pipelines (tenant_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (tenant_id, company_id) REFERENCES companies (tenant_id, id) ON DELETE RESTRICT
) STRICT;
CREATE UNIQUE INDEX deals_external ON deals (tenant_id, external_id)
  WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX deals_created ON deals (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_owner ON deals (tenant_id, owner_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_assigned ON deals (tenant_id, assigned_to, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX deals_stage ON deals (tenant_id, pipeline_id, stage, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX deals_status ON deals (tenant_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_closing ON deals (tenant_id, expected_close_on, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_updated ON deals (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX deals_trash ON deals (tenant_id, deleted_at) WHERE deleted_at IS NOT NULL;
-- The parents' side of the foreign keys.
CREATE INDEX deals_pipeline ON deals (tenant_id, pipeline_id, stage);
CREATE INDEX deals_contact ON deals (tenant_id, contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX deals_company ON deals (tenant_id, company_id) WHERE company_id IS NOT NULL;

-- Each stage a deal has been in: the row of the present one has no left_at yet.
CREATE TABLE deal_stage_moves (
  n           INTEGER PRIMARY KEY,
  tenant_id   TEXT    NOT NULL,
  deal_id     TEXT    NOT NULL,
  pipeline_id TEXT    NOT NULL,
  stage       TEXT    NOT NULL,
  entered_at  TEXT    NOT NULL,
  left_at     TEXT,
  moved_by    TEXT    NOT NULL,
  FOREIGN KEY (tenant_id, deal_id) REFERENCES deals (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX deal_stage_moves_deal ON deal_stage_moves (tenant_id, deal_id, n);
CREATE INDEX deal_stage_moves_time ON deal_stage_moves (tenant_id, entered_at);

CREATE TABLE tasks (
  n             INTEGER PRIMARY KEY,
  tenant_id     TEXT    NOT NULL,
  id            TEXT    NOT NULL,
  external_id   TEXT,
  owner_id      TEXT,
  created_by    TEXT    NOT NULL,
  created_at    TEXT    NOT NULL,
  updated_at    TEXT    NOT NULL,
  deleted_at    TEXT,
  version       INTEGER NOT NULL DEFAULT 1,
  tags          TEXT    NOT NULL DEFAULT '[]',
  custom_fields TEXT    NOT NULL DEFAULT '{}',
  metadata      TEXT    NOT NULL DEFAULT '{}',
  title         TEXT    NOT NULL,
  title_folded  TEXT    NOT NULL,
  description   TEXT,
  status        TEXT    NOT NULL,
  priority      TEXT    NOT NULL,
  due_at        TEXT,
  remind_at     TEXT,
  completed_at  TEXT,
  assigned_to   TEXT,
  entity_type   TEXT,
  entity_id     TEXT,
  contact_id    TEXT    GENERATED ALWAYS AS (CASE entity_type WHEN 'contact' THEN entity_id END),
  company_id    TEXT    GENERATED ALWAYS AS (CASE entity_type WHEN 'company' THEN entity_id END),
  lead_id       TEXT    GENERATED ALWAYS AS (CASE entity_type WHEN 'lead' THEN entity_id END),
  deal_id       TEXT    GENERATED ALWAYS AS (CASE entity_type WHEN 'deal' THEN entity_id END),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (tenant_id, company_id) REFERENCES companies (tenant_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (tenant_id, deal_id) REFERENCES deals (tenant_id, id) ON DELETE RESTRICT
) STRICT;
CREATE UNIQUE INDEX tasks_external ON tasks (tenant_id, external_id)
  WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX tasks_created ON tasks (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_owner ON tasks (tenant_id, owner_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_assigned ON tasks (tenant_id, assigned_to, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX tasks_status ON tasks (tenant_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_due ON tasks (tenant_id, due_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_entity ON tasks (tenant_id, entity_type, entity_id, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX tasks_updated ON tasks (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_trash ON tasks (tenant_id, deleted_at) WHERE deleted_at IS NOT NULL;
-- The parents' side of the foreign keys.
CREATE INDEX tasks_contact ON tasks (tenant_id, contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX tasks_company ON tasks (tenant_id, company_id) WHERE company_id IS NOT NULL;
CREATE INDEX tasks_lead ON tasks (tenant_id, lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX tasks_deal ON tasks (tenant_id, deal_id) WHERE deal_id IS NOT NULL;
-- Reminders that are still to come, the next first.
CREATE INDEX tasks_reminder ON tasks (remind_at, tenant_id, id)
  WHERE remind_at IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE notes (
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
  body          TEXT    NOT NULL,
  type          TEXT    NOT NULL,
  visibility    TEXT    NOT NULL CHECK (visibility IN ('public', 'private')),
  pinned        INTEGER NOT NULL CHECK (pinned IN (0, 1)),
  entity_type   TEXT    NOT NULL,
  entity_id     TEXT    NOT NULL,
  contact_id    TEXT    GENERATED ALWAYS AS (CASE entity_type WHEN 'contact' THEN entity_id END),
  company_id    TEXT    GENERATED ALWAYS AS (CASE entity_type WHEN 'company' THEN entity_id END),
  lead_id       TEXT    GENERATED ALWAYS AS (CASE entity_type WHEN 'lead' THEN entity_id END),
  deal_id       TEXT    GENERATED ALWAYS AS (CASE entity_type WHEN 'deal' THEN entity_id END),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (tenant_id, company_id) REFERENCES companies (tenant_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (tenant_id, deal_id) REFERENCES deals (tenant_id, id) ON DELETE RESTRICT
) STRICT;
CREATE UNIQUE INDEX notes_external ON notes (tenant_id, external_id)
  WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX notes_created ON notes (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX notes_owner ON notes (tenant_id, owner_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX notes_entity ON notes (tenant_id, entity_type, entity_id, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX notes_trash ON notes (tenant_id, deleted_at) WHERE deleted_at IS NOT NULL;
-- The parents' side of the foreign keys.
CREATE INDEX notes_contact ON notes (tenant_id, contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX notes_company ON notes (tenant_id, company_id) WHERE company_id IS NOT NULL;
CREATE INDEX notes_lead ON notes (tenant_id, lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX notes_deal ON notes (tenant_id, deal_id) WHERE deal_id IS NOT NULL;

CREATE TABLE interactions (
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
  type          TEXT    NOT NULL,
  direction     TEXT    NOT NULL,
  subject       TEXT,
  description   TEXT,
  status        TEXT    NOT NULL,
  scheduled_at  TEXT,
  occurred_at   TEXT,
  duration_minutes INTEGER,
  outcome       TEXT,
  about_deal_id TEXT,                       -- dealId: the deal it was about, wherever it hangs
  entity_type   TEXT    NOT NULL,
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
  FOREIGN KEY (tenant_id, about_deal_id) REFERENCES deals (tenant_id, id) ON DELETE RESTRICT
) STRICT;
CREATE UNIQUE INDEX interactions_external ON interactions (tenant_id, external_id)
  WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX interactions_created ON interactions (tenant_id, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX interactions_owner ON interactions (tenant_id, owner_id, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX interactions_entity ON interactions (tenant_id, entity_type, entity_id, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX interactions_type ON interactions (tenant_id, type, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX interactions_occurred ON interactions (tenant_id, occurred_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX interactions_trash ON interactions (tenant_id, deleted_at)
  WHERE deleted_at IS NOT NULL;
-- The parents' side of the foreign keys.
CREATE INDEX interactions_contact ON interactions (tenant_id, contact_id)
  WHERE contact_id IS NOT NULL;
CREATE INDEX interactions_company ON interactions (tenant_id, company_id)
  WHERE company_id IS NOT NULL;
CREATE INDEX interactions_lead ON interactions (tenant_id, lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX interactions_deal ON interactions (tenant_id, deal_id) WHERE deal_id IS NOT NULL;
CREATE INDEX interactions_about_deal ON interactions (tenant_id, about_deal_id)
  WHERE about_deal_id IS NOT NULL;

-- What members of customFields a tenant has defined.
CREATE TABLE custom_field_definitions (
  n             INTEGER PRIMARY KEY,
  tenant_id     TEXT    NOT NULL,
  id            TEXT    NOT NULL,
  external_id   TEXT,
  owner_id      TEXT,
  created_by    TEXT    NOT NULL,
  created_at    TEXT    NOT NULL,
  updated_at    TEXT    NOT NULL,
  deleted_at    TEXT,
  version       INTEGER NOT NULL DEFAULT 1,
  tags          TEXT    NOT NULL DEFAULT '[]',
  custom_fields TEXT    NOT NULL DEFAULT '{}',
  metadata      TEXT    NOT NULL DEFAULT '{}',
  entity_type   TEXT    NOT NULL,
  key           TEXT    NOT NULL,
  label         TEXT    NOT NULL,
  type          TEXT    NOT NULL,
  required      INTEGER NOT NULL CHECK (required IN (0, 1)),
  options       TEXT    NOT NULL DEFAULT '[]',
  default_value TEXT,                       -- JSON
  UNIQUE (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX custom_field_definitions_external
  ON custom_field_definitions (tenant_id, external_id)
  WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX custom_field_definitions_created
  ON custom_field_definitions (tenant_id, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX custom_field_definitions_trash ON custom_field_definitions (tenant_id, deleted_at)
  WHERE deleted_at IS NOT NULL;
CREATE UNIQUE INDEX custom_field_definitions_key
  ON custom_field_definitions (tenant_id, entity_type, key) WHERE deleted_at IS NULL;

-- Saved filters. filter is a query string; it is run as whoever asks.
CREATE TABLE segments (
  n             INTEGER PRIMARY KEY,
  tenant_id     TEXT    NOT NULL,
  id            TEXT    NOT NULL,
  external_id   TEXT,
  owner_id      TEXT,
  created_by    TEXT    NOT NULL,
  created_at    TEXT    NOT NULL,
  updated_at    TEXT    NOT NULL,
  deleted_at    TEXT,
  version       INTEGER NOT NULL DEFAULT 1,
  tags          TEXT    NOT NULL DEFAULT '[]',
  custom_fields TEXT    NOT NULL DEFAULT '{}',
  metadata      TEXT    NOT NULL DEFAULT '{}',
  name          TEXT    NOT NULL,
  name_folded   TEXT    NOT NULL,
  entity_type   TEXT    NOT NULL,
  filter_text   TEXT    NOT NULL,
  UNIQUE (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX segments_external ON segments (tenant_id, external_id)
  WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX segments_created ON segments (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX segments_owner ON segments (tenant_id, owner_id, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX segments_trash ON segments (tenant_id, deleted_at) WHERE deleted_at IS NOT NULL;

-- What each user's page remembers.
CREATE TABLE preferences (
  tenant_id  TEXT NOT NULL,
  user_id    TEXT NOT NULL,
  key        TEXT NOT NULL,
  value      TEXT NOT NULL,                 -- JSON
  updated_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, key)
) STRICT, WITHOUT ROWID;

-- The tags of live records, written with the record: what lists by tag and counts of tags read.
CREATE TABLE record_tags (
  tenant_id   TEXT NOT NULL,
  entity_type TEXT NOT NULL,
  tag_folded  TEXT NOT NULL,                -- without case and accents
  entity_id   TEXT NOT NULL,
  tag         TEXT NOT NULL,                -- as it was written there
  PRIMARY KEY (tenant_id, entity_type, tag_folded, entity_id)
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO record_tags (tenant_id, entity_type, tag_folded, entity_id, tag)
SELECT r.tenant_id, 'contact', fold(t.value), r.id, t.value
FROM contacts AS r, json_each(r.tags) AS t WHERE r.deleted_at IS NULL
UNION ALL
SELECT r.tenant_id, 'lead', fold(t.value), r.id, t.value
FROM leads AS r, json_each(r.tags) AS t WHERE r.deleted_at IS NULL;

-- Converting a lead.
ALTER TABLE leads ADD COLUMN converted_at TEXT;
ALTER TABLE leads ADD COLUMN deal_id TEXT;
CREATE INDEX leads_deal ON leads (tenant_id, deal_id) WHERE deal_id IS NOT NULL;
CREATE INDEX leads_converted ON leads (tenant_id, converted_at) WHERE converted_at IS NOT NULL;

-- Sorting by the last change, and names as people look for them.
CREATE INDEX contacts_updated ON contacts (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX leads_updated ON leads (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX companies_updated ON companies (tenant_id, updated_at, id) WHERE deleted_at IS NULL;

-- Who alone may know of the record, before and after the change: the creator of a private note.
ALTER TABLE change_log ADD COLUMN private_to TEXT;
ALTER TABLE change_log ADD COLUMN old_private_to TEXT;
