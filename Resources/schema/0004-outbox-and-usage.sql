-- The batch of activities that is on its way to the Wrapper: one per tenant at most.
--
-- It is written before the batch is sent. A repetition after a crash is then the same batch under
-- the same Idempotency-Key, although more rows wait by that time, and is charged once.
CREATE TABLE activity_batches (
  tenant_id TEXT    NOT NULL PRIMARY KEY,
  last_row  INTEGER NOT NULL,               -- activity_outbox.n of its last row; the tenant's
                                            -- oldest row is its first
  batch_key TEXT    NOT NULL                -- the Idempotency-Key
) STRICT, WITHOUT ROWID;

-- How much each tenant has of what its plan may limit, changed in the transaction of every change
-- of a record: the limit is checked in the same transaction, so no race passes it.
CREATE TABLE plan_usage (
  tenant_id TEXT    NOT NULL,
  feature   TEXT    NOT NULL,               -- contacts, deals, emails, storage
  period    TEXT    NOT NULL,               -- the month where the limit is per month, else ''
  used      INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, feature, period)
) STRICT, WITHOUT ROWID;

INSERT INTO plan_usage (tenant_id, feature, period, used)
SELECT tenant_id, 'contacts', '', COUNT(*) FROM contacts WHERE deleted_at IS NULL GROUP BY tenant_id;
