import HTTP
import Synchronization
import Testing

/// RFC 2046 section 5.1.1, RFC 7578.
@Suite struct MultipartReaderTests {
  /// A body that comes in pieces of `size` bytes.
  private final class Pieces: HTTPRequestBodyStream {
    private let bytes: [UInt8]
    private let size: Int
    private let place = Mutex(0)

    init(_ bytes: [UInt8], size: Int) {
      self.bytes = bytes
      self.size = size
    }

    func next() async throws(HTTPBodyError) -> [UInt8]? {
      place.withLock { place in
        guard place < bytes.count else { return nil }
        defer { place += size }
        return Array(bytes[place..<min(bytes.count, place + size)])
      }
    }
  }

  private struct Found: Equatable {
    var fieldName: String?
    var fileName: String?
    var contentType: String?
    var content: [UInt8] = []
  }

  private static func parts(
    _ body: [UInt8], boundary: String = "XX", size: Int
  ) async throws -> [Found] {
    let reader = try MultipartReader(
      Pieces(body, size: size),
      contentType: FieldParameters("multipart/form-data; boundary=\(boundary)"))
    var found: [Found] = []
    while let part = try await reader.nextPart() {
      var one = Found(
        fieldName: part.disposition.fieldName, fileName: part.disposition.fileName,
        contentType: part.contentType)
      while let bytes = try await reader.nextBytes() { one.content += bytes }
      found.append(one)
    }
    return found
  }

  /// Content with everything in it that could be taken for a boundary.
  private static let tricky = Array(
    "\r\n\r\r\n-\r\n--\r\n--X\r\n--XY--XX\n--XX\r\n-XX \0\u{1}é\r".utf8)

  private static let form =
    Array(
      """
      preamble\r\n--XX\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n\
      --XX  \t\r\ncontent-disposition: form-data; name="f"; filename="a.bin"\r\n\
      X-Other: 1\r\nCONTENT-TYPE: image/png\r\n\r\n
      """.utf8) + tricky
    + Array("\r\n--XX\r\n\r\nno header\r\n--XX--\r\nepilogue\r\n--XX\r\n".utf8)

  @Test(
    "the parts are the same however the body is cut", arguments: Array(1...60) + [100, 1_000_000])
  func anyPieces(size: Int) async throws {
    let parts = try await Self.parts(Self.form, size: size)
    #expect(
      parts == [
        Found(fieldName: "note", content: Array("hello".utf8)),
        Found(
          fieldName: "f", fileName: "a.bin", contentType: "image/png", content: Self.tricky),
        Found(content: Array("no header".utf8)),
      ])
  }

  @Test("an empty file and an empty form are fine")
  func empty() async throws {
    let file = Array(
      "--XX\r\nContent-Disposition: form-data; filename=e\r\n\r\n\r\n--XX--".utf8)
    #expect(try await Self.parts(file, size: 7) == [Found(fileName: "e")])
    #expect(try await Self.parts(Array("--XX--\r\n".utf8), size: 3) == [])
  }

  @Test("parts that nobody reads are passed over")
  func skipped() async throws {
    let reader = try MultipartReader(
      Pieces(Self.form, size: 5),
      contentType: FieldParameters("multipart/form-data; boundary=\"XX\""))
    var names: [String?] = []
    while let part = try await reader.nextPart() { names.append(part.disposition.fieldName) }
    #expect(names == ["note", "f", nil])
    #expect(try await reader.nextPart() == nil)
  }

  @Test(
    "what is no form is refused",
    arguments: [
      "", "nothing", "--XX", "--XX\r\n", "--XX\r\nA: b\r\n", "--XX\r\nA: b\r\n\r\nnever ends",
      "--XX\r\nA: b\r\n\r\ncut\r\n--XX", "--XX\r\nno field\r\n\r\nx\r\n--XX--",
      "--XXY\r\nA: b\r\n\r\nx\r\n--XX--", "--XX\r\nA: b\r\n\r\nx\r\n--XX-\r\n",
    ], [1, 1000])
  func malformed(body: String, size: Int) async {
    await #expect {
      _ = try await Self.parts(Array(body.utf8), size: size)
    } throws: {
      ($0 as? Problem)?.code == .malformedRequest
    }
  }

  @Test(
    "a boundary is needed",
    arguments: ["multipart/form-data", "multipart/form-data; boundary=", "x; boundary=\"\""])
  func noBoundary(contentType: String) {
    #expect {
      _ = try MultipartReader(
        Pieces([], size: 1), contentType: FieldParameters(contentType))
    } throws: {
      ($0 as? Problem)?.code == .malformedRequest
    }
  }

  @Test("header fields and parts are bounded")
  func bounds() async {
    let long = Array("--XX\r\nA: ".utf8) + [UInt8](repeating: 65, count: 20_000)
    let many = Array(
      String(repeating: "--XX\r\nA: b\r\n\r\nx\r\n", count: MultipartReader.partsMax + 1).utf8)
    for body in [long + Array("\r\n\r\nx\r\n--XX--".utf8), many + Array("--XX--".utf8)] {
      await #expect {
        _ = try await Self.parts(body, size: 4096)
      } throws: {
        ($0 as? Problem)?.code == .malformedRequest
      }
    }
  }
}
