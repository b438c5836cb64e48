import JSON
import Values

/// What lists should hold, as plainly as it can be written: filters and orders over the records'
/// own JSON.
struct QueryModel {
  /// One condition: what the query string says and whether a record fulfils it.
  struct Condition {
    let query: String
    let holds: (JSONValue) -> Bool
  }

  /// How a field's values compare.
  enum Kind {
    /// Text without case and accents.
    case text
    /// A number.
    case number
    /// Times and days, which sort as text.
    case time
    /// Words that are equal or not.
    case word
  }

  /// A field with values to ask for, some of which no record has.
  struct Field {
    let name: String
    let kind: Kind
    let values: [String]
  }

  let fields: [Field]
  let tags: [String]
  private(set) var generator: SeededGenerator

  init(fields: [Field], tags: [String], generator: SeededGenerator) {
    self.fields = fields
    self.tags = tags
    self.generator = generator
  }

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int.random(in: 0..<elements.count, using: &generator)]
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &generator)
  }

  mutating func condition() -> Condition {
    if number(0...5) == 0 { return tagCondition() }
    let field = pick(fields)
    let value = pick(field.values)
    let name = field.name
    if number(0...7) == 0 {
      let isNull = number(0...1) == 0
      return Condition(query: "\(name)[isNull]=\(isNull)") {
        Self.isMissing(Self.member(name, of: $0)) == isNull
      }
    }
    var operators = ["eq", "ne", "in", "nin"]
    if field.kind != .word { operators += ["gt", "gte", "lt", "lte"] }
    if field.kind == .text { operators += ["contains", "startsWith"] }
    let asked = pick(operators)
    let values = asked.hasSuffix("in") ? [value, pick(field.values)] : [value]
    let written = asked.hasSuffix("in") ? Self.list(values) : value
    let suffix = asked == "eq" && number(0...1) == 0 ? "" : "[\(asked)]"
    return Condition(query: "\(name)\(suffix)=\(encoded(written))") { record in
      let member = Self.member(name, of: record)
      guard !Self.isMissing(member) else { return asked == "ne" || asked == "nin" }
      let order = { Self.compare(member, $0, field.kind) }
      let folded = Folding.fold(member.string ?? "")
      switch asked {
      case "eq", "in": return values.contains { order($0) == 0 }
      case "ne", "nin": return !values.contains { order($0) == 0 }
      case "gt": return order(value) > 0
      case "gte": return order(value) >= 0
      case "lt": return order(value) < 0
      case "lte": return order(value) <= 0
      case "contains": return folded.contains(Folding.fold(value))
      default: return folded.hasPrefix(Folding.fold(value))
      }
    }
  }

  private mutating func tagCondition() -> Condition {
    let asked = [pick(tags), pick(tags)]
    let mode = pick(["", "[all]", "[none]"])
    return Condition(query: "tags\(mode)=\(encoded(Self.list(asked)))") { record in
      let has = Set((record["tags"]?.array ?? []).compactMap(\.string).map(Folding.fold))
      let found = asked.filter { has.contains(Folding.fold($0)) }.count
      return switch mode {
      case "[all]": found == 2
      case "[none]": found == 0
      default: found > 0
      }
    }
  }

  /// An order: what the query string says, and the records in it.
  mutating func sort(_ records: [JSONValue]) -> (query: String, records: [JSONValue]) {
    var keys: [(field: Field, isDescending: Bool)] = []
    for _ in 0..<number(0...3) {
      let field = pick(fields)
      guard !keys.contains(where: { $0.field.name == field.name }) else { continue }
      keys.append((field, number(0...1) == 0))
    }
    let created = Field(name: "createdAt", kind: .time, values: [])
    let asked = keys.isEmpty ? [(created, true)] : keys
    let isLastDescending = asked.last?.1 ?? true
    let sorted = records.sorted { left, right in
      for (field, isDescending) in asked {
        let order = Self.order(left, right, field, isDescending: isDescending)
        if order != 0 { return order < 0 }
      }
      return isLastDescending ? left.id > right.id : left.id < right.id
    }
    let query = keys.map { ($0.isDescending ? "-" : "") + $0.field.name }.joined(separator: ",")
    return (query.isEmpty ? "" : "&sort=\(query)", sorted)
  }

  /// Below 0 when `left` comes first; what is missing comes last in both directions.
  private static func order(
    _ left: JSONValue, _ right: JSONValue, _ field: Field, isDescending: Bool
  ) -> Int {
    let (first, second) = (member(field.name, of: left), member(field.name, of: right))
    switch (isMissing(first), isMissing(second)) {
    case (true, true): return 0
    case (true, false): return 1
    case (false, true): return -1
    default: break
    }
    let text = second.string ?? second.text
    let order = compare(first, text, field.kind)
    return isDescending ? -order : order
  }

  /// Values between commas.
  private static func list(_ values: [String]) -> String {
    values.map { $0.replacing("\\", with: "\\\\").replacing(",", with: "\\,") }
      .joined(separator: ",")
  }

  private static func member(_ name: String, of record: JSONValue) -> JSONValue {
    guard name.hasPrefix("customFields.") else { return record[name] ?? .null }
    return record["customFields"]?[String(name.dropFirst(13))] ?? .null
  }

  private static func isMissing(_ member: JSONValue) -> Bool { member == .null }

  private static func compare(_ member: JSONValue, _ value: String, _ kind: Kind) -> Int {
    switch kind {
    case .number:
      let (left, right) = (Double(member.text) ?? .nan, Double(value) ?? .nan)
      return left < right ? -1 : left > right ? 1 : 0
    case .text:
      return compare(Folding.fold(member.string ?? ""), Folding.fold(value))
    case .time, .word:
      return compare(member.string ?? member.text, value)
    }
  }

  /// By the bytes of UTF-8.
  private static func compare(_ left: String, _ right: String) -> Int {
    if left.utf8.elementsEqual(right.utf8) { return 0 }
    return left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
  }
}
