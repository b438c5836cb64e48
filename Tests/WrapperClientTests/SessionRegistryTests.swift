import Database
import SQLite
import TestSupport
import Testing
import Values

@testable import WrapperClient

/// Sessions in use and sessions that were ended, as the registry holds them.
@Suite struct SessionRegistryTests {
  private struct World {
    let folder: TemporaryFolder
    let database: Database
    let clock = ManualClock()

    init() throws {
      folder = try TemporaryFolder()
      database = try Database(DatabaseConfiguration(path: folder.path + "/cardfile.db"))
    }

    func registry() -> SessionRegistry {
      SessionRegistry(database, time: clock.source, log: { _, _ in })
    }

    func end(_ session: ActiveSession, _ registry: SessionRegistry) async throws {
      try await database.write { try registry.writeEnd(of: session, in: $0) }
      registry.ended(session)
    }
  }

  private static func token(_ id: String, user: String = "u", expiresAt: Timestamp? = nil)
    -> WrapperSession
  {
    WrapperSession(
      userID: user, tenantID: "t", sessionID: id, authenticationMethod: "password",
      expiresAt: expiresAt)
  }

  private static func admit(_ token: WrapperSession, _ registry: SessionRegistry)
    -> SessionRegistry.Admission
  {
    registry.admit(token, address: "::1", userAgent: "test")
  }

  @Test("tokens of one session share it, and the newest says where it is used")
  func shared() throws {
    let world = try World()
    let registry = world.registry()
    let (first, second) = (Self.token("s"), Self.token("s"))
    #expect(Self.admit(first, registry) == .listed)
    #expect(registry.admit(second, address: "10.0.0.1", userAgent: "phone") == .listed)
    let session = try #require(first.slot.session)
    #expect(second.slot.session === session)
    #expect(session.address == "10.0.0.1")
    #expect(session.userAgent == "phone")
    #expect(registry.sessions(tenantID: "t").count == 1)
    #expect(registry.sessions(tenantID: "other").isEmpty)
    #expect(Self.admit(Self.token("s", user: "v"), registry) == .listed)
    #expect(registry.sessions(tenantID: "t").count == 2)
  }

  @Test("an ended session stays ended whatever its tokens have seen before, and over a restart")
  func ended() async throws {
    let world = try World()
    let registry = world.registry()
    let token = Self.token("s")
    #expect(Self.admit(token, registry) == .listed)
    let session = try #require(token.slot.session)
    try await world.end(session, registry)
    #expect(!session.see(at: world.clock.source.now()))
    #expect(Self.admit(token, registry) == .ended)
    #expect(Self.admit(Self.token("s"), registry) == .ended)
    #expect(Self.admit(Self.token("s", user: "v"), registry) == .listed)
    await registry.stop()
    let next = world.registry()
    #expect(Self.admit(Self.token("s"), next) == .ended)
    #expect(next.sessions(tenantID: "t").map(\.userID) == ["v"])
  }

  @Test("a session that the Wrapper ended leaves the list and the file, those of others stay")
  func endedByWrapper() async throws {
    let world = try World()
    let registry = world.registry()
    let tokens = ["a", "b", "c"].map { Self.token($0) } + [Self.token("a", user: "v")]
    for token in tokens { #expect(Self.admit(token, registry) == .listed) }
    registry.start()
    await registry.storeSessions()
    registry.endedByWrapper(tokens[0])
    #expect(Set(registry.sessions(tenantID: "t").map(\.id)) == ["a", "b", "c"])
    #expect(registry.sessions(tenantID: "t").count == 3)
    registry.endedByWrapper(userID: "u", tenantID: "other")
    registry.endedByWrapper(userID: "u", tenantID: "t", except: "c")
    #expect(registry.sessions(tenantID: "t").map(\.id).sorted() == ["a", "c"])
    // One whose token is good after all is in use again.
    #expect(Self.admit(tokens[1], registry) == .listed)
    await registry.stop()
    let next = world.registry()
    next.start()
    #expect(
      next.sessions(tenantID: "t").map { "\($0.userID) \($0.id)" }.sorted()
        == ["u b", "u c", "v a"])
    await next.stop()
  }

  @Test("an end that was written but not announced counts after a restart")
  func crashed() async throws {
    let world = try World()
    let registry = world.registry()
    let token = Self.token("s")
    #expect(Self.admit(token, registry) == .listed)
    let session = try #require(token.slot.session)
    await registry.storeSessions()
    try await world.database.write { try registry.writeEnd(of: session, in: $0) }
    let next = world.registry()
    #expect(Self.admit(Self.token("s"), next) == .ended)
    #expect(next.sessions(tenantID: "t").isEmpty)
  }

