internal import Foundation

/// The calendar of a time zone: which day a moment belongs to there.
public struct LocalTime: Sendable {
  /// The zone's name in the IANA database: `Europe/Paris`.
  public let identifier: String
  private let zone: TimeZone

  /// Coordinated universal time.
  public static let utc = LocalTime(identifier: "UTC", zone: .gmt)

  private init(identifier: String, zone: TimeZone) {
    self.identifier = identifier
    self.zone = zone
  }

  /// The zone of that name, nil when there is none.
  public init?(_ identifier: String) {
    guard let zone = TimeZone(identifier: identifier) else { return nil }
    self.init(identifier: identifier, zone: zone)
  }

  /// The day in which `moment` lies.
  public func day(of moment: Timestamp) -> CalendarDay {
    moment.advanced(byMilliseconds: offsetMilliseconds(at: moment)).day
  }

  /// By how much the zone's clocks are ahead of UTC at `moment`.
  public func offsetMilliseconds(at moment: Timestamp) -> Int64 {
    let seconds = moment.milliseconds.flooringQuotient(by: 1000)
    return Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))) * 1000
  }
}
