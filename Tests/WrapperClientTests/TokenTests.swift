import EmbeddedWrapper
import HTTP
import JSON
import Testing
import Values

@testable import WrapperClient

@Suite struct TokenTests {
  @Test("an accepted token is remembered for a minute, and asked about once by many")
  func remembered() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port, time: world.clock.source)
      #expect(client.cachedSession(token: "abc") == nil)
      let sessions = try await withThrowingTaskGroup { group in
        for _ in 0..<20 { group.addTask { try await client.session(token: "abc") } }
        return try await group.reduce(into: Set<WrapperSession>()) { $0.insert($1) }
      }
      #expect(sessions.map(\.userID) == ["u1"])
      #expect(script.calls("/auth/validate").count == 1)
      world.clock.advance(seconds: 59)
      #expect(client.cachedSession(token: "abc") != nil)
      world.clock.advance(seconds: 2)
      #expect(client.cachedSession(token: "abc") == nil)
      _ = try await client.session(token: "abc")
      #expect(script.calls("/auth/validate").count == 2)
      await client.stop()
    }
  }

  @Test("a token never outlives its end")
  func expiry() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let end = world.clock.now.advanced(byMilliseconds: 10_000).rfc3339
      script.play { call in
        guard call.path == "/auth/validate" else { return nil }
        return .json(
          Array(#"{"valid":true,"userId":"u","tenantId":"t1","expiresAt":"\#(end)"}"#.utf8))
      }
      let client = world.client(port: port, time: world.clock.source)
      let session = try await client.session(token: "abc")
      #expect(session.expiresAt?.rfc3339 == end)
      world.clock.advance(seconds: 10)
      #expect(client.cachedSession(token: "abc") == nil)
      await #expect(throws: WrapperError.expired) { _ = try await client.session(token: "abc") }
      await client.stop()
    }
  }

  @Test("a refused token is refused from memory for five seconds")
  func refused() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { call in
        call.path == "/auth/validate" ? .json(Array(#"{"valid":false}"#.utf8)) : nil
      }
      let client = world.client(port: port, time: world.clock.source)
      for _ in 0..<3 {
        await #expect(throws: WrapperError.unauthenticated) {
          _ = try await client.session(token: "abc")
        }
      }
      #expect(script.calls("/auth/validate").count == 1)
      world.clock.advance(seconds: 5)
      await #expect(throws: WrapperError.unauthenticated) {
        _ = try await client.session(token: "abc")
      }
      #expect(script.calls("/auth/validate").count == 2)
      await client.stop()
    }
  }

  @Test("while the Wrapper is away a session goes on for half an hour, and a new token does not")
  func away() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port, time: world.clock.source)
      _ = try await client.session(token: "abc")
      script.play { _ in HTTPResponse(status: 500) }
      world.clock.advance(seconds: 29 * 60)
      let session = try await client.session(token: "abc")
      #expect(session.userID == "u1")
      #expect(client.cachedSession(token: "abc") != nil)
      await #expect(throws: WrapperError.unavailable) {
        _ = try await client.session(token: "new")
      }
      world.clock.advance(seconds: 60)
      await #expect(throws: WrapperError.unavailable) {
        _ = try await client.session(token: "abc")
      }
      await client.stop()
    }
  }

  @Test("an answer that hangs costs a request one second")
  func hanging() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let gate = Promise<Bool>()
      script.play { _ in
        _ = await gate.value(withinSeconds: 20)
        return nil
      }
      let client = world.client(port: port) { $0.requestSeconds = 1 }
      let clock = ContinuousClock()
      let begun = clock.now
      await #expect(throws: WrapperError.unavailable) {
        _ = try await client.session(token: "abc")
      }
      #expect(clock.now - begun < .seconds(8))
      gate.fulfil(true)
      await client.stop()
    }
  }

  @Test(
    "what is no answer to the question lets nobody in",
    arguments: [
      "", "[]", "{}", #"{"valid":1}"#, #"{"valid":true}"#, #"{"valid":true,"userId":"u"}"#,
      #"{"valid":true,"userId":"","tenantId":"t"}"#,
      #"{"valid":true,"userId":"u","tenantId":"t","expiresAt":"soon"}"#,
      #"{"valid":true,"userId":"u","tenantId":"t","expiresAt":5}"#,
    ])
  func malformed(text: String) {
    let answer = WrapperAnswer(status: 200, body: Array(text.utf8))
    #expect(TokenValidator.read(answer) == .failure(.unavailable))
  }

  @Test("a token that was signed out is refused at once, also by an answer that comes late")
  func signedOut() {
    let clock = ManualClock()
    let cache = SessionCache(time: clock.source, offlineSeconds: 1_800)
    let digest = TokenDigest("abc")
    let session = WrapperSession(
      userID: "u", tenantID: "t", sessionID: "s", authenticationMethod: "password",
      expiresAt: nil)
    #expect(cache.accept(digest, session))
    #expect(cache.lookup(digest) == .accepted(session))
    cache.signOut(digest)
    #expect(cache.lookup(digest) == .refused(.unauthenticated))
    #expect(!cache.accept(digest, session))
    #expect(cache.lookup(digest) == .refused(.unauthenticated))
    #expect(cache.standIn(digest) == nil)
  }

  @Test("memory for tokens is bounded")
  func bounded() {
    let cache = SessionCache(time: ManualClock().source, offlineSeconds: 1_800)
    for number in 0..<Limits.tokensMax + 100 {
      cache.refuse(TokenDigest("\(number)"), .unauthenticated)
    }
    #expect(cache.lookup(TokenDigest("\(Limits.tokensMax + 99)")) == .refused(.unauthenticated))
  }

  @Test("signing in, being recognised and signing out work against the embedded Wrapper")
  func embedded() async throws {
    let world = try ClientWorld()
    let embedded = EmbeddedWrapper(database: world.database, apiKey: "key")
    let port = try embedded.start()
    try await embedded.directory.createTenant(id: "t1", name: "One")
    try await embedded.directory.createUser(
      tenantID: "t1", NewUser(id: "u1", email: "Una@x.example", name: "U"),
      password: "correct horse")
    let client = world.client(port: port)
    let reply = try await client.login(
      email: "una@X.example", password: "correct horse", remoteAddress: "127.0.0.1")
    #expect(reply.status == 200)
    let token = try #require(try JSONParser.parse(reply.body)["token"]?.string)
    let session = try await client.session(token: token)
    #expect(session.userID == "u1")
    #expect(session.tenantID == "t1")
    #expect(session.authenticationMethod == "password")
    try await client.logout(token: token)
    await #expect(throws: WrapperError.unauthenticated) {
      _ = try await client.session(token: token)
    }
    let wrong = try await client.login(
      email: "una@x.example", password: "wrong", remoteAddress: "127.0.0.1")
    #expect(wrong.status == 401)
    await client.stop()
    await embedded.stop()
  }
}
