internal import Values

/// A number in the text it was written in.
///
/// Two numbers are equal when their texts are, after trailing zeros of a fraction are dropped:
/// `1.50` equals `1.5`.
public struct JSONNumber: Sendable, Hashable {
  /// The number's text, valid by the grammar of RFC 8259 section 6.
  public let text: String

  /// Takes text that is known to follow the grammar.
  public init(unchecked text: String) {
    var text = text
    if text.utf8.contains(UInt8(ascii: ".")), !text.utf8.contains(UInt8(ascii: "e")),
      !text.utf8.contains(UInt8(ascii: "E"))
    {
      while text.hasSuffix("0") { text.removeLast() }
      if text.hasSuffix(".") { text.removeLast() }
    }
    self.text = text
  }

  /// The number `units` × 10^-scale.
  public init(units: Int64, scale: Int) {
    text = FixedPoint.text(units: units, scale: scale)
  }

  /// The number as whole units of 10^-scale; nil when a digit would be lost or it does not fit.
  public func units(scale: Int) -> Int64? {
    // The reason does not matter here; who needs it asks FixedPoint itself.
    try? FixedPoint.units(text, scale: scale)
  }

  /// The nearest binary floating-point number.
  public var double: Double? { Double(text) }
}
