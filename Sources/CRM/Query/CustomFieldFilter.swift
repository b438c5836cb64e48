internal import HTTP
internal import SQLite
internal import Values

/// A condition on one member of `customFields`: compared by its definition, and where there is none
/// numbers as numbers and all else as folded text.
struct CustomFieldFilter {
  /// How the name of such a condition begins.
  static let prefix = "customFields."

  private let asked: Filter.Asked
  private let now: Timestamp
  private let definition: CustomFieldDefinition?
  /// The member's path in the column.
  private let path: SQLiteValue

  private static let member = "json_extract(t.custom_fields, ?)"
  private static let kind = "json_type(t.custom_fields, ?)"
  private static let isNumber = "\(kind) IN ('integer', 'real')"
  /// JSON's true and false come out of json_extract as 1 and 0; the type tells them apart.
  private static let text = """
    fold(CASE \(kind) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' \
    ELSE CAST(\(member) AS TEXT) END)
    """

  /// - Throws: 400 for a key that no path of SQLite can name.
  init(_ asked: Filter.Asked, key: String, _ definition: CustomFieldDefinition?, now: Timestamp)
    throws(Problem)
  {
    guard !key.isEmpty, !key.contains("\""), !key.contains("\\") else {
      throw .invalidParameter(
        asked.name, "names no key, or one with quotation marks or backslashes", in: .name,
        token: key, offset: Self.prefix.utf8.count)
    }
    self.asked = asked
    self.now = now
    self.definition = definition
    path = .text("$.\"\(key)\"")
  }

  /// The condition that is asked for.
  ///
  /// - Throws: 400 `invalid_parameter` for an operator that the field does not know or a value of
  ///   the wrong kind.
  func condition() throws(Problem) -> SQLFragment {
    let wanted = asked.asked ?? .eq
    if let definition, !definition.operators.contains(wanted.rawValue) { throw unfit }
    if wanted == .isNull {
      return SQLFragment("\(Self.member) IS \(try asked.flag() ? "" : "NOT ")NULL", [path])
    }
    if definition?.kind == .multiselect {
      let isNegative = [.ne, .nin, .none].contains(wanted)
      let condition = try chosen(all: wanted == .all)
      return isNegative ? negated(condition) : condition
    }
    switch wanted {
    case .eq: return try equality([whole])
    case .ne: return negated(try equality([whole]))
    case .in: return try equality(listed())
    case .nin: return negated(try equality(listed()))
    case .contains: return SQLFragment("instr(\(Self.text), ?) > 0", [path, path, folded(whole)])
    case .startsWith: return SQLFragment("instr(\(Self.text), ?) = 1", [path, path, folded(whole)])
    case .gt, .gte, .lt, .lte: return try order(wanted)
    case .all, .none, .isNull: throw unfit
    }
  }

  private var whole: Filter.Listed { Filter.Listed(text: asked.value, offset: 0) }

  private func listed() throws(Problem) -> [Filter.Listed] {
    try Filter.listed(asked.value, name: asked.name)
  }

  private func equality(_ values: [Filter.Listed]) throws(Problem) -> SQLFragment {
    switch definition?.kind {
    case .number:
      for value in values { try checkNumber(value) }
      return numbers(values)
    case .boolean:
      for value in values where !["true", "false"].contains(value.text) {
        throw wanted("true or false", value)
      }
      return SQLFragment(
        "\(Self.kind) IN (\(marks(values.count)))", [path] + values.map { .text($0.text) })
    case .date:
      var days: [SQLiteValue] = []
      for value in values { days.append(try day(value)) }
      return SQLFragment("\(Self.member) IN (\(marks(days.count)))", [path] + days)
    case .text, .select, .url, .email:
      return texts(values)
    case nil, .multiselect:
      let numbers = numbers(values.filter { Self.isNumber($0.text) })
      let texts = texts(values)
      return SQLFragment(
        "CASE WHEN \(Self.isNumber) THEN \(numbers.sql) ELSE \(texts.sql) END",
        [path] + numbers.values + texts.values)
    }
  }

