import EmbeddedWrapper
import JSON
import TestSupport
import Testing
import Values
import WrapperClient

/// The statistics over HTTP: their shapes, their scopes, their parameters.
@Suite struct StatisticsTests {
  private func created(
    _ server: TestServer, _ path: String, _ members: JSONValue, as user: String = "ada"
  ) async throws -> String {
    let answer = try await server.send("POST", path, as: user, members)
    #expect(answer.status == 201, "\(path): \(answer.text)")
    return answer.data.id
  }

  /// Sam may also see the statistics of what is his own.
  private func letSamLook(_ server: TestServer) async throws {
    try await server.directory.createRole(
      tenantID: "acme", id: "looker", name: "Looker",
      permissions: ["crm.stats.read:own", "crm.deals.create:own", "crm.deals.read:own"])
    try await server.directory.grantRole(tenantID: "acme", userID: "sam", roleID: "looker")
    var status = 0
    for _ in 0..<500 where status != 200 {
      status = try await server.send("GET", "/api/stats", as: "sam").status
    }
    try #require(status == 200)
  }

  @Test("the counts of every kind, cut by the scope of the permission")
  func statistics() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await letSamLook(server)
      let contact = try await created(server, "/api/contacts", ["firstName": "A"])
      _ = try await created(
        server, "/api/contacts", ["firstName": "B", "lifecycle": "customer"], as: "sam")
      let gone = try await created(server, "/api/contacts", ["firstName": "C"])
      _ = try await server.send("DELETE", "/api/contacts/\(gone)")
      _ = try await created(server, "/api/companies", ["name": "Co"])
      for status in ["new", "qualified", "qualified"] {
        _ = try await created(server, "/api/leads", ["title": "l", "status": .string(status)])
      }
      for (stage, value, currency, user) in [
        ("new", 1000.5, "EUR", "sam"), ("proposal", 80, "USD", "ada"), ("won", 12.34, "EUR", "ada"),
        ("lost", 5, "EUR", "ada"), ("new", 0.25, "EUR", "ada"),
      ] as [(String, JSONValue, JSONValue, String)] {
        _ = try await created(
          server, "/api/deals",
          ["title": "d", "stage": .string(stage), "value": value, "currency": currency], as: user)
      }
      for (status, due) in [
        ("open", "2020-01-01T00:00:00Z"), ("in_progress", "2999-01-01T00:00:00Z"),
        ("done", "2020-01-01T00:00:00Z"),
      ] as [(JSONValue, JSONValue)] {
        _ = try await created(
          server, "/api/tasks", ["title": "t", "status": status, "dueAt": due])
      }
      for type in ["call", "call", "email"] {
        _ = try await created(
          server, "/api/contacts/\(contact)/interactions", ["type": .string(type)])
      }
      let all = try await server.send("GET", "/api/stats")
      #expect(
        all.json == [
          "data": [
            "contacts": ["total": 2, "byLifecycle": ["customer": 1, "lead": 1]],
            "companies": 1,
            "leads": ["total": 3, "byStatus": ["new": 1, "qualified": 2]],
            "deals": [
              "open": 3, "won": 1, "lost": 1, "openValue": ["EUR": 1000.75, "USD": 80],
              "wonValue": ["EUR": 12.34],
            ],
            "tasks": ["open": 2, "overdue": 1],
            "interactions": ["total": 3, "byType": ["call": 2, "email": 1]],
          ]
        ])
      #expect(try await server.send("GET", "/api/stats", as: "vic").json == all.json)
      // Sam's own: his contact and his deal. Mara's team: Sam's.
      for user in ["sam", "mara"] {
        let some = try await server.send("GET", "/api/stats", as: user).data
        #expect(some["contacts"] == ["total": 1, "byLifecycle": ["customer": 1]], "\(user)")
        #expect(some["leads"] == ["total": 0, "byStatus": [:]], "\(user)")
        #expect(some["deals"]?["open"] == 1, "\(user)")
        #expect(some["deals"]?["openValue"] == ["EUR": 1000.5], "\(user)")
      }
      #expect(
        try await server.send("GET", "/api/stats", as: "greta").data["contacts"]?["total"] == 0)
      let refused = try await server.send("GET", "/api/stats", as: "sue")
      #expect(refused.status == 403)
      #expect(refused.json["requiredPermission"] == "crm.stats.read")
    }
  }

  @Test("the dashboard shows what came, what was won, and what is open by stage")
  func dashboard() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let today = JSONValue.string(server.time.now().day.text)
      _ = try await created(server, "/api/contacts", ["firstName": "A"])
      for _ in 0..<3 { _ = try await created(server, "/api/leads", ["title": "l"]) }
      for (stage, value, owner) in [
        ("new", 100.05, "ada"), ("new", 0.1, "ada"), ("won", 7, "vic"), ("won", 1, "vic"),
        ("won", 99, "ada"), ("lost", 5, "ada"),
      ] as [(String, JSONValue, JSONValue)] {
        _ = try await created(
          server, "/api/deals",
          [
            "title": "d", "stage": .string(stage), "value": value, "currency": "EUR",
            "ownerId": owner,
          ])
      }
      let answer = try await server.send("GET", "/api/stats/dashboard?period=7d&tz=UTC")
      let data = answer.data
      #expect(
        answer.json.object?.names == ["data"]
          && data.object?.names == [
            "period", "newContactsByDay", "newLeadsByDay", "wonByDay", "pipeline", "conversion",
            "overdueTasks", "topOwners", "recentActivity",
          ])
      #expect(data["period"] == "7d")
      #expect(data["newContactsByDay"] == [["date": today, "count": 1]])
      #expect(data["newLeadsByDay"] == [["date": today, "count": 3]])
      #expect(data["wonByDay"] == [["date": today, "count": 3, "value": ["EUR": 107]]])
      let stage = data["pipeline"]?.array?.first
      #expect(data["pipeline"]?.array?.count == 1)
      #expect(stage?["stage"] == "new")
      #expect(stage?["name"] == "New")
      #expect(stage?["count"] == 2)
      #expect(stage?["value"] == ["EUR": 100.15])
      // A tenth of 100.15 is 10.015: the half goes to the even cent.
      #expect(stage?["weightedValue"] == ["EUR": 10.02])
      #expect(data["conversion"] == ["leadsToDeals": 0, "dealsWon": 0.75])
      #expect(data["overdueTasks"] == 0)
      #expect(
        data["topOwners"] == [
          ["userId": "vic", "name": "Vic Viewer", "wonCount": 2, "wonValue": ["EUR": 8]],
          ["userId": "ada", "name": "Ada Admin", "wonCount": 1, "wonValue": ["EUR": 99]],
        ])
      let recent = data["recentActivity"]?.array ?? []
      #expect(recent.count == 10)
      #expect(recent.first?["operation"] == "crm.deals.create")
      #expect(recent.first?["userName"] == "Ada Admin")
      // Who may not read others' entries sees none of theirs.
      let mara = try await server.send("GET", "/api/stats/dashboard", as: "mara").data
      #expect(mara["period"] == "30d")
      #expect(mara["recentActivity"] == [])
    }
  }

  @Test("the performance of each owner, and the time that deals spent in a stage")
  func performance() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await created(server, "/api/contacts", ["firstName": "A"])
      _ = try await created(server, "/api/leads", ["title": "l", "ownerId": "vic"])
      let deal = try await created(
        server, "/api/deals", ["title": "d", "value": 10, "currency": "EUR"])
      let inTwoDays = server.time.now().advanced(byMilliseconds: 2 * 86_400_000).rfc3339
      let won = try await server.send(
        "PATCH", "/api/deals/\(deal)", ["stage": "won", "closedAt": .string(inTwoDays)])
      #expect(won.status == 200)
      _ = try await created(server, "/api/deals", ["title": "e", "stage": "lost"])
      _ = try await created(server, "/api/contacts/\(contact)/interactions", ["type": "call"])
      _ = try await created(
        server, "/api/tasks", ["title": "t", "status": "done", "assignedTo": "vic"])
      let until = server.time.now().advanced(byMilliseconds: 5 * 86_400_000).rfc3339
      let before = try await server.send("GET", "/api/stats/performance?period=1d")
      #expect(before.data.array?.first?["dealsWon"] == 0, "closed in two days only")
      let whole = try await server.send(
        "GET", "/api/stats/performance?since=1d&until=\(encoded(until))")
      let ada = whole.data.array?.first
      #expect(ada?["userId"] == "ada")
      #expect(ada?["name"] == "Ada Admin")
      #expect(ada?["leadsCreated"] == 0)
      #expect(ada?["dealsWon"] == 1)
      #expect(ada?["dealsLost"] == 1)
      #expect(ada?["winRate"] == 0.5)
      #expect(ada?["wonValue"] == ["EUR": 10])
      #expect(ada?["interactions"] == 1)
      if case .number(let days)? = ada?["averageDaysToClose"], let days = days.double {
        #expect(abs(days - 2) < 0.01)
      } else {
        Issue.record("no days to close: \(whole.text)")
      }
      let vic = whole.data.array?.last
      #expect(vic?["userId"] == "vic")
      #expect(vic?["leadsCreated"] == 1)
      #expect(vic?["leadsConverted"] == 0)
      #expect(vic?["winRate"] == 0)
      #expect(vic?["averageDaysToClose"] == .null)
      #expect(vic?["tasksCompleted"] == 1)
      let stays = whole.json["averageTimeInStage"]?.array ?? []
      #expect(stays.map { $0["stage"] } == ["new"])
    }
  }

  @Test("what was done with a contact, on both paths, without the private notes of others")
  func contactActivity() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await created(server, "/api/contacts", ["firstName": "A"])
      let other = try await created(server, "/api/contacts", ["firstName": "B"])
      for (type, at) in [
        ("call", "2026-01-31T23:30:00.000Z"), ("call", "2025-12-01T00:00:00.000Z"),
        ("email", "2025-12-31T23:00:00.000Z"),
      ] as [(JSONValue, JSONValue)] {
        _ = try await created(
          server, "/api/customers/\(contact)/interactions", ["type": type, "occurredAt": at])
      }
      _ = try await created(server, "/api/customers/\(other)/interactions", ["type": "call"])
      _ = try await created(server, "/api/customers/\(contact)/notes", ["body": "public"])
      _ = try await created(
        server, "/api/customers/\(contact)/notes", ["body": "p", "visibility": "private"])
      for (stage, id) in [("new", contact), ("won", contact), ("lost", other)] {
        _ = try await created(
          server, "/api/deals",
          ["title": "d", "stage": .string(stage), "contactId": .string(id)])
      }
      for status in ["open", "done"] {
        _ = try await created(
          server, "/api/tasks",
          [
            "title": "t", "status": .string(status), "entityType": "contact",
            "entityId": .string(contact),
          ])
      }
      var expected: JSONValue = [
        "contactId": .string(contact),
        "interactions": ["total": 3, "byType": ["call": 2, "email": 1]],
        "lastInteractionAt": "2026-01-31T23:30:00.000Z", "notes": 2, "openTasks": 1,
        "deals": ["open": 1, "won": 1, "lost": 0],
        "byMonth": [["date": "2025-12", "count": 2], ["date": "2026-01", "count": 1]],
      ]
      for name in ["customers", "contacts"] {
        let answer = try await server.send("GET", "/api/stats/\(name)/\(contact)/activity")
        #expect(answer.json == ["data": expected])
      }
      let path = "/api/stats/customers/\(contact)/activity"
      expected = expected.with("notes", 1).with(
        "byMonth",
        [
          ["date": "2025-12", "count": 1], ["date": "2026-01", "count": 1],
          ["date": "2026-02", "count": 1],
        ])
      #expect(
        try await server.send("GET", "\(path)?tz=Europe/Paris", as: "vic").data == expected)
      // Mara's scope does not reach Ada's contact, and Globex has none of it.
      for user in ["mara", "greta"] {
        #expect(try await server.send("GET", path, as: user).status == 404)
      }
      #expect(try await server.send("GET", path, as: "sue").status == 403)
      #expect(try await server.send("GET", "/api/stats/customers/x/activity").status == 404)
      _ = try await server.send("DELETE", "/api/contacts/\(contact)")
      #expect(try await server.send("GET", path).status == 404)
    }
  }

  @Test("a wrong parameter is 400 and named")
  func parameters() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (query, name) in [
        ("period=soon", "period"), ("tz=Nowhere/Land", "tz"), ("tz=", "tz"), ("x=1", "x"),
        ("since=2026-01-02&until=2026-01-01", "since"), ("until=tomorrow", "until"),
        ("since=1d&period=1d", "period"), ("period=-1d", "period"),
      ] {
        for path in ["dashboard", "performance"] {
          let answer = try await server.send("GET", "/api/stats/\(path)?\(query)")
          #expect(answer.status == 400, "\(path) \(query)")
          #expect(answer.code == "invalid_parameter", "\(path) \(query)")
          #expect(answer.json["detail"]?.string?.contains(name) == true, "\(query) \(answer.text)")
        }
      }
      #expect(try await server.send("GET", "/api/stats?period=1d").status == 400)
      for query in [
        "period=90m", "period=24h", "period=4w", "period=6mo", "period=1y",
        "period=2026-01-31T10:30:00Z", "since=2020-01-01&until=2026-01-01T00:00:00%2B02:00",
      ] {
        #expect(try await server.send("GET", "/api/stats/dashboard?\(query)").status == 200)
      }
    }
  }
}
