import CRM
import JSON
import SQLite
import TestSupport
import Testing

/// Signing in and out in the activity log.
@Suite struct SignInLogTests {
  private static let password = "correct horse battery"

  private func signIn(
    _ server: TestServer, _ email: String, _ password: String
  ) async throws -> TestResponse {
    let body: JSONValue = ["email": .string(email), "password": .string(password)]
    return try await server.client.send(
      "POST", "/auth/login",
      headers: [("Content-Type", "application/json"), ("User-Agent", "probe/2")],
      body: body.bytes)
  }

  @Test("a sign-in, the end of its session and another password are told with the whole context")
  func sessions() async throws {
    try await TestServer.run { server in
      let answer = try await signIn(server, "ada@acme.example", Self.password)
      #expect(answer.status == 200)
      let token = try #require(answer.json["token"]?.string)
      let headers = [
        ("Authorization", "Bearer \(token)"), ("Content-Type", "application/json"),
        ("X-Reason", "leaked"),
      ]
      let body: JSONValue = [
        "currentPassword": .string(Self.password), "newPassword": "another horse battery",
      ]
      let wrong = try await server.client.send(
        "POST", "/auth/password", headers: headers,
        body: body.with("currentPassword", "no").bytes)
      #expect(wrong.status == 403)
      #expect(
        try await server.client.send(
          "POST", "/auth/password", headers: headers, body: body.bytes
        ).status == 200)
      #expect(
        try await server.client.send("POST", "/auth/logout", headers: headers).status == 200)
      let log = try await server.send("GET", "/api/activities?sort=timestamp&userId=ada")
      #expect(
        log.texts("operation") == [
          "crm.auth.login", "crm.users.password.failed", "crm.users.password", "crm.sessions.end",
        ])
      let entries = log.data.array ?? []
      let session = entries.first?["sessionId"]?.string
      #expect(session != nil && entries.allSatisfy { $0["sessionId"]?.string == session })
      let first = try #require(entries.first)
      #expect(first["entityType"] == "session" && first["entityId"]?.string == session)
      #expect(first["userContext"]?["user"]?["name"] == "Ada Admin")
      #expect(first["compliance"]?["userAgent"] == "probe/2")
      #expect(first["compliance"]?["authenticationMethod"] == "password")
      #expect(first["creditCost"] == 0)
      #expect(entries.dropFirst().allSatisfy { $0["metadata"]?["reason"] == "leaked" })
      #expect(!log.text.contains(token) && !log.text.contains("horse"))
    }
  }

  @Test("a wrong password is told in the account's log; an address that nobody has in none")
  func refused() async throws {
    try await TestServer.run { server in
      let answer = try await signIn(server, "ada@acme.example", "wrong")
      let unknown = try await signIn(server, "nobody@acme.example", "wrong")
      #expect(answer.status == 401 && unknown.status == 401)
      // Nothing in the answers tells the two apart.
      for name in ["code", "detail", "title"] {
        #expect(answer.json[name] == unknown.json[name])
      }
      #expect(answer.json.object?.names == unknown.json.object?.names)
      try await server.store.writeBufferedActivities()
      #expect(
        try server.rows(
          """
          SELECT tenant_id, user_id, operation, entity_type, json_extract(metadata, '$.code'),
            json_extract(compliance, '$.userAgent'), session_id
          FROM crm_activities
          """) == [
            [
              "acme", "ada", "crm.auth.login.failed", "error", "unauthenticated", "probe/2",
              "none",
            ]
          ])
      #expect(
        !(try server.rows("SELECT metadata FROM crm_activities")[0][0] ?? "").contains("wrong "))
    }
  }
}
