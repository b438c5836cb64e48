import API
import EmbeddedWrapper
import JSON
import TestSupport
import Testing

/// The first run on the main port, and one's own password.
@Suite struct SetupTests {
  private static let person: JSONValue = [
    "tenantName": "Novum GmbH", "name": "Nora Novum", "email": "nora@novum.example",
    "password": "the very first password",
  ]

  @Test("the holder of the token becomes administrator of a tenant that is served at once")
  func firstRun() async throws {
    try await TestServer.run(isEmpty: true) { server in
      #expect(try await methods(server) == ["password": true, "setup": true])
      let token = try #require(try await server.directory.makeSetupToken())
      let answer = try await setUp(server, token)
      #expect(answer.status == 201)
      #expect(answer.header("Cache-Control") == "no-store")
      #expect(answer.json["user"]?["name"] == "Nora Novum")
      #expect(answer.json["expiresAt"]?.string != nil)
      let session = try #require(answer.json["token"]?.string)
      let lead = try await send(server, "POST", "/api/leads", session, ["title": "The first"])
      #expect(lead.status == 201)
      #expect(lead.json["userContext"]?["user"] == "Nora Novum")
      let users = try await send(server, "GET", "/api/directory/users", session)
      #expect(users.texts("email") == ["nora@novum.example"])
      #expect(try await methods(server) == ["password": true, "setup": false])
      let again = try await setUp(server, token)
      #expect(again.status == 409)
      #expect(again.code == "conflict")
      let tenantID = try #require(answer.json["user"]?["tenantId"]?.string)
      let entries = try server.rows(
        "SELECT operation, entity_type, entity_id, tenant_id FROM crm_activities ORDER BY seq")
      #expect(entries.first == ["crm.tenants.setup", "tenant", tenantID, tenantID])
      let login = try await signIn(server, "the very first password")
      #expect(login.status == 200)
    }
  }

  @Test("a wrong token is 403, a body with faults 422, and both count as attempts")
  func refused() async throws {
    try await TestServer.run(isEmpty: true) { server in
      let token = try #require(try await server.directory.makeSetupToken())
      #expect(try await setUp(server, "guessed").status == 403)
      let short = try await setUp(server, token, Self.person.with("password", "short"))
      #expect(short.status == 422)
      #expect(short.issues.contains { $0.hasPrefix("/password") })
      let unknown = try await setUp(server, token, Self.person.with("role", "king"))
      #expect(unknown.status == 422)
      #expect(unknown.issues.contains { $0.hasPrefix("/role") })
      let broken = try await server.client.send(
        "POST", "/setup", headers: [("Content-Type", "application/json")], body: Array("{".utf8))
      #expect(broken.status == 400)
      // Ten at once are let through, whatever became of them.
      var statuses: [Int] = []
      for _ in 1...8 { statuses.append(try await setUp(server, "guessed").status) }
      #expect(statuses.contains(429))
      // Signing in has a measure of its own.
      #expect(try await signIn(server, "whatever it is").status == 401)
      #expect(try server.rows("SELECT user_id FROM directory_users") == [])
    }
  }

