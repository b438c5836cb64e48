/// Why a text is not JSON, with the byte at which that was seen.
public struct JSONSyntaxError: Error, Sendable, Equatable {
  /// What is wrong, in words for the person who sent it.
  public let reason: String
  /// The offset of the byte at fault, from 0.
  public let offset: Int
}

/// Reads JSON text (RFC 8259) strictly: valid UTF-8, unique member names, bounded nesting.
///
/// Own code instead of Foundation's because numbers must keep their digits, a second member of one
/// name must be refused, and an error must say where it is.
public struct JSONParser {
  /// How deep arrays and objects may nest.
  public static let depthMax = 32
  /// How many members one object may have; finding a member walks through them.
  public static let membersMax = 1000

  /// A member of an object, with the bytes of the text that its value stands in.
  public struct LocatedMember: Sendable {
    /// The member's name.
    public let name: String
    /// The member's value.
    public let value: JSONValue
    /// Where the value stands, so that a caller can keep it exactly as it was written.
    public let range: Range<Int>
  }

  private let input: [UInt8]
  private var index = 0
  private var depth = 0
  /// Where the values of the outermost object stand; nil when nobody asks.
  private var outermost: [Range<Int>]?

  /// Reads `bytes` as one JSON value with nothing after it.
  ///
  /// - Throws: ``JSONSyntaxError`` naming the first byte at fault.
  public static func parse(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSONValue {
    var parser = JSONParser(input: bytes)
    let value = try parser.parseValue()
    parser.skipSpace()
    guard parser.index == bytes.count else {
      throw parser.error("there is more text after the value")
    }
    return value
  }

  /// Reads `text` as one JSON value with nothing after it.
  ///
  /// - Throws: ``JSONSyntaxError`` naming the first byte at fault.
  public static func parse(_ text: String) throws(JSONSyntaxError) -> JSONValue {
    try parse(Array(text.utf8))
  }

  /// Reads `bytes` as one JSON object with nothing after it, and says where its values stand.
  ///
  /// - Throws: ``JSONSyntaxError`` naming the first byte at fault.
  public static func locatedMembers(
    _ bytes: [UInt8]
  ) throws(JSONSyntaxError) -> [LocatedMember] {
    var parser = JSONParser(input: bytes)
    parser.outermost = []
    guard case .object(let object) = try parser.parseValue() else {
      throw JSONSyntaxError(reason: "an object is wanted", offset: 0)
    }
    parser.skipSpace()
    guard parser.index == bytes.count else {
      throw parser.error("there is more text after the value")
    }
    return zip(object.members, parser.outermost ?? []).map { member, range in
      LocatedMember(name: member.name, value: member.value, range: range)
    }
  }

  private init(input: [UInt8]) {
    self.input = input
  }

  private mutating func parseValue() throws(JSONSyntaxError) -> JSONValue {
    skipSpace()
    guard index < input.count else { throw error("the text ends where a value must stand") }
    switch input[index] {
    case UInt8(ascii: "{"): return .object(try parseObject())
    case UInt8(ascii: "["): return .array(try parseArray())
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"):
      try expect("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try expect("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try expect("null")
      return .null
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return .number(try parseNumber())
    default:
      throw error("a value cannot begin like this")
    }
  }

  private mutating func parseObject() throws(JSONSyntaxError) -> JSONObject {
    try enter()
    var members: [JSONObject.Member] = []
    // Hashing pays only for larger objects; most have a dozen members.
    var names: Set<String> = []
    skipSpace()
    if take("}") {
      depth -= 1
      return JSONObject(unchecked: members)
    }
    repeat {
      skipSpace()
      guard index < input.count, input[index] == UInt8(ascii: "\"") else {
        throw error("a member's name in quotation marks is wanted")
      }
      let start = index
      let name = try parseString()
      let isKnown =
        members.count < 16
        ? members.contains { $0.name == name }
        : names.contains(name)
      if isKnown { throw JSONSyntaxError(reason: "the member stands twice", offset: start) }
      skipSpace()
      guard take(":") else { throw error("a colon is wanted") }
      guard members.count < Self.membersMax else {
        throw error("an object has more than \(Self.membersMax) members")
      }
      skipSpace()
      let begin = index
      members.append(.init(name: name, value: try parseValue()))
      if outermost != nil, depth == 1 { outermost?.append(begin..<index) }
      if members.count == 16 { names = Set(members.map(\.name)) }
      if members.count > 16 { names.insert(name) }
      skipSpace()
    } while take(",")
    guard take("}") else { throw error("a comma or a closing brace is wanted") }
    depth -= 1
    return JSONObject(unchecked: members)
  }

  private mutating func parseArray() throws(JSONSyntaxError) -> [JSONValue] {
    try enter()
    var elements: [JSONValue] = []
    skipSpace()
    if take("]") {
      depth -= 1
      return elements
    }
    repeat {
      elements.append(try parseValue())
      skipSpace()
    } while take(",")
    guard take("]") else { throw error("a comma or a closing bracket is wanted") }
    depth -= 1
    return elements
  }

  private mutating func parseNumber() throws(JSONSyntaxError) -> JSONNumber {
    let start = index
    _ = take("-")
    if !take("0") {
      guard skipDigits() else { throw error("a digit is wanted") }
    }
    if take("."), !skipDigits() { throw error("a digit is wanted after the point") }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      guard skipDigits() else { throw error("a digit is wanted in the exponent") }
    }
    guard index - start <= 64 else {
      throw JSONSyntaxError(reason: "the number is too long", offset: start)
    }
    return JSONNumber(unchecked: String(decoding: input[start..<index], as: UTF8.self))
  }

  private mutating func parseString() throws(JSONSyntaxError) -> String {
    index += 1
    let start = index
    while index < input.count, input[index] != UInt8(ascii: "\""),
      input[index] != UInt8(ascii: "\\"), input[index] >= 0x20
    {
      index += 1
    }
    if index < input.count, input[index] == UInt8(ascii: "\"") {
      let text = try validated(input[start..<index], at: start)
      index += 1
      return text
    }
    var bytes = Array(input[start..<index])
    while index < input.count {
      let byte = input[index]
      switch byte {
      case UInt8(ascii: "\""):
        index += 1
        return try validated(bytes[...], at: start)
      case UInt8(ascii: "\\"):
        index += 1
        try parseEscape(into: &bytes)
      case 0..<0x20:
        throw error("a control character must be escaped")
      default:
        bytes.append(byte)
        index += 1
      }
    }
    throw error("the text ends inside a string")
  }

  private mutating func parseEscape(into bytes: inout [UInt8]) throws(JSONSyntaxError) {
    guard index < input.count else { throw error("the text ends inside a string") }
    let byte = input[index]
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0c)
    case UInt8(ascii: "n"): bytes.append(0x0a)
    case UInt8(ascii: "r"): bytes.append(0x0d)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "u"): bytes.append(contentsOf: String(try parseUnicodeEscape()).utf8)
    default:
      index -= 1
      throw error("this escape does not exist")
    }
  }

  private mutating func parseUnicodeEscape() throws(JSONSyntaxError) -> Unicode.Scalar {
    let first = try parseHexadecimalWord()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xdc00, take("\\"), take("u") else {
      throw error("half of a surrogate pair stands alone")
    }
    let second = try parseHexadecimalWord()
    guard (0xdc00..<0xe000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
    else { throw error("half of a surrogate pair stands alone") }
    return scalar
  }

  private mutating func parseHexadecimalWord() throws(JSONSyntaxError) -> UInt32 {
    guard index + 4 <= input.count,
      input[index..<index + 4].allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }),
      let word = UInt32(String(decoding: input[index..<index + 4], as: UTF8.self), radix: 16)
    else { throw error("four hexadecimal digits are wanted") }
    index += 4
    return word
  }

  private func validated(_ bytes: ArraySlice<UInt8>, at start: Int) throws(JSONSyntaxError)
    -> String
  {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw JSONSyntaxError(reason: "the string is not valid UTF-8", offset: start)
    }
    return text
  }

  private mutating func enter() throws(JSONSyntaxError) {
    depth += 1
    guard depth <= Self.depthMax else {
      throw error("arrays and objects nest deeper than \(Self.depthMax)")
    }
    index += 1
  }

  private mutating func expect(_ word: StaticString) throws(JSONSyntaxError) {
    let expected = Array(word.description.utf8)
    guard input[index...].starts(with: expected) else { throw error("this word is unknown") }
    index += expected.count
  }

  private mutating func skipDigits() -> Bool {
    let start = index
    while index < input.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(input[index]) {
      index += 1
    }
    return index > start
  }

  private mutating func skipSpace() {
    while index < input.count, [0x20, 0x09, 0x0a, 0x0d].contains(input[index]) { index += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard index < input.count, input[index] == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  private func error(_ reason: String) -> JSONSyntaxError {
    JSONSyntaxError(reason: reason, offset: min(index, input.count))
  }
}
