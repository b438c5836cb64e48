import CRM
import Database
import EmbeddedWrapper
import JSON
import SQLite
import TestSupport
import Testing
import Values
import WrapperClient

/// What a plan limits beside credits: contacts here, and whatever a description names.
@Suite struct PlanLimitTests {
  /// Gives the tenant a plan, and waits until the server knows of it.
  static func limit(
    _ feature: String, _ limit: Int, overageAllowed: Bool = false, tenantID: String = "acme",
    _ server: TestServer
  ) async throws {
    let name = "\(limit) \(feature)"
    try await server.directory.setCreditConfiguration(
      tenantID: tenantID,
      CreditPlan(
        planType: name, overageAllowed: overageAllowed,
        featureLimits: JSONObject([(feature, .integer(limit))]),
        operations: ["crm.contacts.create": 20_000]))
    _ = try await server.wrapper.tenant(tenantID)
    let isKnown = await eventually {
      server.wrapper.loadedTenant(tenantID)?.creditConfiguration.planType == name
    }
    try #require(isKnown)
  }

  private static func expectRefusal(
    _ answer: TestResponse, feature: String = "contacts", limit: Int, used: Int,
    _ location: SourceLocation = #_sourceLocation
  ) {
    #expect(answer.status == 402, sourceLocation: location)
    #expect(answer.code == "plan_limit_exceeded", sourceLocation: location)
    #expect(answer.json["limit"] == .integer(limit), sourceLocation: location)
    #expect(answer.json["used"] == .integer(used), sourceLocation: location)
    #expect(answer.json["feature"] == .string(feature), sourceLocation: location)
  }

  /// The kept counts beside the true ones.
  private static func expectTrueCounts(
    _ server: TestServer, _ location: SourceLocation = #_sourceLocation
  ) throws {
    let live = try server.rows(
      "SELECT COUNT(*) FROM contacts WHERE tenant_id = 'acme' AND deleted_at IS NULL")
    let kept = try server.store.planUsage(tenantID: "acme")[.contacts] ?? 0
    #expect(live == [["\(kept)"]], sourceLocation: location)
  }

