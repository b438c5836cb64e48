internal import Synchronization
internal import Values

/// What the Wrapper said of tokens a short while ago.
final class SessionCache: Sendable {
  /// What is known of a token.
  enum Lookup: Sendable, Equatable {
    case accepted(WrapperSession)
    case refused(WrapperError)
    /// Accepted once, but to be asked again; when nobody answers it may stand for a while.
    case stale(WrapperSession, validatedAt: Timestamp)
    case unknown
  }

  private enum Entry {
    case accepted(WrapperSession, freshUntil: Double, validatedAt: Timestamp)
    /// Signed out here: what an earlier question still brings does not count.
    /// The last is what the token stood for before.
    case refused(WrapperError, until: Double, isFinal: Bool, WrapperSession? = nil)
  }

  private let entries = Mutex<[TokenDigest: Entry]>([:])
  private let seenSessions = Mutex<Set<String>>([])
  private let time: TimeSource
  /// How long an accepted session may stand in while the Wrapper is away.
  private let offlineSeconds: Double

  init(time: TimeSource, offlineSeconds: Double) {
    self.time = time
    self.offlineSeconds = offlineSeconds
  }

  func lookup(_ digest: TokenDigest) -> Lookup {
    guard let entry = entries.withLock({ $0[digest] }) else { return .unknown }
    switch entry {
    case .accepted(let session, let freshUntil, let validatedAt):
      if let end = session.expiresAt, end <= time.now() { return .refused(.expired) }
      return time.monotonicSeconds < freshUntil
        ? .accepted(session) : .stale(session, validatedAt: validatedAt)
    case .refused(let error, let until, _, _):
      return time.monotonicSeconds < until ? .refused(error) : .unknown
    }
  }

  /// Remembers an accepted token.
  ///
  /// - Returns: whether the session was seen for the first time.
  func accept(_ digest: TokenDigest, _ session: WrapperSession) -> Bool {
    remember(
      digest,
      .accepted(
        session, freshUntil: time.monotonicSeconds + Limits.acceptedTokenSeconds,
        validatedAt: time.now()))
    return seenSessions.withLock { seen in
      if seen.count >= Limits.sessionsSeenMax { seen = [] }
      return seen.insert("\(session.tenantID)/\(session.sessionID)").inserted
    }
  }

  func refuse(_ digest: TokenDigest, _ error: WrapperError) {
    let until = time.monotonicSeconds + Limits.refusedTokenSeconds
    remember(digest, .refused(error, until: until, isFinal: false, lastSession(digest)))
  }

  /// What the token stood for when it was last accepted, until that would have ended by itself.
  func lastSession(_ digest: TokenDigest) -> WrapperSession? {
    let last: WrapperSession? =
      switch entries.withLock({ $0[digest] }) {
      case .accepted(let session, _, _)?: session
      case .refused(_, _, _, let session)?: session
      case nil: nil
      }
    guard let last, last.expiresAt.map({ $0 > time.now() }) ?? true else { return nil }
    return last
  }

  /// Refuses the token for as long as an answer from before could still be on its way.
  func signOut(_ digest: TokenDigest) {
    let until = time.monotonicSeconds + Limits.acceptedTokenSeconds
    remember(digest, .refused(.unauthenticated, until: until, isFinal: true))
  }

  /// Trusts the accepted tokens of the sessions that `isMeant` no longer, not even while nobody
  /// can be asked.
  func forget(where isMeant: (WrapperSession) -> Bool) {
    entries.withLock { entries in
      entries = entries.mapValues { entry in
        guard case .accepted(let session, _, _) = entry, isMeant(session) else { return entry }
        return .accepted(
          session, freshUntil: -.infinity, validatedAt: Timestamp(milliseconds: 0))
      }
    }
  }

  /// Lets an accepted token stand for a moment longer, because the Wrapper cannot be asked.
  ///
  /// - Returns: the session; nil when it was never accepted or too long ago.
  func standIn(_ digest: TokenDigest) -> WrapperSession? {
    let session: WrapperSession
    switch lookup(digest) {
    case .accepted(let accepted): return accepted
    case .stale(let stale, let validatedAt):
      let age = Double(time.now().milliseconds - validatedAt.milliseconds) / 1000
      guard age < offlineSeconds else { return nil }
      session = stale
      let freshUntil = time.monotonicSeconds + Limits.offlineTokenSeconds
      remember(
        digest, .accepted(session, freshUntil: freshUntil, validatedAt: validatedAt))
    case .refused, .unknown: return nil
    }
    return session
  }

  private func remember(_ digest: TokenDigest, _ entry: Entry) {
    let now = time.monotonicSeconds
    entries.withLock { entries in
      if case .refused(_, let until, true, _)? = entries[digest], now < until { return }
      if entries.count >= Limits.tokensMax, entries[digest] == nil { evict(from: &entries, now) }
      entries[digest] = entry
    }
  }

  /// Makes room: first what no longer counts, then refusals, then whatever comes first.
  private func evict(from entries: inout [TokenDigest: Entry], _ now: Double) {
    entries = entries.filter { _, entry in
      switch entry {
      case .accepted(let session, let freshUntil, _):
        now < freshUntil && (session.expiresAt.map { $0 > time.now() } ?? true)
      case .refused(_, let until, let isFinal, _): isFinal && now < until
      }
    }
    guard entries.count >= Limits.tokensMax else { return }
    for digest in entries.keys.prefix(Limits.tokensMax / 2) { entries[digest] = nil }
  }
}
