import CRM
import EmbeddedWrapper
import JSON
import SQLite
import TestSupport
import Testing
import Values
import WrapperClient

/// Entries of other applications.
@Suite struct ActivityPostTests {
  private static let path = "/api/activities"

  @Test("another application's entry is the caller's, marked, and keeps when it came")
  func post() async throws {
    let clock = TestClock()
    try await TestServer.run(time: clock.source) { server in
      let time = server.time.now().advanced(byMilliseconds: -3_600_000)
      let answer = try await server.send(
        "POST", Self.path, as: "mara",
        [
          "operation": "erp.orders.create", "entityType": "order", "entityId": "4711/a",
          "timestamp": .string(time.rfc3339), "creditCost": 2.5, "sessionId": "erp-7",
          "metadata": ["total": 12.50], "userId": "mara",
        ], headers: [("X-Reason", "nightly")])
      #expect(answer.status == 201, "\(answer.text)")
      #expect(answer.json["creditsDeducted"] == 2.5)
      #expect(answer.json["userContext"]?["user"] == "Mara Manager")
      let entry = answer.data
      #expect(answer.json["activityId"]?.string == entry.id)
      #expect(entry.id.hasPrefix("activity:\(time.milliseconds):mara:"))
      #expect(entry["userId"] == "mara" && entry["source"] == "api")
      #expect(entry["operation"] == "erp.orders.create" && entry["entityId"] == "4711/a")
      #expect(entry["creditCost"] == 2.5 && entry["sessionId"] == "erp-7")
      #expect(entry["timestamp"]?.string == time.rfc3339)
      let received = try #require(
        entry["receivedAt"]?.string.flatMap { Timestamp(rfc3339: $0) })
      #expect(received.milliseconds - time.milliseconds >= 3_600_000)
      #expect(entry["metadata"] == ["total": 12.5, "reason": "nightly"])
      #expect(entry["userContext"]?["user"]?["name"] == "Mara Manager")
      #expect(
        entry["permissions"]?["operationContext"]?["requiredPermission"]
          == "crm.activities.create")
      let location = try #require(answer.header("Location"))
      #expect(try await server.send("GET", location).data == entry)
      #expect(try await server.send("GET", "\(Self.path)?operation=erp.*").data == [entry])
      // Charged like every cost: at once here, and at the Wrapper when it is shipped.
      let spent = try server.rows(
        "SELECT credit_units FROM activity_rollups WHERE operation = 'erp.orders.create'")
      #expect(spent == [["25000"]])
      #expect(
        await eventually {
          // A read that fails is tried again until the time is up.
          (try? server.directory.creditAccount(tenantID: "acme")?.availableUnits)
            == (100_000 * 10_000) - 25_000
        })
    }
  }

  @Test("what is not allowed is refused and leaves nothing but the entry of the refusal")
  func refusals() async throws {
    try await TestServer.run { server in
      try await server.addUsers([("eve", ["crm.activities.create"])])
      let long = String(repeating: "x", count: 256)
      let far = server.time.now().advanced(byMilliseconds: -24 * 3_600_000 - 60_000).rfc3339
      let ahead = server.time.now().advanced(byMilliseconds: 25 * 3_600_000).rfc3339
      let cases: [(String, JSONValue, Int, String)] = [
        ("sam", ["operation": "erp.x"], 403, "insufficient_permissions"),
        ("eve", ["operation": "crm.leads.create"], 422, "/operation reserved"),
        ("eve", ["operation": "CRM.x"], 422, "/operation reserved"),
        ("eve", [:], 422, "/operation required"),
        ("eve", ["operation": 1], 422, "/operation invalid_type"),
        ("eve", ["operation": .string(long)], 422, "/operation too_long"),
        ("eve", ["operation": "a\u{1}"], 422, "/operation control_character"),
        ("eve", ["operation": "a", "timestamp": .string(far)], 422, "/timestamp out_of_range"),
        ("eve", ["operation": "a", "timestamp": .string(ahead)], 422, "/timestamp out_of_range"),
        ("eve", ["operation": "a", "timestamp": "now"], 422, "/timestamp invalid_timestamp"),
        ("eve", ["operation": "a", "creditCost": -1], 422, "/creditCost out_of_range"),
        ("eve", ["operation": "a", "creditCost": 0.00001], 422, "/creditCost out_of_range"),
        ("eve", ["operation": "a", "creditCost": 1], 403, "insufficient_permissions"),
        ("eve", ["operation": "a", "userId": "ada"], 403, "insufficient_permissions"),
        ("eve", ["operation": "a", "source": "cardfile"], 422, "/source unknown_member"),
        ("eve", ["operation": "a", "id": "x"], 422, "/id unknown_member"),
        ("eve", ["operation": "a", "metadata": []], 422, "/metadata invalid_type"),
        (
          "eve", ["operation": "a", "metadata": ["impersonatedBy": "ada"]], 422,
          "/metadata/impersonatedBy read_only"
        ),
        (
          "eve",
          [
            "operation": "a",
            "metadata": ["x": .string(String(repeating: "x", count: 70_000))],
          ], 422, "/metadata too_long"
        ),
        ("eve", [], 422, " invalid_type"),
      ]
      for (user, body, status, what) in cases {
        let answer = try await server.send("POST", Self.path, as: user, body)
        #expect(answer.status == status, "\(body.text.prefix(100)): \(answer.text.prefix(300))")
        #expect(answer.code == what || answer.issues.contains(what), "\(answer.issues)")
      }
      let free = try await server.send(
        "POST", Self.path, as: "eve", ["operation": "a", "creditCost": 0])
      #expect(free.status == 201)
      let charge = try await server.send(
        "POST", Self.path, as: "eve", ["operation": "a", "creditCost": 1])
      #expect(charge.json["requiredPermission"] == "crm.credits.charge")
      #expect(
        try server.rows(
          "SELECT count(*) FROM crm_activities WHERE operation NOT LIKE 'crm.%'") == [["1"]])
      let failed = try server.rows(
        """
        SELECT count(*), sum(operation = 'crm.activities.create.failed'), sum(credit_units)
        FROM crm_activities WHERE entity_type = 'error'
        """)
      // Faulty bodies are told of ten times a minute.
      #expect(Int(failed[0][0] ?? "") ?? 0 >= 13 && failed[0][0] == failed[0][1])
      #expect(failed[0][2] == "0")
    }
  }

  @Test("who may act for others logs for them; a charge then needs both to be allowed to")
  func impersonation() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let body: JSONValue = ["operation": "erp.x", "userId": "mara"]
      let answer = try await server.send("POST", Self.path, as: "pia", body)
      #expect(answer.status == 201, "\(answer.text)")
      #expect(answer.data["userId"] == "mara")
      #expect(answer.data["metadata"]?["impersonatedBy"] == "pia")
      #expect(answer.data["userContext"]?["user"]?["id"] == "mara")
      let vic = try await server.send("POST", Self.path, as: "pia", body.with("userId", "vic"))
      #expect(vic.status == 403)
      try await server.addUsers([("eve", ["crm.activities.create"])])
      let charge = try await server.send(
        "POST", Self.path, as: "pia", body.with("userId", "eve").with("creditCost", 1))
      #expect(charge.status == 403)
    }
  }

  @Test("without credits a cost is 402, and a price of posting is added to each entry")
  func credits() async throws {
    try await TestServer.run { server in
      let body: JSONValue = ["operation": "erp.x", "creditCost": 1]
      let poor = try await server.send("POST", Self.path, as: "paul", body)
      #expect(poor.status == 402 && poor.code == "insufficient_credits")
      #expect(
        try server.rows(
          "SELECT operation, json_extract(metadata, '$.code') FROM crm_activities")
          == [["crm.activities.create.failed", "insufficient_credits"]])
      let priced = try await server.send(
        "PUT", "/api/directory/credits/operations/crm.activities.create", ["creditCost": 0.5])
      #expect(priced.status == 200, "\(priced.text)")
      let one = try await server.send("POST", Self.path, body)
      #expect(one.json["creditsDeducted"] == 1.5 && one.data["creditCost"] == 1.5)
      let several = try await server.send(
        "POST", "\(Self.path)/batch",
        ["activities": [["operation": "a"], ["operation": "b", "creditCost": 2]]])
      #expect(several.json["creditsDeducted"] == 3)
      #expect(several.all("creditCost") == [0.5, 2.5])
    }
  }

  @Test("a batch is written whole or not at all, and says which entry is at fault")
  func batch() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let path = "\(Self.path)/batch"
      var entries = (0..<1000).map { number -> JSONValue in
        ["operation": "erp.line", "entityType": "line", "entityId": .string("\(number)")]
      }
      let answer = try await server.send("POST", path, ["activities": .array(entries)])
      #expect(answer.status == 201, "\(answer.text.prefix(300))")
      #expect(answer.json["accepted"] == 1000)
      let ids = answer.texts("id")
      #expect(Set(ids).count == 1000)
      let newest = try await server.send("GET", "\(Self.path)?entityType=line&limit=3")
      #expect(newest.texts("id") == ids.suffix(3).reversed())
      #expect(newest.texts("entityId") == ["999", "998", "997"])
      #expect(
        try server.rows("SELECT seq FROM activity_chains WHERE tenant_id = 'acme'") == [["1000"]])

      entries[417] = ["operation": "crm.leads.create", "extra": 1]
      let refused = try await server.send("POST", path, ["activities": .array(entries)])
      #expect(refused.status == 422 && refused.json["index"] == 417)
      #expect(
        refused.issues == [
          "/activities/417/extra unknown_member", "/activities/417/operation reserved",
        ])
      entries[417] = ["operation": "a", "userId": "sam"]
      let foreign = try await server.send(
        "POST", path, as: "mara", ["activities": .array(entries)])
      #expect(foreign.status == 403 && foreign.json["index"] == 417)
      for (body, what) in [
        (["activities": []], "/activities out_of_range"), ([:], "/activities invalid_type"),
        (
          ["activities": .array(Array(repeating: entries[0], count: 1001))],
          "/activities out_of_range"
        ),
        (["activities": [1]], "/activities/0 invalid_type"), (["x": 1], "/x unknown_member"),
      ] as [(JSONValue, String)] {
        let answer = try await server.send("POST", path, body)
        #expect(answer.status == 422 && answer.issues.contains(what), "\(answer.text.prefix(300))")
      }
      #expect(
        try server.rows("SELECT count(*) FROM crm_activities WHERE source = 'api'") == [["1000"]])
    }
  }

  @Test("a repeated request with the same key gets the first answer, also a whole batch's")
  func idempotency() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let one: JSONValue = ["operation": "erp.x"]
      let several: JSONValue = [
        "activities": .array((0..<1000).map { _ -> JSONValue in ["operation": "erp.y"] })
      ]
      for (path, body) in [(Self.path, one), ("\(Self.path)/batch", several)] {
        let headers = [("Idempotency-Key", "key of \(path)")]
        let draft: JSONValue = ["operation": "z"]
        let another: JSONValue = path == Self.path ? draft : ["activities": [draft]]
        let first = try await server.send("POST", path, body, headers: headers)
        let second = try await server.send("POST", path, body, headers: headers)
        #expect(first.status == 201 && second.status == 201)
        #expect(first.body == second.body)
        #expect(second.header("Idempotency-Replayed") == "true")
        let other = try await server.send(
          "POST", path,
          another,
          headers: headers)
        #expect(other.status == 422 && other.code == "idempotency_key_reused")
      }
      #expect(
        try server.rows("SELECT count(*) FROM crm_activities WHERE source = 'api'") == [["1001"]])
    }
  }

  @Test("what tells where an entry comes from is covered by its hash")
  func hashed() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await server.send("POST", Self.path, ["operation": "erp.x"])
      _ = try await server.lead(["title": "own"])
      let stored = try server.rows(
        """
        SELECT source, received_at = created_at, received_at IS NULL FROM crm_activities
        ORDER BY seq
        """)
      #expect(stored == [["api", "1", "0"], ["cardfile", nil, "1"]])
    }
  }
}
