/// Record ids: UUID version 7 (RFC 9562 section 5.7), lower case, in order of creation.
public enum UUIDv7 {
  /// A new id for the moment `timestamp`: 48 bits of milliseconds, then 74 random bits.
  public static func make(at timestamp: Timestamp, random: RandomSource) -> String {
    let high =
      UInt64(truncatingIfNeeded: timestamp.milliseconds) << 16
      | 0x7000 | random.next() & 0x0fff
    let low = 0x8000_0000_0000_0000 | random.next() & 0x3fff_ffff_ffff_ffff
    var text: [36 of UInt8] = .init(repeating: UInt8(ascii: "-"))
    var place = 0
    func write(_ word: UInt64) {
      for digit in 0..<16 {
        if isDash(place) { place += 1 }
        text[place] = Hexadecimal.digit(word >> UInt64(60 - 4 * digit) & 15)
        place += 1
      }
    }
    write(high)
    write(low)
    // Only digits and dashes were put there, which are UTF-8.
    guard let utf8 = try? UTF8Span(validating: text.span) else {
      preconditionFailure("the text of a UUID is ASCII")
    }
    return String(copying: utf8)
  }

  /// Whether `text` has the canonical lower-case form of any UUID.
  public static func isWellFormed(_ text: String) -> Bool { isWellFormed(text.utf8.span) }

  /// Whether UTF-8 `text` has the canonical lower-case form of any UUID.
  public static func isWellFormed(_ text: Span<UInt8>) -> Bool {
    guard text.count == 36 else { return false }
    for place in text.indices {
      let isRight =
        isDash(place)
        ? text[place] == UInt8(ascii: "-") : Hexadecimal.isLowerCaseDigit(text[place])
      guard isRight else { return false }
    }
    return true
  }

  private static func isDash(_ place: Int) -> Bool {
    place == 8 || place == 13 || place == 18 || place == 23
  }
}

/// Lower-case hexadecimal text.
public enum Hexadecimal {
  private static let digits = Array("0123456789abcdef".utf8)

  /// Two digits for each byte.
  public static func text(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes that an even number of digits (either case) names; nil for anything else.
  public static func bytes(_ text: String) -> [UInt8]? {
    let characters = Array(text.utf8)
    guard characters.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(characters.count / 2)
    for index in stride(from: 0, to: characters.count, by: 2) {
      guard let high = value(characters[index]), let low = value(characters[index + 1]) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  static func digit(_ value: UInt64) -> UInt8 {
    let value = UInt8(value)
    return value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
  }

  static func isLowerCaseDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }

  private static func value(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
