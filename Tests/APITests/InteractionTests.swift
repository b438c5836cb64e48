import EmbeddedWrapper
import JSON
import TestSupport
import Testing
import WrapperClient

/// Calls, mails and meetings, wherever they hang.
@Suite struct InteractionTests {
  @Test("interactions hang from contacts, companies, leads and deals, and are completed there")
  func everywhere() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Ann"])
      let company = try await server.created("/api/companies", ["name": "Ann & Co"])
      let lead = try await server.lead(["title": "L"])
      let deal = try await server.deal(["title": "D"])
      let places = [
        ("/api/customers/\(contact.id)", "contact", contact.id),
        ("/api/contacts/\(contact.id)", "contact", contact.id),
        ("/api/companies/\(company.id)", "company", company.id),
        ("/api/leads/\(lead.id)", "lead", lead.id), ("/api/deals/\(deal.id)", "deal", deal.id),
      ]
      for (path, type, id) in places {
        let planned = try await server.created(
          "\(path)/interactions",
          [
            "type": "meeting", "subject": "Kick-off", "scheduledAt": "2120-01-01T09:00:00Z",
            "dealId": .string(deal.id),
          ])
        #expect(planned["entityType"] == .string(type))
        #expect(planned["entityId"] == .string(id))
        #expect(planned["status"] == "planned")
        #expect(planned["direction"] == "outbound")
        #expect(planned["occurredAt"] == .null)
        #expect(planned["dealId"] == .string(deal.id))
        let one = "\(path)/interactions/\(planned.id)"
        let done = try await server.send("PATCH", "\(one)/complete", ["outcome": "Signed"])
        #expect(done.status == 200)
        #expect(done.data["status"] == "completed")
        #expect(done.data["outcome"] == "Signed")
        #expect(done.data["occurredAt"]?.string != nil)
        #expect(try await server.send("GET", one).data == done.data)
        let own = "/api/interactions/\(planned.id)"
        #expect(try await server.send("GET", own).data == done.data)
        // Without a body as well, and twice.
        let again = try await server.send("PATCH", "\(own)/complete")
        #expect(again.data == done.data)
        let refused = try await server.send("PATCH", "\(one)/complete", ["subject": "x"])
        #expect(refused.issues == ["/subject unknown_member"])
      }
      // Below another record it does not exist.
      let interaction = try await server.created(
        "/api/leads/\(lead.id)/interactions", ["type": "call"])
      for path in ["/api/deals/\(deal.id)", "/api/customers/\(contact.id)"] {
        let wrong = "\(path)/interactions/\(interaction.id)"
        #expect(try await server.send("PATCH", "\(wrong)/complete").status == 404)
        #expect(try await server.send("GET", wrong).status == 404)
      }
      #expect(
        try server.rows(
          """
          SELECT DISTINCT operation FROM crm_activities
          WHERE entity_type = 'interaction' AND operation LIKE '%complete'
          """) == [["crm.interactions.complete"]])
    }
  }

  @Test("what took place has a time at which it did, what did not has none")
  func times() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      let path = "/api/customers/\(try await server.contact(["firstName": "A"]).id)/interactions"
      let past = try await server.created(
        path, ["type": "call", "scheduledAt": "2020-01-01T00:00:00Z"])
      #expect(past["status"] == "completed")
      let plain = try await server.created(path, ["type": "call"])
      #expect(plain["status"] == "completed")
      let occurredAt = try #require(plain["occurredAt"]?.string)
      clock.advance(hours: 1)
      let one = "\(path)/\(plain.id)"
      let replaced = try await server.send("PUT", one, ["type": "call", "status": "completed"])
      #expect(replaced.data["occurredAt"]?.string == occurredAt)
      let planned = try await server.changed(one, ["status": "planned"])
      #expect(planned["occurredAt"] == .null)
      let told = try await server.send(
        "PATCH", "\(one)/complete",
        ["occurredAt": "2026-01-31T10:30:00Z", "durationMinutes": 30])
      #expect(told.data["occurredAt"] == "2026-01-31T10:30:00.000Z")
      #expect(told.data["durationMinutes"] == 30)
      let cancelled = try await server.changed(one, ["status": "cancelled"])
      #expect(cancelled["occurredAt"] == .null)
      let wrong = try await server.send(
        "POST", path, ["type": "visit", "direction": "up", "durationMinutes": -1])
      #expect(
        wrong.issues == [
          "/type invalid_choice", "/direction invalid_choice", "/durationMinutes out_of_range",
        ])
    }
  }

  @Test("outbound e-mails of the month count against the plan, nothing else does")
  func emails() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      try await server.directory.setCreditConfiguration(
        tenantID: "acme",
        CreditPlan(planType: "two", featureLimits: JSONObject([("emails", 2)]), operations: [:]))
      _ = try await server.wrapper.tenant("acme")
      let isKnown = await eventually {
        server.wrapper.loadedTenant("acme")?.creditConfiguration.planType == "two"
      }
      try #require(isKnown)
      let path = "/api/contacts/\(try await server.contact(["firstName": "A"]).id)/interactions"
      let mail: JSONValue = ["type": "email", "direction": "outbound"]
      let first = try await server.created(path, mail)
      let inbound = try await server.created(path, ["type": "email", "direction": "inbound"])
      _ = try await server.created(path, ["type": "call"])
      _ = try await server.created(path, mail)
      let refused = try await server.send(
        "POST", "/api/interactions",
        mail.with("entityType", "contact")
          .with("entityId", first["entityId"]))
      #expect(refused.status == 402)
      #expect(refused.code == "plan_limit_exceeded")
      #expect(refused.json["feature"] == "emails")
      let turned = try await server.send(
        "PATCH", "\(path)/\(inbound.id)", ["direction": "outbound"])
      #expect(turned.status == 402)
      _ = try await server.send("DELETE", "\(path)/\(first.id)")
      _ = try await server.created(path, mail)
      #expect(try await server.send("POST", "\(path)/\(first.id)/restore").status == 402)
      // The next month has a count of its own.
      clock.advance(hours: 24 * 31)
      _ = try await server.created(path, mail)
    }
  }
}
