import EmbeddedWrapper
import JSON
import TestSupport
import Testing
import WrapperClient

/// `PUT /api/…/by/{member}/{value}`: replaced or created.
@Suite struct UpsertTests {
  private static let bodies: [(path: String, body: JSONValue, other: JSONValue)] = [
    ("/api/contacts", ["firstName": "Ann", "phone": "1"], ["firstName": "Eve"]),
    ("/api/customers", ["firstName": "Ann", "phone": "1"], ["firstName": "Eve"]),
    ("/api/companies", ["name": "Acme", "phone": "1"], ["name": "Other"]),
    ("/api/leads", ["title": "Lead", "phone": "1"], ["title": "Other"]),
    ("/api/deals", ["title": "Deal", "lostReason": "x"], ["title": "Other"]),
  ]

  @Test("by externalId: 201 when it is created, 200 when it is replaced", arguments: bodies)
  func external(path: String, body: JSONValue, other: JSONValue) async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let place = "\(path)/by/externalId/\(encoded("erp:a/b c?"))"
      let created = try await server.send("PUT", place, body)
      try #require(created.status == 201, "\(created.text)")
      #expect(created.data["externalId"] == "erp:a/b c?")
      #expect(created.header("ETag") == "\"1\"")
      #expect(created.header("Location")?.hasSuffix("/\(created.data.id)") == true)
      let replaced = try await server.send("PUT", place, other.with("externalId", "erp:a/b c?"))
      try #require(replaced.status == 200, "\(replaced.text)")
      #expect(replaced.data.id == created.data.id)
      #expect(replaced.data["version"] == 2)
      #expect(replaced.data["phone"] ?? .null == .null)
      let stored = try await server.send("GET", "\(path)/\(created.data.id)")
      #expect(stored.data == replaced.data)
      let contradiction = try await server.send("PUT", place, other.with("externalId", "erp:2"))
      #expect(contradiction.status == 422)
      #expect(contradiction.issues == ["/externalId read_only"])
      #expect(try await server.send("PUT", "\(path)/by/id/1", body).status == 404)
      #expect(try await server.send("PUT", "\(path)/by/externalId/none", body).status == 422)
      #expect(try await server.send("GET", place).status == 405)
    }
  }

  @Test("by e-mail, whatever the case; the stored address stays as it is written")
  func email() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let first = try await server.send(
        "PUT", "/api/contacts/by/email/Ann%40Example.org", ["firstName": "Ann"])
      #expect(first.status == 201)
      #expect(first.data["email"] == "Ann@Example.org")
      let second = try await server.send(
        "PUT", "/api/customers/by/email/ann@example.ORG", ["firstName": "Bea"])
      #expect(second.status == 200)
      #expect(second.data.id == first.data.id)
      #expect(second.data["email"] == "Ann@Example.org")
      let third = try await server.send(
        "PUT", "/api/contacts/by/email/ann@example.org", ["email": "ANN@example.org"])
      #expect(third.data["email"] == "ANN@example.org")
      #expect(third.data["firstName"] == .null)
      for wrong in ["nobody", "%20"] {
        let answer = try await server.send("PUT", "/api/contacts/by/email/\(wrong)", [:])
        #expect(answer.status == 422)
        let viewer = try await server.send(
          "PUT", "/api/contacts/by/email/\(wrong)", as: "vic", [:])
        #expect(viewer.status == 403)
      }
      // What lies in the trash has no address.
      _ = try await server.send("DELETE", "/api/contacts/\(first.data.id)")
      let again = try await server.send("PUT", "/api/contacts/by/email/ann@example.org", [:])
      #expect(again.status == 201)
      #expect(again.data.id != first.data.id)
      #expect(try await server.send("PUT", "/api/companies/by/email/a@b.c", [:]).status == 404)
    }
  }

  @Test("a lead's e-mail address is nobody's alone: several that have it are a conflict")
  func leads() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let path = "/api/leads/by/email/a@example.org"
      let first = try await server.send("PUT", path, ["title": "one"])
      #expect(first.status == 201)
      #expect(try await server.send("PUT", path, ["title": "two"]).data.id == first.data.id)
      // Sam sees no lead of Ada's, so that his own is the only one.
      let sams = try await server.send("PUT", path, as: "sam", ["title": "Sam's"])
      #expect(sams.status == 201)
      #expect(try await server.send("PUT", path, as: "sam", ["title": "x"]).status == 200)
      let conflict = try await server.send("PUT", path, ["title": "three"])
      #expect(conflict.status == 409)
      #expect(conflict.code == "conflict")
      #expect(conflict.issues == ["/email ambiguous"])
    }
  }

  @Test("it takes the permission for what it turns out to be, and the log says what that was")
  func permissions() async throws {
    try await TestServer.run { server in
      for (role, permissions) in [
        ("maker", ["crm.leads.create", "crm.leads.read"]), ("blind", ["crm.leads.create"]),
        ("changer", ["crm.leads.update", "crm.leads.read"]),
      ] {
        try await server.directory.createRole(
          tenantID: "acme", id: role, name: role, permissions: permissions)
        try await server.directory.createUser(
          tenantID: "acme",
          NewUser(id: role, email: "\(role)@acme.example", name: role, roleIDs: [role]))
      }
      _ = try await server.wrapper.tenant("acme")
      let known = await eventually {
        server.wrapper.loadedTenant("acme")?
          .check(userID: "changer", permission: "crm.leads.update").isAllowed == true
      }
      try #require(known)
      let path = "/api/leads/by/externalId/x:1"
      func put(_ user: String) async throws -> TestResponse {
        try await server.send("PUT", path, as: user, ["title": .string(user)])
      }
      let absent = try await put("changer")
      #expect(absent.status == 403)
      #expect(absent.json["requiredPermission"] == "crm.leads.create")
      let created = try await put("maker")
      #expect(created.status == 201)
      #expect(created.json["creditsDeducted"] == 5)
      let refused = try await put("maker")
      #expect(refused.status == 403)
      #expect(refused.json["requiredPermission"] == "crm.leads.update")
      let replaced = try await put("changer")
      #expect(replaced.status == 200)
      #expect(replaced.json["creditsDeducted"] == 0.1)
      // Who may not read it learns no more than by a create.
      for user in ["blind", "sam"] {
        let hidden = try await put(user)
        #expect(hidden.status == 409)
        #expect(hidden.code == "duplicate")
        #expect(hidden.json["existingId"] == nil)
      }
      #expect(try await put("vic").status == 403)
      #expect(
        try server.rows(
          """
          SELECT operation, credit_units FROM crm_activities
          WHERE tenant_id = 'acme' AND entity_type = 'lead' ORDER BY seq
          """) == [["crm.leads.create", "50000"], ["crm.leads.update", "1000"]])
      let entry = try server.rows(
        """
        SELECT json_extract(permissions, '$.operationContext.requiredPermission')
        FROM crm_activities WHERE operation = 'crm.leads.update'
        """)
      #expect(entry == [["crm.leads.update"]])
    }
  }

  @Test("If-None-Match: * only creates, If-Match only replaces that version")
  func preconditions() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let path = "/api/companies/by/externalId/x:1"
      func put(_ header: String, _ value: String) async throws -> TestResponse {
        try await server.send("PUT", path, ["name": .string(value)], headers: [(header, value)])
      }
      let none = try await put("If-Match", "*")
      #expect(none.status == 412)
      #expect(none.json["currentVersion"] == .null)
      #expect(try await put("If-None-Match", "*").status == 201)
      let there = try await put("If-None-Match", "*")
      #expect(there.status == 412)
      #expect(there.json["currentVersion"] == 1)
      #expect(try await put("If-Match", "\"1\"").status == 200)
      #expect(try await put("If-Match", "\"1\"").status == 412)
      #expect(try await put("If-Match", "*").status == 200)
    }
  }

  @Test("upserts that race make one record, of which all but one replace what is there")
  func race() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for round in 0..<10 {
        let statuses = try await withThrowingTaskGroup { group in
          for number in 0..<8 {
            group.addTask {
              try await server.send(
                "PUT", "/api/contacts/by/email/race\(round)@example.org",
                ["firstName": .string("\(number)")]
              ).status
            }
          }
          return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.sorted() == Array(repeating: 200, count: 7) + [201])
      }
      #expect(try server.rows("SELECT count(*), sum(version) FROM contacts") == [["10", "80"]])
    }
  }

  @Test("in a batch an upsert meets what the operations before it have left")
  func batch() async throws {
    try await TestServer.run { server in
      let put = BatchTests.operation("PUT", "/api/leads/by/externalId/x:1", ["title": "t"])
      let twice = try await BatchTests.send(server, [put, put])
      #expect(twice.data.array?.map { $0["status"]?.integer } == [201, 200])
      #expect(
        twice.data.array?.map { $0["body"]?["creditsDeducted"] ?? .null } == [5, 0.1])
      let id = twice.data.array?[0]["body"]?["data"]?.id ?? ""
      // It was there when the batch came: what it costs turns out later.
      let anew = try await BatchTests.send(
        server, [BatchTests.operation("DELETE", "/api/leads/\(id)"), put])
      #expect(anew.data.array?.map { $0["status"]?.integer } == [200, 201], "\(anew.text)")
      #expect(anew.data.array?[1]["body"]?["creditsDeducted"] == 5)
      #expect(
        try server.rows("SELECT sum(credit_units) FROM crm_activities") == [["101000"]])
      // Its id is promised to others; when it becomes another one, nothing is done.
      let note = BatchTests.operation("POST", "/api/leads/$1.id/notes", ["body": "x"])
      let next = anew.data.array?[1]["body"]?["data"]?.id ?? ""
      let mixed = try await BatchTests.send(
        server, [BatchTests.operation("DELETE", "/api/leads/\(next)"), put, note])
      #expect(mixed.status == 409)
      #expect(mixed.json["index"] == 1)
      #expect(try await BatchTests.send(server, [put, put, note]).status == 200)
    }
  }
}