  @Test("of twenty that race with the same token, one wins")
  func race() async throws {
    try await TestServer.run(
      isEmpty: true, configure: { $0.authenticationsPerMinute = 0 }
    ) { server in
      let token = try #require(try await server.directory.makeSetupToken())
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 1...20 { group.addTask { try await setUp(server, token).status } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(statuses.count { $0 == 201 } == 1)
      // One that waits for its password's hash may be turned away; nobody else gets in.
      #expect(statuses.allSatisfy { [201, 403, 409, 503].contains($0) })
      #expect(try server.rows("SELECT count(*) FROM directory_users") == [["1"]])
    }
  }

  @Test("the new tenant is the one that the server is told to serve")
  func servedTenant() async throws {
    try await TestServer.run(
      isEmpty: true, configure: { $0.servedTenants = ["main-street"] }
    ) { server in
      let token = try #require(try await server.directory.makeSetupToken())
      let other = try await setUp(server, token, Self.person.with("tenantId", "elsewhere"))
      #expect(other.status == 422)
      let answer = try await setUp(server, token)
      #expect(answer.json["user"]?["tenantId"] == "main-street")
      let session = try #require(answer.json["token"]?.string)
      #expect(try await send(server, "GET", "/api/leads", session).status == 200)
    }
  }

  @Test("one's own password is changed with the current one, and other sessions end at once")
  func ownPassword() async throws {
    try await TestServer.run { server in
      let old = "correct horse battery"
      let (mine, other) = (try await token(server, old), try await token(server, old))
      for session in [mine, other] {
        #expect(try await send(server, "GET", "/api/leads", session).status == 200)
      }
      let wrong = try await change(server, mine, from: "a guess", to: "a new password")
      #expect(wrong.status == 403)
      let short = try await change(server, mine, from: old, to: "short")
      #expect(short.status == 422)
      #expect(short.issues.contains { $0.hasPrefix("/newPassword") })
      let missing = try await send(server, "POST", "/auth/password", mine, ["newPassword": "x"])
      #expect(missing.issues == ["/currentPassword required"])
      let unknown = try await send(
        server, "POST", "/auth/password", mine,
        ["currentPassword": 5, "newPassword": "long enough", "color": "red", "size": 1])
      #expect(
        unknown.issues == [
          "/color unknown_member", "/size unknown_member", "/currentPassword invalid_type",
        ])
      let done = try await change(server, mine, from: old, to: "a new password")
      #expect(done.status == 200)
      #expect(done.json["success"] == true)
      #expect(done.data == ["id": "ada"])
      let entry = try server.rows(
        "SELECT id FROM crm_activities WHERE operation = 'crm.users.password'")
      #expect(entry == [[done.json["activityId"]?.string]])
      #expect(try await send(server, "GET", "/api/leads", mine).status == 200)
      #expect(try await send(server, "GET", "/api/leads", other).status == 401)
      #expect(try await signIn(server, old, "ada@acme.example").status == 401)
      #expect(try await signIn(server, "a new password", "ada@acme.example").status == 200)
      // A JWT says who somebody is, but not that they know the password.
      let jwt = try await change(
        server, TestServer.token("ada"), from: "a new password", to: "another one")
      #expect(jwt.status == 403)
      #expect(try await change(server, nil, from: "a", to: "b").status == 401)
      let entries = try server.rows(
        """
        SELECT operation, entity_type, user_id, metadata FROM crm_activities
        WHERE operation LIKE 'crm.users.password%' ORDER BY seq
        """)
      #expect(
        entries.map { $0.prefix(3).map { $0 ?? "" } } == [
          ["crm.users.password.failed", "error", "ada"],
          ["crm.users.password.failed", "error", "ada"],
          ["crm.users.password.failed", "error", "ada"],
          ["crm.users.password.failed", "error", "ada"],
          ["crm.users.password", "user", "ada"],
          ["crm.users.password.failed", "error", "ada"],
        ])
      #expect(entries.allSatisfy { !($0[3] ?? "").contains("a new password") })
    }
  }

  @Test("a body of a sign-in takes an address and a password, and names what else it holds")
  func loginBody() async throws {
    try await TestServer.run { server in
      for (body, issues) in [
        (["email": 5, "password": "x"], ["/email invalid_type"]),
        (["email": "a@b.example"], ["/password required"]),
        (
          ["email": "a@b.example", "password": "x", "otp": 1, "a/b": 2],
          ["/otp unknown_member", "/a~1b unknown_member"]
        ),
        ([], [" invalid_type"]),
      ] as [(JSONValue, [String])] {
        let answer = try await send(server, "POST", "/auth/login", nil, body)
        #expect(answer.status == 422)
        #expect(answer.issues == issues)
      }
      let refresh = try await server.send("POST", "/api/sync/refresh", ["deep": true])
      #expect(refresh.status == 422)
      #expect(refresh.issues == ["/deep unknown_member"])
      let key = [("Idempotency-Key", "once")]
      let first = try await server.send("POST", "/api/sync/refresh", [:], headers: key)
      #expect(first.status == 200)
      let second = try await server.send("POST", "/api/sync/refresh", [:], headers: key)
      #expect(second.header("Idempotency-Replayed") == "true")
      #expect(second.body == first.body)
    }
  }

  @Test("trying out passwords with somebody's token is slowed down")
  func guessing() async throws {
    try await TestServer.run { server in
      let mine = try await token(server, "correct horse battery")
      var statuses: [Int] = []
      for number in 1...14 {
        statuses.append(
          try await change(server, mine, from: "guess \(number)", to: "a new password").status)
      }
      #expect(statuses.first == 403)
      #expect(statuses.last == 429)
    }
  }

  private func setUp(
    _ server: TestServer, _ token: String, _ person: JSONValue = person
  ) async throws -> TestResponse {
    try await send(server, "POST", "/setup", nil, person.with("token", .string(token)))
  }

  private func methods(_ server: TestServer) async throws -> JSONValue {
    try await server.client.send("GET", "/auth/methods").data
  }

  private func signIn(
    _ server: TestServer, _ password: String, _ email: String = "nora@novum.example"
  ) async throws -> TestResponse {
    try await send(
      server, "POST", "/auth/login", nil,
      ["email": .string(email), "password": .string(password)])
  }

  private func token(_ server: TestServer, _ password: String) async throws -> String {
    let answer = try await signIn(server, password, "ada@acme.example")
    return try #require(answer.json["token"]?.string)
  }

  private func change(
    _ server: TestServer, _ token: String?, from current: String, to new: String
  ) async throws -> TestResponse {
    try await send(
      server, "POST", "/auth/password", token,
      ["currentPassword": .string(current), "newPassword": .string(new)])
  }

  private func send(
    _ server: TestServer, _ method: String, _ path: String, _ token: String?,
    _ body: JSONValue? = nil
  ) async throws -> TestResponse {
    var headers: [(String, String)] = []
    if let token { headers.append(("Authorization", "Bearer \(token)")) }
    if body != nil { headers.append(("Content-Type", "application/json")) }
    return try await server.client.send(method, path, headers: headers, body: body?.bytes)
  }
}
