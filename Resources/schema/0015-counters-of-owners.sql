-- What somebody's own records or a team's come to, without walking through everybody's.
CREATE INDEX record_counters_owner
  ON record_counters (tenant_id, counter, user_id, owner_id, bucket, records);
