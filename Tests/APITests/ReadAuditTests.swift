import API
import CRM
import Database
import JSON
import SQLite
import TestSupport
import Testing
import Values
import WrapperClient

/// Reads in the activity log, where they are wanted.
@Suite struct ReadAuditTests {
  /// What the log tells of reads: user, operation, kind, id, count, filters.
  private func reads(_ server: TestServer) async throws -> [[String?]] {
    try await server.store.writeBufferedActivities()
    return try server.rows(
      """
      SELECT user_id, operation, entity_type, entity_id, json_extract(metadata, '$.count'),
        json_extract(metadata, '$.filters'), json_extract(metadata, '$.code')
      FROM crm_activities
      WHERE operation LIKE '%.read' OR operation LIKE '%.read.failed' ORDER BY seq
      """)
  }

  private static func with(
    _ bufferSeconds: Double = 3600, _ body: (TestServer) async throws -> Void
  ) async throws {
    try await TestServer.run(
      creditCheck: .off, bufferSeconds: bufferSeconds, configure: { $0.auditsReads = true }, body)
  }

  @Test("each kind of read is told with who, what and how much, and never with a value")
  func kinds() async throws {
    try await Self.with { server in
      // What is counted must not be led astray by what stands in texts.
      let lead = try await server.lead(["title": #"Confidential "],[{\"#])
      let contact = try await server.contact(["lastName": "Confidential"])
      let file = try await server.file([1, 2, 3], at: "/api/contacts/\(contact.id)")
      let path = "/api/contacts/\(contact.id)"
      let expected: [(String, [String?])] = [
        ("/api/leads/\(lead.id)", ["crm.leads.read", "lead", lead.id, nil, nil]),
        (
          "/api/leads?title[contains]=Confidential&status=new&limit=5&sort=title",
          ["crm.leads.read", "lead", nil, "1", "[\"title\",\"status\"]"]
        ),
        ("/api/leads?q=Confidential", ["crm.leads.read", "lead", nil, "1", "[\"q\"]"]),
        ("/api/search?q=Confidential", ["crm.search.read", nil, nil, "2", "[\"q\"]"]),
        ("/api/stats", ["crm.stats.read", nil, nil, nil, nil]),
        ("/api/files/\(file.id)/content", ["crm.files.read", "file", file.id, nil, nil]),
        ("\(path)/history", ["crm.contacts.read", "contact", contact.id, "2", nil]),
        ("\(path)/notes", ["crm.notes.read", "note", nil, "0", nil]),
        ("/api/history/lead/\(lead.id)", ["crm.history.read", "lead", lead.id, "1", nil]),
        ("/api/activities?userId=ada", ["crm.activities.read", nil, nil, nil, "[\"userId\"]"]),
        ("/api/users", ["crm.users.read", nil, nil, "7", nil]),
        ("/api/users/sam", ["crm.users.read", nil, "sam", nil, nil]),
        ("/api/directory/users", ["crm.directory.users.read", nil, nil, "7", nil]),
        ("/api/contacts/tags", ["crm.contacts.read", "contact", nil, "0", nil]),
      ]
      for (path, _) in expected {
        #expect(try await server.send("GET", path).status == 200, "\(path)")
      }
      let told = try await reads(server)
      try #require(told.count == expected.count, "\(told)")
      for ((path, parts), entry) in zip(expected, told) {
        var entry = entry
        if path.hasPrefix("/api/activities") { entry[4] = nil }
        #expect(entry == ["ada"] + parts + [nil], "\(path)")
      }
      let all = try server.rows(
        """
        SELECT sum(instr(metadata, 'Confidential')), sum(credit_units), sum(salt IS NULL),
          min(json_extract(permissions, '$.operationContext.hasPermission')),
          min(json_extract(compliance, '$.ipAddress'))
        FROM crm_activities WHERE operation LIKE '%.read'
        """)
      #expect(all == [["0", "0", "0", "1", "127.0.0.1"]])
    }
  }

  @Test("refused reads are told as failures; what is asked for all the time is not told")
  func refusals() async throws {
    try await Self.with { server in
      let lead = try await server.lead(["title": "x"])
      _ = try await server.send("GET", "/api/deals", as: "sam")
      _ = try await server.send("GET", "/api/leads/\(lead.id)", as: "sam")
      _ = try await server.send("GET", "/api/leads?nonsense=1")
      _ = try await server.client.send("GET", "/api/leads")
      for path in ["/api/me", "/api/schema", "/api/cache/metrics", "/health", "/openapi.json"] {
        #expect(try await server.send("GET", path).status == 200, "\(path)")
      }
      #expect(
        try await reads(server) == [
          ["sam", "crm.deals.read.failed", "error", nil, nil, nil, "insufficient_permissions"],
          ["sam", "crm.leads.read.failed", "error", lead.id, nil, nil, "not_found"],
        ])
    }
  }

  @Test("without the setting nothing is told of reads")
  func off() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await server.lead(["title": "x"])
      _ = try await server.send("GET", "/api/leads/\(lead.id)")
      _ = try await server.send("GET", "/api/deals", as: "sam")
      #expect(try await reads(server) == [])
    }
  }

  @Test("reads wait for a hundred, or for the time they may; a stop writes the rest")
  func buffered() async throws {
    let folder = try TemporaryFolder()
    try await TestServer.run(
      creditCheck: .off, folder: folder, bufferSeconds: 3600,
      configure: { $0.auditsReads = true }
    ) { server in
      let lead = try await server.lead(["title": "x"])
      for _ in 0..<99 { _ = try await server.send("GET", "/api/leads/\(lead.id)") }
      #expect(server.store.bufferedActivities == 99)
      #expect(
        try server.rows("SELECT count(*) FROM crm_activities WHERE operation LIKE '%.read'")
          == [["0"]])
      _ = try await server.send("GET", "/api/leads/\(lead.id)")
      #expect(
        await eventually {
          // A read that fails is tried again until the time is up.
          (try? server.rows(
            "SELECT count(*) FROM crm_activities WHERE operation LIKE '%.read'")) == [["100"]]
        })
      for _ in 0..<7 { _ = try await server.send("GET", "/api/leads/\(lead.id)") }
      #expect(server.store.bufferedActivities == 7)
    }
    try await TestServer.run(
      creditCheck: .off, folder: folder, bufferSeconds: 0.01,
      configure: { $0.auditsReads = true }
    ) { server in
      let count = "SELECT count(*) FROM crm_activities WHERE operation LIKE '%.read'"
      #expect(try server.rows(count) == [["107"]])
      _ = try await server.send("GET", "/api/leads")
      #expect(
        await eventually {
          // As above.
          (try? server.rows(count)) == [["108"]]
        })
    }
  }

  @Test("while the file takes no entries reads go on until memory is full, and then are refused")
  func full() async throws {
    try await Self.with { server in
      let lead = try await server.lead(["title": "x"])
      let path = "/api/leads/\(lead.id)"
      _ = try await server.database.write { connection in
        try connection.run(
          """
          \(PreparedStatements.testMark)CREATE TRIGGER no_reads BEFORE INSERT ON crm_activities
          WHEN NEW.operation LIKE '%.read' BEGIN SELECT RAISE(ABORT, 'no'); END
          """)
      }
      var refused: TestResponse?
      for _ in 0..<2100 {
        let answer = try await server.send("GET", path)
        if answer.status != 200 {
          refused = answer
          break
        }
      }
      #expect(refused?.status == 503 && refused?.code == "overloaded")
      #expect(refused?.header("Retry-After") == "1")
      #expect((1500...2000).contains(server.store.bufferedActivities))
      let waiting = server.store.bufferedActivities
      // Changes are not held up.
      #expect(try await server.send("PATCH", path, ["value": 1]).status == 200)
      _ = try await server.database.write {
        try $0.run("\(PreparedStatements.testMark)DROP TRIGGER no_reads")
      }
      try await server.store.writeBufferedActivities()
      #expect(server.store.bufferedActivities == 0)
      #expect(
        try server.rows("SELECT count(*) FROM crm_activities WHERE operation LIKE '%.read'")
          == [[String(waiting)]])
      #expect(try await server.send("GET", path).status == 200)
    }
  }
}
