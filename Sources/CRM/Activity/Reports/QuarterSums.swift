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

  private static let rollups = DeferredTable(
    "activity_rollups",
    keys: ["tenant_id", "bucket", "unit_id", "user_id", "operation", "entity_type"],
    columns: [("entries", .add), ("credit_units", .add), ("latest", .max)])

  private static let facets = DeferredTable(
    "activity_facets",
    keys: ["tenant_id", "bucket", "unit_id", "user_id", "facet", "value"],
    columns: [("entries", .add)])
}
