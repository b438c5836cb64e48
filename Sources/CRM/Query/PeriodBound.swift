public import HTTP
public import Values

/// The start or the end of a period as a query string names it.
public enum PeriodBound {
  /// Reads a time, a day or a distance back from now.
  ///
  /// `2026-01-31T10:30:00Z`; `2026-01-31`, its first moment; `90m`, `24h`, `7d`, `4w`, `6mo`, `1y`.
  ///
  /// - Throws: 400 `invalid_parameter` naming the parameter.
  public static func parse(_ text: String, _ name: String, now: Timestamp) throws(Problem)
    -> Timestamp
  {
    let bound =
      Timestamp(rfc3339: text) ?? CalendarDay(text)?.startOfDay
      ?? RelativeTime("-\(text)")?.applied(to: now)
    guard let bound else {
      throw .invalidParameter(
        name, "must be a time (2026-01-31T10:30:00Z), a day (2026-01-31) or a distance back (7d)")
    }
    return bound
  }
}
