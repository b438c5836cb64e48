import JSON
import Testing

@Suite struct JSONValueTests {
  @Test(
    "the examples of RFC 7396 appendix A that merge objects",
    arguments: [
      (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
      (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
      (#"{"a":"b"}"#, #"{"a":null}"#, #"{}"#),
      (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
      (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
      (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
      (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
      (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
      (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
      (#"{}"#, #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
      (#"{"a":"b"}"#, #"{"a":{"c":1,"d":null}}"#, #"{"a":{"c":1}}"#),
    ])
  func merges(target: String, patch: String, result: String) throws {
    let target = try #require(try JSONParser.parse(target).object)
    let patch = try #require(try JSONParser.parse(patch).object)
    #expect(JSONValue.object(target.merged(with: patch)).text == result)
  }

  @Test("numbers keep their digits and compare by them")
  func numbers() throws {
    #expect(try JSONParser.parse("1.50") == JSONParser.parse("1.5"))
    #expect(try JSONParser.parse("100.00") == JSONParser.parse("100"))
    #expect(try JSONParser.parse("100") != JSONParser.parse("10"))
    #expect(try JSONParser.parse("12345678901234567890.25").text == "12345678901234567890.25")
    #expect(try JSONParser.parse("12.5").integer == nil)
    #expect(try JSONParser.parse("1e2").integer == 100)
    #expect(try JSONParser.parse("9223372036854775808").integer == nil)
    #expect(JSONValue.decimal(units: -5, scale: 2).text == "-0.05")
    #expect(throws: JSONSyntaxError.self) {
      try JSONParser.parse(String(repeating: "9", count: 65))
    }
  }

  @Test("members keep their order, and setting nil removes one")
  func members() {
    var object = JSONObject([("b", 1), ("a", 2), ("b", 3)])
    #expect(object.names == ["b", "a"])
    #expect(object["b"] == 3)
    object["b"] = nil
    object["c"] = .null
    #expect(JSONValue.object(object).text == #"{"a":2,"c":null}"#)
    #expect(object["missing"] == nil)
  }

  @Test("an accessor of another kind is nil")
  func accessors() {
    let values: [JSONValue] = [nil, true, 1, "a", [1], ["a": 1]]
    #expect(values.map { $0.string != nil } == [false, false, false, true, false, false])
    #expect(values.map { $0.integer != nil } == [false, false, true, false, false, false])
    #expect(values.map { $0.bool != nil } == [false, true, false, false, false, false])
    #expect(values.map { $0.array != nil } == [false, false, false, false, true, false])
    #expect(values.map { $0.object != nil } == [false, false, false, false, false, true])
    #expect(values.map(\.isNull) == [true, false, false, false, false, false])
    #expect(values[5]["a"] == 1)
    #expect(values[3]["a"] == nil)
  }
}
