import EmbeddedWrapper
import JSON
import TestSupport
import Testing
import WrapperClient

/// `POST /api/batch`: several changes, all or none.
@Suite struct BatchTests {
  static func operation(
    _ method: String, _ path: String, _ body: JSONValue? = nil, headers: JSONValue? = nil
  ) -> JSONValue {
    JSONValue.object(JSONObject([("method", .string(method)), ("path", .string(path))]))
      .with("body", body).with("headers", headers)
  }

  static func send(
    _ server: TestServer, _ operations: [JSONValue], as user: String = "ada", key: String? = nil
  ) async throws -> TestResponse {
    try await server.send(
      "POST", "/api/batch", as: user, ["operations": .array(operations)],
      headers: key.map { [("Idempotency-Key", $0)] } ?? [])
  }

  /// Everything that a batch might have written, counted.
  private static func written(_ server: TestServer) throws -> [[String?]] {
    try server.rows(
      """
      SELECT (SELECT count(*) FROM contacts), (SELECT count(*) FROM leads),
        (SELECT count(*) FROM notes), (SELECT count(*) FROM search_documents),
        (SELECT count(*) FROM change_log), (SELECT sum(used) FROM plan_usage),
        (SELECT count(*) FROM crm_activities WHERE operation NOT LIKE '%.failed'),
        (SELECT sum(credit_units) FROM crm_activities)
      """)
  }

