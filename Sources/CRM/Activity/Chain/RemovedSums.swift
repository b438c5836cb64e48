internal import SQLite

/// What entries that are about to be removed have added to the sums.
struct RemovedSums {
  /// Rows of `activity_rollups`: their key behind the tenant, entries and credits.
  private struct Row {
    let key: [SQLiteValue]
    let bucket: Int64
    let entries: Int64
    let creditUnits: Int64
  }

  private let tenantID: String
  private let rows: [Row]

  /// Adds up the entries behind `after` up to `through`, while they are there.
  init(
    tenantID: String, after: Int64, through: Int64, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    self.tenantID = tenantID
    rows = try connection.all(
      """
      SELECT CAST(strftime('%s', timestamp) AS INTEGER) / 900, coalesce(unit_id, ''), user_id,
        operation, coalesce(entity_type, ''), count(*), sum(credit_units)
      FROM crm_activities WHERE tenant_id = ? AND seq > ? AND seq <= ?
      GROUP BY 1, 2, 3, 4, 5
      """, [.text(tenantID), .integer(after), .integer(through)]
    ) { row in
      Row(
        key: (0...4).map { row.value($0) }, bucket: row.integer(0) ?? 0,
        entries: row.integer(5) ?? 0, creditUnits: row.integer(6) ?? 0)
    }
  }

  private static let isRow = """
    tenant_id = ? AND bucket = ? AND unit_id = ? AND user_id = ? AND operation = ?
      AND entity_type = ?
    """

  /// Takes them out, once they are gone: a sum that is left is that of the entries that are.
  func subtract(_ connection: borrowing Connection) throws(SQLiteError) {
    for row in rows {
      let key = [.text(tenantID)] + row.key
      try connection.run(
        """
        UPDATE activity_rollups SET entries = entries - ?, credit_units = credit_units - ?
        WHERE \(Self.isRow)
        """, [.integer(row.entries), .integer(row.creditUnits)] + key)
      let gone = try connection.run(
        "DELETE FROM activity_rollups WHERE \(Self.isRow) AND entries <= 0", key)
      if gone == 0 { try correctLatest(row, key, connection) }
    }
  }

  /// The newest of what is left need not be the newest that was there: what is imported comes in
  /// any order.
  private func correctLatest(
    _ row: Row, _ key: [SQLiteValue], _ connection: borrowing Connection
  ) throws(SQLiteError) {
    try connection.run(
      """
      UPDATE activity_rollups SET latest = coalesce((
        SELECT max(a.timestamp) FROM crm_activities AS a
        WHERE a.tenant_id = activity_rollups.tenant_id AND a.user_id = activity_rollups.user_id
          AND a.timestamp >= strftime('%Y-%m-%dT%H:%M:%S', ?, 'unixepoch') || '.000Z'
          AND a.timestamp < strftime('%Y-%m-%dT%H:%M:%S', ?, 'unixepoch') || '.000Z'
          AND a.operation = activity_rollups.operation
          AND coalesce(a.unit_id, '') = activity_rollups.unit_id
          AND coalesce(a.entity_type, '') = activity_rollups.entity_type), latest)
      WHERE \(Self.isRow)
      """, [.integer(row.bucket * 900), .integer((row.bucket + 1) * 900)] + key)
  }
}
