import EmbeddedWrapper
import JSON
import TestSupport
import Testing

@Suite struct PasswordTests {
  private static let password = "correct horse battery"

  private static func world() async throws -> EmbeddedWorld {
    let world = try EmbeddedWorld()
    try await world.directory.createTenant(id: "t1", name: "One")
    for id in ["u1", "u2"] {
      try await world.directory.createUser(
        tenantID: "t1", NewUser(id: id, email: "\(id)@example.com", name: id),
        password: password)
    }
    return world
  }

  private static func login(
    _ world: EmbeddedWorld, _ user: String = "u1", password: String = password,
    from address: String? = nil
  ) async throws -> TestResponse {
    try await world.send(
      "POST", "/auth/login", headers: address.map { [("X-Forwarded-For", $0)] } ?? [],
      ["email": .string("\(user)@example.com"), "password": .string(password)])
  }

  private static func token(_ world: EmbeddedWorld) async throws -> JSONValue {
    try #require(try await login(world).json["token"])
  }

  private static func isValid(_ token: JSONValue, _ world: EmbeddedWorld) async throws -> Bool {
    try await world.send("POST", "/auth/validate", ["token": token]).json["valid"] == true
  }

  @Test("another password of one's own ends every session but the present one")
  func changes() async throws {
    let world = try await Self.world()
    let (here, there) = (try await Self.token(world), try await Self.token(world))
    let changed = try await world.send(
      "POST", "/auth/password",
      [
        "token": here, "currentPassword": .string(Self.password), "newPassword": "another one",
      ])
    #expect(changed.status == 204)
    #expect(try await Self.isValid(here, world))
    #expect(try await !Self.isValid(there, world))
    #expect(try await Self.login(world).status == 401)
    #expect(try await Self.login(world, password: "another one").status == 200)
    await world.stop()
  }

  @Test("another password needs the present one, a valid token and eight characters")
  func refused() async throws {
    let world = try await Self.world()
    let token = try await Self.token(world)
    func change(_ token: JSONValue, _ current: String, _ new: String) async throws -> TestResponse {
      try await world.send(
        "POST", "/auth/password",
        [
          "token": token, "currentPassword": .string(current), "newPassword": .string(new),
        ])
    }
    #expect(try await change(token, "wrong", "long enough").status == 403)
    #expect(try await change("made up", Self.password, "long enough").status == 401)
    let short = try await change(token, Self.password, "seven c")
    #expect(short.status == 422)
    #expect(short.json["errors"]?.array?.first?["pointer"] == "/newPassword")
    #expect(try await world.send("POST", "/auth/password", ["token": token]).status == 422)
    world.advance(hours: 12)
    #expect(try await change(token, Self.password, "long enough").status == 401)
    #expect(try await Self.login(world).status == 200)
    await world.stop()
  }

  @Test("a session is ended by its id within its tenant")
  func ends() async throws {
    let world = try await Self.world()
    try await world.directory.createTenant(id: "t2", name: "Two")
    let token = try await Self.token(world)
    let id = try #require(
      try await world.send("POST", "/auth/validate", ["token": token]).json["sessionId"])
    func end(_ tenantID: String?) async throws -> Int {
      try await world.send(
        "POST", "/auth/sessions/end", tenantID: tenantID, ["sessionId": id]
      ).status
    }
    #expect(try await end("t2") == 404)
    #expect(try await end(nil) == 400)
    #expect(try await Self.isValid(token, world))
    #expect(try await end("t1") == 204)
    #expect(try await !Self.isValid(token, world))
    #expect(try await end("t1") == 404)
    await world.stop()
  }

  @Test("a user has a hundred sessions at most; the oldest ends first")
  func sessions() async throws {
    let world = try await Self.world()
    let first = try await Self.token(world)
    world.advance(seconds: 1)
    let second = try await Self.token(world)
    for _ in 0..<9 {
      world.advance(seconds: 1)
      _ = try await withThrowingTaskGroup { group in
        for _ in 0..<11 { group.addTask { try await Self.token(world) } }
        return try await group.reduce(into: 0) { count, _ in count += 1 }
      }
    }
    #expect(try await !Self.isValid(first, world))
    #expect(try await Self.isValid(second, world))
    await world.stop()
  }

  @Test("ten failures in a minute close an account for the rest of the minute, and only it")
  func account() async throws {
    let world = try await Self.world()
    for count in 0..<10 {
      world.advance(seconds: 1)
      #expect(try await Self.login(world, password: "wrong \(count)").status == 401)
    }
    let refused = try await Self.login(world)
    #expect(refused.status == 429)
    #expect(refused.json["code"] == "rate_limited")
    let seconds = try #require(refused.header("Retry-After").flatMap { Int64($0) })
    // Of the minute some seconds have passed by the test's clock, and more by the machine's.
    #expect((1...52).contains(seconds))
    #expect(try await Self.login(world, "U1").status == 429)
    #expect(try await Self.login(world, "u2").status == 200)
    world.advance(seconds: seconds)
    #expect(try await Self.login(world).status == 200)
    await world.stop()
  }

  @Test("ten failures from one address close it for every account; other addresses stay open")
  func address() async throws {
    let world = try await Self.world()
    for count in 0..<10 {
      let answer = try await Self.login(
        world, "nobody\(count)", password: "wrong", from: "10.0.0.1, 192.0.2.7")
      #expect(answer.status == 401)
    }
    #expect(try await Self.login(world, from: "192.0.2.7").status == 429)
    #expect(try await Self.login(world, from: "192.0.2.8").status == 200)
    #expect(try await Self.login(world).status == 200)
    world.advance(seconds: 61)
    #expect(try await Self.login(world, from: "192.0.2.7").status == 200)
    await world.stop()
  }

  @Test("a success forgives the account its failures")
  func forgives() async throws {
    let world = try await Self.world()
    for _ in 0..<2 {
      for _ in 0..<9 { #expect(try await Self.login(world, password: "wrong").status == 401) }
      #expect(try await Self.login(world).status == 200)
    }
    await world.stop()
  }

  @Test("wrong present passwords count as failures of the account")
  func guesses() async throws {
    let world = try await Self.world()
    let token = try await Self.token(world)
    for count in 0..<11 {
      let answer = try await world.send(
        "POST", "/auth/password",
        ["token": token, "currentPassword": "wrong", "newPassword": "long enough"])
      #expect(answer.status == (count < 10 ? 403 : 429))
    }
    await world.stop()
  }

  @Test("guesses made at once are counted as well")
  func crowd() async throws {
    let world = try await Self.world()
    let statuses = try await withThrowingTaskGroup { group in
      for count in 0..<60 {
        group.addTask { try await Self.login(world, password: "wrong \(count)").status }
      }
      return try await group.reduce(into: [Int]()) { $0.append($1) }
    }
    #expect(Set(statuses).isSubset(of: [401, 429]))
    #expect(statuses.count { $0 == 401 } <= 30)
    #expect(try await Self.login(world).status == 429)
    await world.stop()
  }
}
