internal import HTTP
internal import SQLite

/// A total order of records: the keys asked for, then the id.
struct SortOrder: Sendable {
  /// One key.
  struct Key: Sendable {
    let field: Field
    let isDescending: Bool

    /// What the key compares: the folded text of text, the column of all else.
    var expression: String {
      !field.isFolded && field.type.isText
        ? "fold(t.\(field.column))" : "t.\(field.comparedColumn)"
    }

    /// Whether rows may lack the key.
    var isNullable: Bool { !field.isRequired }

    /// Nulls stand last in both directions.
    ///
    /// Descending that is SQLite's own order.
    var orderSQL: String {
      if isDescending { return "\(expression) DESC" }
      return isNullable ? "\(expression) ASC NULLS LAST" : "\(expression) ASC"
    }
  }

  /// All keys; the last is the id.
  let keys: [Key]

  /// Newest first: the order of a list when nothing is said.
  static func newestFirst(_ resource: Resource) -> SortOrder {
    SortOrder(resource, keys: [key("createdAt", descending: true, resource)])
  }

  /// Reads `-updatedAt,lastName`.
  ///
  /// - Throws: 400 for a field that does not exist, has no order, or stands twice.
  static func parse(_ text: String, _ resource: Resource) throws(Problem) -> SortOrder {
    var keys: [Key] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let isDescending = part.hasPrefix("-")
      let name = String(isDescending ? part.dropFirst() : part)
      guard let field = resource.field(name), field.isSortable else {
        throw .invalidParameter("sort", "names \(name.prefix(64)), which cannot be sorted by")
      }
      guard !keys.contains(where: { $0.field.name == name }) else {
        throw .invalidParameter("sort", "names \(name.prefix(64)) twice")
      }
      keys.append(Key(field: field, isDescending: isDescending))
    }
    guard (1...Limits.sortKeysMax).contains(keys.count) else {
      throw .invalidParameter("sort", "takes 1 to \(Limits.sortKeysMax) fields")
    }
    return SortOrder(resource, keys: keys)
  }

  private init(_ resource: Resource, keys: [Key]) {
    let last = keys.last?.isDescending ?? true
    self.keys =
      keys.contains { $0.field.name == "id" }
      ? keys : keys + [Self.key("id", descending: last, resource)]
  }

  private static func key(_ name: String, descending: Bool, _ resource: Resource) -> Key {
    Key(field: resource.fields[resource.commonPlace(name)], isDescending: descending)
  }

  var sql: String { keys.map(\.orderSQL).joined(separator: ", ") }

  /// The condition on rows that come after the row whose keys are `values`.
  func after(_ values: [SQLiteValue]) -> SQLFragment {
    let oneWay = Set(keys.map(\.isDescending)).count == 1
    if oneWay, !keys.contains(where: \.isNullable) {
      // A row value comparison, which SQLite answers from an index on the keys.
      let marks = keys.map { _ in "?" }.joined(separator: ", ")
      let sign = keys[0].isDescending ? "<" : ">"
      return SQLFragment(
        " AND (\(keys.map(\.expression).joined(separator: ", "))) \(sign) (\(marks))", values)
    }
    // Else, spelled out: beyond in the first key, or equal there and beyond in the rest.
    var condition = SQLFragment("0")
    for (key, value) in zip(keys, values).reversed() {
      condition = Self.step(key, value, rest: condition)
    }
    return SQLFragment(" AND \(condition.sql)", condition.values)
  }

  private static func step(_ key: Key, _ value: SQLiteValue, rest: SQLFragment) -> SQLFragment {
    let expression = key.expression
    if value == .null {
      return SQLFragment("(\(expression) IS NULL AND \(rest.sql))", rest.values)
    }
    let sign = key.isDescending ? "<" : ">"
    let orNull = key.isNullable ? " OR \(expression) IS NULL" : ""
    return SQLFragment(
      "(\(expression) \(sign) ?\(orNull) OR (\(expression) = ? AND \(rest.sql)))",
      [value, value] + rest.values)
  }
}
