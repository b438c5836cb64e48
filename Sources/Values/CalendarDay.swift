/// A day of the proleptic Gregorian calendar without a time zone: `2026-01-31`.
///
/// The conversions are Howard Hinnant's `days_from_civil` and `civil_from_days`
/// (howardhinnant.github.io/date_algorithms.html), exact for every year used here.
public struct CalendarDay: Sendable, Hashable, Comparable {
  /// Days since 1970-01-01; negative before it.
  public let daysSinceEpoch: Int
  /// The year, 1 to 9999 for every day that was read from text.
  public let year: Int
  /// The month, 1 to 12.
  public let month: Int
  /// The day of the month, 1 to 31.
  public let day: Int

  /// The day that lies `daysSinceEpoch` days after 1970-01-01.
  public init(daysSinceEpoch: Int) {
    self.daysSinceEpoch = daysSinceEpoch
    let shifted = daysSinceEpoch + 719_468
    let era = shifted.flooringQuotient(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// The day named by year, month and day of the month; nil when it does not exist.
  public init?(year: Int, month: Int, day: Int) {
    guard (1...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else {
      return nil
    }
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = shiftedYear.flooringQuotient(by: 400)
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    self.init(daysSinceEpoch: era * 146_097 + dayOfEra - 719_468)
    // 30 February maps to a day of March: what comes back must be what went in.
    guard self.month == month, self.day == day else { return nil }
  }

  /// Reads `YYYY-MM-DD`; nil for anything else.
  public init?(_ text: String) {
    var reader = DateTimeReader(text)
    guard let day = reader.day(), reader.isAtEnd else { return nil }
    self = day
  }

  /// The text form `YYYY-MM-DD`.
  public var text: String {
    String(startOfDay.rfc3339.prefix(10))
  }

  /// Midnight UTC at the start of the day.
  public var startOfDay: Timestamp {
    Timestamp(milliseconds: Int64(daysSinceEpoch) * 86_400_000)
  }

  /// The week of ISO 8601 in which the day lies: `2026-W05`.
  ///
  /// Weeks begin on Monday and belong to the year in which their Thursday lies.
  public var isoWeekText: String {
    // 1970-01-01 was a Thursday.
    let thursday = CalendarDay(
      daysSinceEpoch: (daysSinceEpoch + 3).flooringQuotient(by: 7) * 7)
    // Every year of the calendar begins on 1 January.
    let newYear = CalendarDay(year: thursday.year, month: 1, day: 1) ?? thursday
    let week = (thursday.daysSinceEpoch - newYear.daysSinceEpoch) / 7 + 1
    return "\(thursday.text.prefix(4))-W\(week < 10 ? "0" : "")\(week)"
  }

  /// Whether `left` is the earlier day.
  public static func < (left: CalendarDay, right: CalendarDay) -> Bool {
    left.daysSinceEpoch < right.daysSinceEpoch
  }
}

extension BinaryInteger {
  /// The quotient rounded towards negative infinity; `divisor` is positive.
  public func flooringQuotient(by divisor: Self) -> Self {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
