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
