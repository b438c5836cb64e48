/// What a handler answers.
public struct HTTPResponse: Sendable {
  /// The status code.
  public var status: Int
  /// The header fields; the server adds Date, Content-Length, Connection and X-Request-Id.
  public var headers: HTTPHeaders
  /// The body.
  public var body: HTTPResponseBody
  /// What the request log says of this request beside what the server knows itself.
  public var logFields: HTTPLogFields

  /// A response made of its parts.
  public init(
    status: Int, headers: HTTPHeaders = [:], body: HTTPResponseBody = .bytes([]),
    logFields: HTTPLogFields = .init()
  ) {
    self.status = status
    self.headers = headers
    self.body = body
    self.logFields = logFields
  }

  /// A JSON response.
  public static func json(status: Int = 200, _ bytes: [UInt8]) -> HTTPResponse {
    // Room for the fields that are still to come.
    var headers = HTTPHeaders(capacity: 12)
    headers.add("Content-Type", "application/json")
    return HTTPResponse(status: status, headers: headers, body: .bytes(bytes))
  }
}

/// A response's body.
public enum HTTPResponseBody: Sendable {
  /// Bytes that are all there.
  case bytes([UInt8])
  /// Chunks made while they are sent: with a Content-Length when their number of bytes is known
  /// before, else in chunked transfer coding.
  case stream(any HTTPResponseBodyStream, byteCount: Int? = nil)
}

/// The chunks of a body that is made while it is sent.
public protocol HTTPResponseBodyStream: Sendable {
  /// The next chunk, nil after the last. Asked only when the client has taken the one before.
  ///
  /// - Throws: any error; the connection is then closed, so that the client sees the break.
  func next() async throws -> [UInt8]?

  /// The client left or the body ended: nothing more will be asked.
  func finish()
}

/// Who asked for what, for the request log.
public struct HTTPLogFields: Sendable {
  /// The route's pattern, `/api/leads/{id}`: the path itself could carry personal data.
  public var route: String?
  /// The caller's tenant.
  public var tenantID: String?
  /// The caller.
  public var userID: String?

  /// Fields that may all be unknown.
  public init(route: String? = nil, tenantID: String? = nil, userID: String? = nil) {
    self.route = route
    self.tenantID = tenantID
    self.userID = userID
  }
}
