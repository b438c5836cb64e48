/// Percent-encoding of URIs (RFC 3986 section 2.1).
public enum PercentEncoding {
  /// The text that `encoded` stands for.
  ///
  /// A plus sign stays a plus sign.
  ///
  /// - Returns: nil when an escape is broken or is `%00`, or when the bytes are no UTF-8.
  public static func decode(_ encoded: some StringProtocol) -> String? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(encoded.utf8.count)
    return append(encoded.utf8, plusIsSpace: false, to: &bytes) ? text(bytes) : nil
  }

  /// `text` with every byte escaped that is not an unreserved character.
  public static func encode(_ text: some StringProtocol) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      if isUnreserved(byte) {
        bytes.append(byte)
      } else {
        bytes.append(UInt8(ascii: "%"))
        bytes.append(upperCaseDigits[Int(byte >> 4)])
        bytes.append(upperCaseDigits[Int(byte & 15)])
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The text of one name or value of a query, in which a plus sign stands for a space.
  static func decodeForm(_ encoded: Substring.UTF8View) -> String? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(encoded.count)
    return append(encoded, plusIsSpace: true, to: &bytes) ? text(bytes) : nil
  }

  /// The value of one hexadecimal digit.
  static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  private static let upperCaseDigits = Array("0123456789ABCDEF".utf8)

  private static func append(
    _ encoded: some Sequence<UInt8>, plusIsSpace: Bool, to bytes: inout [UInt8]
  ) -> Bool {
    var iterator = encoded.makeIterator()
    while let byte = iterator.next() {
      if byte == UInt8(ascii: "%") {
        guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit)
        else { return false }
        guard high | low != 0 else { return false }
        bytes.append(high << 4 | low)
      } else if byte == UInt8(ascii: "+") && plusIsSpace {
        bytes.append(UInt8(ascii: " "))
      } else {
        bytes.append(byte)
      }
    }
    return true
  }

  /// A replacement character would let two different paths name the same record, so broken
  /// UTF-8 is refused rather than repaired.
  private static func text(_ bytes: [UInt8]) -> String? {
    String(validating: bytes, as: UTF8.self)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    default:
      false
    }
  }
}
