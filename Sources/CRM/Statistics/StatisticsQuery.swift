public import HTTP
internal import JSON
public import Values

/// The period that statistics are wanted of, and whose days they are told by.
public struct StatisticsQuery: Sendable {
  /// The parameters that are read here.
  public static let names = ["period", "since", "until", "tz"]

  /// The period as it was asked for: `30d`, or its two ends with a slash between them.
  let name: String
  let period: CounterPeriod
  let now: Timestamp
  let zone: LocalTime

  /// What is told when nothing is said.
  public static let periodDefault = "30d"

  /// Reads the parameters out of `values`, by name.
  ///
  /// `since` and `until` are the ends of the period, the first of which may also stand in `period`;
  /// without `until` it ends now, without the others it began 30 days before.
  ///
  /// - Parameters:
  ///   - timeZone: The tenant's, where it has set one.
  ///   - periodDefault: What is told when nothing is said.
  /// - Throws: 400 `invalid_parameter` naming the parameter at fault.
  public init(
    _ values: [String: String], timeZone: String?, now: Timestamp,
    periodDefault: String = StatisticsQuery.periodDefault
  ) throws(Problem) {
    self.now = now
    if values["since"] != nil, values["period"] != nil {
      throw .invalidParameter("period", "cannot stand beside since")
    }
    // What happened in this very millisecond has happened.
    let end = now.advanced(byMilliseconds: 1)
    var until = end
    if let text = values["until"] { until = try PeriodBound.parse(text, "until", now: now) }
    let name = values["since"] == nil ? "period" : "since"
    let text = values[name] ?? periodDefault
    let isPeriodBefore = name == "period" && values["until"] != nil
    let since = try PeriodBound.parse(text, name, now: isPeriodBefore ? until : now)
    guard since < until else { throw .invalidParameter(name, "must begin before it ends") }
    self.name =
      values["since"] == nil && values["until"] == nil
      ? text : "\(since.rfc3339)/\((values["until"] == nil ? now : until).rfc3339)"
    period = CounterPeriod(since: since, until: until)
    if let identifier = values["tz"] {
      guard let zone = LocalTime(identifier) else {
        throw .invalidParameter("tz", "must be a time zone such as Europe/Paris")
      }
      self.zone = zone
    } else {
      zone = timeZone.flatMap(LocalTime.init) ?? .utc
    }
  }
}
