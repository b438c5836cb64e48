-- What was signed of each tenant's log: at this place in the chain, this was the newest hash. A
-- chain can be computed anew by whoever may write the file; a signature cannot without the key.
CREATE TABLE activity_checkpoints (
  tenant_id  TEXT    NOT NULL,
  seq        INTEGER NOT NULL,              -- of the newest entry that it speaks of
  head       BLOB    NOT NULL,              -- that entry's hash
  made_at    TEXT    NOT NULL,
  previous   BLOB,                          -- SHA-256 of the signature before it, if there is one
  public_key BLOB    NOT NULL,              -- Ed25519
  signature  BLOB    NOT NULL,
  PRIMARY KEY (tenant_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER activity_checkpoints_no_update BEFORE UPDATE ON activity_checkpoints
BEGIN
  SELECT RAISE(ABORT, 'activity_checkpoints is append-only');
END;

CREATE TRIGGER activity_checkpoints_no_delete BEFORE DELETE ON activity_checkpoints
BEGIN
  SELECT RAISE(ABORT, 'activity_checkpoints is append-only');
END;

-- Where what is kept of a chain begins: behind the newest entry that retention has removed, whose
-- hash the first kept entry is linked to. 0 and NULL while the log is whole.
ALTER TABLE activity_chains ADD COLUMN removed_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE activity_chains ADD COLUMN removed_head BLOB;
