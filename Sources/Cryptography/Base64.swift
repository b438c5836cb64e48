/// Base 64 text (RFC 4648), read strictly: one text for each sequence of bytes.
public enum Base64 {
  private static let standard = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let url = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
  private static let standardValues = values(of: standard)
  private static let urlValues = values(of: url)
  private static let padding = UInt8(ascii: "=")
  /// Marks a byte that is no digit.
  private static let none: UInt8 = 0xff

  /// The text with padding (section 4).
  public static func encode(_ bytes: [UInt8]) -> String {
    var text = digits(bytes, standard)
    while !text.count.isMultiple(of: 4) { text.append(padding) }
    return String(decoding: text, as: UTF8.self)
  }

  /// The text of the URL-safe alphabet without padding (section 5), as JWS has it.
  public static func encodeURL(_ bytes: [UInt8]) -> String {
    String(decoding: digits(bytes, url), as: UTF8.self)
  }

  /// The bytes of text with padding; nil for a missing or superfluous character, space, or
  /// leftover bits that are not zero.
  public static func decode(_ text: String) -> [UInt8]? {
    var digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 4) else { return nil }
    for _ in 0..<2 where digits.last == padding { digits.removeLast() }
    return bytes(digits, standardValues)
  }

  /// The bytes of URL-safe text without padding; nil as for ``decode(_:)``.
  public static func decodeURL(_ text: String) -> [UInt8]? {
    bytes(Array(text.utf8), urlValues)
  }

  private static func digits(_ bytes: [UInt8], _ alphabet: [UInt8]) -> [UInt8] {
    var digits: [UInt8] = []
    digits.reserveCapacity((bytes.count + 2) / 3 * 4)
    var bits: UInt32 = 0
    var bitCount: UInt32 = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      bitCount += 8
      while bitCount >= 6 {
        bitCount -= 6
        digits.append(alphabet[Int(bits >> bitCount & 63)])
      }
    }
    if bitCount > 0 { digits.append(alphabet[Int(bits << (6 - bitCount) & 63)]) }
    return digits
  }

  private static func bytes(_ digits: [UInt8], _ values: [UInt8]) -> [UInt8]? {
    // A single digit left over holds no whole byte.
    guard digits.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count * 3 / 4)
    var bits: UInt32 = 0
    var bitCount: UInt32 = 0
    for digit in digits {
      let value = values[Int(digit)]
      guard value != none else { return nil }
      bits = bits << 6 | UInt32(value)
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> bitCount))
      }
    }
    guard bits & (1 << bitCount - 1) == 0 else { return nil }
    return bytes
  }

  private static func values(of alphabet: [UInt8]) -> [UInt8] {
    var values = [UInt8](repeating: none, count: 256)
    for (value, digit) in alphabet.enumerated() { values[Int(digit)] = UInt8(value) }
    return values
  }
}
