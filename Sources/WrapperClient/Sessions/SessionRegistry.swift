internal import Database
public import SQLite
internal import Synchronization
internal import Values

/// Which sessions are in use, and which were ended here before their tokens end by themselves.
///
/// Those in use are held in memory for an hour after they were last seen and written to the file
/// now and then; ended ones are in the file before anybody is told.
public final class SessionRegistry: Sendable {
  /// What became of a token that the registry was asked about.
  public enum Admission: Sendable {
    /// Its session is in use.
    case listed
    /// Its session was ended.
    case ended
    /// Nobody can tell: the file could not be read.
    case unknown
  }

  private struct State {
    var isLoaded = false
    var listed: [SessionKey: ActiveSession] = [:]
    var ended: [SessionKey: Timestamp] = [:]
    /// Ended ones that had to make room; they leave the file with the next storing.
    var dropped: [SessionKey] = []
    /// Those that the Wrapper ended; they leave the file likewise.
    var unlisted: Set<SessionKey> = []
  }

  private let state = Mutex(State())
  private let store: SessionStore
  private let time: TimeSource
  private let log: @Sendable (WrapperLogLevel, String) -> Void
  private let alarm = Alarm()
  private let loop = Mutex<Task<Void, Never>?>(nil)

  init(
    _ database: Database, time: TimeSource,
    log: @escaping @Sendable (WrapperLogLevel, String) -> Void
  ) {
    store = SessionStore(database)
    self.time = time
    self.log = log
  }

  /// Lists the session of a token that was accepted and is not yet attached to it.
  ///
  /// - Parameters:
  ///   - token: What was found out about the token.
  ///   - address: Where it came from.
  ///   - userAgent: The program that sent it.
  /// - Returns: whether the token may be used.
  public func admit(_ token: WrapperSession, address: String, userAgent: String) -> Admission {
    let now = time.now()
    return state.withLock { state in
      guard load(&state, now) else { return .unknown }
      let key = SessionKey(
        tenantID: token.tenantID, userID: token.userID, sessionID: token.sessionID)
      let held = token.slot.session
      if held?.isEnded == true { return .ended }
      if let end = state.ended[key], now < end { return .ended }
      let agent = String(userAgent.prefix(Limits.userAgentCharactersMax))
      let session: ActiveSession
      if let listed = state.listed[key] {
        session = listed
      } else {
        if state.listed.count >= Limits.activeSessionsMax { Self.evict(from: &state, now) }
        state.unlisted.remove(key)
        session =
          held
          ?? ActiveSession(
            key: key, startedAt: now, lastSeenAt: now, expiresAt: token.expiresAt,
            authenticationMethod: token.authenticationMethod, address: address, userAgent: agent)
        session.relist()
        state.listed[key] = session
      }
      session.note(address: address, userAgent: agent, expiresAt: token.expiresAt)
      token.slot.attach(session)
      return session.see(at: now) ? .listed : .ended
    }
  }

  /// The tenant's sessions that were seen within the last hour, in no order.
  public func sessions(tenantID: String) -> [ActiveSession] {
    let oldest = Self.oldest(time.now())
    return state.withLock { state in
      state.listed.values.filter { $0.tenantID == tenantID && $0.lastSeenAt > oldest }
    }
  }

  /// Ends a session for ever: writes it down, in the transaction of what tells of it.
  ///
  /// Takes effect with ``ended(_:)``, after the commit.
  public func writeEnd(
    of session: ActiveSession, in connection: borrowing Connection
  ) throws(SQLiteError) {
    try SessionStore.writeEnd(
      of: session.key, until: refusedUntil(session), in: connection)
  }

  /// Refuses every token of a session whose end is written, from now on.
  public func ended(_ session: ActiveSession) {
    let until = refusedUntil(session)
    state.withLock { state in
      if state.ended.count >= Limits.endedSessionsMax { makeRoom(in: &state) }
      state.ended[session.key] = until
      state.listed.removeValue(forKey: session.key)?.end()
      session.end()
    }
  }

  /// Takes a session off the list whose token the Wrapper refuses, and by that all of them.
  func endedByWrapper(_ token: WrapperSession) {
    guard let session = token.slot.session else { return }
    state.withLock { Self.unlist(session, &$0) }
  }

