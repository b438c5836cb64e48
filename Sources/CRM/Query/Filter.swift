internal import HTTP
internal import SQLite
internal import Values

/// One condition of a list: `field=value`, `field[op]=value`, `customFields.key[op]=value`.
enum Filter {
  /// What a condition may ask.
  enum Operator: String, CaseIterable {
    case eq, ne, gt, gte, lt, lte
    case `in`, nin, contains, startsWith, isNull
    case all, none

    var comparison: String? {
      switch self {
      case .gt: ">"
      case .gte: ">="
      case .lt: "<"
      case .lte: "<="
      default: nil
      }
    }
  }

  /// The condition that `name=value` asks for, beginning with AND.
  ///
  /// - Throws: 400 `invalid_parameter` for an unknown field or operator, or a value of the wrong
  ///   kind.
  static func parse(_ name: String, _ value: String, _ resource: Resource, now: Timestamp)
    throws(Problem) -> SQLFragment
  {
    let (path, asked) = try split(name)
    let condition: SQLFragment
    if let key = path.wholeMatch(of: /customFields\.(.+)/)?.1 {
      condition = try CustomFieldFilter.condition(String(key), asked ?? .eq, value, name)
    } else {
      guard let field = resource.field(path), field.type != .tenant else {
        throw .invalidParameter(name, "is not known here")
      }
      condition = try Self.condition(field, asked, value, name: name, now: now)
    }
    return SQLFragment(" AND (\(condition.sql))", condition.values)
  }

  /// The parts of `field[op]`.
  private static func split(_ name: String) throws(Problem) -> (String, Operator?) {
    guard name.hasSuffix("]"), let open = name.firstIndex(of: "[") else { return (name, nil) }
    let word = name[name.index(after: open)...].dropLast()
    guard let asked = Operator(rawValue: String(word)) else {
      throw .invalidParameter(name, "has an operator that does not exist")
    }
    return (String(name[..<open]), asked)
  }

  private static func condition(
    _ field: Field, _ asked: Operator?, _ value: String, name: String, now: Timestamp
  ) throws(Problem) -> SQLFragment {
    let column = "t.\(field.column)"
    if asked == .isNull {
      return try isNull(field, value, name: name)
    }
    if field.type == .tags { return try tags(column, asked ?? .in, value, name: name) }
    guard !field.type.isStructured, asked != .all, asked != Operator.none else {
      throw .invalidParameter(name, "cannot be asked of this field")
    }
    if field.type.isText { return try text(field, asked ?? .eq, value, name: name) }
    if field.type == .timestamp, let day = CalendarDay(value),
      let condition = Self.day(column, asked ?? .eq, day)
    {
      return condition
    }
    func scalar(_ text: String) throws(Problem) -> SQLiteValue {
      try FilterValue.parse(text, field.type, name: name, now: now)
    }
    switch asked ?? .eq {
    case .eq: return SQLFragment("\(column) = ?", [try scalar(value)])
    case .ne: return SQLFragment("\(column) IS NOT ?", [try scalar(value)])
    case .in, .nin:
      var values: [SQLiteValue] = []
      for part in try list(value, name: name) { values.append(try scalar(part)) }
      return membership(column, values, negated: asked == .nin)
    case let order:
      guard let sign = order.comparison, field.type.isOrdered else {
        throw .invalidParameter(name, "cannot be asked of this field")
      }
      return SQLFragment("\(column) \(sign) ?", [try scalar(value)])
    }
  }

  /// A day stands for all of its moments: after it means after its end.
  private static func day(_ column: String, _ asked: Operator, _ day: CalendarDay)
    -> SQLFragment?
  {
    let start = SQLiteValue.text(day.startOfDay.rfc3339)
    let end = SQLiteValue.text(
      CalendarDay(daysSinceEpoch: day.daysSinceEpoch + 1).startOfDay.rfc3339)
    return switch asked {
    case .eq: SQLFragment("\(column) >= ? AND \(column) < ?", [start, end])
    case .ne:
      SQLFragment("\(column) IS NULL OR \(column) < ? OR \(column) >= ?", [start, end])
    case .gt: SQLFragment("\(column) >= ?", [end])
    case .gte: SQLFragment("\(column) >= ?", [start])
    case .lt: SQLFragment("\(column) < ?", [start])
    case .lte: SQLFragment("\(column) < ?", [end])
    default: nil
    }
  }

