internal import SQLite
internal import Values

/// A counter with the places of the members it depends on.
struct CountedFields: Sendable {
  let counter: Counter
  private let groups: [Int]
  private let time: Int?
  private let condition: (place: Int, values: [SQLiteValue])?
  private let sum: (amount: Int, currency: Int)?
  private let span: (from: Int, to: Int)?

  /// The longest time that one record adds, a century: sums stay far from overflowing.
  private static let spanMillisecondsMax: Int64 = 100 * 365 * 86_400_000

  /// - Parameter place: The place of a member of the resource that is counted.
  init(_ counter: Counter, place: (String) -> Int) {
    self.counter = counter
    groups = counter.groups.map(place)
    time = counter.time.map(place)
    condition = counter.condition.map { (place($0.field), $0.values.map(SQLiteValue.text)) }
    sum = counter.sum.map { (place($0.amount), place($0.currency)) }
    span = counter.span.map { (place($0.from), place($0.to)) }
  }

  /// Adds `record` to what is counted, or takes it away.
  func count(
    _ record: Record, _ sign: CounterSign, of people: CountedPeople,
    in changes: inout CounterChanges
  ) {
    let values = record.values
    if let condition, !condition.values.contains(values[condition.place]) { return }
    var bucket: Int64 = 0
    if let time {
      guard let moment = Self.moment(values[time]) else { return }
      bucket = CounterPeriod.bucket(of: moment)
    }
    var measures = CounterMeasures()
    var unit = ""
    if let sum, case .integer(let cents) = values[sum.amount] {
      measures = CounterMeasures(amount: cents)
      unit = values[sum.currency].text ?? ""
    }
    if let span, let start = Self.moment(values[span.from]), let end = Self.moment(values[span.to])
    {
      measures.milliseconds = Self.span(from: start, to: end)
    }
    changes.add(
      measures, sign: sign, counter: counter.name, bucket: bucket, grouping: grouping(values),
      unit: unit, of: people)
  }

  /// The time between two moments, at most a century either way.
  static func span(from start: Timestamp, to end: Timestamp) -> Int64 {
    let span = end.milliseconds - start.milliseconds
    return min(max(span, -spanMillisecondsMax), spanMillisecondsMax)
  }

  private static func moment(_ value: SQLiteValue) -> Timestamp? {
    value.text.flatMap(Timestamp.init(rfc3339:))
  }

  private func grouping(_ values: [SQLiteValue]) -> String {
    // Words, ids and slugs: none of them has a slash in it.
    groups.count == 1
      ? values[groups[0]].text ?? ""
      : groups.map { values[$0].text ?? "" }.joined(separator: "/")
  }
}
