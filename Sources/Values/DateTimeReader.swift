/// Reads the fixed parts of RFC 3339 from the left.
struct DateTimeReader {
  private var rest: Substring.UTF8View

  init(_ text: String) {
    rest = Substring(text).utf8
  }

  var isAtEnd: Bool { rest.isEmpty }

  /// `YYYY-MM-DD`.
  mutating func day() -> CalendarDay? {
    guard let year = digits(4), take("-"), let month = digits(2), take("-"), let day = digits(2)
    else { return nil }
    return CalendarDay(year: year, month: month, day: day)
  }

  /// A whole RFC 3339 date-time as milliseconds since the epoch.
  mutating func milliseconds() -> Int64? {
    guard let day = day(), take("T") || take("t") || take(" "),
      let hour = digits(2), hour < 24, take(":"),
      let minute = digits(2), minute < 60, take(":"),
      // RFC 3339 allows the leap second 60; it counts as the first second of the next minute.
      let second = digits(2), second <= 60,
      let fraction = fraction(), let offset = offsetMinutes(), isAtEnd
    else { return nil }
    let seconds = (hour * 60 + minute - offset) * 60 + second
    return Int64(day.daysSinceEpoch) * 86_400_000 + Int64(seconds) * 1000 + Int64(fraction)
  }

  /// The fraction in milliseconds, 0 when there is none.
  private mutating func fraction() -> Int? {
    guard take(".") else { return 0 }
    var milliseconds = 0
    var scale = 100
    var count = 0
    while let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      milliseconds += Int(byte - UInt8(ascii: "0")) * scale
      scale /= 10
      count += 1
      rest.removeFirst()
    }
    return (1...9).contains(count) ? milliseconds : nil
  }

  private mutating func offsetMinutes() -> Int? {
    if take("Z") || take("z") { return 0 }
    let sign = take("+") ? 1 : take("-") ? -1 : 0
    guard sign != 0, let hours = digits(2), hours < 24, take(":"), let minutes = digits(2),
      minutes < 60
    else { return nil }
    return sign * (hours * 60 + minutes)
  }

  private mutating func digits(_ count: Int) -> Int? {
    var value = 0
    for _ in 0..<count {
      guard let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else {
        return nil
      }
      value = value * 10 + Int(byte - UInt8(ascii: "0"))
      rest.removeFirst()
    }
    return value
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: character) else { return false }
    rest.removeFirst()
    return true
  }
}
