internal import SQLite

/// Keeps `record_counters` in step with the records.
enum RecordCounters {
  /// Notes a change; the parameters are those of ``Consequences/note(from:to:document:in:)``.
  static func note(
    from before: Record?, to after: Record?, in connection: borrowing Connection
  ) throws(SQLiteError) {
    guard let record = after ?? before, !record.resource.counters.isEmpty else { return }
    let resource = record.resource
    if let before, let after,
      resource.countedPlaces.allSatisfy({ before.values[$0] == after.values[$0] })
    {
      return
    }
    var changes = CounterChanges()
    if let before { count(before, .removed, in: &changes) }
    if let after { count(after, .added, in: &changes) }
    try resource.description.specialty.recount?(before, after, &changes, connection)
    try write(changes, tenantID: record["tenantId"].text ?? "", in: connection)
  }

  /// Adds a record to all that counts it, or takes it away.
  static func count(_ record: Record, _ sign: CounterSign, in changes: inout CounterChanges) {
    let people = CountedPeople(record, record.resource)
    for counter in record.resource.counters {
      counter.count(record, sign, of: people, in: &changes)
    }
  }

  /// Writes changes, as many rows with one statement as there are.
  static func write(
    _ changes: CounterChanges, tenantID: String, in connection: borrowing Connection
  ) throws(SQLiteError) {
    var rows = changes.rows.filter { $0.measures != .zero }[...]
    while !rows.isEmpty {
      let step = rows.prefix(rowsPerStatementMax)
      var values: [SQLiteValue] = []
      values.reserveCapacity(step.count * columnCount)
      for (key, measures) in step {
        values += Self.values(key, tenantID)
        values += [
          .integer(measures.records), .integer(measures.amountBillions),
          .integer(measures.amount), .integer(measures.milliseconds),
        ]
      }
      try connection.run(upsertSQL[step.count - 1], values)
      rows = rows.dropFirst(step.count)
    }
    // What counts nothing any more would only take up room.
    for (key, measures) in changes.rows where measures.records < 0 {
      try connection.run(deleteSQL, values(key, tenantID))
    }
  }

  private static func values(_ key: CounterKey, _ tenantID: String) -> [SQLiteValue] {
    [
      .text(tenantID), .text(key.counter), .text(key.userID), .integer(key.bucket),
      .text(key.ownerID), .text(key.grouping), .text(key.unit),
    ]
  }

  private static let columnCount = 11
  private static let rowsPerStatementMax = 12

  private static let upsertSQL = (1...rowsPerStatementMax).map { count in
    let row = "(\(Array(repeating: "?", count: columnCount).joined(separator: ", ")))"
    return """
      INSERT INTO record_counters (
        tenant_id, counter, user_id, bucket, owner_id, grouping, unit, records, amount_billions,
        amount, milliseconds)
      VALUES \(Array(repeating: row, count: count).joined(separator: ", "))
      ON CONFLICT (tenant_id, counter, user_id, bucket, owner_id, grouping, unit) DO UPDATE SET
        records = records + excluded.records,
        amount_billions = amount_billions + excluded.amount_billions,
        amount = amount + excluded.amount,
        milliseconds = milliseconds + excluded.milliseconds
      """
  }

  private static let deleteSQL = """
    DELETE FROM record_counters
    WHERE tenant_id = ? AND counter = ? AND user_id = ? AND bucket = ? AND owner_id = ?
      AND grouping = ? AND unit = ? AND records = 0
    """
}
