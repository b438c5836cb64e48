internal import Synchronization
public import Values

/// A session in use: one object for all of its tokens, so that seeing one of them on the way of a
/// request takes no lock.
public final class ActiveSession: Sendable {
  /// The tenant.
  public let tenantID: String
  /// Whose it is.
  public let userID: String
  /// The session's id, unique for its user.
  public let id: String
  /// When it was first seen here.
  public let startedAt: Timestamp
  /// How the user signed in.
  public let authenticationMethod: String

  private enum Standing {
    /// The registry holds it.
    static let listed: UInt8 = 0
    /// The registry has let it go; its next request lists it again.
    static let forgotten: UInt8 = 1
    /// Somebody ended it, for ever.
    static let ended: UInt8 = 2
  }

  private struct Origin {
    var address: String
    var userAgent: String
  }

  private let standing = Atomic(Standing.listed)
  private let lastSeenMilliseconds: Atomic<Int64>
  private let storedMilliseconds = Atomic<Int64>(.min)
  /// The latest end of its tokens.
  private let expiresMilliseconds: Atomic<Int64>
  private let origin: Mutex<Origin>

  init(
    key: SessionKey, startedAt: Timestamp, lastSeenAt: Timestamp, expiresAt: Timestamp?,
    authenticationMethod: String, address: String, userAgent: String
  ) {
    tenantID = key.tenantID
    userID = key.userID
    id = key.sessionID
    self.startedAt = startedAt
    self.authenticationMethod = authenticationMethod
    lastSeenMilliseconds = Atomic(lastSeenAt.milliseconds)
    expiresMilliseconds = Atomic(expiresAt?.milliseconds ?? .min)
    origin = Mutex(Origin(address: address, userAgent: userAgent))
  }

  /// When one of its tokens was last used.
  public var lastSeenAt: Timestamp {
    Timestamp(milliseconds: lastSeenMilliseconds.load(ordering: .relaxed))
  }

  /// When the last of its tokens that were seen ends by itself; nil when none says so.
  public var expiresAt: Timestamp? {
    let end = expiresMilliseconds.load(ordering: .relaxed)
    return end == .min ? nil : Timestamp(milliseconds: end)
  }

  /// The address that the newest of its tokens came from.
  public var address: String { origin.withLock { $0.address } }

  /// The program that the newest of its tokens came from.
  public var userAgent: String { origin.withLock { $0.userAgent } }

  /// Notes that one of its tokens was used.
  ///
  /// - Returns: false when the registry does not list it (any more), which it must be asked about.
  @inline(__always)
  public func see(at now: Timestamp) -> Bool {
    guard standing.load(ordering: .acquiring) == Standing.listed else { return false }
    lastSeenMilliseconds.store(now.milliseconds, ordering: .relaxed)
    return true
  }

  var key: SessionKey { SessionKey(tenantID: tenantID, userID: userID, sessionID: id) }

  var isEnded: Bool { standing.load(ordering: .acquiring) == Standing.ended }

  func end() { standing.store(Standing.ended, ordering: .releasing) }

  func forget() { change(from: Standing.listed, to: Standing.forgotten) }

  func relist() { change(from: Standing.forgotten, to: Standing.listed) }

  /// Takes over what a token says that was not seen before.
  func note(address: String, userAgent: String, expiresAt: Timestamp?) {
    origin.withLock { $0 = Origin(address: address, userAgent: userAgent) }
    if let end = expiresAt?.milliseconds { expiresMilliseconds.max(end, ordering: .relaxed) }
  }

  /// Whether it was seen since it was stored.
  var isUnstored: Bool {
    storedMilliseconds.load(ordering: .relaxed) != lastSeenMilliseconds.load(ordering: .relaxed)
  }

  func noteStored(at lastSeen: Timestamp) {
    storedMilliseconds.store(lastSeen.milliseconds, ordering: .relaxed)
  }

  private func change(from old: UInt8, to new: UInt8) {
    // What was ended meanwhile stays ended.
    _ = standing.compareExchange(expected: old, desired: new, ordering: .acquiringAndReleasing)
  }
}

/// What tells sessions apart: two users' sessions may bear one id.
struct SessionKey: Hashable, Sendable {
  var tenantID: String
  var userID: String
  var sessionID: String
}

/// Where a session in use hangs from what is remembered of one of its tokens.
public final class SessionSlot: Sendable, Hashable {
  private let reference = AtomicLazyReference<ActiveSession>()

  init() {}

  /// The session, once the registry has seen the token.
  public var session: ActiveSession? { reference.load() }

  func attach(_ session: ActiveSession) { _ = reference.storeIfNil(session) }

  /// What hangs from them tells no tokens apart.
  public static func == (left: SessionSlot, right: SessionSlot) -> Bool { true }

  /// Nothing, as above.
  public func hash(into hasher: inout Hasher) {}
}
