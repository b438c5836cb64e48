-- What reports of activity are read from.
--
-- Sums per quarter of an hour are exact in every time zone, but of a busy month there are tens of
-- thousands. So past time is put together into blocks, each made once, when it is over, and kept
-- right by every entry that arrives late: a report reads blocks where it can, quarters at the ends
-- of its period, and entries for the rest of a quarter.

-- One user's quarters; the key has them behind those of all others.
CREATE INDEX activity_rollups_user ON activity_rollups (tenant_id, user_id, bucket);

-- Each facet is summed by itself. A sum over users, operations and addresses together would have
-- nearly as many rows as the log.
CREATE TABLE activity_blocks (
  tenant_id    TEXT    NOT NULL,
  scope        TEXT    NOT NULL CHECK (scope IN ('tenant', 'unit', 'user')),
  id           TEXT    NOT NULL,            -- the unit or the user; '' for the tenant
  span         INTEGER NOT NULL,            -- how long the block is, in quarters of an hour
  bucket       INTEGER NOT NULL,            -- its first quarter, a multiple of span
  unit_id      TEXT    NOT NULL,            -- the unit of a user's entries; '' in other scopes
  facet        TEXT    NOT NULL CHECK (
                 facet IN ('total', 'operation', 'user', 'location', 'method', 'address')),
  value        TEXT    NOT NULL,            -- '' for the total
  entity_type  TEXT    NOT NULL,            -- of an operation; '' when none
  entries      INTEGER NOT NULL,
  credit_units INTEGER NOT NULL,            -- 0 for locations, methods and addresses
  latest       TEXT    NOT NULL,            -- likewise ''
  PRIMARY KEY (tenant_id, scope, id, span, facet, bucket, unit_id, value, entity_type)
) STRICT, WITHOUT ROWID;

-- The quarter before which all blocks are made. Blocks that begin before usable_from are of no use:
-- entries of that time were removed.
CREATE TABLE activity_block_ends (
  tenant_id    TEXT    NOT NULL PRIMARY KEY,
  usable_from  INTEGER NOT NULL,
  closed_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Where and how people worked, of the entries that are there already.
INSERT INTO activity_facets (tenant_id, bucket, unit_id, user_id, facet, value, entries)
SELECT a.tenant_id, CAST(strftime('%s', a.timestamp) AS INTEGER) / 900, coalesce(a.unit_id, ''),
  a.user_id, f.column1,
  coalesce(
    CASE WHEN json_valid(a.compliance) AND json_type(a.compliance, f.column2) = 'text'
      THEN nullif(json_extract(a.compliance, f.column2), '') END,
    'unknown'),
  count(*)
FROM crm_activities AS a
CROSS JOIN (
  VALUES ('location', '$.location'), ('method', '$.authenticationMethod'),
    ('address', '$.ipAddress')) AS f
GROUP BY 1, 2, 3, 4, 5, 6;
