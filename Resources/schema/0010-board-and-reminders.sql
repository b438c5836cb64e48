-- The cards of a board's column in their order.
CREATE INDEX deals_board
  ON deals (tenant_id, pipeline_id, stage, position, created_at DESC, id DESC)
  WHERE deleted_at IS NULL;
-- Counts and sums of a board's columns, whoever looks: everything they need stands in the index,
-- deleted_at as well, since SQLite looks at it again.
CREATE INDEX deals_sums
  ON deals (
    tenant_id, pipeline_id, stage, currency, value, owner_id, created_by, assigned_to, deleted_at)
  WHERE deleted_at IS NULL;

-- The remind_at of which the task's reminder was fired: another one is to come when they differ.
ALTER TABLE tasks ADD COLUMN reminded_at TEXT;
DROP INDEX tasks_reminder;
-- Reminders that are still to come, the next first.
CREATE INDEX tasks_reminder ON tasks (remind_at)
  WHERE remind_at IS NOT NULL AND remind_at IS NOT reminded_at AND deleted_at IS NULL
    AND status IN ('open', 'in_progress');

-- What users were reminded of and have not dismissed: the newest reminder of each task.
CREATE TABLE reminders (
  n         INTEGER PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  id        TEXT NOT NULL,
  task_id   TEXT NOT NULL,
  user_id   TEXT NOT NULL,
  remind_at TEXT NOT NULL,
  fired_at  TEXT NOT NULL,
  UNIQUE (tenant_id, id),
  UNIQUE (tenant_id, task_id),
  FOREIGN KEY (tenant_id, task_id) REFERENCES tasks (tenant_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX reminders_user ON reminders (tenant_id, user_id, fired_at, id);
