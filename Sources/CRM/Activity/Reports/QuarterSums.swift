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
    let rollup: [SQLiteValue] = [.text(entry.operation), .text(entry.entityType ?? "")]
    connection.merge(
      [1, .integer(entry.creditUnits), .text(entry.timestamp.rfc3339)], into: key + rollup,
      of: rollups)
    let values = ActivityFacet.values(in: entry.compliance)
    for (facet, value) in zip(ActivityFacet.allCases, values) {
      connection.merge([1], into: key + [.text(facet.rawValue), .text(value)], of: facets)
    }
    try ActivityBlocks.add(entry, bucket: bucket, facets: values, in: connection)
  }

  /// Sums the entries of some quarters as they are in the log now.
  static func sumAnew(
    _ quarters: Range<Int64>, _ tenantID: String, in connection: borrowing Connection
  ) throws(SQLiteError) {
    let bounds: [SQLiteValue] = [
      .text(tenantID), .integer(quarters.lowerBound), .integer(quarters.upperBound),
    ]
    for table in ["activity_rollups", "activity_facets"] {
      try connection.run(
        "DELETE FROM \(table) WHERE tenant_id = ? AND bucket >= ? AND bucket < ?", bounds)
    }
    let times: [SQLiteValue] = [
      .text(tenantID), .text(CounterPeriod.start(of: quarters.lowerBound).rfc3339),
      .text(CounterPeriod.start(of: quarters.upperBound).rfc3339),
    ]
    let keys = "a.tenant_id, \(ActivitySumCheck.bucketSQL), coalesce(a.unit_id, ''), a.user_id"
    let entries = """
      FROM crm_activities AS a WHERE a.tenant_id = ? AND a.timestamp >= ? AND a.timestamp < ?
      """
    try connection.run(
      """
      INSERT INTO activity_rollups (
        tenant_id, bucket, unit_id, user_id, operation, entity_type, entries, credit_units, latest)
      SELECT \(keys), a.operation, coalesce(a.entity_type, ''), count(*), sum(a.credit_units),
        max(a.timestamp)
      \(entries) GROUP BY 1, 2, 3, 4, 5, 6
      """, times)
    for facet in ActivityFacet.allCases {
      try connection.run(
        """
        INSERT INTO activity_facets (tenant_id, bucket, unit_id, user_id, facet, value, entries)
        SELECT \(keys), '\(facet.rawValue)', \(facet.sql), count(*)
        \(entries) GROUP BY 1, 2, 3, 4, 6
        """, times)
    }
  }

  private static let rollups = DeferredTable(
    "activity_rollups",
    keys: ["tenant_id", "bucket", "unit_id", "user_id", "operation", "entity_type"],
    columns: [("entries", .add), ("credit_units", .add), ("latest", .max)])

  private static let facets = DeferredTable(
    "activity_facets",
    keys: ["tenant_id", "bucket", "unit_id", "user_id", "facet", "value"],
    columns: [("entries", .add)])
}
