-- What hangs from a record in the order in which it happened, which for calls and meetings is not the
-- order in which they were written down.
CREATE INDEX interactions_timeline ON interactions (
  tenant_id, entity_id, coalesce(occurred_at, scheduled_at, created_at), id)
  WHERE deleted_at IS NULL;
