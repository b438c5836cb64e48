public import JSON

/// An answer as a test sees it.
public struct TestResponse: Sendable {
  /// The status code.
  public var status: Int
  /// The header fields in order.
  public var headers: [(name: String, value: String)]
  /// The body, freed of the chunked transfer coding but not decompressed.
  public var body: [UInt8]
  /// The interim statuses that came before, such as 100.
  public var interimStatuses: [Int]

  /// The first value of a field, ASCII case aside.
  public func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  /// The body as JSON, null when it is none.
  public var json: JSONValue {
    do {
      return try JSONParser.parse(body)
    } catch {
      return .null
    }
  }

  /// The body as text.
  public var text: String { String(decoding: body, as: UTF8.self) }
}

/// Finds the end of an answer in what has come.
struct TestResponseParser {
  private let method: String
  private var interimStatuses: [Int] = []

  init(method: String) {
    self.method = method
  }

  /// The answer, when it is whole; what follows it stays in `buffer`.
  mutating func take(from buffer: inout [UInt8]) throws -> TestResponse? {
    while let end = Self.headEnd(buffer) {
      var response = try Self.head(Array(buffer[..<end]))
      if (100..<200).contains(response.status) {
        interimStatuses.append(response.status)
        buffer.removeFirst(end + 4)
        continue
      }
      response.interimStatuses = interimStatuses
      guard let (body, next) = try Self.body(buffer, from: end + 4, of: response, to: method)
      else { return nil }
      response.body = body
      buffer.removeFirst(next)
      return response
    }
    return nil
  }

  /// The answer whose body ends with the connection, when there is no other sign of its end.
  mutating func end(of buffer: inout [UInt8]) -> TestResponse? {
    guard let end = Self.headEnd(buffer), var response = try? Self.head(Array(buffer[..<end])),
      // A broken head is no answer, which the caller says.
      response.header("Content-Length") == nil, response.header("Transfer-Encoding") == nil
    else { return nil }
    response.interimStatuses = interimStatuses
    response.body = Array(buffer[(end + 4)...])
    buffer = []
    return response
  }

  private static func headEnd(_ bytes: [UInt8]) -> Int? {
    let mark: [UInt8] = [13, 10, 13, 10]
    guard bytes.count >= 4 else { return nil }
    return (0...(bytes.count - 4)).first { bytes[$0..<($0 + 4)].elementsEqual(mark) }
  }

  private static func head(_ bytes: [UInt8]) throws -> TestResponse {
    let text = String(decoding: bytes, as: UTF8.self)
    let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
    let parts = lines[0].split(separator: " ", maxSplits: 2)
    guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let status = Int(parts[1]) else {
      throw TestClientError.malformed(String(lines[0]))
    }
    var headers: [(name: String, value: String)] = []
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else {
        throw TestClientError.malformed(String(line))
      }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      headers.append((String(line[..<colon]), String(value)))
    }
    return TestResponse(status: status, headers: headers, body: [], interimStatuses: [])
  }

  /// The body and where it ends, nil while it is not whole.
  private static func body(
    _ bytes: [UInt8], from start: Int, of response: TestResponse, to method: String
  ) throws -> ([UInt8], Int)? {
    if method == "HEAD" || response.status == 204 || response.status == 304 { return ([], start) }
    if response.header("Transfer-Encoding")?.lowercased() == "chunked" {
      return try chunked(bytes, from: start)
    }
    guard let length = response.header("Content-Length").flatMap({ Int($0) }) else { return nil }
    guard bytes.count >= start + length else { return nil }
    return (Array(bytes[start..<(start + length)]), start + length)
  }

  private static func chunked(_ bytes: [UInt8], from start: Int) throws -> ([UInt8], Int)? {
    var place = start
    var body: [UInt8] = []
    while let lineEnd = bytes[place...].firstIndex(of: 10) {
      let line = String(decoding: bytes[place..<(lineEnd - 1)], as: UTF8.self)
      guard let size = Int(line, radix: 16) else { throw TestClientError.malformed(line) }
      let dataEnd = lineEnd + 1 + size
      guard bytes.count >= dataEnd + 2 else { return nil }
      body += bytes[(lineEnd + 1)..<dataEnd]
      place = dataEnd + 2
      if size == 0 { return (body, place) }
    }
    return nil
  }
}
