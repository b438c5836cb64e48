internal import HTTP
internal import SQLite
internal import Values

/// Reads the value of a condition by the type of its field.
enum FilterValue {
  /// - Parameters:
  ///   - offset: How many bytes of the parameter's value stand before `text`.
  /// - Throws: 400 `invalid_parameter` when `text` is no value of that type.
  static func parse(
    _ text: String, _ type: FieldType, name: String, offset: Int = 0, now: Timestamp
  ) throws(Problem) -> SQLiteValue {
    func wanted(_ what: String) -> Problem {
      .invalidParameter(name, "must be \(what)", token: text, offset: offset)
    }
    switch type {
    case .integer:
      guard let integer = Int64(text) else { throw wanted("a whole number") }
      return .integer(integer)
    case .decimal(let scale):
      do {
        return .integer(try FixedPoint.units(text, scale: scale))
      } catch {
        throw wanted("a number with at most \(scale) decimals")
      }
    case .flag:
      guard ["true", "false"].contains(text) else { throw wanted("true or false") }
      return .integer(text == "true" ? 1 : 0)
    case .date:
      guard let day = timestamp(text, now: now)?.day else {
        throw wanted("a day (2026-01-31) or relative (-30d)")
      }
      return .text(day.text)
    case .timestamp:
      guard let timestamp = timestamp(text, now: now) else {
        throw wanted("a time (2026-01-31T10:30:00Z), a day (2026-01-31) or relative (-30d)")
      }
      return .text(timestamp.rfc3339)
    case .choice(let words):
      let folded = Folding.fold(text)
      guard let word = words.first(where: { Folding.fold($0) == folded }) else {
        throw wanted("one of \(words.joined(separator: ", "))")
      }
      return .text(word)
    case .currency:
      return .text(text.uppercased())
    case .identifier, .reference, .entity:
      return .text(text.lowercased())
    default:
      return .text(text)
    }
  }

  /// A plus sign that was not percent-encoded arrives as a space: no time has one of its own.
  private static func timestamp(_ text: String, now: Timestamp) -> Timestamp? {
    let text = text.replacing(" ", with: "+")
    return Timestamp(rfc3339: text) ?? CalendarDay(text)?.startOfDay
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
