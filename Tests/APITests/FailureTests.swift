import Database
internal import Dispatch
import JSON
import SQLite
import TestSupport
import Testing
import WrapperClient

/// What the log tells of failures, and what happens when the server itself cannot go on.
@Suite struct FailureTests {
  private func entries(_ server: TestServer) throws -> [[String?]] {
    try server.rows(
      """
      SELECT user_id, operation, entity_id, json_extract(metadata, '$.code'),
        json_extract(metadata, '$.fields')
      FROM crm_activities WHERE entity_type = 'error' ORDER BY seq
      """)
  }

  @Test("refused and failed mutations leave an entry with the fields' names and no values")
  func logged() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let secret = "Confidential-4711"
      let lead = try await server.lead(["title": "t"])
      let path = "/api/leads/\(lead.id)"
      let absent = "0190a0b0-0000-7000-8000-000000000000"
      _ = try await server.contact(["email": .string("\(secret)@example.org")])
      let requests: [(String, String, String, JSONValue?, [(String, String)], Int)] = [
        ("POST", "/api/leads", "vic", ["title": .string(secret)], [], 403),
        ("PATCH", "/api/leads/\(absent)", "ada", ["title": .string(secret)], [], 404),
        ("PATCH", path, "ada", ["title": .string(secret)], [("If-Match", "\"9\"")], 412),
        ("PUT", path, "ada", ["value": .string(secret), "phone": .string(secret)], [], 422),
        ("POST", "/api/contacts", "ada", ["email": .string("\(secret)@EXAMPLE.org")], [], 409),
        ("DELETE", path, "sam", nil, [], 403),
        ("POST", "/api/leads", "mara", ["userId": "sam", "title": .string(secret)], [], 403),
        (
          "POST", "/api/leads", "ada", ["title": "t", "contactId": .string(absent)],
          [("X-Reason", "why")], 422
        ),
        ("DELETE", "\(path)?purge=\(secret)", "ada", nil, [], 400),
      ]
      for (method, path, user, body, headers, status) in requests {
        let answer = try await server.send(method, path, as: user, body, headers: headers)
        #expect(answer.status == status, "\(method) \(path)")
      }
      // No entry: nobody is known to have failed, or nothing was to be changed.
      _ = try await server.client.send("POST", "/api/leads", body: Array("{}".utf8))
      _ = try await server.send("GET", "/api/leads/\(absent)")
      _ = try await server.send("GET", "/api/leads?x=1")
      #expect(
        try entries(server) == [
          ["vic", "crm.leads.create.failed", nil, "insufficient_permissions", nil],
          ["ada", "crm.leads.update.failed", absent, "not_found", nil],
          ["ada", "crm.leads.update.failed", lead.id, "version_mismatch", nil],
          [
            "ada", "crm.leads.update.failed", lead.id, "validation_failed",
            "[\"/value\",\"/title\"]",
          ],
          ["ada", "crm.contacts.create.failed", nil, "duplicate", "[\"/email\"]"],
          ["sam", "crm.leads.delete.failed", lead.id, "insufficient_permissions", nil],
          ["mara", "crm.leads.create.failed", nil, "insufficient_permissions", nil],
          ["ada", "crm.leads.create.failed", nil, "validation_failed", "[\"/contactId\"]"],
          ["ada", "crm.leads.delete.failed", lead.id, "invalid_parameter", "[\"\"]"],
        ])
      let all = try server.rows(
        """
        SELECT count(*), sum(instr(metadata, ?)), sum(credit_units),
          sum(json_extract(metadata, '$.reason') = 'why'),
          sum(json_extract(metadata, '$.error') IS NULL)
        FROM crm_activities WHERE entity_type = 'error'
        """, [.text(secret)])
      #expect(all == [["9", "0", "0", "1", "0"]])
    }
  }

  @Test("a create with a key that is no key is refused and logged")
  func brokenKey() async throws {
    try await TestServer.run { server in
      let answer = try await server.send(
        "POST", "/api/leads", ["title": "x"],
        headers: [("Idempotency-Key", String(repeating: "k", count: 256))])
      #expect(answer.status == 400)
      #expect(
        try server.rows("SELECT operation FROM crm_activities") == [["crm.leads.create.failed"]])
    }
  }

  @Test("an inactive user's attempt is refused and logged")
  func inactive() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let answer = try await server.send("POST", "/api/leads", as: "ida", ["title": "t"])
      #expect(answer.status == 403)
      #expect(answer.code == "insufficient_permissions")
      #expect(try await server.send("GET", "/api/leads", as: "ida").status == 403)
      #expect(
        try entries(server).map { Array($0.prefix(2)) } == [["ida", "crm.leads.create.failed"]])
    }
  }

  @Test("validation failures are logged ten times a minute and user, other refusals always")
  func tenAMinute() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      // Whole minutes later than the start, so that no minute ends inside the test.
      for _ in 0..<14 { _ = try await server.send("POST", "/api/leads", ["title": 1]) }
      let first = try entries(server).count
      #expect((10...20).contains(first))
      _ = try await server.send("POST", "/api/leads", as: "mara", ["title": 1])
      #expect(try entries(server).count == first + 1)
      for _ in 0..<12 { _ = try await server.send("POST", "/api/leads", as: "vic", ["title": 1]) }
      #expect(try entries(server).count == first + 13)
      clock.advance(seconds: 60)
      _ = try await server.send("POST", "/api/leads", ["title": 1])
      #expect(try entries(server).count == first + 14)
    }
  }

  @Test("a full disk is 507; reading goes on, and writing too once there is room")
  func diskFull() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await server.lead(["title": "before"])
      func limit(_ pages: Int) async throws {
        _ = try await server.database.write { connection in
          try connection.run("PRAGMA max_page_count = \(pages)")
        }
      }
      try await limit(1)
      let large: JSONValue = [
        "title": "large", "customFields": ["x": .string(String(repeating: "x", count: 60_000))],
      ]
      var answer = try await server.send("POST", "/api/leads", large)
      // The pages that are free already are filled first.
      for _ in 0..<20 where answer.status == 201 {
        answer = try await server.send("POST", "/api/leads", large)
      }
      #expect(answer.status == 507)
      #expect(answer.code == "insufficient_storage")
      #expect(try await server.send("GET", "/api/leads/\(lead.id)").status == 200)
      let count = try await server.send("GET", "/api/leads?count=true").json["total"]
      try await limit(1_000_000)
      #expect(try await server.send("POST", "/api/leads", large).status == 201)
      let after = try await server.send("GET", "/api/leads?count=true").json["total"]
      #expect(after?.integer == (count?.integer ?? 0) + 1)
      #expect(
        try server.rows("SELECT count(*) FROM crm_activities WHERE entity_type = 'error'")
          == [["0"]])
    }
  }

  @Test("a full queue of writes is 503 overloaded with Retry-After, and nothing is lost")
  func overloaded() async throws {
    try await TestServer.run(
      creditCheck: .off, configureDatabase: { $0.queueDepthMax = 4 }
    ) { server in
      // Of a tenant that is new the Wrapper's truth is stored first, which the writer would delay.
      _ = try await server.wrapper.tenant("acme")
      let writerIsBusy = DispatchSemaphore(value: 0)
      let writerMayGo = DispatchSemaphore(value: 0)
      async let blocking: Void = server.database.write { _ in
        writerIsBusy.signal()
        writerMayGo.wait()
      }
      try await onOwnThread { writerIsBusy.wait() }
      let answers = try await withThrowingTaskGroup { group in
        for number in 0..<20 {
          group.addTask {
            try await server.send("POST", "/api/leads", ["title": .string("\(number)")])
          }
        }
        var answers: [TestResponse] = []
        var isReleased = false
        for try await answer in group {
          answers.append(answer)
          // Four wait, and what the rest of the program writes may take a place of theirs.
          if !isReleased, answers.count >= 16 {
            isReleased = true
            writerMayGo.signal()
          }
        }
        return answers
      }
      try await blocking
      let refused = answers.filter { $0.status == 503 }
      #expect(refused.count >= 16)
      for answer in refused {
        #expect(answer.code == "overloaded")
        #expect(answer.header("Retry-After") == "1")
      }
      let created = answers.count { $0.status == 201 }
      #expect(created + refused.count == 20)
      #expect(
        try await server.send("GET", "/api/leads?count=true").json["total"] == .integer(created))
      #expect(try await server.send("POST", "/api/leads", ["title": "after"]).status == 201)
    }
  }
}
