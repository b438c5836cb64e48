internal import HTTP
internal import SQLite
internal import Values

/// Conditions on members of `customFields`: numbers compare as numbers, all else as folded text.
enum CustomFieldFilter {
  static func condition(
    _ key: String, _ asked: Filter.Operator, _ value: String, _ name: String
  ) throws(Problem) -> SQLFragment {
    guard !key.contains("\""), !key.contains("\\") else {
      throw .invalidParameter(name, "names a key with quotation marks or backslashes")
    }
    let path = SQLiteValue.text("$.\"\(key)\"")
    let member = "json_extract(t.custom_fields, ?)"
    // JSON's true and false come out of json_extract as 1 and 0; the type tells them apart.
    let text = """
      fold(CASE json_type(t.custom_fields, ?) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' \
      ELSE CAST(\(member) AS TEXT) END)
      """
    let folded = SQLiteValue.text(Folding.fold(value))
    func equality(_ values: [String]) -> SQLFragment {
      let numbers = values.filter(isNumber)
      func marks(_ values: [String], _ mark: String) -> String {
        values.map { _ in mark }.joined(separator: ", ")
      }
      // SQLite reads both numbers itself, so that equal texts are equal numbers.
      return SQLFragment(
        """
        CASE WHEN json_type(t.custom_fields, ?) IN ('integer', 'real')
          THEN \(member) IN (\(marks(numbers, "CAST(? AS NUMERIC)")))
          ELSE \(text) IN (\(marks(values, "?"))) END
        """,
        [path, path] + numbers.map(SQLiteValue.text) + [path, path]
          + values.map { .text(Folding.fold($0)) })
    }
    func negated(_ condition: SQLFragment) -> SQLFragment {
      SQLFragment("NOT coalesce(\(condition.sql), 0)", condition.values)
    }
    switch asked {
    case .eq: return equality([value])
    case .ne: return negated(equality([value]))
    case .contains: return SQLFragment("instr(\(text), ?) > 0", [path, path, folded])
    case .startsWith:
      return SQLFragment("instr(\(text), ?) = 1", [path, path, folded])
    case .in, .nin:
      let condition = equality(try Filter.list(value, name: name))
      return asked == .nin ? negated(condition) : condition
    case .isNull:
      guard ["true", "false"].contains(value) else {
        throw .invalidParameter(name, "must be true or false")
      }
      return SQLFragment("\(member) IS \(value == "true" ? "" : "NOT ")NULL", [path])
    default:
      guard let sign = asked.comparison else {
        throw .invalidParameter(name, "cannot be asked of a custom field")
      }
      guard isNumber(value) else {
        return SQLFragment("\(text) \(sign) ?", [path, path, folded])
      }
      return SQLFragment(
        """
        json_type(t.custom_fields, ?) IN ('integer', 'real')
          AND \(member) \(sign) CAST(? AS NUMERIC)
        """,
        [path, path, .text(value)])
    }
  }

  /// Whether the text is a finite number as JSON writes it.
  private static func isNumber(_ text: String) -> Bool {
    text.contains(/^-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?$/)
  }
}
