import EmbeddedWrapper
import JSON
import TestSupport
import Testing
import Values
import WrapperClient

/// Balance, costs and what was spent, as the API tells them.
@Suite struct CreditRouteTests {
  @Test("the balance is read from the Wrapper and counts what was spent a moment ago")
  func balance() async throws {
    try await TestServer.run { server in
      let before = try await server.send("GET", "/api/credits", as: "sam")
      #expect(before.status == 200)
      #expect(before.data["balance"] == 100_000)
      #expect(before.data["available"] == 100_000)
      #expect(before.data["dailyUsage"] == 0)
      #expect(before.data["planType"] == "test")
      #expect(before.data["dailyLimit"] == .null)
      #expect(before.data["overageAllowed"] == false)
      #expect(before.data["isFresh"] == true)
      #expect(before.data["featureLimits"]?["contacts"] == ["limit": .null, "used": 0])
      _ = try await server.lead(["title": "t"], as: "sam")
      _ = try await server.contact(["email": "a@example.org"], as: "ada")
      let path = "/api/leads/\(try await server.lead(["title": "u"]).id)"
      #expect(try await server.send("PATCH", path, ["title": "v"]).status == 200)
      // 5 + 2 + 5 + 0.1, whether or not the Wrapper has counted it yet.
      let after = try await server.send("GET", "/api/credits", as: "sam")
      #expect(after.data["balance"]?.text == "99987.9")
      #expect(after.data["dailyUsage"]?.text == "12.1")
      #expect(after.data["monthlyUsage"]?.text == "12.1")
      #expect(after.data["featureLimits"]?["contacts"] == ["limit": .null, "used": 1])
      #expect(try await server.send("GET", "/api/credits", as: "greta").data["balance"] == 1000)
    }
  }