  /// Text compares without case and accents; see ``FieldCodec/folded(_:_:)``.
  private static func text(
    _ field: Field, _ asked: Operator, _ value: String, name: String
  ) throws(Problem) -> SQLFragment {
    let column = field.isFolded ? "t.\(field.comparedColumn)" : "fold(t.\(field.column))"
    let folded = FieldCodec.folded(value, field.type)
    switch asked {
    case .eq: return SQLFragment("\(column) = ?", [.text(folded)])
    case .ne: return SQLFragment("\(column) IS NOT ?", [.text(folded)])
    case .contains: return SQLFragment("instr(\(column), ?) > 0", [.text(folded)])
    case .startsWith:
      // A range over the column, which an index can answer: from the prefix to just before the
      // next text that does not begin with it. No text holds U+10FFFF.
      return SQLFragment(
        "\(column) >= ? AND \(column) < ?", [.text(folded), .text(folded + "\u{10FFFF}")])
    case .in, .nin:
      let values = try list(value, name: name).map {
        SQLiteValue.text(FieldCodec.folded($0, field.type))
      }
      return membership(column, values, negated: asked == .nin)
    default:
      guard let sign = asked.comparison else {
        throw .invalidParameter(name, "cannot be asked of this field")
      }
      return SQLFragment("\(column) \(sign) ?", [.text(folded)])
    }
  }

  /// `tags=a,b` and `tags[in]`: any; `tags[all]`: every one; `tags[none]`, `tags[nin]`: no one.
  private static func tags(_ column: String, _ asked: Operator, _ value: String, name: String)
    throws(Problem) -> SQLFragment
  {
    let tags = try list(value, name: name).map(SQLiteValue.text)
    let marks = tags.map { _ in "?" }.joined(separator: ", ")
    let count = "(SELECT count(*) FROM json_each(\(column)) WHERE value IN (\(marks)))"
    switch asked {
    case .eq, .in, .contains: return SQLFragment("\(count) > 0", tags)
    case .all: return SQLFragment("\(count) = \(Set(tags.compactMap(\.text)).count)", tags)
    case .ne, .nin, .none: return SQLFragment("\(count) = 0", tags)
    default: throw .invalidParameter(name, "cannot be asked of tags")
    }
  }

  private static func isNull(_ field: Field, _ value: String, name: String) throws(Problem)
    -> SQLFragment
  {
    guard ["true", "false"].contains(value) else {
      throw .invalidParameter(name, "must be true or false")
    }
    let column = "t.\(field.column)"
    if field.type.isStructured, case .text(let empty) = FieldCodec.empty(field) {
      return SQLFragment("\(column) \(value == "true" ? "=" : "<>") '\(empty)'")
    }
    return SQLFragment("\(column) IS \(value == "true" ? "" : "NOT ")NULL")
  }

  /// A record without a value is not in any list.
  static func membership(_ column: String, _ values: [SQLiteValue], negated: Bool) -> SQLFragment {
    let marks = values.map { _ in "?" }.joined(separator: ", ")
    return negated
      ? SQLFragment("\(column) IS NULL OR \(column) NOT IN (\(marks))", values)
      : SQLFragment("\(column) IN (\(marks))", values)
  }

  /// The parts between commas; `\,` is a comma inside a part.
  static func list(_ value: String, name: String) throws(Problem) -> [String] {
    var parts = [""]
    var isEscaped = false
    for character in value {
      if isEscaped {
        parts[parts.count - 1] += character == "," || character == "\\" ? "" : "\\"
        parts[parts.count - 1].append(character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "," {
        parts.append("")
      } else {
        parts[parts.count - 1].append(character)
      }
    }
    if isEscaped { parts[parts.count - 1].append("\\") }
    guard parts.count <= Limits.listedValuesMax else {
      throw .invalidParameter(name, "lists more than \(Limits.listedValuesMax) values")
    }
    return parts
  }
}

extension FieldType {
  /// Whether more and less mean something.
  fileprivate var isOrdered: Bool {
    switch self {
    case .integer, .money, .timestamp: true
    default: false
    }
  }
}
