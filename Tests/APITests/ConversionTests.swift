import EmbeddedWrapper
import JSON
import TestSupport
import Testing
import WrapperClient

/// A lead becomes a contact, a company and a deal.
@Suite struct ConversionTests {
  private static let lead: JSONValue = [
    "title": "Rollout", "source": "Website", "value": 1200.5, "currency": "EUR",
    "firstName": "Zoë", "lastName": "Berg", "email": "zoe@berg.example", "phone": "+49 30 1",
    "company": "Berg GmbH",
  ]

  private static func convert(
    _ lead: JSONValue, _ server: TestServer, as user: String = "ada", _ body: JSONValue? = nil,
    headers: [(String, String)] = []
  ) async throws -> TestResponse {
    try await server.send(
      "POST", "/api/leads/\(lead.id)/convert", as: user, body, headers: headers)
  }

  @Test("a lead is converted into a contact, a company and a deal, all linked and all logged")
  func whole() async throws {
    try await TestServer.run { server in
      let lead = try await server.lead(Self.lead, as: "sam")
      let answer = try await Self.convert(lead, server)
      #expect(answer.status == 200)
      #expect(answer.json["success"] == true)
      #expect(answer.header("ETag") == "\"2\"")
      let (contact, company) = (answer.data["contact"] ?? .null, answer.data["company"] ?? .null)
      let (deal, after) = (answer.data["deal"] ?? .null, answer.data["lead"] ?? .null)
      #expect(contact["firstName"] == "Zoë")
      #expect(contact["email"] == "zoe@berg.example")
      #expect(contact["phone"] == "+49 30 1")
      #expect(contact["source"] == "Website")
      #expect(contact["lifecycle"] == "prospect")
      #expect(contact["companyId"] == .string(company.id))
      #expect(company["name"] == "Berg GmbH")
      #expect(deal["title"] == "Rollout")
      #expect(deal["value"] == 1200.5)
      #expect(deal["currency"] == "EUR")
      #expect(deal["stage"] == "new")
      #expect(deal["contactId"] == .string(contact.id))
      #expect(deal["companyId"] == .string(company.id))
      #expect(after["status"] == "converted")
      #expect(after["contactId"] == .string(contact.id))
      #expect(after["dealId"] == .string(deal.id))
      #expect(after["convertedAt"]?.string != nil)
      for record in [contact, company, deal, after] {
        #expect(record["ownerId"] == "sam")
        #expect(record["createdBy"] == (record == after ? "sam" : "ada"))
      }
      for (path, record) in [
        ("contacts", contact), ("companies", company), ("deals", deal), ("leads", after),
      ] {
        let stored = try await server.send("GET", "/api/\(path)/\(record.id)")
        #expect(stored.data == record, "\(path)")
      }
      #expect(
        try await server.send("GET", "/api/deals/\(deal.id)/stages").texts("stage") == ["new"])
      // One charge, one entry for each record.
      let entries = try server.rows(
        """
        SELECT operation, entity_type, entity_id, json_extract(metadata, '$.cause'),
          json_extract(metadata, '$.changes.status.to') FROM crm_activities
        WHERE user_id = 'ada' ORDER BY seq
        """)
      let cause = "crm.leads.convert"
      #expect(
        entries == [
          [cause, "lead", lead.id, nil, "converted"],
          ["crm.companies.create", "company", company.id, cause, nil],
          ["crm.contacts.create", "contact", contact.id, cause, nil],
          ["crm.deals.create", "deal", deal.id, cause, nil],
        ])
    }
  }

  @Test("what is there already is used again: the lead's contact, its e-mail, its company's name")
  func reuse() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let company = try await server.created("/api/companies", ["name": "BERG gmbh"])
      let contact = try await server.contact(["email": "Zoe@Berg.example"])
      let byEmail = try await Self.convert(try await server.lead(Self.lead), server)
      #expect(byEmail.data["contact"] == contact)
      #expect(byEmail.data["company"] == company)
      #expect(byEmail.data["deal"]?["companyId"] == .string(company.id))
      let linked = try await server.contact(["firstName": "Linked"])
      let lead = try await server.lead(
        Self.lead.with("contactId", .string(linked.id)).with("company", nil))
      let byLink = try await Self.convert(lead, server)
      #expect(byLink.data["contact"] == linked)
      #expect(byLink.data["company"] == .null)
      #expect(byLink.data["deal"]?["contactId"] == .string(linked.id))
      // Nothing was made twice, and what was not touched has no entry.
      for (path, count) in [("contacts", 2), ("companies", 1), ("deals", 2)] {
        let list = try await server.send("GET", "/api/\(path)?count=true")
        #expect(list.json["total"] == .integer(count), "\(path)")
      }
      #expect(
        try server.rows(
          "SELECT count(*) FROM crm_activities WHERE json_extract(metadata, '$.cause') IS NOT NULL"
        ) == [["2"]])
    }
  }

  @Test("the body overrules the lead, can leave the company out, and names what is wrong with it")
  func body() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let answer = try await Self.convert(
        try await server.lead(Self.lead), server,
        [
          "deal": ["title": "Big rollout", "stage": "proposal", "value": nil, "tags": ["hot"]],
          "contact": ["jobTitle": "CTO", "email": "cto@berg.example"],
          "company": ["name": "Berg SE", "industry": "Mining"],
        ])
      #expect(answer.status == 200)
      #expect(answer.data["deal"]?["title"] == "Big rollout")
      #expect(answer.data["deal"]?["stage"] == "proposal")
      #expect(answer.data["deal"]?["value"] == .null)
      #expect(answer.data["deal"]?["tags"] == ["hot"])
      #expect(answer.data["contact"]?["jobTitle"] == "CTO")
      #expect(answer.data["contact"]?["email"] == "cto@berg.example")
      #expect(answer.data["company"]?["name"] == "Berg SE")
      let alone = try await Self.convert(
        try await server.lead(Self.lead), server, ["company": false])
      #expect(alone.status == 200)
      #expect(alone.data["company"] == .null)
      // A lead that says nothing of a person gives the contact its title.
      let bare = try await Self.convert(try await server.lead(["title": "Call back"]), server)
      #expect(bare.data["contact"]?["lastName"] == "Call back")
      let lead = try await server.lead([
        "title": "Still here", "lastName": "Still", "email": "still@example.org",
      ])
      let wrong: [(JSONValue, [String])] = [
        (["colour": "red"], ["/colour unknown_member"]),
        (["deal": 5], ["/deal invalid_type"]),
        (["company": true], ["/company invalid_type"]),
        (["deal": ["value": "much"]], ["/deal/value invalid_type"]),
        (["contact": ["email": "none"]], ["/contact/email invalid_email"]),
        (["company": ["name": ""]], ["/company/name required"]),
        (["deal": ["stage": "nowhere"]], ["/stage unknown_reference"]),
        (["deal": ["id": "x"]], ["/deal/id read_only"]),
      ]
      for (body, issues) in wrong {
        let answer = try await Self.convert(lead, server, body)
        #expect(answer.status == 422, "\(body.text)")
        #expect(answer.issues == issues, "\(body.text)")
      }
      #expect(try await server.send("GET", "/api/leads/\(lead.id)").data == lead)
      #expect(try await server.send("GET", "/api/contacts?q=still").data == [])
    }
  }

  @Test("a lead is converted once: the second time and the loser of a race get 409 with the deal")
  func once() async throws {
    try await TestServer.run { server in
      for _ in 0..<5 {
        let lead = try await server.lead(["title": "L", "lastName": "Once"])
        let answers = try await withThrowingTaskGroup(of: TestResponse.self) { group in
          for _ in 0..<4 { group.addTask { try await Self.convert(lead, server) } }
          return try await group.reduce(into: [TestResponse]()) { $0.append($1) }
        }
        #expect(answers.map(\.status).sorted() == [200, 409, 409, 409])
        let deal = answers.first { $0.status == 200 }?.data["deal"] ?? .null
        for refused in answers where refused.status == 409 {
          #expect(refused.code == "conflict")
          #expect(refused.json["dealId"] == .string(deal.id))
        }
      }
      #expect(try await server.send("GET", "/api/deals?count=true").json["total"] == 5)
      #expect(try await server.send("GET", "/api/contacts?count=true").json["total"] == 5)
      let key = [("Idempotency-Key", "k")]
      let lead = try await server.lead(["title": "L", "lastName": "Again"])
      let first = try await Self.convert(lead, server, headers: key)
      let second = try await Self.convert(lead, server, headers: key)
      #expect(second.status == 200)
      #expect(second.header("Idempotency-Replayed") == "true")
      #expect(second.body == first.body)
      // The deal may go; the lead stays converted.
      let dealID = first.data["deal"]?.id ?? ""
      _ = try await server.send("DELETE", "/api/deals/\(dealID)?purge=true")
      let after = try await server.send("GET", "/api/leads/\(lead.id)").data
      #expect(after["dealId"] == .null)
      #expect(after["status"] == "converted")
      let late = try await Self.convert(lead, server)
      #expect(late.status == 409)
      #expect(late.json["dealId"] == nil)
    }
  }

  @Test("converting needs three permissions, and a company is made only by those who may")
  func permissions() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let reads = ["crm.leads.read", "crm.contacts.read", "crm.companies.read", "crm.deals.read"]
      let rights = ["crm.leads.convert", "crm.contacts.create", "crm.deals.create"]
      try await server.addUsers(
        rights.enumerated().map { index, right in
          ("no\(index)", reads + rights.filter { $0 != right })
        } + [
          ("seller", reads + rights),
          ("own", ["crm.leads.read", "crm.leads.convert:own"] + rights.dropFirst()),
        ])
      let lead = try await server.lead(Self.lead)
      for (index, right) in rights.enumerated() {
        let answer = try await Self.convert(lead, server, as: "no\(index)")
        #expect(answer.status == 403)
        #expect(answer.json["requiredPermission"] == .string(right))
      }
      #expect(try await Self.convert(lead, server, as: "own").status == 403)
      #expect(try await Self.convert(lead, server, as: "greta").status == 404)
      let seller = try await Self.convert(lead, server, as: "seller")
      #expect(seller.status == 200)
      #expect(seller.data["company"] == .null)
      #expect(seller.data["contact"]?["company"] == "Berg GmbH")
      #expect(
        Set(
          try server.rows(
            "SELECT user_id, operation FROM crm_activities WHERE entity_type = 'error'"
          ).map { $0[1] }) == ["crm.leads.convert.failed"])
      #expect(
        try await Self.convert(
          try await server.lead(["title": "L"]), server, headers: [("If-Match", "\"7\"")]
        ).status == 412)
    }
  }

  @Test("a contact that the caller may not see is neither used nor shown")
  func unseen() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await server.addUsers([
        (
          "own",
          [
            "crm.leads.*:own", "crm.contacts.create", "crm.contacts.read:own", "crm.deals.*:own",
          ]
        )
      ])
      let hidden = try await server.contact(["email": "zoe@berg.example"])
      let lead = try await server.lead(Self.lead, as: "own")
      let answer = try await Self.convert(lead, server, as: "own")
      #expect(answer.status == 409)
      #expect(answer.code == "duplicate")
      #expect(!answer.text.contains(hidden.id))
      #expect(try await server.send("GET", "/api/deals?count=true").json["total"] == 0)
    }
  }

  @Test("the plan's limits and one charge hold for all of it")
  func limits() async throws {
    try await TestServer.run { server in
      try await server.directory.setCreditConfiguration(
        tenantID: "acme",
        CreditPlan(
          planType: "tight", overageAllowed: false, featureLimits: JSONObject([("deals", 1)]),
          operations: ["crm.leads.convert": 70_000, "crm.deals.create": 20_000]))
      _ = try await server.wrapper.tenant("acme")
      let isKnown = await eventually {
        server.wrapper.loadedTenant("acme")?.creditConfiguration.planType == "tight"
      }
      try #require(isKnown)
      let first = try await Self.convert(try await server.lead(Self.lead), server)
      #expect(first.status == 200)
      #expect(first.json["creditsDeducted"] == 7)
      let lead = try await server.lead(["title": "One too many", "lastName": "X"])
      let second = try await Self.convert(lead, server)
      #expect(second.status == 402)
      #expect(second.code == "plan_limit_exceeded")
      #expect(second.json["feature"] == "deals")
      // Nothing of it is left behind.
      #expect(try await server.send("GET", "/api/contacts?count=true").json["total"] == 1)
      #expect(
        try await server.send("GET", "/api/leads/\(lead.id)").data["status"] == "new")
      #expect(try server.rows("SELECT SUM(credit_units) FROM crm_activities") == [["70000"]])
    }
  }
}
