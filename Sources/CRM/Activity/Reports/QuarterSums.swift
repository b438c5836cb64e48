internal import SQLite
internal import Values

/// The sums of entries per quarter of an hour, kept in the transaction of each entry.
enum QuarterSums {
  /// Adds what `entry` comes to.
  static func add(_ entry: ActivityEntry, in connection: borrowing Connection) throws(SQLiteError) {
    let bucket = CounterPeriod.bucket(of: entry.timestamp)
    let key: [SQLiteValue] = [
      .text(entry.tenantID), .integer(bucket), .text(entry.unitID ?? ""), .text(entry.userID),
    ]
    try connection.run(
      rollupSQL,
      key + [
        .text(entry.operation), .text(entry.entityType ?? ""), .integer(entry.creditUnits),
        .text(entry.timestamp.rfc3339),
      ])
    let facets = ActivityFacet.values(in: entry.compliance)
    for (facet, value) in zip(ActivityFacet.allCases, facets) {
      try connection.run(facetSQL, key + [.text(facet.rawValue), .text(value)])
    }
    try ActivityBlocks.add(entry, bucket: bucket, facets: facets, in: connection)
  }

  private static let rollupSQL = """
    INSERT INTO activity_rollups (
      tenant_id, bucket, unit_id, user_id, operation, entity_type, entries, credit_units, latest)
    VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)
    ON CONFLICT (tenant_id, bucket, unit_id, user_id, operation, entity_type) DO UPDATE SET
      entries = entries + 1,
      credit_units = credit_units + excluded.credit_units,
      latest = max(latest, excluded.latest)
    """

  private static let facetSQL = """
    INSERT INTO activity_facets (tenant_id, bucket, unit_id, user_id, facet, value, entries)
    VALUES (?, ?, ?, ?, ?, ?, 1)
    ON CONFLICT (tenant_id, bucket, unit_id, user_id, facet, value) DO UPDATE SET
      entries = entries + 1
    """
}
