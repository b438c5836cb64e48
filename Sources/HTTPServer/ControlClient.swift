internal import Glibc
public import HTTP

/// A client of a server that listens on a Unix-domain socket: one request on one connection.
///
/// For the commands of this program, which have nothing else to do: it blocks its thread.
public struct ControlClient: Sendable {
  /// The most that an answer may take.
  private static let answerBytesMax = 16 * 1024 * 1024
  private let timeoutSeconds: Int

  private let path: String

  /// A client of the server at `path`, which need not be there yet.
  ///
  /// - Parameters:
  ///   - path: The socket.
  ///   - timeoutSeconds: How long the server may be silent.
  public init(path: String, timeoutSeconds: Int = 60) {
    self.path = path
    self.timeoutSeconds = timeoutSeconds
  }

  /// What a server answered.
  public struct Answer: Sendable {
    /// The status code.
    public var status: Int
    /// The body.
    public var body: [UInt8]
  }

  /// Why there is no answer.
  public enum Failure: Error, Sendable, Equatable {
    /// There is no socket, or nobody listens on it: the request was not sent.
    case absent
    /// Another user's server: the request was not sent.
    case notAllowed
    /// The connection broke or nothing came in time; the request may have been carried out.
    case broken
    /// What came is no answer that is understood here.
    case malformed
  }

  /// Sends a request and waits for its answer.
  ///
  /// - Parameters:
  ///   - method: The method.
  ///   - target: Path and query, encoded.
  ///   - headers: Header fields beside Host, Connection and Content-Length.
  ///   - body: The body, nil for none.
  /// - Returns: The answer, whatever its status.
  /// - Throws: ``Failure``.
  public func send(
    _ method: HTTPMethod, _ target: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil
  ) throws(Failure) -> Answer {
    let descriptor = try connect()
    defer { _ = close(descriptor) }
    let isSent = Self.write(Self.request(method, target, headers, body), to: descriptor)
    // A server that refuses early answers before it has read everything.
    let received = try Self.readToEnd(descriptor)
    guard isSent || !received.isEmpty else { throw .broken }
    return try Self.answer(received)
  }

  func connect() throws(Failure) -> Int32 {
    do throws(HTTPServerError) {
      return try UnixSocket.connect(to: path, timeoutSeconds: timeoutSeconds)
    } catch {
      switch error {
      case .system(_, ENOENT), .system(_, ECONNREFUSED), .system(_, ENOTDIR): throw .absent
      case .system(_, EACCES), .system(_, EPERM): throw .notAllowed
      default: throw .broken
      }
    }
  }

  static func request(
    _ method: HTTPMethod, _ target: String, _ headers: HTTPHeaders, _ body: [UInt8]?
  ) -> [UInt8] {
    var text = "\(method.rawValue) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    for field in headers.fields { text += "\(field.name): \(field.value)\r\n" }
    if let body { text += "Content-Length: \(body.count)\r\n" }
    return Array("\(text)\r\n".utf8) + (body ?? [])
  }

  static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var sent = 0
      while sent < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
        let count = Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        sent += count
      }
      return true
    }
  }

  private static func readToEnd(_ descriptor: Int32) throws(Failure) -> [UInt8] {
    var received: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &piece, piece.count, 0)
      if count == 0 { return received }
      if count < 0 {
        if errno == EINTR { continue }
        throw .broken
      }
      received.append(contentsOf: piece[..<count])
      guard received.count <= answerBytesMax else { throw .malformed }
    }
  }

  /// Reads an answer whose body ends with the connection, as all bodies of ours do that were asked
  /// for with `Connection: close` and without `Accept-Encoding`.
  private static func answer(_ received: [UInt8]) throws(Failure) -> Answer {
    guard !received.isEmpty else { throw .broken }
    let mark: [UInt8] = [13, 10, 13, 10]
    guard
      let end = received.indices.first(where: { received[$0...].starts(with: mark) })
    else { throw .broken }
    let lines = String(decoding: received[..<end], as: UTF8.self).split(separator: "\r\n")
    let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
    guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
      throw .malformed
    }
    let body = Array(received[(end + mark.count)...])
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { throw .malformed }
      if HTTPHeaders.areEqual(String(parts[0]), "Transfer-Encoding") { throw .malformed }
      guard HTTPHeaders.areEqual(String(parts[0]), "Content-Length") else { continue }
      guard Int(parts[1].drop { $0 == " " }) == body.count else { throw .broken }
    }
    return Answer(status: status, body: body)
  }
}