  @Test("operations refer to earlier ones, and each is answered, charged and logged by itself")
  func chain() async throws {
    try await TestServer.run { server in
      let answer = try await Self.send(
        server,
        [
          Self.operation("POST", "/api/contacts", ["firstName": "Ann", "tags": ["vip"]]),
          Self.operation("POST", "/api/contacts/$0.id/notes", ["body": "met at the fair"]),
          Self.operation(
            "POST", "/api/leads",
            ["title": "Big", "contactId": "$0.id", "metadata": ["of": ["$0.id", "$0.ids"]]]),
          Self.operation(
            "PATCH", "/api/leads/$2.id", ["status": "contacted"], headers: ["If-Match": "\"1\""]),
          Self.operation("DELETE", "/api/notes/$1.id?purge=true"),
        ])
      try #require(answer.status == 200, "\(answer.text)")
      let items = answer.data.array ?? []
      #expect(items.map { $0["status"]?.integer } == [201, 201, 201, 200, 200])
      let bodies = items.map { $0["body"] ?? .null }
      #expect(bodies.map { $0["creditsDeducted"] ?? .null } == [2, 0, 5, 0.1, 0])
      let contact = bodies[0]["data"]?.id ?? ""
      #expect(bodies[1]["data"]?["entityId"] == .string(contact))
      #expect(bodies[2]["leadId"] == bodies[2]["data"]?["id"])
      #expect(
        bodies[2]["data"]?["metadata"]?["of"] == [.string(contact), "$0.ids"])
      #expect(bodies[3]["data"]?["version"] == 2)
      #expect(bodies[4]["data"] == ["id": bodies[1]["data"]?["id"] ?? .null])

      let lead = try await server.send("GET", "/api/leads/\(bodies[2]["data"]?.id ?? "")")
      #expect(lead.data["status"] == "contacted")
      #expect(lead.data["contactId"] == .string(contact))
      #expect(try await server.send("GET", "/api/contacts?tags=vip").texts("id") == [contact])
      #expect(try await server.send("GET", "/api/notes").data == [])
      let entries = try server.rows(
        """
        SELECT id, operation, credit_units, session_id FROM crm_activities
        WHERE tenant_id = 'acme' ORDER BY seq
        """)
      #expect(entries.map { $0[0] } == bodies.map { $0["activityId"]?.string })
      #expect(
        entries.map { $0[1] } == [
          "crm.contacts.create", "crm.notes.create", "crm.leads.create", "crm.leads.update",
          "crm.notes.purge",
        ])
      #expect(entries.map { $0[2] } == ["20000", "0", "50000", "1000", "0"])
    }
  }

  @Test("one read of the balance pays for all of them")
  func oneBalanceRead() async throws {
    try await TestServer.run { server in
      _ = try await server.lead(["title": "first"])
      func reads() async throws -> Int {
        let metrics = try await server.send("GET", "/metrics").text
        return metrics.split(separator: "\n").filter {
          $0.hasPrefix("cardfile_wrapper_calls_total") && $0.contains("endpoint=\"credits\"")
        }.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
      }
      let before = try await reads()
      let operations = (0..<100).map {
        Self.operation("POST", "/api/leads", ["title": .string("\($0)")])
      }
      let answer = try await Self.send(server, operations)
      #expect(answer.status == 200)
      let after = try await reads()
      // Beside the batch's own there may be one that keeps an idle balance fresh.
      #expect((1...2).contains(after - before), "\(before) to \(after)")
      #expect(
        try server.rows("SELECT count(*), sum(credit_units) FROM crm_activities")
          == [["101", "5050000"]])
    }
  }

  @Test("an operation that fails takes all with it, and the log tells of that one alone")
  func failures() async throws {
    try await TestServer.run { server in
      _ = try await server.contact(["email": "taken@example.org"])
      let lead = try await server.lead(["title": "stored"])
      let good = Self.operation("POST", "/api/contacts", ["firstName": "Good"])
      let cases: [(JSONValue, Int, String, String)] = [
        (
          Self.operation("POST", "/api/contacts", ["email": "Taken@example.org"]), 409,
          "duplicate", "crm.contacts.create"
        ),
        (
          Self.operation("POST", "/api/leads", ["value": 1]), 422, "validation_failed",
          "crm.leads.create"
        ),
        (
          Self.operation("PATCH", "/api/leads/00000000-0000-7000-8000-000000000000", [:]), 404,
          "not_found", "crm.leads.update"
        ),
        (
          Self.operation(
            "PATCH", "/api/leads/\(lead.id)", ["title": "x"], headers: ["If-Match": "\"7\""]),
          412, "version_mismatch", "crm.leads.update"
        ),
        (
          Self.operation("PUT", "/api/leads/\(lead.id)", ["title": "x", "version": 7]), 412,
          "version_mismatch", "crm.leads.update"
        ),
        (
          Self.operation("POST", "/api/leads/\(lead.id)/restore"), 404, "not_found",
          "crm.leads.restore"
        ),
      ]
      for (bad, status, code, operation) in cases {
        let before = try Self.written(server)
        let answer = try await Self.send(server, [good, good, bad, good])
        #expect(answer.status == status, "\(answer.text)")
        #expect(answer.code == code)
        #expect(answer.json["index"] == 2)
        #expect(answer.json["instance"] == "/api/batch")
        #expect(try Self.written(server) == before)
        let entries = try server.rows(
          """
          SELECT operation, entity_type, json_extract(metadata, '$.code') FROM crm_activities
          WHERE tenant_id = 'acme' ORDER BY seq DESC LIMIT 1
          """)
        #expect(entries == [["\(operation).failed", "error", code]])
      }
      #expect(
        try server.rows("SELECT count(*) FROM crm_activities WHERE operation LIKE '%.failed'")
          == [["\(cases.count)"]])
    }
  }

  @Test("what is no operation, or none for a batch, is refused with its place")
  func refusals() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let good = Self.operation("POST", "/api/leads", ["title": "t"])
      let id = "00000000-0000-7000-8000-000000000000"
      let cases: [(JSONValue, Int, String)] = [
        (Self.operation("GET", "/api/leads"), 422, "/operations/1/method invalid_value"),
        (Self.operation("FETCH", "/api/leads"), 422, "/operations/1/method invalid_value"),
        (
          Self.operation("POST", "/api/batch", ["operations": []]), 422,
          "/operations/1/path not_batchable"
        ),
        (
          Self.operation("POST", "/auth/login", ["email": "a", "password": "b"]), 422,
          "/operations/1/path not_batchable"
        ),
        (
          Self.operation("PATCH", "/api/leads/$1.id", [:]), 422,
          "/operations/1/path unknown_reference"
        ),
        (
          Self.operation("POST", "/api/leads", ["title": "t", "contactId": "$7.id"]), 422,
          "/operations/1/body/contactId unknown_reference"
        ),
        ("text", 422, "/operations/1 invalid_type"),
        (good.with("more", 1), 422, "/operations/1/more unknown_member"),
        (good.with("path", "api/leads"), 422, "/operations/1/path invalid_value"),
        (
          good.with("headers", ["Authorization": "x"]), 422,
          "/operations/1/headers/Authorization unknown_member"
        ),
        (Self.operation("POST", "/api/nothing", [:]), 404, ""),
        (Self.operation("DELETE", "/api/leads"), 405, ""),
        (Self.operation("POST", "/api/leads/%zz", [:]), 400, ""),
        (Self.operation("PATCH", "/api/leads/\(id)", "text"), 422, " invalid_type"),
      ]
      for (bad, status, issue) in cases {
        let answer = try await Self.send(server, [good, bad])
        #expect(answer.status == status, "\(answer.text)")
        #expect(answer.json["index"] == 1, "\(answer.text)")
        if !issue.isEmpty { #expect(answer.issues == [issue]) }
      }
      for body: JSONValue in [
        [:], ["operations": "x"], ["operations": []], ["operations": [], "more": 1],
        ["operations": .array(Array(repeating: good, count: 501))],
      ] {
        let answer = try await server.send("POST", "/api/batch", body)
        #expect(answer.status == 422)
        #expect(answer.json["index"] == nil)
      }
      #expect(try server.rows("SELECT count(*) FROM leads") == [["0"]])
    }
  }

  @Test("each operation needs its own permission, the batch none")
  func permissions() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let adas = try await server.lead(["title": "Ada's"])
      let create = Self.operation("POST", "/api/leads", ["title": "Sam's"])
      #expect(try await Self.send(server, [create, create], as: "sam").status == 200)
      let refused = try await Self.send(
        server, [create, Self.operation("DELETE", "/api/leads/$0.id")], as: "sam")
      #expect(refused.status == 403)
      #expect(refused.json["requiredPermission"] == "crm.leads.delete")
      #expect(refused.json["index"] == 1)
      // Not readable: as if it were not there. Of another tenant: the same.
      let update = Self.operation("PATCH", "/api/leads/\(adas.id)", ["title": "x"])
      for user in ["sam", "greta"] {
        let hidden = try await Self.send(server, [create, update], as: user)
        #expect(hidden.status == 404)
        #expect(hidden.json["index"] == 1)
      }
      #expect(try await Self.send(server, [create], as: "vic").status == 403)
      #expect(try await Self.send(server, [create], as: "ida").status == 403)
      #expect(
        try await server.client.send("POST", "/api/batch", body: Array("{}".utf8)).status == 401)
      let impersonated = try await Self.send(
        server, [Self.operation("POST", "/api/leads", ["userId": "sam", "title": "x"])], as: "pia")
      #expect(impersonated.data.array?[0]["body"]?["data"]?["ownerId"] == "sam")
      #expect(try server.rows("SELECT count(*) FROM leads") == [["4"]])
    }
  }

  @Test("credits that do not suffice for all refuse all, at the first that is not covered")
  func credits() async throws {
    try await TestServer.run { server in
      let free = Self.operation("POST", "/api/companies", ["name": "Free"])
      let costly = Self.operation("POST", "/api/leads", ["title": "t"])
      let refused = try await Self.send(server, [free, costly, free], as: "paul")
      #expect(refused.status == 402)
      #expect(refused.code == "insufficient_credits")
      #expect(refused.json["index"] == 1)
      // Who has faults of their own hears of those first.
      let faulty = Self.operation("PATCH", "/api/companies/$0.id", ["name": ""])
      let fault = try await Self.send(server, [free, costly, faulty], as: "paul")
      #expect(fault.status == 422)
      #expect(fault.json["index"] == 2)
      #expect(try await Self.send(server, [free, free], as: "paul").status == 200)
      #expect(
        try server.rows("SELECT count(*) FROM companies WHERE tenant_id = 'poor'") == [["2"]])

      try await server.directory.topUp(tenantID: "poor", units: 12 * 10_000)
      let tooMany = try await Self.send(server, [costly, costly, free, costly], as: "paul")
      #expect(tooMany.status == 402)
      #expect(tooMany.json["index"] == 3)
      #expect(try await Self.send(server, [costly, costly], as: "paul").status == 200)
      #expect(try await Self.send(server, [costly], as: "paul").status == 402)
    }
  }

  @Test("500 operations and several megabytes fit, more is refused")
  func size() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let text = String(repeating: "long ", count: 1000)
      let operations = (0..<500).map { number in
        Self.operation(
          "POST", "/api/contacts",
          ["firstName": .string("\(number)"), "metadata": ["text": .string(text)]])
      }
      let answer = try await Self.send(server, operations, key: "large")
      #expect(answer.status == 200)
      #expect(answer.data.array?.count == 500)
      #expect(try server.rows("SELECT count(*) FROM contacts") == [["500"]])
      let tooLarge = try await server.send(
        "POST", "/api/batch",
        ["operations": [], "x": .string(String(repeating: "x", count: 8 * 1024 * 1024))])
      #expect(tooLarge.status == 413)
      let tooLong = try await Self.send(
        server,
        [
          Self.operation(
            "POST", "/api/leads",
            ["title": "t", "metadata": ["x": .string(String(repeating: "x", count: 2_000_000))]])
        ])
      #expect(tooLong.status == 413)
      #expect(tooLong.json["index"] == 0)
    }
  }

  @Test("a batch that is repeated with its key, also while the first runs, is made once")
  func idempotency() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let operations = (0..<480).map {
        Self.operation("POST", "/api/contacts", ["firstName": .string("contact \($0)")])
      }
      let answers = try await withThrowingTaskGroup { group in
        for _ in 0..<5 {
          group.addTask { try await Self.send(server, operations, key: "k") }
        }
        return try await group.reduce(into: [TestResponse]()) { $0.append($1) }
      }
      #expect(answers.allSatisfy { $0.status == 200 && $0.body == answers[0].body })
      #expect(answers.count { $0.header("Idempotency-Replayed") == nil } == 1)
      #expect(answers[0].body.count > 256 * 1024)
      #expect(try server.rows("SELECT count(*) FROM contacts") == [["480"]])
      #expect(
        try await Self.send(server, Array(operations.dropLast()), key: "k").code
          == "idempotency_key_reused")
    }
  }
}
