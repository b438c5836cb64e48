import Testing
import Values

@Suite struct UUIDv7Tests {
  @Test("ids are well formed, carry their version, and sort by the moment they were made for")
  func order() {
    var previous = ""
    for milliseconds in stride(from: Int64(0), to: 2_000_000_000_000, by: 7_777_777_777) {
      let id = UUIDv7.make(at: Timestamp(milliseconds: milliseconds), random: .system)
      #expect(UUIDv7.isWellFormed(id))
      #expect(Array(id.utf8)[14] == UInt8(ascii: "7"))
      #expect("89ab".utf8.contains(Array(id.utf8)[19]))
      #expect(previous < id)
      previous = id
    }
  }

  @Test(
    "other shapes are not well formed",
    arguments: [
      "", "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2", "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b3",
      "0190A1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", "0190a1b2c3d4-7e5f-8a6b-7c8d9e0f1a2b0",
      "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2g",
    ])
  func shapes(text: String) {
    #expect(!UUIDv7.isWellFormed(text))
  }

  @Test("hexadecimal text comes back as its bytes, and half a byte is none")
  func hexadecimal() {
    let bytes = (0...255).map { UInt8($0) }
    #expect(Hexadecimal.bytes(Hexadecimal.text(bytes)) == bytes)
    #expect(Hexadecimal.bytes("FF0a") == [255, 10])
    for text in ["f", "0g", "é", " 0", "0x00"] { #expect(Hexadecimal.bytes(text) == nil) }
  }
}