  @Test("limits of the plan are shown beside what is used of them")
  func limits() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      #expect(try await server.send("GET", "/api/credits").data["planType"] == "test")
      try await server.directory.setCreditConfiguration(
        tenantID: "acme",
        CreditPlan(
          planType: "pro", monthlyLimitUnits: 10_000 * 50, dailyLimitUnits: 10_000 * 10,
          featureLimits: JSONObject([("contacts", 7), ("storage", "5GB")])))
      #expect(
        await eventually {
          server.wrapper.loadedTenant("acme")?.creditConfiguration.planType == "pro"
        })
      let answer = try await server.send("GET", "/api/credits")
      #expect(answer.data["planType"] == "pro")
      #expect(answer.data["monthlyLimit"] == 50)
      #expect(answer.data["dailyLimit"] == 10)
      #expect(answer.data["featureLimits"]?["contacts"] == ["limit": 7, "used": 0])
      #expect(answer.data["featureLimits"]?["storage"]?["limit"] == 5_000_000_000)
      #expect(answer.data["featureLimits"]?["emails"]?["limit"] == .null)
    }
  }

  @Test("without the Wrapper the last known balance is given, marked with its age")
  func offline() async throws {
    try await TestServer.run { server in
      let fresh = try await server.send("GET", "/api/credits")
      #expect(fresh.data["isFresh"] == true)
      await server.stopWrapper()
      #expect(await eventually { server.wrapper.mode(tenantID: "acme") == .degraded })
      let stale = try await server.send("GET", "/api/credits")
      #expect(stale.status == 200)
      #expect(stale.data["isFresh"] == false)
      #expect(stale.data["balance"] == 100_000)
      #expect(stale.data["asOf"]?.string?.hasSuffix("Z") == true)
    }
  }

  @Test("costs are listed by operation and read one by one; an unknown operation is 404")
  func costs() async throws {
    try await TestServer.run { server in
      let list = try await server.send("GET", "/api/credits/costs", as: "vic")
      #expect(
        list.data == [
          ["operationCode": "crm.contacts.create", "creditCost": 2],
          ["operationCode": "crm.leads.create", "creditCost": 5],
          ["operationCode": "crm.leads.update", "creditCost": 0.1],
        ])
      #expect(list.json["nextCursor"] == .null)
      let one = try await server.send("GET", "/api/credits/costs/crm.leads.update", as: "vic")
      #expect(one.data == ["operationCode": "crm.leads.update", "creditCost": 0.1])
      for code in ["crm.leads.delete", "email.send"] {
        let answer = try await server.send("GET", "/api/credits/costs/\(code)", as: "vic")
        #expect(answer.status == 404)
        #expect(answer.code == "not_found")
      }
    }
  }

  @Test("each entry that cost something is a line, newest first, over as many pages as it takes")
  func transactions() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      var created: [String] = []
      for number in 0..<5 {
        let lead = try await server.lead(["title": .string("\(number)")])
        created.insert(lead.id, at: 0)
      }
      // Free operations and failures are no transactions.
      let path = "/api/leads/\(created[0])"
      #expect(try await server.send("DELETE", path).status == 200)
      #expect(try await server.send("POST", "/api/leads", ["title": 5]).status == 422)
      let all = try await server.send("GET", "/api/credits/transactions?count=true")
      #expect(all.status == 200)
      #expect(all.texts("entityId") == created)
      #expect(all.json["total"] == 5)
      let line = try #require(all.data.array?.first)
      #expect(
        line.object?.names == [
          "id", "timestamp", "userId", "userName", "operation", "entityType", "entityId",
          "creditCost", "sessionId",
        ])
      #expect(line["userName"] == "Ada Admin")
      #expect(line["operation"] == "crm.leads.create")
      #expect(line["entityType"] == "lead")
      #expect(line["creditCost"] == 5)
      var ids: [String] = []
      var query = "?limit=2"
      for _ in 0..<3 {
        let page = try await server.send("GET", "/api/credits/transactions\(query)")
        ids += page.texts("entityId")
        guard let cursor = page.json["nextCursor"]?.string else { break }
        query = "?limit=2&cursor=\(cursor)"
      }
      #expect(ids == created)
      let second = try await server.send("GET", "/api/credits/transactions?page=2&pageSize=2")
      #expect(second.texts("entityId") == Array(created[2..<4]))
    }
  }

  @Test("transactions are filtered by time, user and operation")
  func transactionFilters() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      let early = try await server.lead(["title": "early"], as: "sam")
      let middle = clock.source.now().advanced(byMilliseconds: 60_000).rfc3339
      clock.advance(seconds: 120)
      let late = try await server.contact(["email": "late@example.org"])
      for (query, ids) in [
        ("since=7d", [late.id, early.id]), ("since=\(encoded(middle))", [late.id]),
        ("until=\(encoded(middle))", [early.id]), ("userId=sam", [early.id]),
        ("userId=vic", []), ("operation=crm.contacts.create", [late.id]),
        ("operation=crm.leads.*", [early.id]), ("operation=crm.*", [late.id, early.id]),
      ] as [(String, [String])] {
        let answer = try await server.send("GET", "/api/credits/transactions?\(query)")
        #expect(answer.texts("entityId") == ids, "\(query)")
      }
      for query in ["since=soon", "until=-7d", "since=7x", "entity=1", "limit=0"] {
        let answer = try await server.send("GET", "/api/credits/transactions?\(query)")
        #expect(answer.code == "invalid_parameter", "\(query)")
      }
      let bogus = try await server.send("GET", "/api/credits/transactions?cursor=bogus")
      #expect(bogus.code == "invalid_cursor")
    }
  }

  @Test("one's own transactions are always seen, others' as far as crm.activities.read reaches")
  func transactionScope() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for user in ["ada", "mara", "sam", "sue", "greta"] {
        _ = try await server.lead(["title": "t"], as: user)
      }
      for (user, seen) in [
        ("ada", ["ada", "mara", "sam", "sue"]), ("mara", ["mara", "sam"]), ("sam", ["sam"]),
        ("sue", ["sue"]), ("vic", ["ada", "mara", "sam", "sue"]), ("greta", ["greta"]),
      ] {
        let answer = try await server.send("GET", "/api/credits/transactions", as: user)
        #expect(answer.texts("userId").sorted() == seen, "\(user)")
      }
      let other = try await server.send("GET", "/api/credits/transactions?userId=ada", as: "sam")
      #expect(other.data == [])
    }
  }
}
