/// A table of sums and newest values, to whose rows many changes of one transaction contribute.
///
/// Contributions are put together in memory and written once, before the transaction commits: when
/// many share a transaction, a row is written once instead of many times.
public struct DeferredTable: Sendable {
  /// How a contribution meets what a column holds.
  public enum Merge: Sendable {
    /// The integers are added.
    case add
    /// The greater text stays.
    case max
    /// The later one stays.
    case replace
  }

  /// The table's name.
  let name: String
  let merges: [Merge]
  let upsertSQL: String
  /// Removes a row whose count, the column at that place, has come to 0; nil where rows stay.
  let removal: (sql: String, place: Int)?

  /// Describes a table.
  ///
  /// - Parameters:
  ///   - keys: The columns of its primary key, in the order in which keys give their values.
  ///   - columns: The others, in the order of the values.
  ///   - countColumn: Added to; where it comes to 0 the row is removed.
  public init(
    _ name: String, keys: [String], columns: [(name: String, merge: Merge)],
    countColumn: String? = nil
  ) {
    self.name = name
    merges = columns.map(\.merge)
    let names = keys + columns.map(\.name)
    let assignments = columns.map { column, merge in
      switch merge {
      case .add: "\(column) = \(column) + excluded.\(column)"
      case .max: "\(column) = max(\(column), excluded.\(column))"
      case .replace: "\(column) = excluded.\(column)"
      }
    }
    upsertSQL = """
      INSERT INTO \(name) (\(names.joined(separator: ", ")))
      VALUES (\(names.map { _ in "?" }.joined(separator: ", ")))
      ON CONFLICT (\(keys.joined(separator: ", "))) DO UPDATE SET
        \(assignments.joined(separator: ", "))
      """
    removal = columns.firstIndex { $0.name == countColumn }.map { place in
      let key = keys.map { "\($0) = ?" }.joined(separator: " AND ")
      return ("DELETE FROM \(name) WHERE \(key) AND \(columns[place].name) = 0", place)
    }
  }

  /// What `values` and then `further` come to.
  func merged(_ values: [SQLiteValue], _ further: [SQLiteValue]) -> [SQLiteValue] {
    merges.indices.map { place in
      let (old, new) = (values[place], further[place])
      switch (merges[place], old, new) {
      case (.add, .integer(let old), .integer(let new)): return .integer(old + new)
      case (.max, .text(let old), .text(let new)): return .text(Swift.max(old, new))
      default: return new
      }
    }
  }
}

/// What a transaction has still to write to deferred tables.
struct DeferredRows {
  private struct Key: Hashable {
    let table: String
    let values: [SQLiteValue]
  }

  private var rows: [Key: (table: DeferredTable, values: [SQLiteValue])] = [:]

  var isEmpty: Bool { rows.isEmpty }

  mutating func merge(_ values: [SQLiteValue], _ key: [SQLiteValue], _ table: DeferredTable) {
    let key = Key(table: table.name, values: key)
    if let place = rows.index(forKey: key) {
      rows.values[place].values = table.merged(rows.values[place].values, values)
    } else {
      rows[key] = (table, values)
    }
  }

  func values(_ key: [SQLiteValue], _ table: DeferredTable) -> [SQLiteValue]? {
    rows.isEmpty ? nil : rows[Key(table: table.name, values: key)]?.values
  }

  /// Every row, each table's in the order of its key.
  var all: [(table: DeferredTable, key: [SQLiteValue], values: [SQLiteValue])] {
    rows.map { ($0.value.table, $0.key.values, $0.value.values) }
  }
}

extension Connection {
  /// Contributes `values` to the row of `key`, which is written with ``writeDeferredRows()``.
  ///
  /// A contribution is taken back with its whole mutation alone: `ROLLBACK TO` a savepoint of the
  /// mutation's own leaves it standing.
  public func merge(_ values: [SQLiteValue], into key: [SQLiteValue], of table: DeferredTable) {
    // It counts as an effect at once: a mutation that fails after it has to be taken back.
    handle.effectCount += 1
    handle.deferredRows.merge(values, key, table)
  }

  /// What has been contributed to the row of `key` and is not written yet.
  public func deferredValues(of key: [SQLiteValue], in table: DeferredTable) -> [SQLiteValue]? {
    handle.deferredRows.values(key, table)
  }

  /// Writes all contributions.
  ///
  /// - Throws: ``SQLiteError``; the transaction is to be rolled back then.
  public func writeDeferredRows() throws(SQLiteError) {
    guard !handle.deferredRows.isEmpty else { return }
    let rows = handle.deferredRows.all
    handle.deferredRows = DeferredRows()
    for row in rows {
      // What was added and taken away again must not leave a row that counts nothing.
      if row.table.removal != nil, row.values.allSatisfy({ $0 == .integer(0) }) { continue }
      try run(row.table.upsertSQL, row.key + row.values)
      guard let removal = row.table.removal, case .integer(..<0) = row.values[removal.place]
      else { continue }
      try run(removal.sql, row.key)
    }
  }

  /// Forgets all contributions, since their transaction is rolled back.
  public func forgetDeferredRows() {
    handle.deferredRows = DeferredRows()
  }
}
