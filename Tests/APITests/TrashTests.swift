import CRM
import Database
import EmbeddedWrapper
import JSON
import SQLite
import TestSupport
import Testing
import WrapperClient

/// Into the trash, out of it, and gone for good.
@Suite struct TrashTests {
  @Test("a deleted record is answered whole, and then gone from everything")
  func delete() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await server.lead(["title": "Gone soon"])
      _ = try await server.lead(["title": "Stays"])
      let path = "/api/leads/\(lead.id)"
      let answer = try await server.send("DELETE", path)
      #expect(answer.status == 200)
      #expect(answer.json["success"] == true)
      #expect(answer.data["title"] == "Gone soon")
      #expect(answer.data["version"] == 2)
      #expect(answer.header("ETag") == "\"2\"")
      #expect(answer.json["activityId"]?.string?.hasPrefix("activity:") == true)
      for (method, body) in [
        ("GET", nil), ("PATCH", ["title": "x"]), ("PUT", ["title": "x"]), ("DELETE", nil),
      ] as [(String, JSONValue?)] {
        #expect(try await server.send(method, path, body).status == 404, "\(method)")
      }
      let list = try await server.send("GET", "/api/leads?count=true")
      #expect(list.texts("title") == ["Stays"])
      #expect(list.json["total"] == 1)
      #expect(try await server.send("GET", "/api/leads?q=gone").data == [])
      #expect(try await server.send("GET", "/api/leads?title[startsWith]=gone").data == [])

