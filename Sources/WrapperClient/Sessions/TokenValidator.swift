internal import JSON
internal import Synchronization
internal import Values

/// Asks the Wrapper about tokens: once for all who ask at the same time, and few at once.
final class TokenValidator: Sendable {
  typealias Outcome = Result<WrapperSession, WrapperError>

  /// A session, and whether it was seen for the first time.
  struct Sighting: Sendable {
    var session: WrapperSession
    var isFirst: Bool
  }

  private let transport: any WrapperSending
  private let time: TimeSource
  private let cache: SessionCache
  /// Told of a session whose token was good until now.
  private let ended: @Sendable (WrapperSession) -> Void
  private let requestSeconds: Double
  private typealias Answer = Result<Sighting, WrapperError>

  private let turnstile = Turnstile(
    atOnce: Limits.validationsAtOnceMax, waitingMax: Limits.validationsWaitingMax)
  private let questions = Mutex<[TokenDigest: Promise<Answer>]>([:])

  init(
    _ configuration: WrapperConfiguration, transport: any WrapperSending, time: TimeSource,
    ended: @escaping @Sendable (WrapperSession) -> Void = { _ in }
  ) {
    self.ended = ended
    requestSeconds = configuration.requestSeconds
    self.transport = transport
    self.time = time
    cache = SessionCache(time: time, offlineSeconds: configuration.offlineMinutes * 60)
  }

  /// The token's session as far as memory knows.
  func cached(_ token: String) -> WrapperSession? {
    guard case .accepted(let session) = cache.lookup(TokenDigest(token)) else { return nil }
    return session
  }

  /// What the token stood for when it was last accepted.
  func lastSession(_ token: String) -> WrapperSession? {
    cache.lastSession(TokenDigest(token))
  }

  /// The token's session, from memory or from the Wrapper.
  ///
  /// - Parameter admit: Whether a token that was never seen may cost a call; asked once for all who
  ///   come with it at the same time.
  func session(
    _ token: String, admit: @Sendable () -> Bool
  ) async throws(WrapperError) -> Sighting {
    let digest = TokenDigest(token)
    switch cache.lookup(digest) {
    case .accepted(let session): return Sighting(session: session, isFirst: false)
    case .refused(let error): throw error
    case .stale: break
    case .unknown:
      let isAsked = questions.withLock { $0[digest] != nil }
      guard isAsked || admit() else { throw .throttled }
    }
    let answer = await question(digest, token).value(withinSeconds: requestSeconds)
    switch answer ?? .failure(.unavailable) {
    case .success(let sighting): return sighting
    case .failure(.unavailable):
      guard let session = cache.standIn(digest) else { throw .unavailable }
      return Sighting(session: session, isFirst: false)
    case .failure(let error): throw error
    }
  }

  /// Has the next question about each token of the user go to the Wrapper.
  func forget(userID: String, tenantID: String) {
    cache.forget { $0.userID == userID && $0.tenantID == tenantID }
  }

  /// Ends the token's session, here at once and at the Wrapper if it can be told.
  func logout(_ token: String) async throws(WrapperError) {
    cache.signOut(TokenDigest(token))
    var call = WrapperCall.post("/auth/logout", (["token": .string(token)] as JSONValue).bytes)
    call.seconds = requestSeconds
    guard case .success(let answer) = await transport.send(call), answer.status < 500,
      answer.status != 403, answer.status != 429
    else { throw .unavailable }
  }

  private func question(_ digest: TokenDigest, _ token: String) -> Promise<Answer> {
    let (promise, isNew) = questions.withLock { questions -> (Promise<Answer>, Bool) in
      if let promise = questions[digest] { return (promise, false) }
      let promise = Promise<Answer>()
      questions[digest] = promise
      return (promise, true)
    }
    if isNew {
      let asked = time.monotonicSeconds
      Task {
        let outcome = await self.ask(digest, token, asked: asked)
        self.questions.withLock { $0[digest] = nil }
        promise.fulfil(outcome)
      }
    }
    return promise
  }

  private func ask(_ digest: TokenDigest, _ token: String, asked: Double) async -> Answer {
    guard await turnstile.enter() else { return .failure(.unavailable) }
    defer { turnstile.leave() }
    // Whoever asked has been answered already if the turn came too late.
    guard time.monotonicSeconds - asked < requestSeconds else {
      return .failure(.unavailable)
    }
    // Another question may have been answered just before this one began.
    if case .accepted(let session) = cache.lookup(digest) {
      return .success(Sighting(session: session, isFirst: false))
    }
    var call = WrapperCall.post(
      "/auth/validate", (["token": .string(token)] as JSONValue).bytes)
    call.seconds = requestSeconds
    guard case .success(let answer) = await transport.send(call) else {
      return .failure(.unavailable)
    }
    switch Self.read(answer, fallbackSessionID: digest.sessionID) {
    case .success(let session):
      if let end = session.expiresAt, end <= time.now() {
        cache.refuse(digest, .expired)
        return .failure(.expired)
      }
      let isFirst = cache.accept(digest, session)
      // A sign-out that came meanwhile wins over the answer.
      if case .refused(let error) = cache.lookup(digest) { return .failure(error) }
      return .success(Sighting(session: session, isFirst: isFirst))
    case .failure(let error):
      if error != .unavailable {
        cache.refuse(digest, error)
        if let session = cache.lastSession(digest) { ended(session) }
      }
      return .failure(error)
    }
  }

  /// Reads the answer to `POST /auth/validate`; what cannot be read is as good as none.
  static func read(_ answer: WrapperAnswer, fallbackSessionID: String = "unknown") -> Outcome {
    if answer.status == 401 { return .failure(.unauthenticated) }
    // Broken JSON is the Wrapper's fault, not the token's.
    guard answer.status == 200, let value = try? JSONParser.parse(answer.body),
      let isValid = value["valid"]?.bool
    else { return .failure(.unavailable) }
    guard isValid else {
      return .failure(value["reason"]?.string == "expired" ? .expired : .unauthenticated)
    }
    guard let userID = value["userId"]?.string, !userID.isEmpty,
      let tenantID = value["tenantId"]?.string, !tenantID.isEmpty
    else { return .failure(.unavailable) }
    var expiresAt: Timestamp?
    switch value["expiresAt"] {
    case nil, .null: break
    case .string(let text)?:
      guard let end = Timestamp(rfc3339: text) else { return .failure(.unavailable) }
      expiresAt = end
    default: return .failure(.unavailable)
    }
    return .success(
      WrapperSession(
        userID: userID, tenantID: tenantID,
        sessionID: value["sessionId"]?.string ?? fallbackSessionID,
        authenticationMethod: value["authenticationMethod"]?.string ?? "session",
        expiresAt: expiresAt))
  }
}
