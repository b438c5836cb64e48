/// A decimal number held as a whole count of its smallest unit, so that sums never drift.
///
/// Money has a scale of 2 (cents), credits a scale of 4.
public enum FixedPoint {
  /// Why a text is not a number of the wanted scale.
  public enum ParseError: Error, Equatable {
    /// The text is not a JSON number.
    case notANumber
    /// There are more decimals than `scale` allows; nothing is ever rounded.
    case tooManyDecimals
    /// The number of units does not fit 64 bits.
    case outOfRange
  }

  /// Reads a JSON number such as `-12.5` or `1e3` as units of 10^-scale.
  ///
  /// - Throws: ``ParseError`` when a digit would be lost.
  public static func units(_ text: String, scale: Int) throws(ParseError) -> Int64 {
    var digits: [UInt8] = []
    var decimals = 0
    var exponent = 0
    var negative = false
    var seenPoint = false
    var rest = Substring(text).utf8
    if rest.first == UInt8(ascii: "-") {
      negative = true
      rest.removeFirst()
    }
    while let byte = rest.first {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        digits.append(byte - UInt8(ascii: "0"))
        if seenPoint { decimals += 1 }
      case UInt8(ascii: ".") where !seenPoint:
        seenPoint = true
      case UInt8(ascii: "e"), UInt8(ascii: "E"):
        guard let value = Int(Substring(rest.dropFirst())), (-399...399).contains(value) else {
          // Nothing is too small or too large to be zero.
          if !digits.isEmpty, digits.allSatisfy({ $0 == 0 }) { return 0 }
          throw .notANumber
        }
        exponent = value
        rest = rest.suffix(1)
      default:
        throw .notANumber
      }
      rest.removeFirst()
    }
    guard !digits.isEmpty else { throw .notANumber }
    // The number is digits × 10^(exponent - decimals); it is wanted as units × 10^-scale.
    var shift = exponent - decimals + scale
    while shift < 0, digits.last == 0 {
      digits.removeLast()
      shift += 1
    }
    if digits.isEmpty || digits.allSatisfy({ $0 == 0 }) { return 0 }
    guard shift >= 0 else { throw .tooManyDecimals }
    var units: Int64 = 0
    for digit in digits + Array(repeating: 0, count: shift) {
      let (product, overflow) = units.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(Int64(digit))
      guard !overflow, !carry else { throw .outOfRange }
      units = sum
    }
    return negative ? -units : units
  }

  /// The shortest decimal text of `units` × 10^-scale: `50000`, `0.1`, `-12.34`.
  public static func text(units: Int64, scale: Int) -> String {
    var divisor: UInt64 = 1
    for _ in 0..<scale { divisor *= 10 }
    let magnitude = units.magnitude
    let sign = units < 0 ? "-" : ""
    let fraction = magnitude % divisor
    guard fraction != 0 else { return "\(sign)\(magnitude / divisor)" }
    var decimals = String(fraction)
    decimals = String(repeating: "0", count: scale - decimals.count) + decimals
    while decimals.hasSuffix("0") { decimals.removeLast() }
    return "\(sign)\(magnitude / divisor).\(decimals)"
  }
}
