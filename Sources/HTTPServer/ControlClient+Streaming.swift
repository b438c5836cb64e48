internal import Glibc
public import HTTP

extension ControlClient {
  /// The head of an answer.
  public struct Head: Sendable {
    /// The status code.
    public var status: Int
    /// The header fields.
    public var headers: HTTPHeaders
  }

  /// The most that the head of an answer, or an answer that tells of a problem, may take.
  private static let smallBytesMax = 64 * 1024

  /// Sends a request and hands the body of its answer on as it comes, whatever its size.
  ///
  /// - Parameters:
  ///   - method: The method.
  ///   - target: Path and query, encoded.
  ///   - headers: Header fields beside Host, Connection and Content-Length.
  ///   - take: Takes the next bytes of a body that comes with status 200.
  /// - Returns: The head, and the body of any other status.
  /// - Throws: ``Failure``, also when the body breaks off; what `take` throws.
  public func receive(
    _ method: HTTPMethod, _ target: String, headers: HTTPHeaders = [:],
    _ take: ([UInt8]) throws -> Void
  ) throws -> (head: Head, body: [UInt8]) {
    let descriptor = try connect()
    defer { _ = close(descriptor) }
    guard Self.write(Self.request(method, target, headers, nil), to: descriptor) else {
      throw Failure.broken
    }
    var buffer: [UInt8] = []
    var end: Int?
    while end == nil {
      guard let piece = try Self.readPiece(descriptor) else { throw Failure.broken }
      buffer += piece
      end = Self.endOfHead(buffer)
      guard end != nil || buffer.count <= Self.smallBytesMax else { throw Failure.malformed }
    }
    let head = try Self.head(buffer[..<(end ?? 0)])
    var body = BodyDecoder(head.headers)
    var problem: [UInt8] = []
    var piece: [UInt8]? = Array(buffer[((end ?? 0) + 4)...])
    while let bytes = piece {
      let part = try body.decode(bytes)
      if head.status == 200 {
        if !part.isEmpty { try take(part) }
      } else {
        problem += part
        guard problem.count <= Self.smallBytesMax else { throw Failure.malformed }
      }
      if body.hasEnded { break }
      piece = try Self.readPiece(descriptor)
    }
    guard body.isWhole else { throw Failure.broken }
    return (head, problem)
  }

  /// The next bytes; nil at the end of the connection.
  private static func readPiece(_ descriptor: Int32) throws(Failure) -> [UInt8]? {
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &piece, piece.count, 0)
      if count > 0 { return Array(piece[..<count]) }
      if count == 0 { return nil }
      guard errno == EINTR else { throw .broken }
    }
  }

  private static func endOfHead(_ bytes: [UInt8]) -> Int? {
    let mark: [UInt8] = [13, 10, 13, 10]
    return bytes.indices.first { bytes[$0...].starts(with: mark) }
  }

  private static func head(_ bytes: ArraySlice<UInt8>) throws(Failure) -> Head {
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
    let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
    guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
      throw .malformed
    }
    var headers: HTTPHeaders = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { throw .malformed }
      headers.add(String(parts[0]), String(parts[1].drop { $0 == " " }))
    }
    return Head(status: status, headers: headers)
  }
}

/// A body in chunked transfer coding (RFC 9112 section 7.1), of a given length, or up to the end of
/// the connection.
private struct BodyDecoder {
  private enum State {
    case size, data(Int), dataEnd, trailer, ended
  }

  private static let lineBytesMax = 1024

  private let isChunked: Bool
  private var left: Int?
  private var state = State.size
  private var line: [UInt8] = []

  init(_ headers: HTTPHeaders) {
    isChunked = headers["Transfer-Encoding"].map { HTTPHeaders.areEqual($0, "chunked") } ?? false
    left = headers["Content-Length"].flatMap { Int($0) }
  }

  /// Whether nothing more belongs to the body.
  var hasEnded: Bool {
    if case .ended = state { true } else { !isChunked && left == 0 }
  }

  /// Whether the body may end here.
  var isWhole: Bool { hasEnded || (!isChunked && left == nil) }

  mutating func decode(_ bytes: [UInt8]) throws(ControlClient.Failure) -> [UInt8] {
    guard isChunked else {
      if let left { self.left = max(0, left - bytes.count) }
      return bytes
    }
    var part: [UInt8] = []
    var rest = bytes[...]
    while let byte = rest.first {
      switch state {
      case .data(let count):
        let taken = rest.prefix(count)
        part += taken
        rest = rest.dropFirst(taken.count)
        state = taken.count == count ? .dataEnd : .data(count - taken.count)
      case .ended:
        throw .malformed
      case .size, .dataEnd, .trailer:
        rest = rest.dropFirst()
        guard byte == 0x0a else {
          line.append(byte)
          guard line.count <= Self.lineBytesMax else { throw .malformed }
          continue
        }
        if line.last == 0x0d { line.removeLast() }
        try endLine()
      }
    }
    return part
  }

  private mutating func endLine() throws(ControlClient.Failure) {
    defer { line = [] }
    switch state {
    case .size:
      let digits = String(decoding: line.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
      guard let size = Int(digits, radix: 16), size >= 0 else { throw .malformed }
      state = size == 0 ? .trailer : .data(size)
    case .dataEnd:
      guard line.isEmpty else { throw .malformed }
      state = .size
    case .trailer:
      if line.isEmpty { state = .ended }
    case .data, .ended:
      break
    }
  }
}
