internal import Glibc

// Safety: `buffer` is used only by the thread that has the connection, as the summary demands.
/// One open connection to a server; blocks, and is used by one thread at a time.
public final class TestConnection: @unchecked Sendable {
  private let descriptor: Int32
  private var buffer: [UInt8] = []

  /// Connects.
  public init(port: UInt16, host: String = "127.0.0.1") throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else {
      throw TestClientError.malformed(host)
    }
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw TestClientError.system(call: "socket", code: errno) }
    var timeout = timeval(tv_sec: TestClient.timeoutSeconds, tv_usec: 0)
    let timeoutSize = socklen_t(MemoryLayout<timeval>.size)
    _ = setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, timeoutSize)
    _ = setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, timeoutSize)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    // The object is whole by now, so throwing runs deinit, which closes the descriptor.
    guard result == 0 else { throw TestClientError.system(call: "connect", code: errno) }
  }

  deinit {
    _ = Glibc.close(descriptor)
  }

  /// Sends a request and reads its answer.
  public func exchange(
    _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]? = nil,
    isLast: Bool = false
  ) throws -> TestResponse {
    writeAsFarAsTaken(
      TestRequest.bytes(method, path, headers: headers, body: body, isLast: isLast))
    return try readResponse(to: method)
  }

  /// Sends bytes.
  public func write(_ bytes: [UInt8]) throws {
    guard writeAsFarAsTaken(bytes) else {
      throw TestClientError.system(call: "send", code: errno)
    }
  }

  /// Sends text.
  public func write(_ text: String) throws {
    try write(Array(text.utf8))
  }

  /// Sends bytes until the server takes no more.
  ///
  /// - Returns: Whether all were sent.
  @discardableResult
  public func writeAsFarAsTaken(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var sent = 0
      while sent < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
        let count = Glibc.send(
          descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
        guard count > 0 else { return false }
        sent += count
      }
      return true
    }
  }

  /// Sends zero bytes, at most `count`, until the server takes none for some time.
  ///
  /// - Returns: How many it took.
  public func writeZeros(_ count: Int, untilStuckForMilliseconds milliseconds: Int) -> Int {
    let piece = [UInt8](repeating: 0, count: 65_536)
    var sent = 0
    while sent < count {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard poll(&waiting, 1, Int32(milliseconds)) > 0 else { break }
      let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
      let written = Glibc.send(descriptor, piece, min(piece.count, count - sent), flags)
      guard written > 0 else { break }
      sent += written
    }
    return sent
  }

  /// Reads one answer to a request of the given method; interim answers are skipped.
  public func readResponse(to method: String = "GET") throws -> TestResponse {
    var parser = TestResponseParser(method: method)
    while true {
      if let response = try parser.take(from: &buffer) { return response }
      guard let piece = readSome() else {
        if let response = parser.end(of: &buffer) { return response }
        throw TestClientError.closed
      }
      buffer += piece
    }
  }

  /// What comes next, nil when the server has closed or nothing comes in time.
  public func readSome() -> [UInt8]? {
    var piece = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &piece, piece.count, 0)
    return count > 0 ? Array(piece.prefix(count)) : nil
  }

  /// All that comes until the server closes.
  public func readToEnd() -> [UInt8] {
    defer { buffer = [] }
    while let piece = readSome() { buffer += piece }
    return buffer
  }

  /// Whether the server closes within some time; what it sends meanwhile is dropped.
  public func isClosed(withinMilliseconds milliseconds: Int) -> Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&waiting, 1, Int32(milliseconds)) > 0 else { return false }
    return readSome() == nil
  }

  /// Says that nothing more will be sent.
  public func finishWriting() {
    _ = shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Leaves at once, so that the server sees a reset.
  public func reset() {
    var lingering = linger(l_onoff: 1, l_linger: 0)
    _ = setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &lingering, socklen_t(MemoryLayout<linger>.size))
    _ = shutdown(descriptor, Int32(SHUT_RDWR))
  }
}

/// Requests as bytes.
public enum TestRequest {
  /// A request with the fields that it needs.
  public static func bytes(
    _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]? = nil,
    isLast: Bool = false
  ) -> [UInt8] {
    let names = headers.map { $0.0.lowercased() }
    var text = "\(method) \(path) HTTP/1.1\r\n"
    if !names.contains("host") { text += "Host: localhost\r\n" }
    if isLast && !names.contains("connection") { text += "Connection: close\r\n" }
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    if let body, !names.contains("content-length"), !names.contains("transfer-encoding") {
      text += "Content-Length: \(body.count)\r\n"
    }
    return Array((text + "\r\n").utf8) + (body ?? [])
  }

  /// A body in the chunked transfer coding.
  public static func chunked(_ chunks: [[UInt8]]) -> [UInt8] {
    var bytes: [UInt8] = []
    for chunk in chunks where !chunk.isEmpty {
      bytes += Array((String(chunk.count, radix: 16) + "\r\n").utf8) + chunk + Array("\r\n".utf8)
    }
    return bytes + Array("0\r\n\r\n".utf8)
  }
}