  @Test("creating and restoring count against the limit, the trash does not")
  func contacts() async throws {
    try await TestServer.run { server in
      try await Self.limit("contacts", 2, overageAllowed: true, server)
      let first = try await server.contact(["firstName": "One"])
      _ = try await server.contact(["firstName": "Two"])
      Self.expectRefusal(
        try await server.send("POST", "/api/contacts", ["firstName": "Three"]), limit: 2, used: 2)
      Self.expectRefusal(
        try await server.send("POST", "/api/customers", ["firstName": "Three"]), limit: 2,
        used: 2)
      let failures = try server.rows(
        """
        SELECT entity_type, credit_units, json_extract(metadata, '$.code') FROM crm_activities
        WHERE operation = 'crm.contacts.create.failed'
        """)
      #expect(
        failures == [
          ["error", "0", "plan_limit_exceeded"], ["error", "0", "plan_limit_exceeded"],
        ])
      // Changing what is there needs no room.
      let path = "/api/contacts/\(first.id)"
      #expect(try await server.send("PATCH", path, ["firstName": "Uno"]).status == 200)
      #expect(try await server.send("DELETE", path).status == 200)
      let third = try await server.contact(["firstName": "Three"])
      Self.expectRefusal(try await server.send("POST", "\(path)/restore"), limit: 2, used: 2)
      // What lies in the trash is gone from the count already.
      #expect(try await server.send("DELETE", "\(path)?purge=true").status == 200)
      Self.expectRefusal(
        try await server.send("POST", "/api/contacts", ["firstName": "Four"]), limit: 2, used: 2)
      #expect(
        try await server.send("DELETE", "/api/contacts/\(third.id)?purge=true").status == 200)
      _ = try await server.contact(["firstName": "Four"])
      // Other resources and other tenants have room of their own.
      _ = try await server.lead(["title": "Lead"])
      let other = try await server.send(
        "POST", "/api/contacts", as: "greta", ["firstName": "Elsewhere"])
      #expect(other.status == 201)
      try Self.expectTrueCounts(server)
    }
  }

  @Test("the request's own faults come first, the plan before the credits")
  func order() async throws {
    try await TestServer.run { server in
      try await Self.limit("contacts", 1, server)
      _ = try await server.contact(["firstName": "One", "email": "one@example.com"])
      let invalid = try await server.send("POST", "/api/contacts", ["email": "no address"])
      #expect(invalid.status == 422)
      let duplicate = try await server.send(
        "POST", "/api/contacts", ["email": "One@example.com"])
      #expect(duplicate.code == "duplicate")
      try await Self.limit("contacts", 0, tenantID: "poor", server)
      Self.expectRefusal(
        try await server.send("POST", "/api/contacts", as: "paul", ["firstName": "P"]),
        limit: 0, used: 0)
    }
  }

  @Test("of many that race for the last places exactly as many succeed", arguments: [1, 3])
  func races(places: Int) async throws {
    try await TestServer.run { server in
      for round in 1...4 {
        let limit = round * (places + 1)
        try await Self.limit("contacts", limit, server)
        _ = try await server.contact(["firstName": "First"])
        let statuses = await withTaskGroup(of: Int.self) { group in
          for number in 0..<12 {
            group.addTask {
              // A request that could not be sent at all counts as neither.
              let answer = try? await server.send(
                "POST", "/api/contacts", ["firstName": .string("Racer \(number)")])
              return answer?.status ?? 0
            }
          }
          return await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.count { $0 == 201 } == places)
        #expect(statuses.count { $0 == 402 } == 12 - places)
      }
      try Self.expectTrueCounts(server)
      let spent = try server.rows("SELECT SUM(credit_units) FROM crm_activities")
      #expect(spent == [["\(4 * (places + 1) * 20_000)"]])
    }
  }

  @Test("whatever happens to records, the kept count is the true one")
  func counts() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await Self.limit("contacts", 12, server)
      await withTaskGroup { group in
        for seed in 1...4 {
          group.addTask {
            var random = SeededGenerator(seed: UInt64(seed))
            var ids: [String] = []
            for number in 0..<40 {
              // Refusals of every kind belong to the test.
              guard let id = ids.randomElement(using: &random), Bool.random(using: &random)
              else {
                let made = try? await server.send(
                  "POST", "/api/contacts", ["email": .string("\(seed)-\(number % 9)@e.example")])
                if let made, made.status == 201 { ids.append(made.data.id) }
                continue
              }
              let path = "/api/contacts/\(id)"
              _ =
                switch Int.random(in: 0..<4, using: &random) {
                case 0: try? await server.send("DELETE", path)
                case 1: try? await server.send("DELETE", "\(path)?purge=true")
                case 2: try? await server.send("PATCH", path, ["firstName": "Changed"])
                default: try? await server.send("POST", "\(path)/restore")
                }
            }
          }
        }
      }
      try Self.expectTrueCounts(server)
      let kept = try server.store.planUsage(tenantID: "acme")[.contacts] ?? 0
      #expect((1...12).contains(kept))
    }
  }

  @Test("a limit may count by month, and only records with certain members")
  func monthly() async throws {
    var letters = MadeUpResourceTests.boats
    letters.planCount = PlanCount(.emails, conditions: [("rig", "ketch")], isMonthly: true)
    let clock = TestClock()
    try await TestServer.run(
      catalog: Catalog([.contacts, .leads, letters]),
      migrations: Migration.embedded + [MadeUpResourceTests.migration], time: clock.source
    ) { server in
      try await Self.limit("emails", 1, server)
      _ = try await server.send("POST", "/api/boats", ["name": "A"])
      let other = try await server.send("POST", "/api/boats", ["name": "B"])
      let counted = try await server.send("POST", "/api/boats", ["name": "C", "rig": "ketch"])
      #expect(counted.status == 201)
      let path = try #require(other.header("Location"))
      Self.expectRefusal(
        try await server.send("PATCH", path, ["rig": "ketch"]), feature: "emails", limit: 1,
        used: 1)
      // One that counts no more makes room.
      let first = try #require(counted.header("Location"))
      #expect(try await server.send("PATCH", first, ["rig": "sloop"]).status == 200)
      #expect(try await server.send("PATCH", path, ["rig": "ketch"]).status == 200)
      Self.expectRefusal(
        try await server.send("POST", "/api/boats", ["name": "D", "rig": "ketch"]),
        feature: "emails", limit: 1, used: 1)
      clock.advance(hours: 24 * 32)
      let later = try await server.send("POST", "/api/boats", ["name": "D", "rig": "ketch"])
      #expect(later.status == 201)
      #expect(try server.store.planUsage(tenantID: "acme")[.emails] == 1)
    }
  }

  @Test("records from before the limits were counted count")
  func migrated() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("crm.db")
    var old = DatabaseConfiguration(path: path)
    old.migrations = Migration.embedded.filter { $0.number < 4 }
    let before = try Database(old)
    try await before.write { connection in
      for (id, deletedAt) in [("1", nil), ("2", nil), ("3", "2026-01-01")] as [(String, String?)] {
        try connection.run(
          """
          INSERT INTO contacts (tenant_id, id, created_by, created_at, updated_at, lifecycle,
            deleted_at)
          VALUES ('acme', ?, 'u', '2026-01-01', '2026-01-01', 'lead', ?)
          """, [.text(id), SQLiteValue(deletedAt)])
      }
    }
    before.close()
    let after = try Database(DatabaseConfiguration(path: path))
    defer { after.close() }
    let store = try RecordStore(after, catalog: .standard) { _ in }
    #expect(try store.planUsage(tenantID: "acme") == [.contacts: 2])
    #expect(try store.planUsage(tenantID: "globex").isEmpty)
  }
}
