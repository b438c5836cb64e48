internal import HTTP
internal import SQLite
internal import Values

/// Conditions on the fields of a resource, compared by their type.
enum FieldFilter {
  static func condition(_ field: Field, _ asked: Filter.Asked, now: Timestamp) throws(Problem)
    -> SQLFragment
  {
    if asked.asked == .isNull { return isNull(field, try asked.flag()) }
    if field.type.isText { return try text(field, asked) }
    let column = "t.\(field.column)"
    switch asked.asked ?? .eq {
    case .eq: return try equality(field, asked.value, at: 0, asked, now: now)
    case .ne: return negated(try equality(field, asked.value, at: 0, asked, now: now))
    case .in, .nin:
      let condition = try membership(field, asked, now: now)
      return asked.asked == .nin ? negated(condition) : condition
    case let order:
      guard let sign = order.comparison else { throw asked.unfitOperator() }
      if let day = day(asked.value, field) {
        return SQLFragment(
          "\(column) \(order.signForDay) ?",
          [order.isPastDay ? day.upperBoundValue : day.lowerBoundValue])
      }
      let value = try FilterValue.parse(asked.value, field.type, name: asked.name, now: now)
      return SQLFragment("\(column) \(sign) ?", [value])
    }
  }

  private static func equality(
    _ field: Field, _ text: String, at offset: Int, _ asked: Filter.Asked, now: Timestamp
  ) throws(Problem) -> SQLFragment {
    let column = "t.\(field.column)"
    if let day = day(text, field) {
      return SQLFragment(
        "\(column) >= ? AND \(column) < ?", [day.lowerBoundValue, day.upperBoundValue])
    }
    let value = try FilterValue.parse(
      text, field.type, name: asked.name, offset: offset, now: now)
    return SQLFragment("\(column) = ?", [value])
  }

  /// One of several values; of moments, each may be a day.
  private static func membership(_ field: Field, _ asked: Filter.Asked, now: Timestamp)
    throws(Problem) -> SQLFragment
  {
    let listed = try Filter.listed(asked.value, name: asked.name)
    if field.type == .timestamp {
      var any = SQLFragment("0")
      for part in listed {
        let one = try equality(field, part.text, at: part.offset, asked, now: now)
        any.append(SQLFragment(" OR (\(one.sql))", one.values))
      }
      return any
    }
    var values: [SQLiteValue] = []
    for part in listed {
      values.append(
        try FilterValue.parse(
          part.text, field.type, name: asked.name, offset: part.offset, now: now))
    }
    return Filter.membership("t.\(field.column)", values, negated: false)
  }

  /// All rows but those, also rows without a value.
  private static func negated(_ condition: SQLFragment) -> SQLFragment {
    SQLFragment("NOT coalesce(\(condition.sql), 0)", condition.values)
  }

  /// The moments of a day where the field holds moments: a day stands for all of its moments, and
  /// after it means after its end.
  private static func day(_ text: String, _ field: Field) -> Range<Timestamp>? {
    guard field.type == .timestamp, let day = CalendarDay(text) else { return nil }
    return day.startOfDay..<CalendarDay(daysSinceEpoch: day.daysSinceEpoch + 1).startOfDay
  }

  /// Text compares without case and accents; see ``FieldCodec/folded(_:_:)``.
  private static func text(_ field: Field, _ asked: Filter.Asked) throws(Problem) -> SQLFragment {
    let column = field.comparedExpression
    let folded = FieldCodec.folded(asked.value, field.type)
    switch asked.asked ?? .eq {
    case .eq: return SQLFragment("\(column) = ?", [.text(folded)])
    case .ne: return SQLFragment("\(column) IS NOT ?", [.text(folded)])
    case .contains: return SQLFragment("instr(\(column), ?) > 0", [.text(folded)])
    case .startsWith:
      // A range over the column, which an index can answer: from the prefix to just before the
      // next text that does not begin with it. No text holds U+10FFFF.
      return SQLFragment(
        "\(column) >= ? AND \(column) < ?", [.text(folded), .text(folded + "\u{10FFFF}")])
    case .in, .nin:
      let values = try Filter.list(asked.value, name: asked.name).map {
        SQLiteValue.text(FieldCodec.folded($0, field.type))
      }
      return Filter.membership(column, values, negated: asked.asked == .nin)
    case let order:
      guard let sign = order.comparison else { throw asked.unfitOperator() }
      return SQLFragment("\(column) \(sign) ?", [.text(folded)])
    }
  }

  private static func isNull(_ field: Field, _ isNull: Bool) -> SQLFragment {
    let column = "t.\(field.column)"
    if field.type.isStructured, case .text(let empty) = FieldCodec.empty(field) {
      return SQLFragment("\(column) \(isNull ? "=" : "<>") '\(empty)'")
    }
    return SQLFragment("\(column) IS \(isNull ? "" : "NOT ")NULL")
  }
}

extension Range<Timestamp> {
  fileprivate var lowerBoundValue: SQLiteValue { .text(lowerBound.rfc3339) }
  fileprivate var upperBoundValue: SQLiteValue { .text(upperBound.rfc3339) }
}

extension Filter.Operator {
  /// Whether a comparison with a day looks at the day's end.
  fileprivate var isPastDay: Bool { self == .gt || self == .lte }

  /// The comparison with a day's start, or with the start of the next day.
  fileprivate var signForDay: String { self == .gt || self == .gte ? ">=" : "<" }
}
