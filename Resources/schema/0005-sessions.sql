-- Sessions: which were in use a while ago, and which were ended before their tokens end by
-- themselves.

-- Written once a minute and when the server stops, so that a restart still knows them.
CREATE TABLE active_sessions (
  tenant_id             TEXT NOT NULL,
  session_id            TEXT NOT NULL,
  user_id               TEXT NOT NULL,
  started_at            TEXT NOT NULL,
  last_seen_at          TEXT NOT NULL,
  expires_at            TEXT,
  ip_address            TEXT NOT NULL,
  user_agent            TEXT NOT NULL,
  authentication_method TEXT NOT NULL,
  PRIMARY KEY (tenant_id, session_id, user_id)
) STRICT, WITHOUT ROWID;

-- Tokens of these sessions are refused until the last of them has ended.
CREATE TABLE ended_sessions (
  tenant_id     TEXT NOT NULL,
  session_id    TEXT NOT NULL,
  user_id       TEXT NOT NULL,
  refused_until TEXT NOT NULL,
  PRIMARY KEY (tenant_id, session_id, user_id)
) STRICT, WITHOUT ROWID;

-- What credits were spent on, newest first; free entries, the most, are not in it.
CREATE INDEX crm_activities_spent ON crm_activities (tenant_id, timestamp, id)
  WHERE credit_units > 0;
