import Database
import EmbeddedWrapper
import JSON
import SQLite
import TestSupport
import Testing

/// Changes of the directory are made whole, and of what the client has read.
@Suite struct DirectoryTransactionTests {
  @Test("what has changed since it was read is not changed by who says so")
  func ifMatch() async throws {
    try await TestServer.run { server in
      for (path, body) in [
        ("users/vic", ["title": "A"]), ("roles/viewer", ["name": "A"]),
        ("units/north", ["name": "A"]), ("credits", ["dailyLimit": 5]),
      ] as [(String, JSONValue)] {
        let root = "/api/directory/\(path)"
        let tag = try #require(try await server.send("GET", root).header("ETag"))
        for (header, status) in [
          ("\"old\"", 412), ("W/\(tag)", 412), ("\"old\", \(tag)", 200), (tag, 412), ("*", 200),
        ] {
          let answer = try await server.send(
            "PATCH", root, body, headers: [("If-Match", header)])
          #expect(answer.status == status, "\(path) \(header)")
          if status == 412 { #expect(answer.code == "version_mismatch") }
        }
      }
    }
  }

  @Test("of many who change what all of them have read only one does")
  func ifMatchRace() async throws {
    try await TestServer.run { server in
      for (path, member) in [
        ("users/vic", "title"), ("roles/viewer", "name"), ("units/north", "name"),
        ("credits", "planType"),
      ] {
        let root = "/api/directory/\(path)"
        let tag = try #require(try await server.send("GET", root).header("ETag"))
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
          for number in 0..<8 {
            group.addTask {
              try await server.send(
                "PATCH", root, .object(JSONObject([(member, .string("Number \(number)"))])),
                headers: [("If-Match", tag)]
              ).status
            }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses.sorted() == [200] + Array(repeating: 412, count: 7), "\(path)")
      }
    }
  }

  @Test("a change whose entry cannot be written is not made")
  func together() async throws {
    try await TestServer.run { server in
      let token = try #require(
        try await signIn(server, "ada@acme.example", "correct horse battery").json["token"]?.string)
      try await server.directory.createUnit(
        tenantID: "acme", id: "empty", type: .team, name: "Empty", parentID: "sales")
      try await server.database.write { connection in
        try connection.execute(
          """
          \(PreparedStatements.testMark)CREATE TRIGGER no_entry BEFORE INSERT ON crm_activities
          WHEN NEW.operation NOT LIKE '%.failed'
          BEGIN SELECT no_such_function(); END
          """)
      }
      let tables = [
        "directory_users", "directory_roles", "directory_units", "directory_credit_accounts",
        "directory_user_permissions", "directory_events",
      ]
      let before = try tables.map { try server.rows("SELECT * FROM \($0)") }
      for (method, path, body) in [
        ("POST", "users", ["email": "nia@acme.example", "name": "Nia"]),
        ("PATCH", "users/vic", ["title": "Boss"]), ("DELETE", "users/vic", nil),
        ("PUT", "users/vic/password", ["password": "a long password"]),
        ("POST", "users/vic/permissions", ["permission": "crm.leads.create"]),
        ("DELETE", "roles/proxy/permissions/crm.impersonate", nil),
        ("POST", "units", ["name": "West", "parentId": "org"]),
        ("DELETE", "units/empty", nil), ("POST", "credits/top-up", ["amount": 5]),
        ("PUT", "credits/operations/crm.leads.create", ["creditCost": 9]),
      ] as [(String, String, JSONValue?)] {
        let answer = try await server.send(method, "/api/directory/\(path)", body)
        #expect(answer.status == 500, "\(method) \(path)")
        #expect(answer.code == "internal_error")
      }
      let password = try await server.client.send(
        "POST", "/auth/password",
        headers: [("Authorization", "Bearer \(token)"), ("Content-Type", "application/json")],
        body: (["currentPassword": "correct horse battery", "newPassword": "another one"]
          as JSONValue).bytes)
      #expect(password.status == 500)
      for (table, rows) in zip(tables, before) {
        #expect(try server.rows("SELECT * FROM \(table)") == rows, "\(table)")
      }
    }
  }

  private func signIn(
    _ server: TestServer, _ email: String, _ password: String
  ) async throws -> TestResponse {
    try await server.client.send(
      "POST", "/auth/login", headers: [("Content-Type", "application/json")],
      body: (["email": .string(email), "password": .string(password)] as JSONValue).bytes)
  }
}
