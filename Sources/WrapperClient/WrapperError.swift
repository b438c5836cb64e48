public import Values

/// Why the Wrapper's word could not be had.
public enum WrapperError: Error, Sendable, Equatable {
  /// The token is not valid.
  case unauthenticated
  /// The token was valid once.
  case expired
  /// The Wrapper did not answer in time, and nothing known here may stand in for it.
  case unavailable
  /// The token's tenant is not among those that are served.
  case tenantNotServed
  /// Too many tokens that nobody has seen before; wait.
  case throttled
}

/// What the Wrapper says of an accepted token.
public struct WrapperSession: Sendable, Hashable {
  /// Who.
  public let userID: String
  /// Of which tenant.
  public let tenantID: String
  /// The session's id.
  public let sessionID: String
  /// How the user signed in.
  public let authenticationMethod: String
  /// When the token ends by itself.
  public let expiresAt: Timestamp?
  /// Where the session in use is found, once the token was seen.
  public let slot = SessionSlot()

  /// A session made of its parts.
  public init(
    userID: String, tenantID: String, sessionID: String, authenticationMethod: String,
    expiresAt: Timestamp?
  ) {
    self.userID = userID
    self.tenantID = tenantID
    self.sessionID = sessionID
    self.authenticationMethod = authenticationMethod
    self.expiresAt = expiresAt
  }
}

/// An answer of the Wrapper that is passed on as it is.
public struct WrapperReply: Sendable {
  /// The HTTP status.
  public let status: Int
  /// The body: JSON, or empty.
  public let body: [UInt8]
  /// The value of `Retry-After`, where one was sent.
  public let retryAfter: String?
  /// The value of `ETag`, where one was sent.
  public let etag: String?

  /// An answer made of its parts.
  public init(status: Int, body: [UInt8], retryAfter: String?, etag: String?) {
    self.status = status
    self.body = body
    self.retryAfter = retryAfter
    self.etag = etag
  }
}
