import CRM
import JSON
import SQLite
import TestSupport
import Testing

/// What hangs from a record goes with it; what merely refers to it stays.
@Suite struct CascadeTests {
  private static func id(_ response: TestResponse) throws -> String {
    try #require(response.json["data"]?["id"]?.string, "\(response.text)")
  }

  @Test("the trash takes notes and interactions along, and gives back those that it took")
  func trashAndRestore() async throws {
    try await TestServer.run { server in
      let contact = try #require(try await server.contact(["lastName": "Noether"])["id"]?.string)
      let path = "/api/contacts/\(contact)"
      let before = try Self.id(try await server.send("POST", "\(path)/notes", ["body": "old"]))
      _ = try await server.send("DELETE", "/api/notes/\(before)")
      let note = try Self.id(try await server.send("POST", "\(path)/notes", ["body": "new"]))
      let call = try Self.id(
        try await server.send("POST", "\(path)/interactions", ["type": "call"]))
      let task = try Self.id(
        try await server.send(
          "POST", "/api/tasks",
          ["title": "Write", "entityType": "contact", "entityId": .string(contact)]))

      #expect(try await server.send("DELETE", path).status == 200)
      for place in ["/api/notes/\(note)", "/api/interactions/\(call)", "\(path)/notes"] {
        #expect(try await server.send("GET", place).status == 404, "\(place)")
      }
      #expect(try await server.send("GET", "/api/notes?q=new").json["data"] == [])
      #expect(try await server.send("GET", "/api/tasks/\(task)").status == 200)
      let alone = try await server.send("POST", "/api/notes/\(note)/restore")
      #expect(alone.status == 409)
      #expect(alone.json["code"] == "conflict")

      #expect(try await server.send("POST", "\(path)/restore").status == 200)
      #expect(try await server.send("GET", "/api/notes/\(note)").status == 200)
      #expect(try await server.send("GET", "/api/interactions/\(call)").status == 200)
      #expect(try await server.send("GET", "/api/notes?q=new").json["data"]?.array?.count == 1)
      #expect(try await server.send("GET", "/api/notes/\(before)").status == 404)
      #expect(try await server.send("POST", "/api/notes/\(before)/restore").status == 200)
      let told = try server.rows(
        """
        SELECT json_extract(metadata, '$.trashed.notes'), json_extract(metadata, '$.restored.notes')
        FROM crm_activities WHERE entity_id = ? AND operation IN (
          'crm.contacts.delete', 'crm.contacts.restore') ORDER BY seq
        """, [.text(contact)])
      #expect(told == [["1", nil], [nil, "1"]])
    }
  }

  @Test("purging removes what hangs from a record; deals, tasks and leads lose the link")
  func purge() async throws {
    try await TestServer.run { server in
      let contact = try #require(try await server.contact(["lastName": "Hopper"])["id"]?.string)
      let path = "/api/contacts/\(contact)"
      let link = JSONValue.string(contact)
      _ = try await server.send("POST", "\(path)/notes", ["body": "gone", "tags": ["x"]])
      _ = try await server.send("POST", "\(path)/interactions", ["type": "call"])
      let deal = try Self.id(
        try await server.send("POST", "/api/deals", ["title": "Ship", "contactId": link]))
      let task = try Self.id(
        try await server.send(
          "POST", "/api/tasks", ["title": "Ask", "entityType": "contact", "entityId": link]))
      let lead = try #require(
        try await server.lead(["title": "Maybe", "contactId": link])["id"]?.string)
      _ = try await server.send("DELETE", path)

      let purged = try await server.send("DELETE", "\(path)?purge=true")
      #expect(purged.status == 200, "\(purged.text)")
      for table in ["notes", "interactions"] {
        #expect(try server.rows("SELECT count(*) FROM \(table)") == [["0"]], "\(table)")
      }
      #expect(try server.rows("SELECT count(*) FROM record_tags") == [["0"]])
      #expect(
        try await server.send("GET", "/api/deals/\(deal)").json["data"]?["contactId"] == .null)
      let open = try await server.send("GET", "/api/tasks/\(task)").json["data"]
      #expect(open?["entityId"] == .null)
      #expect(open?["entityType"] == .null)
      #expect(
        try await server.send("GET", "/api/leads/\(lead)").json["data"]?["contactId"] == .null)
    }
  }

  @Test("purging a deal clears what its interactions say of it")
  func purgedDeal() async throws {
    try await TestServer.run { server in
      let contact = try #require(try await server.contact(["lastName": "Bell"])["id"]?.string)
      let deal = try Self.id(try await server.send("POST", "/api/deals", ["title": "Line"]))
      let call = try await server.send(
        "POST", "/api/contacts/\(contact)/interactions",
        ["type": "call", "dealId": .string(deal)])
      #expect(call.json["data"]?["dealId"] == .string(deal))
      #expect(try await server.send("DELETE", "/api/deals/\(deal)?purge=true").status == 200)
      let after = try await server.send("GET", "/api/interactions/\(try Self.id(call))")
      #expect(after.json["data"]?["dealId"] == .null)
      #expect(try server.rows("SELECT count(*) FROM deal_stage_moves") == [["0"]])
    }
  }
}
