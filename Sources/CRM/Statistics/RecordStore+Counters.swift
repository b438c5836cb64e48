internal import Database
internal import SQLite

/// A count that is not what the records say.
public struct CounterDifference: Sendable, Equatable, CustomStringConvertible {
  /// What is counted there: the counter, whose row it is, and what it is grouped by.
  public let row: String
  /// How many records the row says there are, and how many there are.
  public let counted: Int64
  /// How many there are.
  public let actual: Int64

  /// One line for whoever verifies a file.
  public var description: String { "\(row): \(counted) counted, \(actual) there" }
}

extension RecordStore {
  /// Compares a tenant's counters with the records.
  ///
  /// - Returns: Every row that differs, also in an amount or a time; none when all is well.
  /// - Throws: what reading the database throws.
  public func verifyCounters(tenantID: String) throws -> [CounterDifference] {
    try database.read { connection in
      let counted = try Self.counters(tenantID, connection)
      let actual = try recounted(tenantID, connection)
      let keys = Set(counted.keys).union(actual.keys)
      return keys.filter { counted[$0] != actual[$0] }.map { key in
        CounterDifference(
          row: [
            key.counter, key.userID, "\(key.bucket)", key.ownerID, key.grouping, key.unit,
          ].joined(separator: " "), counted: counted[key]?.records ?? 0,
          actual: actual[key]?.records ?? 0)
      }.sorted { $0.row < $1.row }
    }
  }

  /// Counts a tenant's records anew.
  ///
  /// - Throws: what the database throws.
  public func rebuildCounters(tenantID: String) async throws {
    try await database.write { [self] connection in
      try connection.run("DELETE FROM record_counters WHERE tenant_id = ?", [.text(tenantID)])
      for (key, measures) in try recounted(tenantID, connection) {
        var changes = CounterChanges()
        changes.add(measures, to: key)
        RecordCounters.write(changes, tenantID: tenantID, in: connection)
      }
    }
  }

  private static func counters(_ tenantID: String, _ connection: borrowing Connection)
    throws(SQLiteError) -> [CounterKey: CounterMeasures]
  {
    var counters: [CounterKey: CounterMeasures] = [:]
    try connection.forEachRow(
      """
      SELECT counter, user_id, bucket, owner_id, grouping, unit, records, amount_billions, amount,
        milliseconds
      FROM record_counters WHERE tenant_id = ?
      """, [.text(tenantID)]
    ) { row throws(SQLiteError) in
      let key = CounterKey(
        counter: row.text(0) ?? "", userID: row.text(1) ?? "", bucket: row.integer(2) ?? 0,
        ownerID: row.text(3) ?? "", grouping: row.text(4) ?? "", unit: row.text(5) ?? "")
      counters[key] = CounterMeasures(
        records: row.integer(6) ?? 0, amountBillions: row.integer(7) ?? 0,
        amount: row.integer(8) ?? 0, milliseconds: row.integer(9) ?? 0)
    }
    return counters
  }

  /// What the counters should be.
  private func recounted(_ tenantID: String, _ connection: borrowing Connection)
    throws(SQLiteError) -> [CounterKey: CounterMeasures]
  {
    var counters: [CounterKey: CounterMeasures] = [:]
    for resource in catalog.resources where !resource.counters.isEmpty {
      try connection.forEachRow(
        """
        SELECT \(resource.columns) FROM \(resource.description.table) AS t
        WHERE t.tenant_id = ? AND t.deleted_at IS NULL
        """, [.text(tenantID)]
      ) { row throws(SQLiteError) in
        let record = Record(resource, row: row)
        var changes = CounterChanges()
        RecordCounters.count(record, .added, in: &changes)
        try resource.description.specialty.recount?(nil, record, &changes, connection)
        for (key, measures) in changes.rows { counters[key, default: .zero] += measures }
      }
    }
    return counters
  }
}