  /// SQLite reads both numbers itself, so that equal texts are equal numbers.
  private func numbers(_ values: [Filter.Listed]) -> SQLFragment {
    let marks = marks(values.count, "CAST(? AS NUMERIC)")
    return SQLFragment(
      "\(Self.isNumber) AND \(Self.member) IN (\(marks))",
      [path, path] + values.map { .text($0.text) })
  }

  private func texts(_ values: [Filter.Listed]) -> SQLFragment {
    SQLFragment("\(Self.text) IN (\(marks(values.count)))", [path, path] + values.map(folded))
  }

  private func order(_ wanted: Filter.Operator) throws(Problem) -> SQLFragment {
    guard let sign = wanted.comparison else { throw unfit }
    switch definition?.kind {
    case .date:
      return SQLFragment("\(Self.member) \(sign) ?", [path, try day(whole)])
    case .number:
      try checkNumber(whole)
    case nil where Self.isNumber(asked.value):
      break
    default:
      return SQLFragment("\(Self.text) \(sign) ?", [path, path, folded(whole)])
    }
    return SQLFragment(
      "\(Self.isNumber) AND \(Self.member) \(sign) CAST(? AS NUMERIC)",
      [path, path, .text(asked.value)])
  }

  /// Whether any, or all, of the options named are chosen.
  private func chosen(all: Bool) throws(Problem) -> SQLFragment {
    let options = Set(try listed().map { Folding.fold($0.text) }).sorted()
    let count = """
      (SELECT count(DISTINCT fold(value)) FROM json_each(t.custom_fields, ?)
        WHERE fold(value) IN (\(marks(options.count))))
      """
    return SQLFragment(
      all ? "\(count) = \(options.count)" : "\(count) > 0",
      [path] + options.map(SQLiteValue.text))
  }

  private func day(_ value: Filter.Listed) throws(Problem) -> SQLiteValue {
    try FilterValue.parse(value.text, .date, name: asked.name, offset: value.offset, now: now)
  }

  private func folded(_ value: Filter.Listed) -> SQLiteValue { .text(Folding.fold(value.text)) }

  private func marks(_ count: Int, _ mark: String = "?") -> String {
    Array(repeating: mark, count: count).joined(separator: ", ")
  }

  /// All rows but those, also rows without a value.
  private func negated(_ condition: SQLFragment) -> SQLFragment {
    SQLFragment("NOT coalesce((\(condition.sql)), 0)", condition.values)
  }

  private func checkNumber(_ value: Filter.Listed) throws(Problem) {
    guard Self.isNumber(value.text) else { throw wanted("a number", value) }
  }

  private func wanted(_ what: String, _ value: Filter.Listed) -> Problem {
    .invalidParameter(asked.name, "must be \(what)", token: value.text, offset: value.offset)
  }

  private var unfit: Problem { asked.unfitOperator("cannot be asked of this custom field") }

  /// Whether the text is a finite number as JSON writes it.
  private static func isNumber(_ text: String) -> Bool {
    text.contains(/^-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?$/)
  }
}

extension CustomFieldDefinition {
  /// What lists can ask of it.
  public var operators: [String] {
    let asked: [Filter.Operator] =
      switch kind {
      case .text, .url, .email:
        [.eq, .ne, .gt, .gte, .lt, .lte, .in, .nin, .contains, .startsWith, .isNull]
      case .number, .date: [.eq, .ne, .gt, .gte, .lt, .lte, .in, .nin, .isNull]
      case .boolean, .select: [.eq, .ne, .in, .nin, .isNull]
      case .multiselect: [.eq, .ne, .in, .nin, .contains, .all, .none, .isNull]
      }
    return asked.map(\.rawValue)
  }
}
