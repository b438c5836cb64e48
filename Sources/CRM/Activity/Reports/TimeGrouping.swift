internal import HTTP
internal import Values

/// By what a report tells time.
public enum TimeGrouping: String, Sendable, CaseIterable {
  /// Hours of the zone's clock; one that is passed twice is one.
  case hour
  /// Days of the zone.
  case day
  /// Weeks of ISO 8601.
  case week
  /// Months.
  case month

  /// Reads the parameter `groupBy`.
  ///
  /// - Throws: 400 `invalid_parameter` for any other word.
  static func parse(_ text: String?) throws(Problem) -> TimeGrouping {
    guard let text else { return .day }
    guard let grouping = TimeGrouping(rawValue: text) else {
      throw .invalidParameter(
        "groupBy", "must be \(allCases.map(\.rawValue).joined(separator: ", "))", token: text)
    }
    return grouping
  }

  private static let hourMilliseconds: Int64 = 3_600_000
  private static let dayMilliseconds: Int64 = 86_400_000

  /// The number of the group in which a moment lies, by what the zone's clock shows then.
  func number(ofLocal milliseconds: Int64) -> Int {
    let day = Int(milliseconds.flooringQuotient(by: Self.dayMilliseconds))
    switch self {
    case .hour: return Int(milliseconds.flooringQuotient(by: Self.hourMilliseconds))
    case .day: return day
    // 1970-01-01 was a Thursday; weeks begin on Monday.
    case .week: return (day + 3).flooringQuotient(by: 7)
    case .month:
      let date = CalendarDay(daysSinceEpoch: day)
      return date.year * 12 + date.month - 1
    }
  }

  /// The key of a group: `2026-01-31T10`, `2026-01-31`, `2026-W05`, `2026-01`.
  func text(_ number: Int) -> String {
    switch self {
    case .hour:
      return String(
        Timestamp(milliseconds: Int64(number) * Self.hourMilliseconds).rfc3339.prefix(13))
    case .day: return CalendarDay(daysSinceEpoch: number).text
    case .week: return CalendarDay(daysSinceEpoch: number * 7 - 3).isoWeekText
    case .month:
      let (year, month) = (
        number.flooringQuotient(by: 12), number - number.flooringQuotient(by: 12) * 12
      )
      return String((CalendarDay(year: year, month: month + 1, day: 1)?.text ?? "").prefix(7))
    }
  }
}

/// The groups of a range of quarters of an hour in a time zone.
///
/// Clocks are set at a quarter of an hour, and a day of UTC has one offset at both ends or one
/// change between them: so few questions to the zone tell the offset of every quarter.
struct GroupedQuarters {
  let grouping: TimeGrouping
  /// From which quarter on the clocks are ahead by how much.
  private var offsets: [(from: Int64, milliseconds: Int64)] = []

  private static let quartersPerDay: Int64 = 96

  init(_ quarters: Range<Int64>, by grouping: TimeGrouping, in zone: LocalTime) {
    self.grouping = grouping
    func offset(_ quarter: Int64) -> Int64 {
      zone.offsetMilliseconds(at: CounterPeriod.start(of: quarter))
    }
    var place = quarters.lowerBound
    var current = offset(place)
    offsets = [(place, current)]
    while place < quarters.upperBound {
      let next = min(place + Self.quartersPerDay, quarters.upperBound)
      let then = offset(next)
      if then != current {
        var (before, after) = (place, next)
        while after - before > 1 {
          let middle = before + (after - before) / 2
          if offset(middle) == current { before = middle } else { after = middle }
        }
        current = then
        offsets.append((after, current))
      }
      place = next
    }
  }

  /// Whether no clock is set in these quarters.
  func isSteady(in quarters: Range<Int64>) -> Bool {
    !offsets.dropFirst().contains { quarters.contains($0.from) }
  }

  /// The number of the group of a quarter.
  func number(of quarter: Int64) -> Int {
    var place = offsets.count - 1
    while place > 0, offsets[place].from > quarter { place -= 1 }
    return grouping.number(
      ofLocal: CounterPeriod.start(of: quarter).milliseconds + offsets[place].milliseconds)
  }
}
