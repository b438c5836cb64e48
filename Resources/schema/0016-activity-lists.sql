-- The indexes of the lists of the activity log: each filter with the order of lists behind it, so
-- that a page costs the same however long the log is. Of entries of one moment, such as those of a
-- batch, the place in the chain tells which came first; it is shorter than the id, too.
DROP INDEX crm_activities_time;
CREATE INDEX crm_activities_time ON crm_activities (tenant_id, timestamp, seq);
DROP INDEX crm_activities_user;
CREATE INDEX crm_activities_user ON crm_activities (tenant_id, user_id, timestamp, seq);
-- No two records share an id, so their kind need not stand before it.
DROP INDEX crm_activities_entity;
CREATE INDEX crm_activities_entity ON crm_activities (tenant_id, entity_id, timestamp, seq)
  WHERE entity_id IS NOT NULL;
CREATE INDEX crm_activities_operation ON crm_activities (tenant_id, operation, timestamp, seq);
CREATE INDEX crm_activities_session ON crm_activities (tenant_id, session_id, timestamp, seq);
CREATE INDEX crm_activities_unit ON crm_activities (tenant_id, unit_id, timestamp, seq)
  WHERE unit_id IS NOT NULL;
CREATE INDEX crm_activities_type ON crm_activities (tenant_id, entity_type, timestamp, seq)
  WHERE entity_type IS NOT NULL;
