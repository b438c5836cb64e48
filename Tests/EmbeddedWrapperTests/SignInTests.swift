import Database
import EmbeddedWrapper
import JSON
import SQLite
import TestSupport
import Testing

@Suite struct SignInTests {
  private static let password = "correct horse battery"

  private static func world() async throws -> EmbeddedWorld {
    let world = try EmbeddedWorld()
    try await world.directory.createTenant(id: "t1", name: "One")
    try await world.directory.createUser(
      tenantID: "t1", NewUser(id: "u1", email: "Una@Example.com", name: "Una"),
      password: password)
    return world
  }

  private static func token(_ world: EmbeddedWorld) async throws -> String {
    let answer = try await world.send(
      "POST", "/auth/login",
      ["email": "una@example.com", "password": .string(password)])
    #expect(answer.status == 200)
    #expect(answer.json["expiresAt"] == "2026-02-01T10:00:00.000Z")
    #expect(answer.json["user"]?["userId"] == "u1")
    return try #require(answer.json["token"]?.string)
  }

  private static func isValid(_ token: String, _ world: EmbeddedWorld) async throws -> JSONValue {
    try await world.send("POST", "/auth/validate", ["token": .string(token)]).json
  }

  @Test("a token names its session until it ends, and is kept nowhere")
  func session() async throws {
    let world = try await Self.world()
    let token = try await Self.token(world)
    #expect(token.utf8.count == 43)
    let answer = try await Self.isValid(token, world)
    #expect(answer["valid"] == true)
    #expect(answer["tenantId"] == "t1")
    #expect(answer["authenticationMethod"] == "password")
    let held = try world.database.read { connection in
      try connection.first("SELECT token_hash FROM directory_sessions") { $0.blob(0)?.count }
    }
    #expect(held == 32)
    world.advance(hours: 12)
    #expect(try await Self.isValid(token, world) == ["valid": false, "reason": "expired"])
    await world.stop()
  }

  @Test("a session ends by signing out, by a new password and with its user")
  func ends() async throws {
    let world = try await Self.world()
    let first = try await Self.token(world)
    let out = try await world.send("POST", "/auth/logout", ["token": .string(first)])
    #expect(out.status == 204)
    #expect(try await Self.isValid(first, world) == ["valid": false])

    let second = try await Self.token(world)
    try await world.directory.setPassword(
      tenantID: "t1", userID: "u1", password: Self.password)
    #expect(try await Self.isValid(second, world) == ["valid": false])

    let third = try await Self.token(world)
    try await world.directory.setActive(tenantID: "t1", userID: "u1", isActive: false)
    #expect(try await Self.isValid(third, world) == ["valid": false])
    let again = try await world.send(
      "POST", "/auth/login",
      ["email": "una@example.com", "password": .string(Self.password)])
    #expect(again.status == 401)
    await world.stop()
  }

  @Test("wrong password, unknown address and a user without password are the same refusal")
  func refused() async throws {
    let world = try await Self.world()
    try await world.directory.createUser(
      tenantID: "t1", NewUser(id: "u2", email: "mute@example.com", name: "Mute"))
    for (email, password) in [
      ("una@example.com", "wrong"), ("nobody@example.com", Self.password),
      ("mute@example.com", ""), ("mute@example.com", Self.password),
    ] {
      let answer = try await world.send(
        "POST", "/auth/login", ["email": .string(email), "password": .string(password)])
      #expect(answer.status == 401)
      #expect(answer.json["code"] == "unauthenticated")
    }
    #expect(try await world.send("POST", "/auth/login", [:]).status == 422)
    #expect(try await world.send("POST", "/auth/login", []).status == 422)
    await world.stop()
  }

  @Test("many sign in at once, two hashes at a time")
  func crowd() async throws {
    let world = try await Self.world()
    let statuses = try await withThrowingTaskGroup { group in
      for _ in 0..<12 {
        group.addTask {
          try await world.send(
            "POST", "/auth/login",
            ["email": "una@example.com", "password": .string(Self.password)]
          ).status
        }
      }
      return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
    }
    #expect(statuses == [200])
    await world.stop()
  }
}
