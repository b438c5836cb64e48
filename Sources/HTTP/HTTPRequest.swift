public import Values

/// A request's line and headers, known before its body arrives.
///
/// A class, because it is handed on a dozen times on the way of a request and a copy of a struct
/// would count references for each member.
public final class HTTPRequestHead: Sendable {
  /// The method.
  public let method: HTTPMethod
  /// The path as sent, not yet decoded, without the query: `/api/leads/a%20b`.
  public let path: String
  /// The query as sent, without the question mark; empty when there is none.
  public let query: String
  /// The header fields.
  public let headers: HTTPHeaders
  /// The client's address in text, `127.0.0.1` or `::1`.
  public let remoteAddress: String
  /// The id under which the request is logged: the client's `X-Request-Id` if sane, else made here.
  public let requestID: String
  /// When the head had arrived.
  public let receivedAt: Timestamp
  /// Whether the connection is encrypted.
  public let isSecure: Bool

  /// A head made of its parts.
  public init(
    method: HTTPMethod, path: String, query: String = "", headers: HTTPHeaders = [:],
    remoteAddress: String = "127.0.0.1", requestID: String, receivedAt: Timestamp,
    isSecure: Bool = false
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.remoteAddress = remoteAddress
    self.requestID = requestID
    self.receivedAt = receivedAt
    self.isSecure = isSecure
  }
}

/// A whole request as a handler gets it.
public struct HTTPRequest: Sendable {
  /// The line and the headers.
  public var head: HTTPRequestHead
  /// The body, as the route wanted it.
  public var body: HTTPRequestBody

  /// A request made of its parts.
  public init(head: HTTPRequestHead, body: HTTPRequestBody) {
    self.head = head
    self.body = body
  }
}

/// A request's body: held whole for routes that take small ones, a stream for uploads.
public enum HTTPRequestBody: Sendable {
  /// All of it, at most the route's limit; empty when none was sent.
  case bytes([UInt8])
  /// Chunks as they arrive.
  case stream(any HTTPRequestBodyStream)
}

/// The chunks of a body that is being received.
public protocol HTTPRequestBodyStream: Sendable {
  /// The next chunk, nil after the last. Receiving pauses while nobody asks.
  ///
  /// - Throws: ``HTTPBodyError`` when the client left or sent more than the limit.
  func next() async throws(HTTPBodyError) -> [UInt8]?
}

/// Why a request's body did not arrive whole.
public enum HTTPBodyError: Error, Sendable, Equatable {
  /// The client closed the connection or was too slow.
  case disconnected
  /// More came than the route takes.
  case tooLarge
}

/// How a route takes request bodies.
public enum HTTPBodyPolicy: Sendable, Equatable {
  /// Gathered before the handler runs, at most this many bytes; more is answered 413.
  case buffered(maxBytes: Int)
  /// Handed on as it arrives, at most this many bytes.
  case streamed(maxBytes: Int)
}
