import Foundation
import JSON
import SQLite
import Testing
import Values

@Suite struct JSONRowTests {
  private let kinds: [(name: String, kind: JSONRowLayout.Kind)] = [
    ("text", .text), ("integer", .integer), ("money", .decimal(scale: 2)), ("tags", .json),
    ("flag", .bool), ("hidden", .skip), ("q\"\\\n", .text),
  ]

  private func rowText(_ values: [SQLiteValue], members: Bool = false) throws -> String {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    var writer = JSONWriter()
    if members { writer.beginObject() }
    try connection.forEachRow("SELECT ?, ?, ?, ?, ?, ?, ?", values) { row in
      let layout = JSONRowLayout(kinds)
      if members {
        row.appendJSONMembers(layout, to: &writer)
      } else {
        row.appendJSONObject(layout, to: &writer)
      }
    }
    if members {
      writer.member("more", true)
      writer.endObject()
    }
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  @Test("each kind is written as it should be, and NULL as null")
  func kindsOfColumns() throws {
    #expect(
      try rowText(["a", -7, 12_345, #"["x",1]"#, 1, "hidden", ""])
        == #"{"text":"a","integer":-7,"money":123.45,"tags":["x",1],"flag":true,"q\"\\\n":""}"#)
    #expect(
      try rowText([nil, nil, nil, nil, nil, nil, nil])
        == #"{"text":null,"integer":null,"money":null,"tags":null,"flag":null,"q\"\\\n":null}"#)
    #expect(
      try rowText(["a", 0, 0, "{}", 0, nil, "b"], members: true)
        == #"{"text":"a","integer":0,"money":0,"tags":{},"flag":false,"q\"\\\n":"b","more":true}"#)
  }

  @Test("rows in an array are separated by commas, and a layout that writes nothing leaves none")
  func separation() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    var writer = JSONWriter()
    writer.beginArray()
    try connection.forEachRow("SELECT 1 UNION ALL SELECT 2") { row in
      row.appendJSONObject(JSONRowLayout([("n", .integer)]), to: &writer)
      writer.beginObject()
      row.appendJSONMembers(JSONRowLayout([("n", .skip)]), to: &writer)
      row.appendJSONMembers(JSONRowLayout([]), to: &writer)
      writer.endObject()
    }
    writer.endArray()
    #expect(String(decoding: writer.bytes, as: UTF8.self) == #"[{"n":1},{},{"n":2},{}]"#)
  }

  @Test("Foundation reads back hostile strings of every length and alignment")
  func hostileStrings() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    let layout = JSONRowLayout([("a", .text), ("b", .text)])
    var generator = SplitMix(state: 99)
    let special = Array(
      "\"\\\u{0}\u{1}\u{8}\n\r\t\u{1f}\u{20}\u{21}\u{22}\u{23}\u{5b}\u{5d}\u{7f}/é😀\u{2028}")
    for round in 0..<4000 {
      var text = ""
      let length = round < 3900 ? round % 40 : Int.random(in: 2000..<20_000, using: &generator)
      for _ in 0..<length {
        if Int.random(in: 0..<3, using: &generator) == 0 {
          text.append(special[Int.random(in: 0..<special.count, using: &generator)])
        } else {
          text.unicodeScalars.append(
            Unicode.Scalar(UInt8.random(in: 0x20..<0x7f, using: &generator)))
        }
      }
      var writer = JSONWriter()
      try connection.forEachRow("SELECT ?, ?", [.text(text), "after"]) { row in
        row.appendJSONObject(layout, to: &writer)
      }
      let read = try JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String: String]
      #expect(read?["a"].map { Array($0.utf8) } == Array(text.utf8))
      #expect(read?["b"] == "after")
      // Both writers agree byte for byte.
      #expect(
        writer.bytes == JSONValue.object(JSONObject([("a", .string(text)), ("b", "after")])).bytes)
    }
  }

  @Test("a row larger than the buffer, many times over, is whole")
  func largeRows() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    let layout = JSONRowLayout([("a", .text), ("b", .json)])
    for count in [0, 4095, 4096, 262_143, 1_000_000] {
      let text = String(repeating: "\u{1}", count: count)
      var writer = JSONWriter()
      try connection.forEachRow("SELECT ?, '1'", [.text(text)]) { row in
        row.appendJSONObject(layout, to: &writer)
      }
      #expect(writer.bytes.count == count * 6 + #"{"a":"","b":1}"#.utf8.count)
    }
  }

  @Test("decimals are written as FixedPoint writes them, for every scale and size")
  func decimals() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    var generator = SplitMix(state: 4)
    for scale in 0...18 {
      let layout = JSONRowLayout([("d", .decimal(scale: scale))])
      let edges: [Int64] = [0, 1, -1, 9, 10, -10, 100, 1_000_000_000_000_000_000, .max, .min]
      let random = (0..<60).map { _ in
        Int64.random(in: .min ... .max, using: &generator)
          >> Int.random(in: 0..<63, using: &generator)
      }
      for units in edges + random {
        var writer = JSONWriter()
        try connection.forEachRow("SELECT ?", [.integer(units)]) { row in
          row.appendJSONObject(layout, to: &writer)
        }
        let expected = #"{"d":\#(FixedPoint.text(units: units, scale: scale))}"#
        #expect(String(decoding: writer.bytes, as: UTF8.self) == expected)
      }
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
