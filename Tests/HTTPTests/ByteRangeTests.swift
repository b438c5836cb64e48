import HTTP
import Testing

/// RFC 9110 section 14.
@Suite struct ByteRangeTests {
  @Test(
    "a range is read as it is meant",
    arguments: [
      ("bytes=0-499", .part(0..<500)), ("bytes=500-999", .part(500..<1000)),
      ("bytes=500-", .part(500..<1000)), ("bytes=-500", .part(500..<1000)),
      ("bytes=-5000", .part(0..<1000)), ("bytes=0-5000", .part(0..<1000)),
      ("bytes=0-0", .part(0..<1)), ("bytes=-1", .part(999..<1000)),
      ("Bytes=999-999", .part(999..<1000)), ("bytes= 1-2 ,", .part(1..<3)),
      ("bytes=0-99999999999999999999", .part(0..<1000)),
      ("bytes=0-9223372036854775807", .part(0..<1000)),
      ("bytes=-99999999999999999999", .part(0..<1000)),
      ("bytes=1000-", .unsatisfiable), ("bytes=1000-2000", .unsatisfiable),
      ("bytes=99999999999999999999-", .unsatisfiable), ("bytes=-0", .unsatisfiable),
    ] as [(String, ByteRange)])
  func reads(field: String, expected: ByteRange) {
    #expect(ByteRange(field, byteCount: 1000) == expected)
  }

  @Test(
    "what is no single range of bytes is answered with the whole",
    arguments: [
      nil, "", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=1-2x", "bytes=+1-2",
      "bytes=0-1,5-6", "items=0-5", "bytes=1--2", "0-5", "bytes=0x1-0x2",
    ])
  func ignores(field: String?) {
    #expect(ByteRange(field, byteCount: 1000) == .whole)
  }

  @Test("nothing has no parts")
  func empty() {
    #expect(ByteRange("bytes=0-", byteCount: 0) == .unsatisfiable)
    #expect(ByteRange("bytes=-5", byteCount: 0) == .whole)
    #expect(ByteRange(nil, byteCount: 0) == .whole)
  }

  @Test("a part says where it stands")
  func contentRange() {
    #expect(ByteRange.contentRange(0..<500, of: 1234) == "bytes 0-499/1234")
  }
}
