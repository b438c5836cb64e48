import JSON
import Testing

@Suite struct JSONParserTests {
  @Test("valid texts are read")
  func reads() throws {
    let texts: [(String, JSONValue)] = [
      ("null", .null), (" true ", true), ("\t[\r\n]", []), ("{}", [:]),
      ("[1,[2,[3]]]", [1, [2, [3]]]), (#"{"a":{"b":null}}"#, ["a": ["b": nil]]),
      (#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#, "\"\\/\u{8}\u{c}\n\r\té😀"),
      (#""é😀\u0000""#, "é😀\0"), ("-0", .number(JSONNumber(unchecked: "-0"))),
      ("1.50e+3", .number(JSONNumber(unchecked: "1.50e+3"))),
    ]
    for (text, value) in texts { #expect(try JSONParser.parse(text) == value) }
  }

  @Test(
    "malformed texts are refused",
    arguments: [
      "", " ", "nul", "nulll", "True", "+1", "01", "1.", ".5", "1e", "1e+", "--1", "0x1", "NaN",
      "Infinity", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{", "}", "{\"a\"", "{\"a\":",
      "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{'a':1}", "{1:1}",
      "{\"a\" 1}",
      "{\"a\":1 \"b\":2}",
      "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"",
      "\"\\ud800x\"", "\"\\ud800\\n\"", "\"\\ud800\\ud800\"", "\"\\udc00\"", "\"a\nb\"",
      "\"\u{1}\"",
      "1 2", "{}{}", "// c\n1", "\u{feff}1", "\u{a0}1", "\"\\u００４１\"", "１",
    ])
  func refuses(text: String) {
    #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(text) }
  }

  @Test("bytes that are not UTF-8 are refused, in names and in values")
  func invalidUTF8() {
    for bytes: [UInt8] in [
      [0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe9],
    ] {
      let string = [0x22] + bytes + [0x22]
      #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(string) }
      #expect(throws: JSONSyntaxError.self) {
        try JSONParser.parse(Array("{".utf8) + string + Array(":1}".utf8))
      }
      #expect(throws: JSONSyntaxError.self) {
        try JSONParser.parse(Array("\"\\n".utf8) + string.dropFirst())
      }
      #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(bytes) }
    }
  }

  @Test("a member that stands twice is refused, in small objects and large ones")
  func duplicates() throws {
    expectError("the member stands twice", at: 7) {
      try JSONParser.parse(#"{"a":1,"a":2}"#)
    }
    #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(#"{"a":1,"\u0061":2}"#) }
    for count in 1...40 {
      for twice in 0..<count {
        let names = (0..<count).map { "\"n\($0)\":0" } + ["\"n\(twice)\":0"]
        #expect(throws: JSONSyntaxError.self) {
          try JSONParser.parse("{" + names.joined(separator: ",") + "}")
        }
      }
    }
  }

  @Test("nesting is bounded, also when nothing closes")
  func nesting() throws {
    let deepest = JSONParser.depthMax
    let fits = String(repeating: "[", count: deepest) + String(repeating: "]", count: deepest)
    _ = try JSONParser.parse(fits)
    #expect(throws: JSONSyntaxError.self) { try JSONParser.parse("[" + fits + "]") }
    #expect(throws: JSONSyntaxError.self) {
      try JSONParser.parse(String(repeating: "[{\"a\":", count: 100_000))
    }
    _ = try JSONParser.parse("[" + Array(repeating: "[]", count: 1000).joined(separator: ",") + "]")
  }

  private func expectError(
    _ reason: String, at offset: Int, _ parse: () throws -> JSONValue,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: JSONSyntaxError.self, sourceLocation: sourceLocation) {
      _ = try parse()
    }
    #expect(error?.reason == reason, sourceLocation: sourceLocation)
    #expect(error?.offset == offset, sourceLocation: sourceLocation)
  }

  @Test("an error names the byte at fault")
  func offsets() {
    expectError("a value cannot begin like this", at: 4) {
      try JSONParser.parse("[1, x]")
    }
    expectError("there is more text after the value", at: 2) {
      try JSONParser.parse("1 2")
    }
  }

  @Test("a text with random bytes changed is read or refused, and never traps")
  func fuzz() {
    var generator = SplitMix(state: 2026)
    let seed = Array(
      #"{"a":[1,-2.5e3,true,false,null],"b":{"c":"é\n\u00e9\ud83d\ude00"},"d":[{},[],""]}"#.utf8)
    let alphabet = Array("{}[]\",:\\ueE+-.0123456789truefalsn \n\u{1}é".utf8) + [0xff, 0xc3, 0x80]
    for _ in 0..<60_000 {
      var bytes = seed
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[index] = byte
        case 1: bytes.insert(byte, at: index)
        case 2 where bytes.count > 1: bytes.remove(at: index)
        default: bytes.removeLast(Int.random(in: 0..<min(4, bytes.count), using: &generator))
        }
        if bytes.isEmpty { bytes = seed }
      }
      guard let value = try? JSONParser.parse(bytes) else { continue }  // refused is fine here
      // What was read is written so that it reads as the same value.
      #expect((try? JSONParser.parse(value.bytes)) == value)
    }
  }
}

/// A small generator with a seed, so that a failure can be repeated (Steele, Lea, Flood 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
