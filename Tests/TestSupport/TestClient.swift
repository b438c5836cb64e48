internal import Dispatch
internal import Glibc

/// A plain HTTP/1.1 client for tests: one connection for each call, nothing retried.
///
/// It blocks on threads of its own, never on those of the concurrency pool.
public struct TestClient: Sendable {
  /// How long a read or a write may take before the test is told that nothing comes.
  public static let timeoutSeconds = 30

  /// The port of the server.
  public let port: UInt16
  /// The server's address, IPv4 in text.
  public let host: String

  /// A client of the server at `port`.
  public init(port: UInt16, host: String = "127.0.0.1") {
    self.port = port
    self.host = host
  }

  /// Sends one request on a connection of its own and reads the answer.
  ///
  /// Adds Host, `Connection: close` and, for a body, Content-Length, unless `headers` has them or
  /// says that the body is chunked.
  ///
  /// - Throws: ``TestClientError`` when there is no whole answer.
  public func send(
    _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]? = nil
  ) async throws -> TestResponse {
    try await onOwnThread {
      let connection = try TestConnection(port: port, host: host)
      return try connection.exchange(method, path, headers: headers, body: body, isLast: true)
    }
  }

  /// Sends bytes and returns all that comes back until the server closes.
  ///
  /// Sending ends early without an error when the server closes first.
  public func send(raw: [UInt8]) async throws -> [UInt8] {
    try await onOwnThread {
      let connection = try TestConnection(port: port, host: host)
      connection.writeAsFarAsTaken(raw)
      return connection.readToEnd()
    }
  }

  /// Runs `body` with a connection that stays open between its requests.
  public func withConnection<Result: Sendable>(
    _ body: @escaping @Sendable (TestConnection) throws -> Result
  ) async throws -> Result {
    try await onOwnThread {
      try body(try TestConnection(port: port, host: host))
    }
  }
}

/// Why a request of a test has no answer.
public enum TestClientError: Error, Sendable, Equatable {
  /// A call of the operating system failed, with its errno.
  case system(call: String, code: Int32)
  /// The server closed before the answer was whole.
  case closed
  /// What came is no HTTP answer.
  case malformed(String)
}

/// Runs something that blocks on a thread that may block.
public func onOwnThread<Result: Sendable>(
  _ body: @escaping @Sendable () throws -> Result
) async throws -> Result {
  try await withCheckedThrowingContinuation { continuation in
    // A queue of its own gets a thread of its own: many of these may block at once.
    DispatchQueue(label: "test-client").async {
      do {
        continuation.resume(returning: try body())
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }
}