  /// Takes the sessions of a user off the list that began with a password, because the Wrapper has
  /// ended them.
  ///
  /// - Parameter kept: The id of the one that goes on.
  public func endedByWrapper(userID: String, tenantID: String, except kept: String? = nil) {
    state.withLock { state in
      let ended = state.listed.values.filter { session in
        session.tenantID == tenantID && session.userID == userID && session.id != kept
          && session.authenticationMethod == "password"
      }
      for session in ended { Self.unlist(session, &state) }
    }
  }

  private static func unlist(_ session: ActiveSession, _ state: inout State) {
    guard state.listed[session.key] === session else { return }
    session.forget()
    state.listed[session.key] = nil
    state.unlisted.insert(session.key)
  }

  /// Begins to write down which sessions are in use.
  func start() {
    state.withLock { _ = load(&$0, time.now()) }
    loop.withLock { loop in
      guard loop == nil else { return }
      loop = Task {
        while !Task.isCancelled {
          await self.alarm.wait(seconds: Limits.sessionStoringSeconds)
          await self.storeSessions()
        }
      }
    }
  }

  /// Writes once more, and ends.
  func stop() async {
    let loop = self.loop.withLock { $0 }
    loop?.cancel()
    await loop?.value
    if loop == nil { await storeSessions() }
  }

  /// Writes what changed since it was last written, and forgets what is too old.
  func storeSessions() async {
    let now = time.now()
    let oldest = Self.oldest(now)
    let work = state.withLock { state -> ([ActiveSession], [SessionKey], [SessionKey])? in
      guard state.isLoaded else { return nil }
      for (key, session) in state.listed where session.lastSeenAt <= oldest {
        session.forget()
        state.listed[key] = nil
      }
      state.ended = state.ended.filter { $0.value > now }
      defer {
        state.dropped = []
        state.unlisted = []
      }
      return (
        state.listed.values.filter(\.isUnstored), state.dropped,
        Array(state.unlisted)
      )
    }
    guard let (changed, dropped, unlisted) = work else { return }
    do {
      try await store.save(changed)
      try await store.unlist(unlisted)
      try await store.forget(dropped, activeBefore: oldest, endedBefore: now)
    } catch {
      log(.warning, "the sessions in use could not be written: \(error)")
    }
  }

  /// A token may end later than any that was seen; a day is what sessions live at most otherwise.
  private func refusedUntil(_ session: ActiveSession) -> Timestamp {
    let day = time.now().advanced(byMilliseconds: Limits.endedSessionMilliseconds)
    return max(day, session.expiresAt ?? day)
  }

  private static func oldest(_ now: Timestamp) -> Timestamp {
    now.advanced(byMilliseconds: -Limits.activeSessionMilliseconds)
  }

  /// Takes what the file knows, the first time it can be read.
  private func load(_ state: inout State, _ now: Timestamp) -> Bool {
    if state.isLoaded { return true }
    do {
      state.ended = try store.ended(after: now)
      for session in try store.active(after: Self.oldest(now))
      where state.ended[session.key] == nil {
        state.listed[session.key] = session
      }
      state.isLoaded = true
      return true
    } catch {
      log(.error, "the sessions that were ended could not be read: \(error)")
      return false
    }
  }

  /// Makes room for a tenth more: first what is too old, then what was seen longest ago.
  private static func evict(from state: inout State, _ now: Timestamp) {
    let oldest = oldest(now)
    let byAge = state.listed.values.sorted { $0.lastSeenAt < $1.lastSeenAt }
    for (place, session) in byAge.enumerated() {
      guard session.lastSeenAt <= oldest || place < Limits.activeSessionsMax / 10 else { return }
      session.forget()
      state.listed[session.key] = nil
    }
  }

  /// Lets those ended sessions go whose tokens end first.
  private func makeRoom(in state: inout State) {
    let now = time.now()
    let byEnd = state.ended.sorted { $0.value < $1.value }
    for (place, entry) in byEnd.enumerated() {
      guard entry.value <= now || place < Limits.endedSessionsMax / 10 else { return }
      state.ended[entry.key] = nil
      state.dropped.append(entry.key)
    }
  }
}