      let back = try await server.send("POST", "\(path)/restore")
      #expect(back.status == 200)
      #expect(back.data["version"] == 3)
      #expect(try await server.send("GET", path).data == back.data)
      #expect(try await server.send("POST", "\(path)/restore").status == 404)
      #expect(
        try server.rows(
          """
          SELECT operation, json_extract(permissions, '$.operationContext.requiredPermission')
          FROM crm_activities WHERE entity_id = ? AND entity_type = 'lead' ORDER BY seq
          """, [.text(lead.id)]) == [
            ["crm.leads.create", "crm.leads.create"], ["crm.leads.delete", "crm.leads.delete"],
            ["crm.leads.restore", "crm.leads.delete"],
          ])
      #expect(
        try server.rows(
          "SELECT action, version FROM change_log WHERE entity_id = ? ORDER BY seq",
          [.text(lead.id)]) == [["create", "1"], ["delete", "2"], ["restore", "3"]])
    }
  }

  @Test("a restore may bring an empty object for a body, as many clients send one")
  func restoreBody() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let path = "/api/leads/\(try await server.lead(["title": "t"]).id)"
      _ = try await server.send("DELETE", path)
      #expect(try await server.send("POST", "\(path)/restore", [:]).status == 200)
      #expect(try await server.send("DELETE", path, [:]).status == 200)
    }
  }

  @Test("purge needs its own permission, takes from the trash or from life, and clears references")
  func purge() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await server.directory.createRole(
        tenantID: "acme", id: "deleter", name: "Deleter",
        permissions: ["crm.leads.read", "crm.leads.delete"])
      try await server.directory.createRole(
        tenantID: "acme", id: "purger", name: "Purger",
        permissions: ["crm.leads.read", "crm.leads.purge"])
      for (user, role) in [("del", "deleter"), ("pur", "purger")] {
        try await server.directory.createUser(
          tenantID: "acme",
          .init(id: user, email: "\(user)@acme.example", name: user, roleIDs: [role]))
      }
      // The directory is looked at several times a second.
      var isKnown = false
      for _ in 0..<500 where !isKnown {
        isKnown = try await server.send("GET", "/api/leads", as: "pur").status == 200
      }
      let contact = try await server.contact(["firstName": "Ann"])
      let first = try await server.lead(["title": "1", "contactId": .string(contact.id)])
      let second = try await server.lead(["title": "2", "contactId": .string(contact.id)])
      let path = "/api/leads/\(second.id)?purge=true"
      let refused = try await server.send("DELETE", path, as: "del")
      #expect(refused.status == 403)
      #expect(refused.json["requiredPermission"] == "crm.leads.purge")
      #expect(
        try server.rows("SELECT operation FROM crm_activities WHERE user_id = 'del'")
          == [["crm.leads.purge.failed"]])
      #expect(try await server.send("DELETE", "/api/leads/\(second.id)", as: "pur").status == 403)
      let purged = try await server.send("DELETE", path, as: "pur")
      #expect(purged.status == 200)
      #expect(purged.data == ["id": .string(second.id)])
      #expect(try await server.send("POST", "/api/leads/\(second.id)/restore").status == 404)
      #expect(try await server.send("DELETE", path).status == 404)
      for bad in ["purge=yes", "purge=", "really=true"] {
        let answer = try await server.send("DELETE", "/api/leads/\(first.id)?\(bad)")
        #expect(answer.status == 400)
      }
      #expect(
        try await server.send("DELETE", "/api/leads/\(first.id)?purge=false").status == 200)
      #expect(try await server.send("POST", "/api/leads/\(first.id)/restore").status == 200)

      // The contact goes from the trash; the lead that named it stays without the link.
      _ = try await server.send("DELETE", "/api/contacts/\(contact.id)")
      let gone = try await server.send("DELETE", "/api/contacts/\(contact.id)?purge=true")
      #expect(gone.status == 200)
      let lead = try await server.send("GET", "/api/leads/\(first.id)").data
      #expect(lead["contactId"] == .null)
      #expect(lead.version == 4)
      // The link's end is a change of the lead, with its entry and its place in the change log.
      #expect(
        try server.rows(
          """
          SELECT operation, credit_units, json_extract(metadata, '$.changes.contactId.from')
          FROM crm_activities WHERE entity_id = ? ORDER BY seq DESC LIMIT 1
          """, [.text(first.id)]) == [["crm.leads.update", "0", contact.id]])
      #expect(
        try server.rows(
          "SELECT action, version FROM change_log WHERE entity_id = ? ORDER BY seq DESC LIMIT 1",
          [.text(first.id)]) == [["update", "4"]])
    }
  }

  @Test("restore needs the permission to delete")
  func restorePermission() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let path = "/api/leads/\(try await server.lead(["title": "t"], as: "sam").id)"
      _ = try await server.send("DELETE", path)
      for user in ["sam", "vic"] {
        let answer = try await server.send("POST", "\(path)/restore", as: user)
        #expect(answer.status == 403)
        #expect(answer.json["requiredPermission"] == "crm.leads.delete")
      }
      #expect(
        try server.rows(
          "SELECT DISTINCT operation FROM crm_activities WHERE entity_type = 'error'")
          == [["crm.leads.restore.failed"]])
    }
  }

  @Test("housekeeping empties the trash after its days and forgets answers and changes")
  func housekeeping() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      let keep = try await server.lead(["title": "keep"])
      let old = try await server.lead(["title": "old"])
      let contact = try await server.contact(["firstName": "old"])
      let linked = try await server.lead(["title": "linked", "contactId": .string(contact.id)])
      _ = try await server.send(
        "POST", "/api/leads", ["title": "once"], headers: [("Idempotency-Key", "k")])
      _ = try await server.send("DELETE", "/api/leads/\(old.id)")
      _ = try await server.send("DELETE", "/api/contacts/\(contact.id)")
      clock.advance(hours: 20 * 24)
      _ = try await server.send("DELETE", "/api/leads/\(keep.id)")
      try await server.store.forgetExpired(trashDays: 30)
      #expect(try server.rows("SELECT count(*) FROM idempotency_answers") == [["0"]])
      #expect(
        try server.rows("SELECT action, entity_id FROM change_log") == [["delete", keep.id]])
      #expect(try server.rows("SELECT count(*) FROM leads") == [["4"]])

      clock.advance(hours: 10 * 24 + 1)
      try await server.store.forgetExpired(trashDays: 30)
      #expect(
        Set(try server.rows("SELECT id FROM leads WHERE title IN ('keep', 'old', 'linked')"))
          == [[keep.id], [linked.id]])
      #expect(try server.rows("SELECT count(*) FROM contacts") == [["0"]])
      #expect(try await server.send("GET", "/api/leads/\(linked.id)").data["contactId"] == .null)
      #expect(try await server.send("POST", "/api/leads/\(old.id)/restore").status == 404)
      #expect(try await server.send("POST", "/api/leads/\(keep.id)/restore").status == 200)
      #expect(
        Set(
          try server.rows(
            "SELECT operation, entity_id FROM crm_activities WHERE user_id = 'system'"))
          == [
            ["crm.leads.purge", old.id], ["crm.contacts.purge", contact.id],
            ["crm.leads.update", linked.id],
          ])
    }
  }

  @Test("housekeeping empties any number of records in one go")
  func muchTrash() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      let lead = try await server.lead(["title": "first"])
      _ = try await server.send("DELETE", "/api/leads/\(lead.id)")
      _ = try await server.database.write { connection in
        try connection.run(
          """
          /* test */ WITH RECURSIVE numbers (i) AS (
            SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 510)
          INSERT INTO leads (tenant_id, id, created_by, created_at, updated_at, deleted_at,
            version, tags, custom_fields, metadata, title, title_folded, priority, status)
          SELECT tenant_id, 'copy ' || i, created_by, created_at, updated_at, deleted_at,
            version, tags, custom_fields, metadata, title, title_folded, priority, status
          FROM leads, numbers WHERE id = ?
          """, [.text(lead.id)])
      }
      clock.advance(hours: 31 * 24)
      try await server.store.forgetExpired(trashDays: 30)
      #expect(try server.rows("SELECT count(*) FROM leads") == [["0"]])
    }
  }
}
