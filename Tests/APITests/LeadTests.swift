internal import EmbeddedWrapper
import JSON
import TestSupport
import Testing

/// The main path: one lead, from the request to the activity log and the Wrapper.
@Suite struct LeadTests {
  @Test("a lead in the envelope is created, answered, logged, charged and shipped")
  func wholeWay() async throws {
    try await TestServer.run { server in
      let answer = try await server.send(
        "POST", "/api/leads", as: "sam",
        [
          "userId": "sam",
          "leadData": [
            "title": "Enterprise Software Sale", "source": "Website", "value": 50000,
            "customFields": ["region": "EMEA"],
          ],
        ],
        headers: [("User-Agent", "Tests/1"), ("X-Reason", "the customer called")])
      #expect(answer.status == 201)
      let json = answer.json
      let id = try #require(json["leadId"]?.string)
      #expect(json["success"] == true)
      #expect(json["creditsDeducted"] == 5)
      #expect(json["data"]?["id"] == .string(id))
      #expect(json["data"]?["value"] == 50000)
      #expect(json["data"]?["currency"] == "USD")
      #expect(json["data"]?["ownerId"] == "sam")
      #expect(json["data"]?["version"] == 1)
      #expect(
        json["userContext"] == [
          "user": "Sam Sales", "department": "Sales Department",
          "entityPath": "Acme Corp → Sales Department → Sam Sales",
        ])
      #expect(answer.header("Location") == "/api/leads/\(id)")
      #expect(answer.header("ETag") == "\"1\"")

      let entry = try #require(
        try server.rows(
          """
          SELECT id, user_id, operation, entity_id, entity_type, credit_cost, user_context,
            permissions, metadata, compliance FROM crm_activities WHERE tenant_id = 'acme'
          """
        ).first)
      #expect(entry[0] == json["activityId"]?.string)
      #expect(entry[1...5] == ["sam", "crm.leads.create", id, "lead", "5"])
      let context = try JSONParser.parse(entry[6] ?? "")
      #expect(context["user"]?["title"] == "Tester")
      #expect(context["hierarchy"]?["departmentName"] == "Sales Department")
      let permissions = try JSONParser.parse(entry[7] ?? "")
      #expect(permissions["operationContext"]?["permissionSource"] == "role:Sales")
      let metadata = try JSONParser.parse(entry[8] ?? "")
      #expect(metadata["leadTitle"] == "Enterprise Software Sale")
      #expect(metadata["leadValue"] == 50000)
      #expect(metadata["reason"] == "the customer called")
      #expect(metadata["changes"]?["title"] == ["to": "Enterprise Software Sale"])
      let compliance = try JSONParser.parse(entry[9] ?? "")
      #expect(compliance["ipAddress"] == "127.0.0.1")
      #expect(compliance["userAgent"] == "Tests/1")
      #expect(compliance["location"] == "Paris")

      #expect(
        await eventually {
          // A read that fails is tried again until the time is up.
          (try? server.rows("SELECT count(*) FROM directory_activities")) == [["1"]]
        })
      let account = try server.directory.creditAccount(tenantID: "acme")
      #expect(account?.availableUnits == Int64(99_995 * 10_000))
    }
  }

  @Test("without the permission: 403 that names it, and a failed entry")
  func forbidden() async throws {
    try await TestServer.run { server in
      let answer = try await server.send("POST", "/api/leads", as: "vic", ["title": "No"])
      #expect(answer.status == 403)
      #expect(answer.json["code"] == "insufficient_permissions")
      #expect(answer.json["detail"] == "Insufficient permissions")
      #expect(answer.json["requiredPermission"] == "crm.leads.create")
      #expect(
        try server.rows(
          "SELECT user_id, operation, entity_type, credit_cost FROM crm_activities")
          == [["vic", "crm.leads.create.failed", "error", "0"]])
    }
  }

  @Test("without credits: 402, nothing written but the failed entry")
  func insufficientCredits() async throws {
    try await TestServer.run { server in
      let answer = try await server.send("POST", "/api/leads", as: "paul", ["title": "Dear"])
      #expect(answer.status == 402)
      #expect(answer.json["code"] == "insufficient_credits")
      #expect(try server.rows("SELECT count(*) FROM leads") == [["0"]])
      #expect(
        try server.rows("SELECT operation FROM crm_activities") == [["crm.leads.create.failed"]])
      // A request hears of its own faults before it hears of money.
      let faulty = try await server.send("POST", "/api/leads", as: "paul", ["source": "x"])
      #expect(faulty.status == 422)
    }
  }

  @Test("what is not JSON is 400, an unknown member 422 by its name, both without a trace")
  func malformed() async throws {
    try await TestServer.run { server in
      let broken = try await server.client.send(
        "POST", "/api/leads",
        headers: [
          ("Authorization", "Bearer \(TestServer.token("ada"))"),
          ("Content-Type", "application/json"),
        ], body: Array("{\"title\": \"x\",}".utf8))
      #expect(broken.status == 400)
      #expect(broken.json["code"] == "malformed_json")
      let unknown = try await server.send(
        "POST", "/api/leads", ["leadData": ["title": "x", "colour": "red"]])
      #expect(unknown.status == 422)
      #expect(unknown.json["errors"]?.array?.first?["pointer"] == "/leadData/colour")
      #expect(unknown.json["errors"]?.array?.first?["code"] == "unknown_member")
      #expect(try server.rows("SELECT count(*) FROM leads") == [["0"]])
    }
  }

  @Test("a lead of another tenant does not exist")
  func otherTenant() async throws {
    try await TestServer.run { server in
      let lead = try await server.lead(["title": "Ours"])
      let path = "/api/leads/\(lead["id"]?.string ?? "")"
      for (method, body) in [
        ("GET", nil), ("PATCH", ["title": "Theirs"]), ("PUT", ["title": "Theirs"]),
        ("DELETE", nil), ("POST", nil),
      ] as [(String, JSONValue?)] {
        let suffix = method == "POST" ? "/restore" : ""
        let answer = try await server.send(method, path + suffix, as: "greta", body)
        #expect(answer.status == 404, "\(method)")
        #expect(answer.json["code"] == "not_found")
      }
      #expect(try await server.send("GET", "/api/leads", as: "greta").json["data"] == [])
    }
  }

  @Test("userId must be the caller's own, unless the caller may act for others")
  func impersonation() async throws {
    try await TestServer.run { server in
      let body: JSONValue = ["userId": "sam", "leadData": ["title": "For Sam"]]
      let refused = try await server.send("POST", "/api/leads", as: "mara", body)
      #expect(refused.status == 403)
      #expect(refused.json["requiredPermission"] == "crm.impersonate")
      let allowed = try await server.send("POST", "/api/leads", as: "pia", body)
      #expect(allowed.status == 201)
      #expect(allowed.json["userContext"]?["user"] == "Sam Sales")
      #expect(allowed.json["data"]?["createdBy"] == "sam")
      let metadata = try server.rows(
        "SELECT user_id, metadata FROM crm_activities WHERE operation = 'crm.leads.create'")
      #expect(metadata.first?.first == "sam")
      #expect(try JSONParser.parse(metadata[0][1] ?? "")["impersonatedBy"] == "pia")
      // What the other may not do, nobody does in their name.
      let beyond = try await server.send(
        "POST", "/api/leads", as: "pia", ["userId": "vic", "title": "x"])
      #expect(beyond.status == 403)
      #expect(beyond.json["requiredPermission"] == "crm.leads.create")
    }
  }
}
