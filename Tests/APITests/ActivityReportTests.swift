import CRM
import Database
import JSON
import SQLite
import TestSupport
import Testing
import Values
import WrapperClient

/// Reports of activity over HTTP: their shapes, who may see whose, their parameters.
@Suite struct ActivityReportTests {
  private static let organization = "/api/reports/organizational-activity"

  /// Leads by sam (two, and one refused) and ada (one), each 5 credits.
  private func work(_ server: TestServer) async throws {
    for title in ["a", "b"] { _ = try await server.lead(["title": .string(title)], as: "sam") }
    #expect(try await server.send("POST", "/api/leads", as: "sam", ["title": 7]).status == 422)
    _ = try await server.lead(["title": "c"])
  }

  /// The counts of an organisational report by user.
  private func counts(
    _ server: TestServer, _ query: String = "", as user: String = "ada"
  ) async throws -> [String: Int64] {
    let answer = try await server.send("GET", "\(Self.organization)?tz=UTC\(query)", as: user)
    try #require(answer.status == 200, "\(answer.text)")
    let users = answer.json["report"]?["userStats"]?.array ?? []
    return users.reduce(into: [:]) {
      $0[$1["userId"]?.string ?? ""] = $1["operationCount"]?.integer
    }
  }

  @Test("a user's report has the shape of its description, right after what was done")
  func report() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await work(server)
      let today = server.time.now().day.text
      let report = try await server.send(
        "GET", "/api/users/sam/activity/report?tz=UTC&period=24h", as: "sam"
      ).json
      #expect(
        (report.object?.names ?? []) == [
          "userId", "period", "totalActivities", "totalCreditsUsed", "operationBreakdown",
          "temporalBreakdown", "entityBreakdown", "complianceSummary",
        ])
      #expect(report["userId"] == "sam")
      #expect(report["period"] == "24h")
      #expect(report["totalActivities"] == 3)
      #expect(report["totalCreditsUsed"] == 10)
      let operations = report["operationBreakdown"]?.array ?? []
      #expect(
        operations.map { $0.with("latest", nil) } == [
          ["operation": "crm.leads.create", "count": 2, "totalCredits": 10],
          ["operation": "crm.leads.create.failed", "count": 1, "totalCredits": 0],
        ])
      #expect(operations[0]["latest"]?.string.flatMap(Timestamp.init(rfc3339:)) != nil)
      let days = report["temporalBreakdown"]?.array ?? []
      #expect(days.reduce(0) { $0 + ($1["count"]?.integer ?? 0) } == 3)
      #expect(days.last?["date"]?.string.map { $0 >= today } == true)
      #expect(
        report["entityBreakdown"] == [
          ["entityType": "lead", "count": 2, "totalCredits": 10],
          ["entityType": "error", "count": 1, "totalCredits": 0],
        ])
      #expect(
        report["complianceSummary"] == [
          "uniqueUsers": 1, "totalOperations": 3, "operationsByLocation": ["Paris": 3],
          "authenticationMethods": ["jwt": 3], "ipAddresses": 1,
        ])
      // Nobody's, and before anything was done.
      let nothing = try await server.send("GET", "/api/users/vic/activity/report").json
      #expect(nothing["totalActivities"] == 0)
      #expect(nothing["temporalBreakdown"] == [])
      let past = try await server.send(
        "GET", "/api/users/sam/activity/report?since=2020-01-01&until=2020-02-01")
      #expect(past.json["totalActivities"] == 0)
      #expect(
        past.json["period"] == "2020-01-01T00:00:00.000Z/2020-02-01T00:00:00.000Z")
    }
  }

  @Test("a user's page shows the newest entries, and counts the whole period")
  func page() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await work(server)
      let page = try await server.send("GET", "/api/users/sam/activity?limit=1", as: "sam").json
      #expect(
        page.object?.names == ["userId", "userContext", "activities", "statistics", "summary"])
      #expect(page["userContext"]?["user"]?["name"] == "Sam Sales")
      let entries = page["activities"]?.array ?? []
      #expect(entries.count == 1)
      #expect(entries[0]["operation"] == "crm.leads.create.failed")
      #expect(entries[0]["compliance"]?["location"] == "Paris")
      #expect(entries[0]["permissions"]?["operationContext"] != nil)
      #expect(
        page["statistics"]?["byOperation"]
          == ["crm.leads.create": 2, "crm.leads.create.failed": 1])
      #expect(page["statistics"]?["totalCredits"] == 10)
      #expect(page["statistics"]?["period"] == "7d")
      #expect(page["summary"]?["totalOperations"] == 3)
      #expect(page["summary"]?["totalCreditsUsed"] == 10)
      #expect(page["summary"]?["lastActivity"] == entries[0]["timestamp"])
      #expect(
        page["summary"]?["organizationalContext"] == "Acme Corp → Sales Department → Sam Sales")
      let short = try await server.send("GET", "/api/users/sam/activity?includeDetails=false").json
      for entry in short["activities"]?.array ?? [] {
        for name in ["userContext", "permissions", "metadata", "compliance"] {
          #expect(entry[name] == nil)
        }
      }
      #expect(short["activities"]?.array?.count == 3)
    }
  }

  @Test("a private note's content stays out of what others see of its creator")
  func privacy() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "A"])
      _ = try await server.created(
        "/api/contacts/\(contact.id)/notes", ["body": "sesame", "visibility": "private"])
      for path in ["", "/dashboard"] {
        let others = try await server.send("GET", "/api/users/ada/activity\(path)", as: "vic")
        #expect(others.status == 200)
        #expect(!others.text.contains("sesame"))
        #expect(others.text.contains("crm.notes.create"))
      }
    }
  }

  @Test("the dashboard carries the report and the newest entries")
  func dashboard() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await work(server)
      for number in 0..<22 {
        _ = try await server.contact(["firstName": .string("c\(number)")], as: "sam")
      }
      let dashboard = try await server.send("GET", "/api/users/sam/activity/dashboard").json
      let names = dashboard.object?.names
      #expect(
        names == [
          "userId", "userContext", "report", "recentActivities", "recentSummary", "lastUpdated",
        ])
      #expect(dashboard["report"]?["totalActivities"] == 25)
      #expect(dashboard["report"]?["period"] == "30d")
      let recent = dashboard["recentActivities"]?.array ?? []
      #expect(recent.count == 20)
      #expect(Self.isDescending(recent.map { $0["timestamp"]?.string ?? "" }))
      #expect(
        dashboard["recentSummary"] == [
          "totalOperations": 20, "operationsByType": ["crm.contacts.create": 20],
          "totalCreditsUsed": 40, "lastActivity": recent[0]["timestamp"] ?? .null,
          "mostActiveUser": ["userId": "sam", "count": 20],
        ])
      let nobody = try await server.send("GET", "/api/users/vic/activity/dashboard").json
      #expect(nobody["recentSummary"]?["mostActiveUser"] == .null)
      #expect(nobody["recentSummary"]?["lastActivity"] == .null)
    }
  }

  @Test("one's own activity is always readable, that of others as far as the permission reaches")
  func reach() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await work(server)
      for path in ["", "/report", "/dashboard"] {
        func status(_ user: String, as reader: String) async throws -> Int {
          try await server.send("GET", "/api/users/\(user)/activity\(path)", as: reader).status
        }
        #expect(try await status("sue", as: "sue") == 200)
        #expect(try await status("sam", as: "ada") == 200)
        #expect(try await status("sam", as: "vic") == 200)
        #expect(try await status("sam", as: "mara") == 200)
        #expect(try await status("sue", as: "mara") == 403)
        #expect(try await status("ada", as: "mara") == 403)
        #expect(try await status("nobody", as: "mara") == 403)
        #expect(try await status("nobody", as: "ada") == 404)
        #expect(try await status("sam", as: "greta") == 404)
        let refused = try await server.send("GET", "/api/users/ada/activity\(path)", as: "sam")
        #expect(refused.status == 403)
        #expect(refused.json["requiredPermission"] == "crm.activities.read")
      }
      let refused = try await server.send("GET", Self.organization, as: "sam")
      #expect(refused.status == 403)
      #expect(refused.json["requiredPermission"] == "crm.reports.read")
      #expect(try await counts(server) == ["sam": 3, "ada": 1])
      #expect(try await counts(server, as: "vic") == ["sam": 3, "ada": 1])
      #expect(try await counts(server, as: "mara") == ["sam": 3])
      #expect(try await counts(server, as: "greta") == [:])
      try await server.addUsers([("olga", ["crm.reports.read:own", "crm.leads.create"])])
      _ = try await server.lead(["title": "o"], as: "olga")
      #expect(try await counts(server, as: "olga") == ["olga": 1])
    }
  }

  @Test("the report of a part of the organisation counts it with all below it, as it is today")
  func organization() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await work(server)
      let answer = try await server.send(
        "GET", "\(Self.organization)?departmentId=sales&since=7d&includeUserDetails=true"
      ).json
      #expect(answer.object?.names == ["departmentId", "hierarchy", "report", "summary"])
      #expect(answer["departmentId"] == "sales")
      #expect(answer["hierarchy"]?["name"] == "Sales Department")
      let names = answer["report"]?.object?.names
      #expect(
        names == [
          "userStats", "operationSummary", "temporalBreakdown", "totalCredits",
          "complianceSummary",
        ])
      #expect(
        answer["report"]?["userStats"] == [
          [
            "userId": "sam", "name": "Sam Sales", "operationCount": 3, "totalCredits": 10,
            "email": "sam@acme.example", "title": "Tester", "department": "Sales Department",
            "departmentId": "north", "entityPath": "Acme Corp → Sales Department → Sam Sales",
          ]
        ])
      #expect(
        answer["report"]?["operationSummary"] == [
          "crm.leads.create": ["count": 2, "totalCredits": 10],
          "crm.leads.create.failed": ["count": 1, "totalCredits": 0],
        ])
      #expect(
        answer["summary"] == [
          "totalUsers": 1, "totalOperations": 3, "totalCredits": 10, "period": "7d",
        ])
      #expect(try await counts(server, "&departmentId=north") == ["sam": 3])
      #expect(try await counts(server, "&departmentId=support") == [:])
      #expect(try await counts(server, "&departmentId=org") == ["sam": 3, "ada": 1])
      #expect(try await counts(server, "&departmentId=acme") == ["sam": 3, "ada": 1])
      // Those of mara's team, and of them what was done in that part.
      #expect(try await counts(server, "&departmentId=org", as: "mara") == ["sam": 3])
      #expect(try await counts(server, "&departmentId=support", as: "mara") == [:])
      for (unit, user) in [("nowhere", "ada"), ("sales", "greta"), ("", "ada")] {
        let unknown = try await server.send(
          "GET", "\(Self.organization)?departmentId=\(unit)", as: user)
        #expect(unknown.status == 404 && unknown.code == "not_found", "\(unit)")
      }
      // The team moves and takes with it what it did.
      let moved = try await server.send(
        "PATCH", "/api/directory/units/north", ["parentId": "support", "name": "Far North"])
      #expect(moved.status == 200, "\(moved.text)")
      #expect(try await counts(server, "&departmentId=sales") == [:])
      #expect(try await counts(server, "&departmentId=support") == ["sam": 3])
      let north = try await server.send("GET", "\(Self.organization)?departmentId=north").json
      #expect(north["hierarchy"]?["name"] == "Far North")
    }
  }

  @Test("batches, refusals and a restart are in the sums, which are those of the log")
  func afterwards() async throws {
    let folder = try TemporaryFolder()
    try await TestServer.run(creditCheck: .off, folder: folder) { server in
      try await work(server)
      let operation: JSONValue = [
        "method": "POST", "path": "/api/contacts", "body": ["firstName": "b"],
      ]
      let batch = try await server.send(
        "POST", "/api/batch", as: "sam", ["operations": [operation, operation, operation]])
      #expect(batch.status == 200)
      let failing = try await server.send(
        "POST", "/api/batch", as: "sam",
        ["operations": [operation, ["method": "DELETE", "path": "/api/leads/x"]]])
      #expect(failing.status >= 400)
      let logged = try server.rows("SELECT count(*) FROM crm_activities WHERE user_id = 'sam'")
      #expect(try await counts(server)["sam"] == logged[0][0].flatMap { Int64($0) })
      #expect(try server.store.verifyActivitySums(tenantID: "acme") == [])
    }
    try await TestServer.run(creditCheck: .off, folder: folder) { server in
      let before = try await counts(server)["sam"] ?? 0
      _ = try await server.lead(["title": "d"], as: "sam")
      #expect(before >= 6)
      #expect(try await counts(server)["sam"] == before + 1)
      #expect(try server.store.verifyActivitySums(tenantID: "acme") == [])
    }
  }

  @Test("a parameter that is unknown or wrong is refused by its name")
  func parameters() async throws {
    try await TestServer.run { server in
      let report = "/api/users/ada/activity/report"
      for (path, name) in [
        ("\(report)?limit=5", "limit"), ("\(report)?tz=Mars/Olympus", "tz"),
        ("\(report)?groupBy=year", "groupBy"), ("\(report)?groupBy=", "groupBy"),
        ("\(report)?period=7x", "period"), ("\(report)?period=7d&period=8d", "period"),
        ("\(report)?since=tomorrow", "since"), ("\(report)?until=never", "until"),
        ("\(report)?since=1d&until=2d", "since"), ("\(report)?since=1d&period=2d", "period"),
        ("/api/users/ada/activity/dashboard?page=1", "page"),
        ("/api/users/ada/activity?groupBy=day", "groupBy"),
        ("/api/users/ada/activity?limit=0", "limit"),
        ("/api/users/ada/activity?limit=201", "limit"),
        ("/api/users/ada/activity?includeDetails=yes", "includeDetails"),
        ("\(Self.organization)?includeUserDetails=1", "includeUserDetails"),
        ("\(Self.organization)?department=sales", "department"),
      ] {
        let answer = try await server.send("GET", path)
        #expect(answer.status == 400 && answer.code == "invalid_parameter", "\(path)")
        #expect(
          answer.json["errors"]?.array?.first?["parameter"] == .string(name),
          "\(path): \(answer.text)")
      }
    }
  }

  @Test("every statement of a report finds its rows by an index, and none walks the log")
  func plans() async throws {
    // Requests bear the machine's time: what is reported lies before.
    let clock = StandingClock(
      TimeSource.system.now().advanced(byMilliseconds: -300 * 3_600_000))
    let time = TimeSource(
      now: { clock.now }, monotonicNanoseconds: TimeSource.system.monotonicNanoseconds)
    try await TestServer.run(creditCheck: .off, time: time) { server in
      try await work(server)
      clock.advance(minutes: 60 * 60)
      try await work(server)
      clock.advance(minutes: 240 * 60)
      try await server.store.closeActivityBlocks()
      for query in [
        "", "&until=300h", "&departmentId=sales", "&groupBy=hour&tz=Asia/Kathmandu", "&until=1m",
        "&until=25h",
      ] {
        for user in ["ada", "mara"] {
          for period in ["90d", "300h"] {
            let path = "\(Self.organization)?period=\(period)\(query)"
            #expect(try await server.send("GET", path, as: user).status == 200)
          }
        }
      }
      for path in ["", "/report", "/dashboard", "/report?groupBy=hour&until=300h"] {
        _ = try await server.send("GET", "/api/users/sam/activity\(path)")
      }
      let statements = PreparedStatements.prepared(server.path).filter {
        $0.hasPrefix("SELECT") && !$0.contains("activity_outbox")
          && ($0.contains("activity_rollups") || $0.contains("activity_facets")
            || $0.contains("activity_blocks") || $0.contains("a.compliance")
            || $0.contains("FROM crm_activities AS a INDEXED BY"))
      }
      for part in ["activity_rollups", "activity_facets", "activity_blocks", "a.compliance"] {
        #expect(statements.contains { $0.contains(part) }, "\(part)")
      }
      for sql in statements {
        let values = (0..<30).map { _ in SQLiteValue.null }
        let plan = try server.database.read { connection in
          try connection.all(
            "EXPLAIN QUERY PLAN \(PreparedStatements.testMark)\(sql)",
            Array(values.prefix(sql.filter { $0 == "?" }.count))
          ) { $0.text(3) ?? "" }
        }
        for step in plan where step.hasPrefix("SCAN") {
          #expect(
            ["r", "u", "i", "p", "json_each"].contains { step.hasPrefix("SCAN \($0) VIRTUAL") },
            "\(step)\n\(sql)")
        }
        for step in plan where step.contains("SEARCH a ") || step.contains("SEARCH s ") {
          #expect(step.contains("tenant_id=? AND "), "\(step)\n\(sql)")
        }
      }
    }
  }

  private static func isDescending(_ texts: [String]) -> Bool {
    zip(texts, texts.dropFirst()).allSatisfy { $0 >= $1 }
  }
}