  @Test("an end is forgotten a day later, or when the last token ends if that is later")
  func forgotten() async throws {
    let world = try World()
    let registry = world.registry()
    let later = world.clock.source.now().advanced(byMilliseconds: 48 * 3600 * 1000)
    for (id, end) in [("short", nil), ("long", later)] as [(String, Timestamp?)] {
      let token = Self.token(id, expiresAt: end)
      #expect(Self.admit(token, registry) == .listed)
      try await world.end(try #require(token.slot.session), registry)
    }
    world.clock.advance(seconds: 25 * 3600)
    await registry.storeSessions()
    #expect(Self.admit(Self.token("short"), registry) == .listed)
    #expect(Self.admit(Self.token("long"), registry) == .ended)
    let next = world.registry()
    #expect(Self.admit(Self.token("long"), next) == .ended)
    world.clock.advance(seconds: 24 * 3600)
    await registry.storeSessions()
    #expect(Self.admit(Self.token("long"), registry) == .listed)
    let rows = try world.database.read { connection in
      try connection.all("SELECT session_id FROM ended_sessions") { $0.text(0) }
    }
    #expect(rows == [])
  }

  @Test("when too many are in use those go that were seen longest ago, until they are seen again")
  func bounded() throws {
    let world = try World()
    let registry = world.registry()
    let tokens = (0..<Limits.activeSessionsMax).map { Self.token("s\($0)") }
    for token in tokens {
      #expect(Self.admit(token, registry) == .listed)
      world.clock.advance(seconds: 0.01)
    }
    #expect(registry.sessions(tenantID: "t").count == Limits.activeSessionsMax)
    // The first one is used again and so stays.
    let now = world.clock.source.now()
    #expect(try #require(tokens[0].slot.session).see(at: now))
    #expect(Self.admit(Self.token("new"), registry) == .listed)
    let held = Set(registry.sessions(tenantID: "t").map(\.id))
    #expect(held.count == Limits.activeSessionsMax * 9 / 10 + 1)
    #expect(held.contains("s0") && held.contains("new") && !held.contains("s1"))
    #expect(try !#require(tokens[1].slot.session).see(at: now))
    #expect(Self.admit(tokens[1], registry) == .listed)
    #expect(try #require(tokens[1].slot.session).see(at: now))
    #expect(registry.sessions(tenantID: "t").contains { $0.id == "s1" })
  }

  @Test("a session in use is written now and then, and leaves the file an hour after its last use")
  func stored() async throws {
    let world = try World()
    let registry = world.registry()
    let token = Self.token("s")
    #expect(Self.admit(token, registry) == .listed)
    let session = try #require(token.slot.session)
    await registry.storeSessions()
    world.clock.advance(seconds: 3000)
    #expect(session.see(at: world.clock.source.now()))
    await registry.storeSessions()
    let found = world.registry().loaded.first
    #expect(found?.lastSeenAt == session.lastSeenAt)
    #expect(found?.startedAt == session.startedAt)
    world.clock.advance(seconds: 3601)
    await registry.storeSessions()
    let rows = try world.database.read { connection in
      try connection.all("SELECT session_id FROM active_sessions") { $0.text(0) }
    }
    #expect(rows == [])
    #expect(Self.admit(token, registry) == .listed)
    #expect(registry.sessions(tenantID: "t").count == 1)
  }

  @Test("when the file cannot be read nobody is taken for somebody who was not ended")
  func unreadable() throws {
    let world = try World()
    let registry = world.registry()
    world.database.close()
    #expect(Self.admit(Self.token("s"), registry) == .unknown)
  }

  @Test("admitting and ending at the same time never leaves a token that goes on")
  func race() async throws {
    let world = try World()
    let registry = world.registry()
    for round in 0..<30 {
      let token = Self.token("s\(round)")
      #expect(Self.admit(token, registry) == .listed)
      let session = try #require(token.slot.session)
      let others = (0..<4).map { _ in Self.token("s\(round)") }
      try await withThrowingTaskGroup { group in
        for other in others { group.addTask { _ = Self.admit(other, registry) } }
        group.addTask { try await world.end(session, registry) }
        try await group.waitForAll()
      }
      for token in others + [token] {
        #expect(token.slot.session?.see(at: world.clock.source.now()) != true)
        #expect(Self.admit(token, registry) == .ended)
      }
    }
  }

  @Test("a session that the Wrapper did not name is named by its token")
  func unnamed() {
    let names = ["a", "b"].map { TokenDigest($0).sessionID }
    #expect(names[0] != names[1])
    #expect(names.allSatisfy { $0.wholeMatch(of: /token:[0-9a-f]{16}/) != nil })
    let answer = WrapperAnswer(
      status: 200, body: Array(#"{"valid":true,"userId":"u","tenantId":"t"}"#.utf8))
    let outcome = TokenValidator.read(answer, fallbackSessionID: names[0])
    #expect((try? outcome.get())?.sessionID == names[0])
  }
}

extension SessionRegistry {
  /// What the file knows.
  fileprivate var loaded: [ActiveSession] {
    _ = admit(
      WrapperSession(
        userID: "probe", tenantID: "probe", sessionID: "probe", authenticationMethod: "probe",
        expiresAt: nil), address: "", userAgent: "")
    return sessions(tenantID: "t")
  }
}
