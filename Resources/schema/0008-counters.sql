-- Counts of live records for statistics, kept in the transaction of every change of a record.
--
-- What is counted stands in the description of each resource. A record is counted once for its
-- owner, in rows whose user_id is ''; and once more for its creator and for whom it is assigned to
-- where that is somebody else, in rows of that user. So the records that are somebody's own are the
-- owner's rows and the user's, and no record is in both.
CREATE TABLE record_counters (
  tenant_id       TEXT    NOT NULL,
  counter         TEXT    NOT NULL,         -- deals, deals.closedAt …
  user_id         TEXT    NOT NULL,
  bucket          INTEGER NOT NULL,         -- quarters of an hour since 1970; 0 where time is
                                            -- all the same
  owner_id        TEXT    NOT NULL,         -- '' when it is nobody's
  grouping        TEXT    NOT NULL,         -- the values of what it is counted by, joined by /
  unit            TEXT    NOT NULL,         -- the currency of the amount, '' where there is none
  records         INTEGER NOT NULL,
  -- The sum of amounts is billions × 10^9 + amount cents: one number alone could overflow.
  amount_billions INTEGER NOT NULL,
  amount          INTEGER NOT NULL,
  milliseconds    INTEGER NOT NULL,         -- the sum of spans of time
  PRIMARY KEY (tenant_id, counter, user_id, bucket, owner_id, grouping, unit)
) STRICT, WITHOUT ROWID;

-- The ragged edges of a period are read from the records themselves.
CREATE INDEX deals_closed ON deals (tenant_id, closed_at)
  WHERE closed_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX tasks_completed ON tasks (tenant_id, completed_at)
  WHERE completed_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX deal_stage_moves_left ON deal_stage_moves (tenant_id, left_at)
  WHERE left_at IS NOT NULL;

-- Only contacts and leads can be in a file that has had no counters yet.
CREATE TEMP TABLE counted AS
SELECT tenant_id, 'contacts' AS counter, 0 AS bucket, owner_id, created_by, lifecycle AS grouping
FROM contacts WHERE deleted_at IS NULL
UNION ALL
SELECT tenant_id, 'contacts.createdAt', unixepoch(created_at) / 900, owner_id, created_by, ''
FROM contacts WHERE deleted_at IS NULL
UNION ALL
SELECT tenant_id, 'leads', 0, owner_id, created_by, status
FROM leads WHERE deleted_at IS NULL
UNION ALL
SELECT tenant_id, 'leads.createdAt', unixepoch(created_at) / 900, owner_id, created_by, status
FROM leads WHERE deleted_at IS NULL;

INSERT INTO record_counters
SELECT tenant_id, counter, '', bucket, coalesce(owner_id, ''), grouping, '', COUNT(*), 0, 0, 0
FROM counted GROUP BY tenant_id, counter, bucket, coalesce(owner_id, ''), grouping;

INSERT INTO record_counters
SELECT tenant_id, counter, created_by, bucket, coalesce(owner_id, ''), grouping, '', COUNT(*), 0, 0,
  0
FROM counted WHERE created_by IS NOT owner_id
GROUP BY tenant_id, counter, created_by, bucket, coalesce(owner_id, ''), grouping;

DROP TABLE counted;
