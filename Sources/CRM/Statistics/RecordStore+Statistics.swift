internal import Database
public import JSON
internal import SQLite
public import Values

extension RecordStore {
  /// How many records of each kind there are, as far as `scope` reaches.
  ///
  /// - Throws: what the database throws.
  public func statistics(tenantID: String, scope: RecordScope, now: Timestamp) throws -> JSONValue {
    let reader = CounterReader(tenantID: tenantID, scope: scope, catalog: catalog)
    return try database.read { connection in
      let contacts = try reader.sums(.contacts, by: .grouping, connection)
      let leads = try reader.sums(.leads, by: .grouping, connection)
      let companies = try reader.sums(.companies, by: [], connection)
      let interactions = try reader.sums(.interactions, by: .grouping, connection)
      return [
        "contacts": Self.counts(contacts, "byLifecycle"),
        "companies": .integer(Self.total(companies)),
        "leads": Self.counts(leads, "byStatus"),
        "deals": try Self.deals(reader, connection),
        "tasks": [
          "open": .integer(try Self.openTasks(reader, connection)),
          "overdue": .integer(try Self.overdueTasks(reader, now, connection)),
        ],
        "interactions": Self.counts(interactions, "byType"),
      ]
    }
  }

  /// `{"total": 3, "byStatus": {"new": 2, "qualified": 1}}`.
  private static func counts(
    _ sums: [CounterReader.SumKey: CounterMeasures], _ name: String
  ) -> JSONValue {
    let groups = sums.sorted { $0.key.grouping < $1.key.grouping }.map {
      ($0.key.grouping, JSONValue.integer($0.value.records))
    }
    return .object(
      JSONObject([("total", .integer(total(sums))), (name, .object(JSONObject(groups)))]))
  }

  static func total(_ sums: [CounterReader.SumKey: CounterMeasures]) -> Int64 {
    sums.values.reduce(0) { $0 + $1.records }
  }

  private static func deals(_ reader: CounterReader, _ connection: borrowing Connection)
    throws(SQLiteError) -> JSONValue
  {
    var counts: [String: Int64] = [:]
    var values: [String: CurrencySums] = [:]
    for (key, measures) in try reader.sums(.deals, by: [.grouping, .unit], connection) {
      let status = key.groups[2]
      counts[status, default: 0] += measures.records
      values[status, default: CurrencySums()].add(measures, of: key)
    }
    return [
      "open": .integer(counts["open"] ?? 0), "won": .integer(counts["won"] ?? 0),
      "lost": .integer(counts["lost"] ?? 0),
      "openValue": (values["open"] ?? CurrencySums()).json,
      "wonValue": (values["won"] ?? CurrencySums()).json,
    ]
  }

  private static func openTasks(_ reader: CounterReader, _ connection: borrowing Connection)
    throws(SQLiteError) -> Int64
  {
    let tasks = try reader.sums(.tasks, by: .grouping, connection)
    return total(tasks.filter { Counter.openTaskStatuses.contains($0.key.grouping) })
  }

  /// Tasks that are not done although they should be.
  static func overdueTasks(
    _ reader: CounterReader, _ now: Timestamp, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Int64 {
    let past = CounterPeriod(since: nil, until: now)
    return total(try reader.sums(.dueTasks, by: [], in: past, connection))
  }
}

extension CounterReader.SumKey {
  /// The values of what it is grouped by, in their order; always as many as a counter has at most.
  var groups: [String] {
    let groups = grouping.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    return groups + Array(repeating: "", count: max(0, 3 - groups.count))
  }
}

extension CurrencySums {
  /// Adds what a counter has summed; what has no currency is no money.
  mutating func add(
    _ measures: CounterMeasures, of key: CounterReader.SumKey, percent: Int64 = 100
  ) {
    guard !key.unit.isEmpty else { return }
    add(measures.cents, key.unit, percent: percent)
  }
}
