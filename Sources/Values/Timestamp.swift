/// A moment in UTC with millisecond precision, written as RFC 3339: `2026-01-31T10:30:00.000Z`.
///
/// The fixed-width text form sorts like the moment itself, so it is what the database stores.
public struct Timestamp: Sendable, Hashable, Comparable {
  /// Milliseconds since 1970-01-01T00:00:00Z.
  public let milliseconds: Int64

  /// The moment `milliseconds` after the Unix epoch.
  public init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  /// Reads RFC 3339 with any offset and any number of fraction digits (cut to milliseconds).
  ///
  /// Nil for anything else: a missing offset, a day that does not exist, a year outside 0001-9999.
  public init?(rfc3339 text: String) {
    var reader = DateTimeReader(text)
    guard let milliseconds = reader.milliseconds() else { return nil }
    self.milliseconds = milliseconds
  }

  /// The calendar day in UTC.
  public var day: CalendarDay {
    CalendarDay(daysSinceEpoch: Int(milliseconds.flooringQuotient(by: 86_400_000)))
  }

  /// The text form, always 24 bytes.
  public var rfc3339: String {
    let date = day
    let ofDay = Int(milliseconds - Int64(date.daysSinceEpoch) * 86_400_000)
    var text: [24 of UInt8] = .init(repeating: UInt8(ascii: "0"))
    func digits(_ value: Int, at index: Int, count: Int) {
      var value = value
      for position in stride(from: index + count - 1, through: index, by: -1) {
        text[position] = UInt8(ascii: "0") + UInt8(value % 10)
        value /= 10
      }
    }
    digits(date.year, at: 0, count: 4)
    text[4] = UInt8(ascii: "-")
    digits(date.month, at: 5, count: 2)
    text[7] = UInt8(ascii: "-")
    digits(date.day, at: 8, count: 2)
    text[10] = UInt8(ascii: "T")
    digits(ofDay / 3_600_000, at: 11, count: 2)
    text[13] = UInt8(ascii: ":")
    digits(ofDay / 60_000 % 60, at: 14, count: 2)
    text[16] = UInt8(ascii: ":")
    digits(ofDay / 1000 % 60, at: 17, count: 2)
    text[19] = UInt8(ascii: ".")
    digits(ofDay % 1000, at: 20, count: 3)
    text[23] = UInt8(ascii: "Z")
    // The error could only say that the bytes are not UTF-8; the line below says more.
    guard let utf8 = try? UTF8Span(validating: text.span) else {
      preconditionFailure("the text of a timestamp is ASCII")
    }
    return String(copying: utf8)
  }

  /// Whether `left` is the earlier moment.
  public static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.milliseconds < right.milliseconds
  }

  /// The moment `milliseconds` later (or earlier, when negative).
  public func advanced(byMilliseconds milliseconds: Int64) -> Timestamp {
    Timestamp(milliseconds: self.milliseconds + milliseconds)
  }
}
