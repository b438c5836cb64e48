-- What the embedded Wrapper has to tell: every change of the directory, in order.
--
-- Written in the transaction of the change itself. Old rows leave from the front only, and the
-- newest always stays, so that a reader's place is either a row that is still there or lost.

CREATE TABLE directory_events (
  n          INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id  TEXT    NOT NULL,
  channel    TEXT    NOT NULL CHECK (
    channel IN ('credit-configs', 'roles', 'users', 'hierarchy', 'activities')),
  event_type TEXT    NOT NULL,
  data       TEXT    NOT NULL,               -- JSON object
  created_at TEXT    NOT NULL
) STRICT;

-- For readers that follow some tenants only.
CREATE INDEX directory_events_tenant ON directory_events (tenant_id, n);

-- The one-time token of the first run, while nobody exists: one row at most.
CREATE TABLE directory_setup_tokens (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  token_hash BLOB NOT NULL,                  -- SHA-256: the token itself is kept nowhere
  expires_at TEXT NOT NULL
) STRICT;
