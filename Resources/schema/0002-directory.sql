-- The embedded Wrapper's own data: what a remote Wrapper would keep in a system of its own.
--
-- No table of 0001 refers to these and none of these refers there: the server reads them through
-- the Wrapper's endpoints only. Credits are whole units of 1/10,000.

CREATE TABLE directory_tenants (
  tenant_id  TEXT NOT NULL PRIMARY KEY,
  name       TEXT NOT NULL,
  branding   TEXT NOT NULL DEFAULT '{}',
  features   TEXT NOT NULL DEFAULT '{}',
  settings   TEXT NOT NULL DEFAULT '{}',
  created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE directory_units (
  tenant_id TEXT NOT NULL REFERENCES directory_tenants (tenant_id) ON DELETE CASCADE,
  unit_id   TEXT NOT NULL,
  parent_id TEXT,
  type      TEXT NOT NULL CHECK (type IN ('organization', 'department', 'team')),
  name      TEXT NOT NULL,
  PRIMARY KEY (tenant_id, unit_id),
  FOREIGN KEY (tenant_id, parent_id) REFERENCES directory_units (tenant_id, unit_id)
    ON DELETE RESTRICT
) STRICT, WITHOUT ROWID;

-- The parent's side of the foreign key.
CREATE INDEX directory_units_parent ON directory_units (tenant_id, parent_id)
  WHERE parent_id IS NOT NULL;

CREATE TABLE directory_roles (
  tenant_id   TEXT NOT NULL REFERENCES directory_tenants (tenant_id) ON DELETE CASCADE,
  role_id     TEXT NOT NULL,
  name        TEXT NOT NULL,
  permissions TEXT NOT NULL DEFAULT '[]',    -- JSON array of grants
  PRIMARY KEY (tenant_id, role_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE directory_users (
  tenant_id     TEXT    NOT NULL REFERENCES directory_tenants (tenant_id) ON DELETE CASCADE,
  user_id       TEXT    NOT NULL,
  email         TEXT    NOT NULL,            -- as it was written
  email_folded  TEXT    NOT NULL,            -- lower case: what signing in compares
  password_hash TEXT,                        -- crypt(3); without one nobody can sign in
  name          TEXT    NOT NULL,
  title         TEXT,
  location      TEXT,
  unit_id       TEXT,
  is_active     INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
  created_at    TEXT    NOT NULL,
  PRIMARY KEY (tenant_id, user_id),
  FOREIGN KEY (tenant_id, unit_id) REFERENCES directory_units (tenant_id, unit_id)
    ON DELETE RESTRICT
) STRICT, WITHOUT ROWID;

-- An address names one person of one tenant: signing in asks for no tenant.
CREATE UNIQUE INDEX directory_users_email ON directory_users (email_folded);
CREATE INDEX directory_users_unit ON directory_users (tenant_id, unit_id)
  WHERE unit_id IS NOT NULL;

CREATE TABLE directory_user_roles (
  tenant_id TEXT NOT NULL,
  user_id   TEXT NOT NULL,
  role_id   TEXT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, role_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES directory_users (tenant_id, user_id)
    ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, role_id) REFERENCES directory_roles (tenant_id, role_id)
    ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX directory_user_roles_role ON directory_user_roles (tenant_id, role_id);

CREATE TABLE directory_user_permissions (
  tenant_id  TEXT NOT NULL,
  user_id    TEXT NOT NULL,
  permission TEXT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, permission),
  FOREIGN KEY (tenant_id, user_id) REFERENCES directory_users (tenant_id, user_id)
    ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE directory_credit_configs (
  tenant_id       TEXT    NOT NULL PRIMARY KEY
    REFERENCES directory_tenants (tenant_id) ON DELETE CASCADE,
  plan_type       TEXT    NOT NULL,
  monthly_limit   INTEGER,                   -- units; null is no limit
  daily_limit     INTEGER,
  overage_allowed INTEGER NOT NULL DEFAULT 0 CHECK (overage_allowed IN (0, 1)),
  feature_limits  TEXT    NOT NULL DEFAULT '{}',
  pricing         TEXT    NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;

CREATE TABLE directory_operation_costs (
  tenant_id    TEXT    NOT NULL
    REFERENCES directory_credit_configs (tenant_id) ON DELETE CASCADE,
  operation    TEXT    NOT NULL,
  credit_units INTEGER NOT NULL CHECK (credit_units >= 0),
  PRIMARY KEY (tenant_id, operation)
) STRICT, WITHOUT ROWID;

-- Usage counts for the day and the month that stand beside it; on another day it is nothing.
CREATE TABLE directory_credit_accounts (
  tenant_id     TEXT    NOT NULL PRIMARY KEY
    REFERENCES directory_tenants (tenant_id) ON DELETE CASCADE,
  available     INTEGER NOT NULL,
  daily_usage   INTEGER NOT NULL DEFAULT 0,
  day           TEXT    NOT NULL,            -- "2026-01-31"
  monthly_usage INTEGER NOT NULL DEFAULT 0,
  month         TEXT    NOT NULL             -- "2026-01"
) STRICT, WITHOUT ROWID;

CREATE TABLE directory_sessions (
  tenant_id  TEXT NOT NULL,
  token_hash BLOB NOT NULL,                  -- SHA-256: the token itself is kept nowhere
  session_id TEXT NOT NULL,
  user_id    TEXT NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, token_hash),
  FOREIGN KEY (tenant_id, user_id) REFERENCES directory_users (tenant_id, user_id)
    ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- A token is all there is to find its session by.
CREATE UNIQUE INDEX directory_sessions_token ON directory_sessions (token_hash);
CREATE INDEX directory_sessions_user ON directory_sessions (tenant_id, user_id);
CREATE INDEX directory_sessions_age ON directory_sessions (expires_at);

-- Entries that were accepted, so that each is charged once. Contexts and metadata are left out:
-- the log itself lies in crm_activities, and a person erased there must not live on here.
CREATE TABLE directory_activities (
  tenant_id    TEXT    NOT NULL REFERENCES directory_tenants (tenant_id) ON DELETE CASCADE,
  activity_id  TEXT    NOT NULL,
  user_id      TEXT    NOT NULL,
  operation    TEXT    NOT NULL,
  entity_id    TEXT,
  entity_type  TEXT,
  credit_units INTEGER NOT NULL,
  timestamp    TEXT    NOT NULL,
  session_id   TEXT,
  PRIMARY KEY (tenant_id, activity_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX directory_activities_user
  ON directory_activities (tenant_id, user_id, timestamp, activity_id);
