/// One call of the Wrapper.
struct WrapperCall: Sendable {
  var method = "GET"
  /// Path and query, encoded.
  var path: String
  /// Whom the call is about; absent where no tenant is known yet.
  var tenantID: String?
  /// JSON to send.
  var body: [UInt8]?
  /// Makes the call conditional on a change since the answer with this tag.
  var etag: String?
  /// Makes a repetition of the call harmless.
  var idempotencyKey: String?
  /// The address of the client a sign-in comes from.
  var forwardedFor: String?
  /// Whether the Wrapper may hold the answer back until there is news.
  var isHeld = false
  /// The whole time the call may take.
  var seconds = Limits.backgroundCallSeconds

  static func post(_ path: String, _ body: [UInt8]) -> WrapperCall {
    WrapperCall(method: "POST", path: path, body: body)
  }
}

/// What the Wrapper answered.
struct WrapperAnswer: Sendable {
  var status: Int
  var etag: String?
  /// `Retry-After` as it was sent.
  var retryAfter: String?
  /// Whether the connection ends with this answer.
  var endsConnection = false
  /// The `max-age` of `Cache-Control`.
  var maxAgeSeconds: Double?
  var body: [UInt8]

  /// `Retry-After` in seconds, at most an hour; the transport has made seconds of a date.
  var retryAfterSeconds: Double? {
    retryAfter.flatMap { Double($0) }.map { min(max($0, 0), 3600) }
  }
}

/// Why there is no answer.
enum TransportFailure: Error, Sendable, Hashable {
  /// The call took longer than it may.
  case timeout
  /// Nobody took a connection in time.
  case noConnection
  /// No connection, or it broke.
  case unreachable
  /// The answer is larger than any that is taken.
  case tooLarge
  /// The Wrapper sent the call elsewhere, where the key must not go.
  case redirected
  /// The address of the Wrapper cannot be called.
  case unusableAddress

  /// The same in words for the log.
  var reason: String {
    switch self {
    case .timeout: "no answer in time"
    case .noConnection: "no connection within \(Int(Limits.connectSeconds)) s"
    case .unreachable: "no connection"
    case .tooLarge: "the answer is over \(Limits.answerBytesMax) bytes"
    case .redirected: "a redirect, which is not followed"
    case .unusableAddress: "the address cannot be called"
    }
  }
}
