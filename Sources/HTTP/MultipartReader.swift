/// The parts of a `multipart/form-data` body, one after the other, as they arrive (RFC 7578, RFC
/// 2046 section 5.1.1).
///
/// Holds one chunk of the body and what of the one before could be the beginning of a boundary. A
/// class, since it is one place in one stream; one task at a time uses it.
public final class MultipartReader {
  /// The most that a part's header fields may take.
  public static let headerBytesMax = 16_384
  /// The most parts.
  public static let partsMax = 100

  /// A part's header fields, as far as files need them.
  public struct Part: Sendable {
    /// What the part is called.
    public let disposition: ContentDisposition
    /// Its media type, nil when it says none.
    public let contentType: String?
  }

  private let body: any HTTPRequestBodyStream
  /// The line end before a boundary belongs to it.
  private let delimiter: [UInt8]
  /// What has come and was not given out; the first delimiter may do without a line before it.
  private var buffer: [UInt8] = [13, 10]
  private var partCount = 0
  private var isBodyEnded = false
  /// Whether the buffer begins right behind a delimiter.
  private var isBehindDelimiter = false
  private var isFinished = false

  /// A reader of `body`.
  ///
  /// - Parameter contentType: The body's `Content-Type`.
  /// - Throws: 400 `malformed_request` when it names no boundary.
  public init(_ body: any HTTPRequestBodyStream, contentType: FieldParameters) throws(Problem) {
    guard let boundary = contentType["boundary"], (1...70).contains(boundary.utf8.count) else {
      throw Self.malformed("it names no boundary of 1 to 70 characters")
    }
    self.body = body
    delimiter = Array("\r\n--\(boundary)".utf8)
  }

  /// The next part's header fields; what was not read of the part before is passed over.
  ///
  /// - Returns: nil after the last part, when the body has been read to its end.
  /// - Throws: ``Problem`` 400 for a body that is no form, ``HTTPBodyError``.
  public func nextPart() async throws -> Part? {
    while try await nextBytes() != nil {}
    guard !isFinished else { return nil }
    try await fill(to: 2)
    if buffer.starts(with: [45, 45]) {
      isFinished = true
      // The answer can be sent only when everything has come.
      while try await body.next() != nil {}
      return nil
    }
    partCount += 1
    guard partCount <= Self.partsMax else {
      throw Self.malformed("it has more than \(Self.partsMax) parts")
    }
    isBehindDelimiter = false
    return try Self.part(await headerLines())
  }

  /// More of the present part; nil at its end.
  ///
  /// - Throws: as ``nextPart()``.
  public func nextBytes() async throws -> [UInt8]? {
    guard !isBehindDelimiter, !isFinished else { return nil }
    while true {
      if let place = Self.find(delimiter, in: buffer) {
        let bytes = Array(buffer[..<place])
        buffer.removeFirst(place + delimiter.count)
        isBehindDelimiter = true
        return bytes.isEmpty ? nil : bytes
      }
      let count = buffer.count - (delimiter.count - 1)
      if count > 0 {
        let bytes = Array(buffer[..<count])
        buffer.removeFirst(count)
        return bytes
      }
      try await fill(to: buffer.count + 1)
    }
  }

  /// The lines between a delimiter and the part's content.
  private func headerLines() async throws -> [Substring] {
    let end: [UInt8] = [13, 10, 13, 10]
    var place = Self.find(end, in: buffer)
    while place == nil {
      guard buffer.count < Self.headerBytesMax else {
        throw Self.malformed("the header of a part is over \(Self.headerBytesMax) bytes")
      }
      try await fill(to: buffer.count + 1)
      place = Self.find(end, in: buffer)
    }
    guard let place, place <= Self.headerBytesMax else {
      throw Self.malformed("the header of a part is over \(Self.headerBytesMax) bytes")
    }
    let text = String(decoding: buffer[..<place], as: UTF8.self)
    buffer.removeFirst(place + end.count)
    let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
    guard lines.first?.allSatisfy({ $0 == " " || $0 == "\t" }) == true else {
      throw Self.malformed("something follows a boundary on its line")
    }
    return Array(lines.dropFirst())
  }

  private static func part(_ lines: [Substring]) throws(Problem) -> Part {
    var disposition: String?
    var contentType: String?
    for line in lines {
      guard let colon = line.firstIndex(of: ":") else {
        throw malformed("the header of a part holds a line that is no field")
      }
      let name = String(line[..<colon])
      let value = String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" })
      if HTTPHeaders.areEqual(name, "Content-Disposition") {
        disposition = value
      } else if HTTPHeaders.areEqual(name, "Content-Type") {
        contentType = value
      }
    }
    return Part(disposition: ContentDisposition(disposition ?? ""), contentType: contentType)
  }

  /// Gathers until the buffer holds `count` bytes.
  private func fill(to count: Int) async throws {
    while buffer.count < count {
      guard let chunk = try await body.next() else {
        throw Self.malformed("it ends before its last boundary")
      }
      if buffer.isEmpty { buffer = chunk } else { buffer += chunk }
    }
  }

  /// Where `pattern`, which begins with a carriage return, first stands in `bytes`.
  private static func find(_ pattern: [UInt8], in bytes: [UInt8]) -> Int? {
    let (pattern, bytes) = (pattern.span, bytes.span)
    guard bytes.count >= pattern.count else { return nil }
    let first = pattern[0]
    var place = 0
    while place <= bytes.count - pattern.count {
      if bytes[place] == first {
        var length = 1
        while length < pattern.count, bytes[place + length] == pattern[length] { length += 1 }
        if length == pattern.count { return place }
      }
      place += 1
    }
    return nil
  }

  private static func malformed(_ detail: String) -> Problem {
    Problem(.malformedRequest, "The body is no form: \(detail).")
  }
}
