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
    write(changes, tenantID: record["tenantId"].text ?? "", in: connection)
  }

  /// Adds a record to all that counts it, or takes it away.
  static func count(_ record: Record, _ sign: CounterSign, in changes: inout CounterChanges) {
    let people = CountedPeople(record, record.resource)
    for counter in record.resource.counters {
      counter.count(record, sign, of: people, in: &changes)
    }
  }

  /// Contributes changes to the tenant's counters.
  static func write(
    _ changes: CounterChanges, tenantID: String, in connection: borrowing Connection
  ) {
    for (key, measures) in changes.rows where measures != .zero {
      connection.merge(
        [
          .integer(measures.records), .integer(measures.amountBillions),
          .integer(measures.amount), .integer(measures.milliseconds),
        ],
        into: [
          .text(tenantID), .text(key.counter), .text(key.userID), .integer(key.bucket),
          .text(key.ownerID), .text(key.grouping), .text(key.unit),
        ], of: counters)
    }
  }

  private static let counters = DeferredTable(
    "record_counters",
    keys: ["tenant_id", "counter", "user_id", "bucket", "owner_id", "grouping", "unit"],
    columns: [
      ("records", .add), ("amount_billions", .add), ("amount", .add), ("milliseconds", .add),
    ],
    // What counts nothing any more would only take up room.
    countColumn: "records")
}
