import Foundation
import JSON
import Testing

@Suite struct JSONWriterTests {
  @Test("Foundation reads back every string that was written")
  func strings() throws {
    var generator = SplitMix(state: 5)
    for round in 0..<3000 {
      var scalars = String.UnicodeScalarView()
      let limit: UInt32 = round.isMultiple(of: 2) ? 0x80 : 0x11_0000
      for _ in 0..<Int.random(in: 0..<40, using: &generator) {
        if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &generator)) {
          scalars.append(scalar)
        }
      }
      let text = String(scalars)
      var writer = JSONWriter()
      writer.beginArray()
      writer.string(text)
      writer.endArray()
      let read = try JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String]
      #expect(read.map { Array(($0.first ?? "").utf8) } == Array(text.utf8))
      #expect(try JSONParser.parse(writer.bytes) == .array([.string(text)]))
    }
  }

  @Test("commas stand between members and elements, and nowhere else")
  func commas() {
    var writer = JSONWriter(capacity: 0)
    writer.beginObject()
    writer.member("a", nil as String?)
    writer.member("b", "x")
    writer.name("c")
    writer.beginArray()
    writer.beginObject()
    writer.endObject()
    writer.integer(.min)
    writer.decimal(units: 12_345, scale: 2)
    writer.bool(true)
    writer.null()
    writer.raw("[1]".utf8)
    writer.value(["k": [1, 2]])
    writer.endArray()
    writer.member("d", ["e": false])
    writer.endObject()
    #expect(
      String(decoding: writer.bytes, as: UTF8.self)
        == #"{"a":null,"b":"x","c":[{},-9223372036854775808,123.45,true,null,[1],{"k":[1,2]}],"#
        + #""d":{"e":false}}"#)
  }

  @Test("text may be appended with commas of the caller's own")
  func verbatim() {
    var writer = JSONWriter()
    writer.beginArray()
    writer.append(verbatim: "1,2".utf8)
    writer.integer(3)
    writer.endArray()
    #expect(writer.bytes == Array("[1,2,3]".utf8))
  }

  @Test("every control character and the two special ones are escaped")
  func escapes() {
    for byte in UInt8(0)..<0x80 {
      let text = String(Unicode.Scalar(byte))
      let written = JSONValue.string(text).text
      let isEscaped = byte < 0x20 || byte == 0x22 || byte == 0x5c
      #expect((written.utf8.count > 3) == isEscaped)
    }
    #expect(JSONValue.string("\u{1f}\n\"\\/").text == #""\u001f\n\"\\/""#)
  }
}
