import JSON
import SQLite
import TestSupport
import Testing
import WrapperClient

/// Changing one record: PUT, PATCH, preconditions, members that only the server sets.
@Suite struct RecordUpdateTests {
  @Test("If-Match lets through its version and *, else 412 with the current one; weak tags never")
  func ifMatch() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await server.lead(["title": "First"])
      let path = "/api/leads/\(lead.id)"
      _ = try await server.send("PATCH", path, ["title": "Second"])
      let requests: [(String, String, JSONValue?)] = [
        ("PATCH", path, ["title": "Lost"]), ("PUT", path, ["title": "Lost"]),
        ("DELETE", path, nil), ("DELETE", "\(path)?purge=true", nil),
      ]
      for tag in ["\"1\"", "W/\"2\"", "2", "\"3\", \"4\"", "\"x\""] {
        for (method, path, body) in requests {
          let answer = try await server.send(method, path, body, headers: [("If-Match", tag)])
          #expect(answer.status == 412, "\(method) \(tag)")
          #expect(answer.code == "version_mismatch")
          #expect(answer.json["currentVersion"] == 2)
          #expect(answer.header("ETag") == "\"2\"")
        }
      }
      #expect(try await server.send("GET", path).data["title"] == "Second")
      let one = try await server.send(
        "PATCH", path, ["title": "Third"], headers: [("If-Match", "\"9\", \"2\"")])
      #expect(one.status == 200)
      #expect(one.header("ETag") == "\"3\"")
      #expect(one.data["version"] == 3)
      let any = try await server.send(
        "PUT", path, ["title": "Fourth"], headers: [("If-Match", "*")])
      #expect(any.status == 200)
      let gone = try await server.send(
        "DELETE", path, headers: [("If-Match", "\"4\"")])
      #expect(gone.status == 200)
      let absent = try await server.send(
        "PATCH", path, ["title": "x"], headers: [("If-Match", "*")])
      #expect(absent.status == 404)
      let stale = try await server.send(
        "POST", "\(path)/restore", headers: [("If-Match", "\"4\"")])
      #expect(stale.status == 412)
      let back = try await server.send(
        "POST", "\(path)/restore", headers: [("If-Match", "\"5\"")])
      #expect(back.status == 200)
    }
  }

  @Test("a version in the body counts as If-Match")
  func bodyVersion() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await server.lead(["title": "First"])
      let path = "/api/leads/\(lead.id)"
      let good = try await server.send("PATCH", path, ["title": "Second", "version": 1])
      #expect(good.status == 200)
      for method in ["PATCH", "PUT"] {
        let stale = try await server.send(method, path, ["title": "Third", "version": 1])
        #expect(stale.status == 412)
        #expect(stale.json["currentVersion"] == 2)
        let text = try await server.send(method, path, ["title": "Third", "version": "2"])
        #expect(text.status == 422)
        #expect(text.issues == ["/version read_only"])
      }
      #expect(try await server.send("GET", path).data["title"] == "Second")
    }
  }

  @Test("PUT replaces: what is not named becomes empty or its default, the owner stays")
  func put() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await server.lead([
        "title": "Deal", "source": "web", "value": .decimal(units: 125, scale: 1),
        "currency": "CHF", "priority": "high",
        "status": "qualified", "email": "a@example.org", "ownerId": "sam", "tags": ["vip"],
        "customFields": ["a": 1], "metadata": ["b": 2], "externalId": "old:1",
      ])
      let answer = try await server.send("PUT", "/api/leads/\(lead.id)", ["title": "Deal"])
      #expect(answer.status == 200)
      let data = answer.data
      for member in ["source", "value", "currency", "email", "externalId"] {
        #expect(data[member] == .null, "\(member)")
      }
      #expect(data["priority"] == "medium")
      #expect(data["status"] == "new")
      #expect(data["ownerId"] == "sam")
      #expect(data["tags"] == [])
      #expect(data["customFields"] == [:])
      #expect(data["metadata"] == [:])
      for member in ["id", "tenantId", "createdBy", "createdAt"] {
        #expect(data[member] == lead[member], "\(member)")
      }
      let missing = try await server.send("PUT", "/api/leads/\(lead.id)", ["source": "web"])
      #expect(missing.status == 422)
      #expect(missing.issues == ["/title required"])
    }
  }

  @Test("a record as it was read can be put back as it is")
  func roundTrip() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact([
        "firstName": "Ann", "email": "Ann@Example.org", "tags": ["b", "a"],
        "address": ["city": "Köln"],
        "customFields": ["deep": ["x": [1, nil, .decimal(units: 250, scale: 2)]]],
      ])
      let answer = try await server.send("PUT", "/api/contacts/\(contact.id)", contact)
      #expect(answer.status == 200)
      #expect(answer.data == contact)
      #expect(answer.header("ETag") == "\"1\"")
    }
  }

  @Test("PATCH merges objects member by member, null removes, arrays are replaced")
  func merge() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact([
        "firstName": "Ann", "lastName": "Lee", "phone": "1", "tags": ["a", "b"],
        "address": ["city": "Bern", "street": "Hauptgasse 1"],
        "customFields": ["keep": 1, "drop": 2, "deep": ["x": 1, "y": 2], "list": [1, 2]],
      ])
      let path = "/api/contacts/\(contact.id)"
      let answer = try await server.send(
        "PATCH", path,
        [
          "lastName": nil, "tags": ["c"], "address": ["street": nil, "country": "CH"],
          "customFields": [
            "drop": nil, "deep": ["y": nil, "z": ["new": 1, "not": nil]], "list": [3],
          ],
        ], headers: [("Content-Type", "application/merge-patch+json")])
      #expect(answer.status == 200)
      let data = answer.data
      #expect(data["firstName"] == "Ann")
      #expect(data["lastName"] == .null)
      #expect(data["phone"] == "1")
      #expect(data["tags"] == ["c"])
      #expect(data["address"] == ["city": "Bern", "country": "CH"])
      #expect(
        data["customFields"]
          == ["keep": 1, "deep": ["x": 1, "z": ["new": 1]], "list": [3]])
      let emptied = try await server.send(
        "PATCH", path, ["customFields": nil, "tags": nil, "address": nil, "phone": ""])
      #expect(emptied.data["customFields"] == [:])
      #expect(emptied.data["tags"] == [])
      #expect(emptied.data["phone"] == .null)
      let nothing = try await server.send("PATCH", path, [:])
      #expect(nothing.status == 200)
      #expect(nothing.data == emptied.data)
    }
  }

  @Test("members that the server sets are accepted when equal, else 422 read_only")
  func readOnly() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await server.lead(["title": "A lead"])
      let path = "/api/leads/\(lead.id)"
      let others: [(String, JSONValue)] = [
        ("id", "0190a0b0-0000-7000-8000-000000000000"), ("tenantId", "globex"),
        ("createdBy", "sam"), ("createdAt", "2020-01-01T00:00:00.000Z"),
        ("updatedAt", "2020-01-01T00:00:00.000Z"),
      ]
      for (member, value) in others {
        let same = try await server.send(
          "PATCH", path, JSONValue.object(JSONObject()).with(member, lead[member]))
        #expect(same.status == 200, "\(member)")
        for wrong in [value, .null, 7] {
          let other = try await server.send(
            "PATCH", path, JSONValue.object(JSONObject()).with(member, wrong))
          #expect(other.status == 422, "\(member)")
          #expect(other.issues == ["/\(member) read_only"])
        }
        let created = try await server.send(
          "POST", "/api/leads", JSONValue.object(JSONObject([("title", "x"), (member, value)])))
        #expect(created.status == 422, "\(member)")
      }
    }
  }

  @Test("an update's entry names what changed, from and to, and nothing else")
  func changes() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await server.lead(["title": "One", "value": 10, "tags": ["a"]])
      let answer = try await server.send(
        "PATCH", "/api/leads/\(lead.id)",
        [
          "title": "Two", "value": .decimal(units: 1000, scale: 2), "tags": ["a", "b"],
          "phone": "5",
        ])
      let entry = try server.rows(
        "SELECT operation, entity_type, entity_id, metadata FROM crm_activities WHERE id = ?",
        [.text(answer.json["activityId"]?.string ?? "")])
      #expect(entry.first?.prefix(3) == ["crm.leads.update", "lead", lead.id])
      #expect(
        try JSONParser.parse(entry.first?.last.flatMap { $0 } ?? "") == [
          "changes": [
            "title": ["from": "One", "to": "Two"], "phone": ["from": nil, "to": "5"],
            "tags": ["from": ["a"], "to": ["a", "b"]],
          ], "version": 2,
        ])
      // Contacts log under their own name on both paths.
      let contact = try await server.contact(["firstName": "Ann"])
      _ = try await server.send("PATCH", "/api/customers/\(contact.id)", ["firstName": "Bea"])
      #expect(
        try server.rows(
          "SELECT operation FROM crm_activities WHERE entity_id = ? ORDER BY seq",
          [.text(contact.id)]) == [["crm.contacts.create"], ["crm.contacts.update"]])
    }
  }
}
