import HTTP
import Testing

@Suite struct QueryItemsTests {
  @Test("names and values are decoded and keep their order")
  func decodes() throws {
    let query = try QueryItems(parsing: "a=1&b=x+y&a=%C3%A9%26&flag&=v&&c=1=2")
    #expect(query.items.map(\.name) == ["a", "b", "a", "flag", "", "c"])
    #expect(query["b"] == "x y")
    #expect(query["flag"] == "")
    #expect(query["c"] == "1=2")
    #expect(query.all("a") == ["1", "é&"])
    #expect(query["missing"] == nil)
  }

  @Test("an empty query has no items")
  func empty() throws {
    let items = try QueryItems(parsing: "").items
    #expect(items.isEmpty)
  }

  @Test(
    "broken encoding is an invalid parameter",
    arguments: ["a=%", "a=%0", "%zz=1", "a=%00", "a=%ff"])
  func broken(query: String) {
    let problem = #expect(throws: Problem.self) { try QueryItems(parsing: query) }
    #expect(problem?.code == .invalidParameter)
  }

  @Test("a hundred items are taken and one more is not")
  func count() throws {
    let hundred = Array(repeating: "a=1", count: QueryItems.countMax).joined(separator: "&")
    let items = try QueryItems(parsing: hundred).items
    #expect(items.count == 100)
    #expect(throws: Problem.self) { try QueryItems(parsing: hundred + "&b") }
  }

  @Test(
    "what is encoded comes back",
    arguments: ["", "a b", "a/b?c#d", "é\u{1F600}", "%", "+", "~-._"])
  func roundTrip(text: String) {
    let encoded = PercentEncoding.encode(text)
    #expect(PercentEncoding.decode(encoded) == text)
    #expect(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") })
  }
}
