import API
import JSON
import SQLite
import TestSupport
import Testing

/// `/api/directory` on the main port, with the embedded Wrapper behind it.
@Suite struct DirectoryTests {
  @Test("a person is added, changed, shut out and let in again, each with its entry in the log")
  func users() async throws {
    try await TestServer.run { server in
      let root = "/api/directory/users"
      let made = try await server.send(
        "POST", root,
        [
          "email": "nia@acme.example", "name": "Nia New", "unitId": "north",
          "roleIds": ["viewer"], "password": "a password of hers",
        ])
      #expect(made.status == 201)
      #expect(made.json["success"] == true)
      #expect(made.json["creditsDeducted"] == 0)
      #expect(made.json["userContext"]?["user"] == "Ada Admin")
      let id = made.data.id
      #expect(made.header("Location") == "\(root)/\(id)")
      #expect(!made.text.contains("a password of hers"))
      let read = try await server.send("GET", "\(root)/\(id)")
      #expect(read.status == 200)
      #expect(read.data["email"] == "nia@acme.example")
      #expect(read.data["roleIds"] == ["viewer"])

      let changed = try await server.send("PATCH", "\(root)/\(id)", ["title": "Lead"])
      #expect(changed.status == 200)
      #expect(changed.data["title"] == "Lead")
      let gone = try await server.send("DELETE", "\(root)/\(id)")
      #expect(gone.status == 200)
      #expect(gone.data["isActive"] == false)
      #expect(try await signIn(server, "nia@acme.example", "a password of hers").status == 401)
      let back = try await server.send("PATCH", "\(root)/\(id)", ["isActive": true])
      #expect(back.data["isActive"] == true)

      let entries = try log(server, "user", id)
      #expect(
        entries.map(\.operation) == [
          "crm.directory.users.create", "crm.directory.users.update",
          "crm.directory.users.deactivate", "crm.directory.users.update",
        ])
      #expect(entries[0].metadata["changes"]?["email"] == ["to": "nia@acme.example"])
      #expect(entries[1].metadata["changes"] == ["title": ["from": .null, "to": "Lead"]])
      #expect(entries[2].metadata["changes"] == ["isActive": ["from": true, "to": false]])
      #expect(entries.allSatisfy { !$0.metadata.text.contains("a password of hers") })
      #expect(made.json["activityId"]?.string == entries[0].id)
    }
  }

  @Test("lists are those of the directory, with their filters and pages")
  func lists() async throws {
    try await TestServer.run { server in
      let all = try await server.send("GET", "/api/directory/users")
      #expect(Set(all.texts("id")) == ["ada", "mara", "sam", "sue", "vic", "ida", "pia"])
      let inactive = try await server.send("GET", "/api/directory/users?active=false")
      #expect(inactive.texts("id") == ["ida"])
      let first = try await server.send("GET", "/api/directory/users?limit=3")
      #expect(first.texts("id").count == 3)
      let cursor = try #require(first.json["nextCursor"]?.string)
      let second = try await server.send(
        "GET", "/api/directory/users?limit=10&cursor=\(encoded(cursor))")
      #expect(Set(first.texts("id") + second.texts("id")) == Set(all.texts("id")))
      #expect(Set(try await server.send("GET", "/api/directory/roles").texts("id")).count == 5)
      #expect(Set(try await server.send("GET", "/api/directory/units").texts("id")).count == 4)
      #expect(try await server.send("GET", "/api/directory/users?limit=%zz").status == 400)
    }
  }

  @Test("lists of the directory take the parameters of every other list, and no others")
  func conventions() async throws {
    try await TestServer.run { server in
      for (noun, count) in [("users", 7), ("roles", 5), ("units", 4)] {
        let root = "/api/directory/\(noun)"
        let page = try await server.send("GET", "\(root)?limit=2&count=true")
        #expect(page.texts("id").count == 2)
        #expect(page.json["total"] == .integer(count))
        let cursor = encoded(try #require(page.json["nextCursor"]?.string))
        let rest = try await server.send("GET", "\(root)?limit=200&cursor=\(cursor)")
        #expect(rest.texts("id").count == count - 2)
        #expect(rest.json["nextCursor"] == .null)
        #expect(rest.json["total"] == nil)
        let numbered = try await server.send("GET", "\(root)?page=2&pageSize=3")
        #expect(numbered.json["page"] == 2)
        #expect(numbered.json["pageSize"] == 3)
        #expect(numbered.json["total"] == .integer(count))
        #expect(numbered.texts("id").count == min(3, count - 3))
        let tag = try #require(page.header("ETag"))
        let same = try await server.send(
          "GET", "\(root)?limit=2&count=true", headers: [("If-None-Match", tag)])
        #expect(same.status == 304)
        for query in ["limit=0", "limit=201", "limit=x", "count=yes", "color=red", "page=0"] {
          let refused = try await server.send("GET", "\(root)?\(query)")
          #expect(refused.status == 400, "\(noun) \(query)")
          #expect(refused.code == "invalid_parameter")
        }
        for other in ["nonsense", "Z3JldGE", cursor + "x"] {
          let refused = try await server.send("GET", "\(root)?cursor=\(other)")
          #expect(refused.code == "invalid_cursor", "\(noun) \(other)")
        }
      }
      let answer = try await server.send("GET", "/api/directory/users?active=false&count=true")
      #expect(answer.json["total"] == 1)
      let unknown = try await server.send("GET", "/api/directory/users/ada?color=red")
      #expect(unknown.code == "invalid_parameter")
    }
  }

  @Test("changes of the directory and of sessions take no parameters of a query")
  func parameters() async throws {
    try await TestServer.run { server in
      for (method, path, body) in [
        ("POST", "/api/directory/users", ["email": "x@acme.example", "name": "X"]),
        ("PATCH", "/api/directory/users/vic", ["title": "Boss"]),
        ("DELETE", "/api/directory/users/vic", nil),
        ("PUT", "/api/directory/users/vic/password", ["password": "a long password"]),
        ("POST", "/api/directory/credits/top-up", ["amount": 1]),
        ("DELETE", "/api/sessions/x", nil), ("POST", "/auth/logout", nil),
        (
          "POST", "/auth/password",
          ["currentPassword": "correct horse battery", "newPassword": "another password"]
        ),
        ("POST", "/auth/login", ["email": "ada@acme.example", "password": "x"]),
        ("POST", "/setup", ["token": "x"]), ("GET", "/auth/methods", nil),
        ("POST", "/api/sync/refresh", nil),
      ] as [(String, String, JSONValue?)] {
        let answer = try await server.send(method, "\(path)?color=red", body)
        #expect(answer.status == 400, "\(method) \(path)")
        #expect(answer.code == "invalid_parameter", "\(method) \(path)")
      }
      #expect(try await server.send("GET", "/api/directory/users/vic").data["title"] == "Tester")
    }
  }

  @Test("a plan that nobody could read is refused, member by member")
  func planLimits() async throws {
    try await TestServer.run { server in
      let root = "/api/directory/credits"
      for (name, value) in [
        ("storage", "zzz"), ("storage", -1), ("contacts", "5"), ("deals", 0.5), ("emails", -1),
      ] as [(String, JSONValue)] {
        let limits = JSONValue.object(JSONObject([(name, value)]))
        let answer = try await server.send("PATCH", root, ["featureLimits": limits])
        #expect(answer.status == 422)
        #expect(answer.issues == ["/featureLimits/\(name) invalid"])
      }
      let good = try await server.send(
        "PATCH", root, ["featureLimits": ["storage": "1.5 GiB", "contacts": 7, "deals": nil]])
      #expect(good.status == 200)
      let standing = try await server.send("GET", "/api/credits")
      #expect(standing.data["featureLimits"]?["storage"]?["limit"] == 1_610_612_736)
      #expect(standing.data["featureLimits"]?["contacts"]?["limit"] == 7)
      #expect(try await server.send("GET", "/api/sync/status").data["mode"] == "online")
    }
  }

  @Test("a body that is no object is said to be none")
  func noObject() async throws {
    try await TestServer.run { server in
      let answer = try await server.send("POST", "/api/directory/roles", [1])
      #expect(answer.status == 422)
      #expect(answer.issues == [" invalid_type"])
    }
  }

  @Test("what is granted holds for the next request, and so does what is taken away")
  func grants() async throws {
    try await TestServer.run { server in
      let lead: JSONValue = ["title": "By the viewer"]
      for round in 1...3 {
        #expect(try await server.send("POST", "/api/leads", as: "vic", lead).status == 403)
        let granted = try await server.send(
          "POST", "/api/directory/users/vic/permissions", ["permission": "crm.leads.create"])
        #expect(granted.status < 300, "round \(round)")
        #expect(try await server.send("POST", "/api/leads", as: "vic", lead).status == 201)
        let revoked = try await server.send(
          "DELETE", "/api/directory/users/vic/permissions/crm.leads.create")
        #expect(revoked.status < 300, "round \(round)")
      }
      let role = try await server.send(
        "POST", "/api/directory/roles", ["name": "Closer", "permissions": ["crm.leads.*"]])
      #expect(role.status == 201)
      let assigned = try await server.send(
        "POST", "/api/directory/users/vic/roles", ["roleId": .string(role.data.id)])
      #expect(assigned.status < 300)
      #expect(try await server.send("POST", "/api/leads", as: "vic", lead).status == 201)
      #expect(
        try await server.send("DELETE", "/api/directory/users/vic/roles/\(role.data.id)").status
          < 300)
      #expect(try await server.send("POST", "/api/leads", as: "vic", lead).status == 403)
      let roles = "/api/directory/roles"
      for (method, path, body) in [
        ("POST", "\(roles)/viewer/permissions", ["permission": "crm.leads.create"]),
        ("DELETE", "\(roles)/viewer/permissions", ["permission": "crm.leads.create"]),
        ("POST", "\(roles)/viewer/permissions", ["permission": "crm.leads.create"]),
        ("DELETE", "\(roles)/viewer/permissions/crm.leads.create", nil),
      ] as [(String, String, JSONValue?)] {
        #expect(try await server.send(method, path, body).status == 200)
        let answer = try await server.send("POST", "/api/leads", as: "vic", lead)
        #expect(answer.status == (method == "POST" ? 201 : 403))
      }
      let operations = try log(server, "user", "vic").map(\.operation)
      #expect(
        operations.suffix(2) == ["crm.directory.users.assign", "crm.directory.users.unassign"])
    }
  }

  @Test("only who holds crm.admin may look or change, and a refusal is logged")
  func refused() async throws {
    try await TestServer.run { server in
      for user in ["mara", "sam", "vic", "pia"] {
        for path in ["users", "users/ada", "roles", "units", "credits"] {
          let answer = try await server.send("GET", "/api/directory/\(path)", as: user)
          #expect(answer.status == 403)
          #expect(answer.json["requiredPermission"] == "crm.admin")
        }
        let answer = try await server.send(
          "PATCH", "/api/directory/users/\(user)", as: user, ["permissions": ["*"]])
        #expect(answer.status == 403)
      }
      let failed = try server.rows(
        """
        SELECT user_id, entity_id FROM crm_activities
        WHERE operation = 'crm.directory.users.update.failed' AND entity_type = 'error'
        """)
      #expect(Set(failed.map { $0[0] }) == ["mara", "sam", "vic", "pia"])
      #expect(failed.allSatisfy { $0[0] == $0[1] })
      #expect(try await server.client.send("GET", "/api/directory/users").status == 401)
    }
  }

  @Test("the directory's refusals come through under this request's id, and are logged")
  func problems() async throws {
    try await TestServer.run { server in
      let taken = try await server.send(
        "POST", "/api/directory/users", ["email": "SAM@acme.example", "name": "Second Sam"],
        headers: [("X-Request-Id", "the-request")])
      #expect(taken.status == 409)
      #expect(taken.code == "duplicate")
      #expect(taken.json["requestId"] == "the-request")
      #expect(taken.json["instance"] == "/api/directory/users")
      let unknown = try await server.send(
        "PATCH", "/api/directory/users/sam", ["shoeSize": 44])
      #expect(unknown.status == 422)
      #expect(unknown.issues.contains { $0.hasPrefix("/shoeSize") })
      #expect(try await server.send("GET", "/api/directory/users/nobody").status == 404)
      #expect(try await server.send("GET", "/api/directory/users/..").status == 404)
      #expect(try await server.send("GET", "/api/directory/users/%2e%2e").status == 404)
      let last = try await server.send("DELETE", "/api/directory/users/ada")
      // Pia's grants are of records only, so ada is the last who can administer.
      #expect(last.status == 409)
      let failed = try server.rows(
        "SELECT operation FROM crm_activities WHERE entity_type = 'error' ORDER BY seq")
      #expect(
        failed == [
          ["crm.directory.users.create.failed"], ["crm.directory.users.update.failed"],
          ["crm.directory.users.deactivate.failed"],
        ])
    }
  }

  @Test("nobody reaches another tenant's directory")
  func otherTenant() async throws {
    try await TestServer.run { server in
      #expect(
        try await server.send("GET", "/api/directory/users", as: "greta").texts("id") == ["greta"])
      let headers = [("X-Tenant-Id", "acme")]
      let named = try await server.send(
        "GET", "/api/directory/users", as: "greta", headers: headers)
      #expect(named.texts("id") == ["greta"])
      #expect(try await server.send("GET", "/api/directory/users/sam", as: "greta").status == 404)
      let deleted = try await server.send("DELETE", "/api/directory/users/sam", as: "greta")
      #expect(deleted.status == 404)
      #expect(try await server.send("GET", "/api/directory/tenants").status == 404)
    }
  }

  @Test("units are made, moved and removed")
  func units() async throws {
    try await TestServer.run { server in
      let root = "/api/directory/units"
      let made = try await server.send(
        "POST", root, ["name": "South", "type": "team", "parentId": "sales"])
      #expect(made.status == 201)
      let id = made.data.id
      let moved = try await server.send("PATCH", "\(root)/\(id)", ["parentId": "support"])
      #expect(moved.status == 200)
      #expect(moved.data["parentId"] == "support")
      #expect(
        try await server.send("PATCH", "\(root)/org", ["parentId": "north"]).status == 422)
      #expect(try await server.send("DELETE", "\(root)/sales").status == 409)
      #expect(try await server.send("DELETE", "\(root)/\(id)").status < 300)
      #expect(try await server.send("GET", "\(root)/\(id)").status == 404)
      let entries = try log(server, "unit", id)
      #expect(
        entries.map(\.operation) == [
          "crm.directory.units.create", "crm.directory.units.update",
          "crm.directory.units.delete",
        ])
    }
  }

  @Test("credits are topped up once for one Idempotency-Key, and costs hold at once")
  func credits() async throws {
    try await TestServer.run { server in
      let root = "/api/directory/credits"
      let before = try await server.send("GET", root)
      #expect(before.status == 200)
      #expect(before.data["planType"] == "test")
      let key = [("Idempotency-Key", "once")]
      for round in 1...2 {
        let answer = try await server.send(
          "POST", "\(root)/top-up", ["amount": 10.5], headers: key)
        #expect(answer.status == 200)
        #expect((answer.header("Idempotency-Replayed") != nil) == (round == 2))
      }
      let after = try await server.send("GET", root)
      #expect(after.data["available"] == 100_010.5)
      let reused = try await server.send(
        "POST", "\(root)/top-up", ["amount": 11], headers: key)
      #expect(reused.code == "idempotency_key_reused")

      let priced = try await server.send(
        "PUT", "\(root)/operations/crm.leads.create", ["creditCost": 7])
      #expect(priced.status < 300)
      let lead = try await server.send("POST", "/api/leads", ["title": "Dear"])
      #expect(lead.json["creditsDeducted"] == 7)
      #expect(
        try await server.send("DELETE", "\(root)/operations/crm.leads.create").status < 300)
      let free = try await server.send("POST", "/api/leads", ["title": "Free"])
      #expect(free.json["creditsDeducted"] == 0)
      let limited = try await server.send("PATCH", root, ["dailyLimit": 5])
      #expect(limited.data["dailyLimit"] == 5)
      #expect(
        try log(server, "credits", "acme").map(\.operation) == [
          "crm.directory.credits.top-up", "crm.directory.credits.update",
        ])
      let prices = try log(server, "credits", "crm.leads.create")
      #expect(
        prices.map(\.operation) == [
          "crm.directory.credits.price", "crm.directory.credits.unprice",
        ])
      #expect(prices[0].metadata["changes"] == ["creditCost": ["from": 5, "to": 7]])
    }
  }

  @Test("a password is no part of what an Idempotency-Key is kept with")
  func idempotentPassword() async throws {
    try await TestServer.run { server in
      let user: JSONValue = ["email": "kim@acme.example", "name": "Kim"]
      for password in ["the first password", "another password"] {
        let answer = try await server.send(
          "POST", "/api/directory/users", user.with("password", .string(password)),
          headers: [("Idempotency-Key", "kim")])
        #expect(answer.status == 201)
      }
      #expect(
        try await signIn(server, "kim@acme.example", "the first password").status == 200)
    }
  }

  @Test("a new password ends the sessions of the old one at once")
  func setPassword() async throws {
    try await TestServer.run { server in
      let session = try await signIn(server, "ada@acme.example", "correct horse battery")
      let token = try #require(session.json["token"]?.string)
      #expect(try await me(server, token) == 200)
      let set = try await server.send(
        "PUT", "/api/directory/users/ada/password", ["password": "quite another one"])
      #expect(set.status == 200)
      #expect(set.json["success"] == true)
      #expect(set.data["id"] == "ada")
      #expect(set.data["password"] == nil)
      #expect(set.json["activityId"]?.string != nil)
      #expect(set.json["userContext"]?["user"] == "Ada Admin")
      let left = try await server.send("GET", "/api/sessions")
      #expect(!left.texts("authenticationMethod").contains("password"))
      #expect(try await me(server, token) == 401)
      let again = try await signIn(server, "ada@acme.example", "quite another one")
      #expect(again.status == 200)
      let entry = try #require(try log(server, "user", "ada").first)
      #expect(entry.operation == "crm.directory.users.password")
      #expect(!entry.metadata.text.contains("quite another one"))
    }
  }

  @Test("who was shut out is told so, and their sessions are over when they are let in again")
  func shutOut() async throws {
    try await TestServer.run { server in
      let made = try await server.send(
        "POST", "/api/directory/users",
        [
          "email": "nia@acme.example", "name": "Nia", "roleIds": ["viewer"],
          "password": "a password of hers",
        ])
      let root = "/api/directory/users/\(made.data.id)"
      let session = try await signIn(server, "nia@acme.example", "a password of hers")
      let token = try #require(session.json["token"]?.string)
      #expect(try await me(server, token) == 200)
      let listed = try await server.send("GET", "/api/sessions?userId=\(made.data.id)")
      #expect(listed.data.array?.count == 1)
      #expect(try await server.send("PATCH", root, ["isActive": false]).status == 200)
      for _ in 1...3 { #expect(try await me(server, token) == 403) }
      #expect(try await server.send("PATCH", root, ["isActive": true]).status == 200)
      let after = try await server.send("GET", "/api/sessions?userId=\(made.data.id)")
      #expect(after.data.array?.isEmpty == true)
      #expect(try await me(server, token) == 401)
    }
  }

  @Test("with a remote Wrapper there is no directory, no setup and no password here")
  func remote() async throws {
    try await TestServer.run(configure: { $0.hasEmbeddedWrapper = false }) { server in
      for (method, path) in [
        ("GET", "/api/directory/users"), ("POST", "/api/directory/users"),
        ("GET", "/api/directory/credits"), ("POST", "/setup"), ("POST", "/auth/login"),
        ("POST", "/auth/password"), ("POST", "/auth/logout"),
      ] {
        #expect(try await server.send(method, path, method == "POST" ? [:] : nil).status == 404)
      }
      let methods = try await server.client.send("GET", "/auth/methods")
      #expect(methods.data == ["password": false, "setup": false])
    }
  }

  private struct Entry {
    let id: String
    let operation: String
    let metadata: JSONValue
  }

  /// The log's entries on one thing of the directory, oldest first; none of them may cost anything.
  private func log(
    _ server: TestServer, _ entityType: String, _ entityID: String
  ) throws -> [Entry] {
    try server.rows(
      """
      SELECT id, operation, metadata, credit_cost FROM crm_activities
      WHERE tenant_id = 'acme' AND entity_type = ? AND entity_id = ? ORDER BY seq
      """, [.text(entityType), .text(entityID)]
    ).map { row in
      #expect(row[3] == "0")
      return Entry(
        id: row[0] ?? "", operation: row[1] ?? "",
        metadata: try JSONParser.parse(Array((row[2] ?? "").utf8)))
    }
  }

  private func signIn(
    _ server: TestServer, _ email: String, _ password: String
  ) async throws -> TestResponse {
    try await server.client.send(
      "POST", "/auth/login", headers: [("Content-Type", "application/json")],
      body: (["email": .string(email), "password": .string(password)] as JSONValue).bytes)
  }

  private func me(_ server: TestServer, _ token: String) async throws -> Int {
    try await server.client.send(
      "GET", "/api/leads", headers: [("Authorization", "Bearer \(token)")]
    ).status
  }
}
