internal import HTTP
internal import SQLite
internal import Values

/// Reads the value of a condition by the type of its field.
enum FilterValue {
  /// - Throws: 400 `invalid_parameter` when `text` is no value of that type.
  static func parse(_ text: String, _ type: FieldType, name: String, now: Timestamp)
    throws(Problem) -> SQLiteValue
  {
    switch type {
    case .integer:
      guard let integer = Int64(text) else {
        throw .invalidParameter(name, "must be a whole number")
      }
      return .integer(integer)
    case .money:
      do {
        return .integer(try FixedPoint.units(text, scale: FieldType.moneyScale))
      } catch {
        throw .invalidParameter(name, "must be a number with at most two decimals")
      }
    case .timestamp:
      guard let timestamp = timestamp(text, now: now) else {
        throw .invalidParameter(
          name, "must be a time (2026-01-31T10:30:00Z), a day (2026-01-31) or relative (-30d)")
      }
      return .text(timestamp.rfc3339)
    case .choice(let words):
      guard words.contains(text) else {
        throw .invalidParameter(name, "must be one of \(words.joined(separator: ", "))")
      }
      return .text(text)
    default:
      return .text(text)
    }
  }

  private static func timestamp(_ text: String, now: Timestamp) -> Timestamp? {
    Timestamp(rfc3339: text) ?? CalendarDay(text)?.startOfDay
      ?? RelativeTime(text)?.applied(to: now)
  }
}

/// A distance in time as people write it: `-30d`, `+2w`, `-6mo`.
struct RelativeTime {
  private let amount: Int
  private let unit: String

  /// The farthest distance, in units.
  private static let amountMax = 10_000

  init?(_ text: String) {
    guard let match = text.wholeMatch(of: /([+-])([0-9]{1,5})(m|h|d|w|mo|y)/),
      let amount = Int(match.2), amount <= Self.amountMax
    else { return nil }
    self.amount = match.1 == "-" ? -amount : amount
    unit = String(match.3)
  }

  /// The moment so far from `now`; months and years are the calendar's, cut to the month's last
  /// day.
  ///
  /// Nil when that lies outside the years 1 to 9999.
  func applied(to now: Timestamp) -> Timestamp? {
    let day = now.day
    let target: CalendarDay?
    switch unit {
    case "m": return Self.inRange(now.advanced(byMilliseconds: Int64(amount) * 60_000))
    case "h": return Self.inRange(now.advanced(byMilliseconds: Int64(amount) * 3_600_000))
    case "d": target = CalendarDay(daysSinceEpoch: day.daysSinceEpoch + amount)
    case "w": target = CalendarDay(daysSinceEpoch: day.daysSinceEpoch + 7 * amount)
    default:
      let months = day.year * 12 + day.month - 1 + (unit == "y" ? 12 * amount : amount)
      guard months > 0 else { return nil }
      target =
        (28...31).reversed().lazy
        .compactMap {
          CalendarDay(year: months / 12, month: months % 12 + 1, day: min(day.day, $0))
        }
        .first
    }
    guard let target else { return nil }
    return Self.inRange(
      now.advanced(
        byMilliseconds: target.startOfDay.milliseconds - day.startOfDay.milliseconds))
  }

  private static func inRange(_ timestamp: Timestamp) -> Timestamp? {
    (1...9999).contains(timestamp.day.year) ? timestamp : nil
  }
}
