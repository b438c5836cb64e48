internal import Values

/// Writes JSON text into a byte buffer, without building values first.
///
/// Commas are placed by the writer; nesting and names are the caller's to get right.
public struct JSONWriter: Sendable {
  @usableFromInline var buffer: [UInt8] = []
  @usableFromInline var needsComma = false

  /// What has been written so far.
  @inlinable public var bytes: [UInt8] { buffer }

  /// An empty writer with room for `capacity` bytes.
  public init(capacity: Int = 256) {
    buffer.reserveCapacity(capacity)
  }

  /// Opens an object.
  public mutating func beginObject() { open(UInt8(ascii: "{")) }
  /// Closes an object.
  public mutating func endObject() { close(UInt8(ascii: "}")) }
  /// Opens an array.
  public mutating func beginArray() { open(UInt8(ascii: "[")) }
  /// Closes an array.
  public mutating func endArray() { close(UInt8(ascii: "]")) }

  /// Writes a member's name; its value must follow.
  public mutating func name(_ name: String) {
    separate()
    quoted(name)
    buffer.append(UInt8(ascii: ":"))
    needsComma = false
  }

  /// Writes a string.
  public mutating func string(_ text: String) {
    separate()
    quoted(text)
  }

  /// Writes an integer.
  public mutating func integer(_ value: Int64) {
    separate()
    buffer.append(contentsOf: String(value).utf8)
  }

  /// Writes `units` × 10^-scale as a number.
  public mutating func decimal(units: Int64, scale: Int) {
    separate()
    buffer.append(contentsOf: FixedPoint.text(units: units, scale: scale).utf8)
  }

  /// Writes `true` or `false`.
  public mutating func bool(_ value: Bool) {
    separate()
    buffer.append(contentsOf: value ? "true".utf8 : "false".utf8)
  }

  /// Writes `null`.
  public mutating func null() {
    separate()
    buffer.append(contentsOf: "null".utf8)
  }

  /// Writes text that is JSON already.
  ///
  /// Inlinable, so that the copy is one of whole blocks for every kind of collection.
  @inlinable public mutating func raw(_ json: some Collection<UInt8>) {
    separate()
    buffer.append(contentsOf: json)
  }

  /// Writes a whole value.
  public mutating func value(_ value: JSONValue) {
    switch value {
    case .null: null()
    case .bool(let flag): bool(flag)
    case .number(let number): raw(number.text.utf8)
    case .string(let text): string(text)
    case .array(let elements):
      beginArray()
      for element in elements { self.value(element) }
      endArray()
    case .object(let object):
      beginObject()
      for member in object.members {
        name(member.name)
        self.value(member.value)
      }
      endObject()
    }
  }

  /// Writes a string member, or null.
  public mutating func member(_ name: String, _ text: String?) {
    self.name(name)
    if let text { string(text) } else { null() }
  }

  /// Writes any member.
  public mutating func member(_ name: String, _ value: JSONValue) {
    self.name(name)
    self.value(value)
  }

  /// Appends bytes as they are, with no comma: for a caller that places its own.
  public mutating func append(verbatim text: some Collection<UInt8>) {
    buffer.append(contentsOf: text)
    needsComma = true
  }

  /// Ends a line, for texts of one value a line; what follows needs no comma.
  public mutating func endLine() {
    buffer.append(0x0a)
    needsComma = false
  }

  private mutating func open(_ byte: UInt8) {
    separate()
    buffer.append(byte)
    needsComma = false
  }

  private mutating func close(_ byte: UInt8) {
    buffer.append(byte)
    needsComma = true
  }

  @inlinable mutating func separate() {
    if needsComma { buffer.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func quoted(_ text: String) {
    buffer.append(UInt8(ascii: "\""))
    if JSONText.needsEscape(text) {
      JSONText.appendEscaped(text.utf8.span, to: &buffer)
    } else {
      buffer.append(contentsOf: text.utf8)
    }
    buffer.append(UInt8(ascii: "\""))
  }
}

/// The escaping of RFC 8259 section 7.
public enum JSONText {
  private static let digits = Array("0123456789abcdef".utf8)

  /// Whether any byte of `text` must be escaped.
  ///
  /// Most texts need none and are copied as a block.
  static func needsEscape(_ text: String) -> Bool {
    // No early exit and no branch, so that the loop runs on vectors. Native strings always have
    // their bytes in one piece; any other is searched while it is escaped.
    text.utf8.withContiguousStorageIfAvailable { bytes in
      var found: UInt8 = 0
      for byte in bytes {
        found |= byte < 0x20 ? 1 : 0
        found |= byte == UInt8(ascii: "\"") ? 1 : 0
        found |= byte == UInt8(ascii: "\\") ? 1 : 0
      }
      return found != 0
    } ?? true
  }

  /// Appends UTF-8 `text` with quotation mark, reverse solidus and control characters escaped.
  public static func appendEscaped(_ text: Span<UInt8>, to bytes: inout [UInt8]) {
    for index in text.indices {
      let byte = text[index]
      if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
        bytes.append(byte)
        continue
      }
      bytes.append(UInt8(ascii: "\\"))
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
      case 0x08: bytes.append(UInt8(ascii: "b"))
      case 0x09: bytes.append(UInt8(ascii: "t"))
      case 0x0a: bytes.append(UInt8(ascii: "n"))
      case 0x0c: bytes.append(UInt8(ascii: "f"))
      case 0x0d: bytes.append(UInt8(ascii: "r"))
      default:
        bytes.append(contentsOf: "u00".utf8)
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
      }
    }
  }
}
