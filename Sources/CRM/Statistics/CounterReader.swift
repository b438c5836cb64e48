internal import SQLite
internal import Values

/// Reads counters as far as a scope reaches.
struct CounterReader {
  let tenantID: String
  let scope: RecordScope
  let catalog: Catalog

  /// What sums are told apart by.
  struct Dimensions: OptionSet {
    let rawValue: Int

    static let bucket = Dimensions(rawValue: 1)
    static let owner = Dimensions(rawValue: 2)
    static let grouping = Dimensions(rawValue: 4)
    static let unit = Dimensions(rawValue: 8)
  }

  /// What one sum is of; a dimension that was not asked for is empty.
  struct SumKey: Hashable {
    var bucket: Int64 = 0
    var ownerID = ""
    var grouping = ""
    var unit = ""
  }

  /// The sums of `counter`, told apart by `dimensions`, of `period` where it has a time.
  func sums(
    _ counter: Counter, by dimensions: Dimensions, in period: CounterPeriod? = nil,
    _ connection: borrowing Connection
  ) throws(SQLiteError) -> [SumKey: CounterMeasures] {
    var sums: [SumKey: CounterMeasures] = [:]
    for part in rows {
      try read(counter, part, dimensions, period, into: &sums, connection)
    }
    for edge in period?.edges ?? [] {
      try forEach(in: edge, counter, connection) { changes in
        for (key, measures) in changes.rows
        where key.counter == counter.name && key.userID.isEmpty {
          let sum = SumKey(
            bucket: dimensions.contains(.bucket) ? key.bucket : 0,
            ownerID: dimensions.contains(.owner) ? key.ownerID : "",
            grouping: dimensions.contains(.grouping) ? key.grouping : "",
            unit: dimensions.contains(.unit) ? key.unit : "")
          sums[sum, default: .zero] += -measures
        }
      }
    }
    return sums.filter { $0.value.records != 0 }
  }

  /// Whether the scope is the whole tenant.
  var reachesAll: Bool {
    if case .tenant = scope.reach { return true }
    return scope.userID == nil
  }

  /// The rows that count each record in the scope once.
  var rows: [SQLFragment] {
    guard let userID = scope.userID else { return [SQLFragment("c.user_id = ''")] }
    let user = SQLiteValue.text(userID)
    switch scope.reach {
    case .tenant:
      return [SQLFragment("c.user_id = ''")]
    case .own:
      return [
        SQLFragment("c.user_id = '' AND c.owner_id = ?", [user]),
        SQLFragment("c.user_id = ?", [user]),
      ]
    case .team(let members):
      let list = SQLiteValue.text(RecordScope.list(members + [userID]))
      return [
        SQLFragment("c.user_id = '' AND c.owner_id IN (SELECT value FROM json_each(?))", [list]),
        SQLFragment(
          "c.user_id = ? AND c.owner_id NOT IN (SELECT value FROM json_each(?))", [user, list]),
      ]
    }
  }

  private func read(
    _ counter: Counter, _ part: SQLFragment, _ dimensions: Dimensions, _ period: CounterPeriod?,
    into sums: inout [SumKey: CounterMeasures], _ connection: borrowing Connection
  ) throws(SQLiteError) {
    // Constants among the grounds of a group would make SQLite sort rows that are in order already.
    let all: [(Dimensions, column: String, empty: String)] = [
      (.bucket, "c.bucket", "0"), (.owner, "c.owner_id", "''"),
      (.grouping, "c.grouping", "''"), (.unit, "c.unit", "''"),
    ]
    let asked = all.filter { dimensions.contains($0.0) }.map(\.column).joined(separator: ", ")
    let columns = all.map { dimensions.contains($0.0) ? $0.column : $0.empty }
      .joined(separator: ", ")
    let time = period.map { period in
      let buckets = period.buckets
      return SQLFragment(
        "AND c.bucket >= ? AND c.bucket < ?",
        [.integer(buckets.lowerBound), .integer(buckets.upperBound)])
    }
    try connection.forEachRow(
      """
      SELECT \(columns), sum(c.records), sum(c.amount_billions), sum(c.amount),
        sum(c.milliseconds)
      FROM record_counters AS c
      WHERE c.tenant_id = ? AND c.counter = ? AND \(part.sql) \(time?.sql ?? "")
      \(asked.isEmpty ? "" : "GROUP BY \(asked)")
      """,
      [.text(tenantID), .text(counter.name)] + part.values + (time?.values ?? [])
    ) { row throws(SQLiteError) in
      let key = SumKey(
        bucket: row.integer(0) ?? 0, ownerID: row.text(1) ?? "", grouping: row.text(2) ?? "",
        unit: row.text(3) ?? "")
      sums[key, default: .zero] += CounterMeasures(
        records: row.integer(4) ?? 0, amountBillions: row.integer(5) ?? 0,
        amount: row.integer(6) ?? 0, milliseconds: row.integer(7) ?? 0)
    }
  }

  /// Calls `body` with what each record in `edge` adds.
  func forEach(
    in edge: CounterPeriod.Edge, _ counter: Counter, _ connection: borrowing Connection,
    _ body: (CounterChanges) -> Void
  ) throws(SQLiteError) {
    if counter.name == StageStays.counter.name {
      guard let deals = catalog.resource(entityType: "deal") else { return }
      return try StageStays.forEach(
        in: edge, tenantID: tenantID, scope: scope, deals: deals, connection, body)
    }
    guard let resource = catalog.resource(counting: counter),
      let time = counter.time.flatMap(resource.field)
    else { return }
    let predicate = scope.predicate(resource)
    try connection.forEachRow(
      """
      SELECT \(resource.columns) FROM \(resource.description.table) AS t
      WHERE t.tenant_id = ? AND t.\(time.column) >= ? AND t.\(time.column) < ?
        AND t.deleted_at IS NULL\(predicate.sql)
      """,
      [.text(tenantID), .text(edge.start.rfc3339), .text(edge.end.rfc3339)] + predicate.values
    ) { row throws(SQLiteError) in
      var changes = CounterChanges()
      RecordCounters.count(Record(resource, row: row), .added, in: &changes)
      body(changes)
    }
  }
}

extension Catalog {
  /// The resource whose records `counter` counts.
  func resource(counting counter: Counter) -> Resource? {
    resources.first { $0.counters.contains { $0.counter.name == counter.name } }
  }
}
