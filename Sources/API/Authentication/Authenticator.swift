internal import HTTP
internal import Synchronization
internal import Values
internal import WrapperClient

/// Finds out who sends a request, from memory wherever a token was seen before.
final class Authenticator: Sendable {
  private let configuration: APIConfiguration
  private let wrapper: Wrapper
  private let time: TimeSource
  private let attempts: RateLimiter
  private let setups: RateLimiter
  /// Tokens that the Wrapper must be asked about, by address: a flood of made-up ones must not
  /// become a flood of calls.
  private let validations: RateLimiter
  private static let validationsPerSecond = 10

  /// Verified JWTs; every one of them may be verified again, so that forgetting costs time only.
  private let verified = Mutex<[String: WrapperSession]>([:])
  private static let verifiedMax = 10_000

  init(_ configuration: APIConfiguration, wrapper: Wrapper, time: TimeSource) {
    self.configuration = configuration
    self.wrapper = wrapper
    self.time = time
    attempts = RateLimiter(perMinute: configuration.authenticationsPerMinute, time: time)
    setups = RateLimiter(perMinute: configuration.authenticationsPerMinute, time: time)
    validations = RateLimiter(
      perSecond: configuration.authenticationsPerMinute == 0 ? 0 : Self.validationsPerSecond,
      time: time)
  }

  /// Somebody whose token is valid, with the directory of their tenant.
  struct Identity: Sendable {
    let session: WrapperSession
    let directory: TenantDirectory

    /// Whether the user may do anything at all; one that nobody knows has no permissions anyway.
    var isActive: Bool { directory.isActive(session.userID) ?? true }
  }

  /// The caller of a request as far as memory knows; nil when finding out may take a wait.
  func knownIdentity(_ head: HTTPRequestHead) -> Identity? {
    // What is wrong with the header is said on the way that may wait.
    guard !wrapper.checksPermissionsStrictly, let token = try? Self.bearerToken(head),
      let session = knownSession(token),
      configuration.servedTenants?.contains(session.tenantID) ?? true,
      let directory = wrapper.loadedTenant(session.tenantID), isInUse(session)
    else { return nil }
    return Identity(session: session, directory: directory)
  }

  /// The caller of a request.
  ///
  /// - Throws: 401, 403 `tenant_not_served`, 429, 503
  ///   `wrapper_unavailable`.
  func identify(_ head: HTTPRequestHead, address: String) async throws(Problem) -> Identity {
    let token = try Self.bearerToken(head)
    let session: WrapperSession
    if let known = knownSession(token) {
      session = known
    } else {
      do {
        session = try await newSession(token, address: address)
      } catch {
        if error.code.status == 401 { try countAttempt(from: address) }
        throw error
      }
    }
    if let served = configuration.servedTenants, !served.contains(session.tenantID) {
      throw Problem(.tenantNotServed, "This server does not serve the token's tenant.")
    }
    let directory: TenantDirectory
    if !wrapper.checksPermissionsStrictly, let loaded = wrapper.loadedTenant(session.tenantID) {
      directory = loaded
    } else {
      do {
        directory = try await wrapper.tenant(session.tenantID, decidingOn: session.userID)
      } catch {
        throw Problem(error)
      }
    }
    try admit(session, head, address: address)
    return Identity(session: session, directory: directory)
  }

  /// Whether the token's session is known to be in use, which is noted.
  private func isInUse(_ session: WrapperSession) -> Bool {
    session.slot.session?.see(at: time.now()) ?? false
  }

  /// - Throws: 401 for a token of a session that was ended, 503 while nobody can tell.
  private func admit(
    _ session: WrapperSession, _ head: HTTPRequestHead, address: String
  ) throws(Problem) {
    if isInUse(session) { return }
    switch wrapper.sessions.admit(
      session, address: address, userAgent: head.headers["User-Agent"] ?? "unknown")
    {
    case .listed: return
    case .ended: throw .unauthenticated("The session was ended.")
    case .unknown:
      throw Problem(
        .overloaded, "The server cannot tell whether the session was ended.",
        headers: ["Retry-After": "1"])
    }
  }

  /// Counts an attempt to set the server up, which is no attempt to sign in.
  ///
  /// - Throws: 429 when the address has had too many.
  func countSetup(from address: String) throws(Problem) {
    try setups.take(for: address)
  }

  /// Counts a login or a refused token.
  ///
  /// - Throws: 429 when the address has had too many.
  func countAttempt(from address: String) throws(Problem) {
    try attempts.take(for: address)
  }

  /// The token of `Authorization: Bearer …` (RFC 6750 section 2.1).
  ///
  /// - Throws: 401 when there is none.
  static func bearerToken(_ head: HTTPRequestHead) throws(Problem) -> String {
    guard let header = head.headers["Authorization"]?.utf8, header.count > 7,
      HTTPHeaders.areEqual(String(Substring(header.prefix(7))), "Bearer ")
    else { throw .unauthenticated("A bearer token is wanted in the Authorization header.") }
    return String(Substring(header.dropFirst(7)))
  }

  /// Whether a refused token was good until its user was shut out.
  private func isOfInactiveUser(_ token: String) -> Bool {
    guard let last = wrapper.lastSession(token: token) else { return false }
    return wrapper.loadedTenant(last.tenantID)?.isActive(last.userID) == false
  }

  private var verifiesJWT: Bool { configuration.jwt != nil }

  private func knownSession(_ token: String) -> WrapperSession? {
    guard verifiesJWT, JWT.hasForm(token) else { return wrapper.cachedSession(token: token) }
    return verified.withLock { sessions in
      guard let session = sessions[token], let end = session.expiresAt, time.now() < end else {
        return nil
      }
      return session
    }
  }

  private func newSession(_ token: String, address: String) async throws(Problem)
    -> WrapperSession
  {
    guard let jwt = configuration.jwt, JWT.hasForm(token) else {
      do {
        return try await wrapper.session(token: token) { [validations] in
          validations.allows(address)
        }
      } catch {
        if error == .unauthenticated, isOfInactiveUser(token) {
          throw Problem(.insufficientPermissions, "The user is not active.")
        }
        throw Problem(error)
      }
    }
    let session = try JWT.verify(token, jwt, now: time.now())
    verified.withLock { sessions in
      if sessions.count >= Self.verifiedMax { sessions.removeAll(keepingCapacity: true) }
      sessions[token] = session
    }
    return session
  }
}
