public import HTTP
internal import JSON
public import Values

/// The period that a report of activity is wanted of, and by what it tells time.
public struct ActivityReportQuery: Sendable {
  /// The parameters that are read here.
  public static let names = StatisticsQuery.names + ["groupBy"]

  /// The period as it was asked for: `30d`, or its two ends with a slash between them.
  let name: String
  let period: Range<Timestamp>
  let grouping: TimeGrouping
  let zone: LocalTime
  let now: Timestamp

  /// Reads the parameters out of `values`, by name.
  ///
  /// - Parameters:
  ///   - timeZone: The tenant's, where it has set one.
  ///   - periodDefault: What is told when nothing is said.
  /// - Throws: 400 `invalid_parameter` naming the parameter at fault.
  public init(
    _ values: [String: String], timeZone: String?, now: Timestamp,
    periodDefault: String = StatisticsQuery.periodDefault
  ) throws(Problem) {
    let query = try StatisticsQuery(
      values, timeZone: timeZone, now: now, periodDefault: periodDefault)
    // A period that ends now bears the name by which it was asked for, whatever the parameter.
    name = values["until"] == nil ? values["since"] ?? query.name : query.name
    let until = query.period.until
    period = (query.period.since ?? until)..<until
    grouping = try TimeGrouping.parse(values["groupBy"])
    zone = query.zone
    self.now = now
  }
}
