internal import HTTP
internal import SQLite

/// A total order of records: the keys asked for, then the id.
struct SortOrder: Sendable {
  /// One key.
  struct Key: Sendable {
    /// The field's name, or `customFields.` and a key.
    let name: String
    /// What the key compares: the folded text of text, the column of all else.
    let expression: String
    /// Whether rows may lack the key.
    let isNullable: Bool
    let isDescending: Bool

    init(_ field: Field, isDescending: Bool) {
      name = field.name
      expression = field.comparedExpression
      isNullable = !field.isRequired
      self.isDescending = isDescending
    }

    /// A member of `customFields`: numbers come before text, which compares folded.
    init(customField key: Substring, isDescending: Bool) {
      name = "customFields.\(key)"
      let member = "json_extract(t.custom_fields, '$.\"\(key)\"')"
      expression = """
        CASE json_type(t.custom_fields, '$."\(key)"') WHEN 'text' THEN fold(\(member)) \
        ELSE \(member) END
        """
      isNullable = true
      self.isDescending = isDescending
    }

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

  /// Whether it follows the moment of creation alone, which every index of the usual lists ends
  /// with.
  var isByCreation: Bool {
    keys.map(\.name) == ["createdAt", "id"] && keys[0].isDescending == keys[1].isDescending
  }

  /// Reads `-updatedAt,lastName,customFields.score`.
  ///
  /// - Throws: 400 for a field that does not exist, has no order, or stands twice.
  static func parse(_ text: String, _ resource: Resource) throws(Problem) -> SortOrder {
    var keys: [Key] = []
    var offset = 0
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let isDescending = part.hasPrefix("-")
      let name = isDescending ? part.dropFirst() : part
      func refused(_ why: String) -> Problem {
        .invalidParameter(
          "sort", "names \(name.prefix(64)) \(why)", token: String(name),
          offset: offset + (isDescending ? 1 : 0))
      }
      guard let key = key(name, isDescending: isDescending, resource) else {
        throw refused("by which nothing is sorted")
      }
      guard !keys.contains(where: { $0.name == key.name }) else { throw refused("twice") }
      keys.append(key)
      offset += part.utf8.count + 1
    }
    guard (1...Limits.sortKeysMax).contains(keys.count) else {
      throw .invalidParameter("sort", "takes 1 to \(Limits.sortKeysMax) fields")
    }
    return SortOrder(resource, keys: keys)
  }

  private init(_ resource: Resource, keys: [Key]) {
    let last = keys.last?.isDescending ?? true
    self.keys =
      keys.contains { $0.name == "id" }
      ? keys : keys + [Self.key("id", descending: last, resource)]
  }

  private static func key(_ name: String, descending: Bool, _ resource: Resource) -> Key {
    Key(resource.fields[resource.commonPlace(name)], isDescending: descending)
  }

  private static func key(_ name: Substring, isDescending: Bool, _ resource: Resource) -> Key? {
    // The key becomes part of the statement, so it is of these characters only.
    if let key = name.wholeMatch(of: /customFields\.([A-Za-z0-9_\-]{1,64})/)?.1 {
      return Key(customField: key, isDescending: isDescending)
    }
    guard let field = resource.field(String(name)), field.isSortable, field.type != .tenant else {
      return nil
    }
    return Key(field, isDescending: isDescending)
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
