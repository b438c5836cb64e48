-- Stands for the state in which the definitions of a tenant's custom fields are: what is held of
-- them in memory is good as long as this is the same. Each change gives it a value that was never
-- there before, also when a change that was rolled back had given it another.
CREATE TABLE custom_field_states (
  tenant_id TEXT    PRIMARY KEY NOT NULL,
  state     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO custom_field_states (tenant_id, state)
SELECT DISTINCT tenant_id, 1 FROM custom_field_definitions;

CREATE TRIGGER custom_field_definitions_inserted AFTER INSERT ON custom_field_definitions
BEGIN
  INSERT OR REPLACE INTO custom_field_states (tenant_id, state) VALUES (NEW.tenant_id, random());
END;

CREATE TRIGGER custom_field_definitions_updated AFTER UPDATE ON custom_field_definitions
BEGIN
  INSERT OR REPLACE INTO custom_field_states (tenant_id, state) VALUES (NEW.tenant_id, random());
END;

CREATE TRIGGER custom_field_definitions_deleted AFTER DELETE ON custom_field_definitions
BEGIN
  INSERT OR REPLACE INTO custom_field_states (tenant_id, state) VALUES (OLD.tenant_id, random());
END;
