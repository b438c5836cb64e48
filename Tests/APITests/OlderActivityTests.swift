import Database
import JSON
import SQLite
import TestSupport
import Testing
import Values
import WrapperClient

/// Entries that are not held here and come from the Wrapper.
@Suite struct OlderActivityTests {
  /// Entries of a user that only the Wrapper holds, the newest the given days old.
  private func remember(
    _ server: TestServer, _ user: String, count: Int, days: Int64 = 10, tenant: String = "acme",
    operation: String = "crm.leads.create"
  ) async throws -> [String] {
    let start = server.time.now().advanced(byMilliseconds: -days * 86_400_000)
    let entries = (0..<count).map { number in
      // Two of each moment.
      let time = start.advanced(byMilliseconds: -Int64(number / 2) * 60_000)
      return (id: "old:\(operation):\(user):\(20_000 - number)", time: time.rfc3339)
    }
    try await server.database.write { connection in
      for entry in entries {
        try connection.run(
          """
          INSERT INTO directory_activities (
            tenant_id, activity_id, user_id, operation, entity_id, entity_type, credit_units,
            timestamp, session_id)
          VALUES (?, ?, ?, ?, 'e1', 'lead', 5000, ?, 's')
          """,
          [
            .text(tenant), .text(entry.id), .text(user), .text(operation), .text(entry.time),
          ])
      }
    }
    return entries.map(\.id)
  }

  private func walk(
    _ server: TestServer, _ query: String, limit: Int, as user: String = "ada"
  ) async throws -> [JSONValue] {
    var entries: [JSONValue] = []
    var cursor: String?
    repeat {
      let page = try await server.send(
        "GET",
        "/api/activities?limit=\(limit)&\(query)" + (cursor.map { "&cursor=\($0)" } ?? ""),
        as: user)
      try #require(page.status == 200, "\(page.text)")
      #expect(page.json["isIncomplete"] == nil)
      entries += page.data.array ?? []
      cursor = page.json["nextCursor"]?.string
      #expect(cursor == nil || page.data.array?.count == limit)
    } while cursor != nil
    return entries
  }

  @Test("a user's list goes on with what the Wrapper holds, each entry once, whatever the page")
  func merged() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let old = try await remember(server, "sam", count: 23)
      _ = try await remember(server, "sue", count: 3)
      for _ in 0..<7 { _ = try await server.lead(["title": "x"], as: "sam") }
      // What is here has been shipped: the Wrapper knows it too.
      #expect(
        await eventually {
          // A read that fails is tried again until the time is up.
          (try? server.rows("SELECT count(*) FROM activity_outbox")) == [["0"]]
        })
      let held = try server.rows(
        "SELECT id FROM crm_activities WHERE user_id = 'sam' ORDER BY seq DESC"
      ).compactMap { $0[0] }
      for limit in [1, 3, 7, 8, 30, 50] {
        for (query, user) in [("userId=sam", "ada"), ("", "sam"), ("userId=sam", "mara")] {
          let entries = try await walk(server, query, limit: limit, as: user)
          #expect(entries.map(\.id) == held + old, "\(limit) \(query) \(user)")
          #expect(
            entries.map { $0["source"] == "wrapper" }
              == held.map { _ in false } + old.map { _ in true })
        }
      }
      let entry = try #require(
        try await server.send("GET", "/api/activities?userId=sam&limit=50").data.array?.last)
      #expect(entry["tenantId"] == "acme" && entry["creditCost"] == 0.5)
      #expect(entry["entityType"] == "lead" && entry["userContext"] == .null)
      // Several people's lists, one's own of others, and other orders rest on what is here.
      for (query, user) in [
        ("", "ada"), ("userId=sam&sort=timestamp", "ada"), ("userId=sam&page=1", "ada"),
        ("userId=sam&departmentId=org", "ada"),
      ] {
        let answer = try await server.send("GET", "/api/activities?\(query)", as: user)
        #expect(!answer.text.contains("\"wrapper\""), "\(query)")
      }
      let foreign = try await server.send("GET", "/api/activities?userId=sam", as: "sue")
      #expect(foreign.data == [])
    }
  }

  @Test("filters hold for what the Wrapper gives, and so does the tenant")
  func filtered() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let created = try await remember(server, "sam", count: 5)
      let removed = try await remember(
        server, "sam", count: 2, days: 20, operation: "crm.leads.delete")
      let elsewhere = try await remember(server, "greta", count: 2, tenant: "globex")
      _ = try await server.lead(["title": "x"], as: "sam")
      for (query, ids) in [
        ("operation=*.delete", removed), ("operation=crm.leads.*&until=15d", removed),
        ("since=15d&operation=crm.leads.create&until=9d", created),
        ("entityType=lead&until=1d", created + removed), ("sessionId=other", []),
        ("entityId=e1", created + removed), ("until=30d", []),
      ] {
        let answer = try await server.send("GET", "/api/activities?userId=sam&\(query)")
        #expect(answer.texts("id").sorted() == ids.sorted(), "\(query)")
      }
      let hers = try await server.send("GET", "/api/activities?userId=greta", as: "greta")
      #expect(hers.texts("id") == elsewhere)
    }
  }

  @Test("without the Wrapper the list has what is held here, and says that there may be more")
  func away() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await remember(server, "ada", count: 3)
      _ = try await server.lead(["title": "x"])
      let whole = try await server.send("GET", "/api/activities?userId=ada")
      #expect(whole.data.array?.count == 4 && whole.json["isIncomplete"] == nil)
      await server.stopWrapper()
      #expect(await eventually { server.wrapper.mode(tenantID: "acme") == .degraded })
      let part = try await server.send("GET", "/api/activities?userId=ada")
      #expect(part.status == 200 && part.header("X-Cardfile-Mode") == "degraded")
      #expect(part.data.array?.count == 1)
      #expect(part.json["isIncomplete"] == true && part.json["nextCursor"] == .null)
      // What lies within what is held here is whole all the same.
      let near = try await server.send("GET", "/api/activities?userId=ada&limit=1&since=0m")
      #expect(near.json["isIncomplete"] == nil)
    }
  }
}
