import JSON
import TestSupport
import Testing
import WrapperClient

/// Parents that go while children come.
@Suite struct OrphanTests {
  /// Records that hang from, or refer to, what does not exist, or that live below what is trashed.
  private static let orphans = """
    SELECT 'note', n.id FROM notes AS n LEFT JOIN contacts AS c
      ON c.tenant_id = n.tenant_id AND c.id = n.entity_id
    WHERE c.id IS NULL OR (c.deleted_at IS NOT NULL AND n.deleted_at IS NULL)
    UNION ALL
    SELECT 'interaction', i.id FROM interactions AS i LEFT JOIN contacts AS c
      ON c.tenant_id = i.tenant_id AND c.id = i.entity_id
    WHERE c.id IS NULL OR (c.deleted_at IS NOT NULL AND i.deleted_at IS NULL)
    UNION ALL
    SELECT 'task', t.id FROM tasks AS t LEFT JOIN contacts AS c
      ON c.tenant_id = t.tenant_id AND c.id = t.entity_id
    WHERE t.entity_id IS NOT NULL AND c.id IS NULL
    UNION ALL
    SELECT 'deal', d.id FROM deals AS d LEFT JOIN contacts AS c
      ON c.tenant_id = d.tenant_id AND c.id = d.contact_id
    WHERE d.contact_id IS NOT NULL AND c.id IS NULL
    """

  @Test(
    "a contact that goes while records are made below it leaves no orphan",
    arguments: ["", "?purge=true"])
  func races(query: String) async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await server.send("POST", "/api/deals", ["title": "first"])
      var created = 0
      for round in 0..<25 {
        let contact = try await server.contact(["firstName": .string("\(round)")])
        let path = "/api/contacts/\(contact.id)"
        let id = JSONValue.string(contact.id)
        let children: [(String, JSONValue)] = [
          ("\(path)/notes", ["body": "n"]), ("\(path)/interactions", ["type": "call"]),
          ("/api/notes", ["body": "n", "entityType": "contact", "entityId": id]),
          ("/api/tasks", ["title": "t", "entityType": "contact", "entityId": id]),
          ("/api/deals", ["title": "d", "contactId": id]),
          ("/api/leads", ["title": "l", "contactId": id]),
        ]
        let statuses = try await withThrowingTaskGroup { group in
          for (path, body) in children + children {
            group.addTask { try await server.send("POST", path, body).status }
          }
          group.addTask { try await server.send("DELETE", path + query).status }
          return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.allSatisfy { [200, 201, 404, 422].contains($0) }, "\(statuses)")
        #expect(statuses.count { $0 == 200 } == 1)
        created += statuses.count { $0 == 201 }
        #expect(try server.rows(Self.orphans) == [])
      }
      #expect(try server.rows("PRAGMA foreign_key_check") == [])
      // Some came before it went, and some after.
      #expect(created < 25 * 12)
      // What full text knows is what lives.
      let documents = try server.rows(
        "SELECT entity_type, count(*) FROM search_documents GROUP BY 1")
      for document in documents {
        let table = document[0] == "company" ? "companies" : "\(document[0] ?? "")s"
        #expect(
          try server.rows("SELECT count(*) FROM \(table) WHERE deleted_at IS NULL")
            == [[document[1]]])
      }
    }
  }

  @Test("every kind of POST that is raced with one key is made once")
  func keys() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Ann"])
      let path = "/api/contacts/\(contact.id)"
      // The first deal brings the tenant's pipeline with it.
      _ = try await server.send("POST", "/api/deals", ["title": "first"])
      let trashed = try await server.lead(["title": "t"])
      _ = try await server.send("DELETE", "/api/leads/\(trashed.id)")
      let posts: [(String, JSONValue?)] = [
        ("/api/contacts", ["firstName": "x"]), ("/api/companies", ["name": "x"]),
        ("/api/leads", ["title": "x"]), ("/api/deals", ["title": "x"]),
        ("/api/tasks", ["title": "x"]), ("\(path)/notes", ["body": "x"]),
        ("\(path)/interactions", ["type": "call"]),
        ("/api/leads/\(trashed.id)/restore", nil),
        (
          "/api/batch",
          [
            "operations": [
              ["method": "POST", "path": "/api/leads", "body": ["title": "y"]],
              ["method": "DELETE", "path": "/api/leads/$0.id"],
            ]
          ]
        ),
      ]
      for (path, body) in posts {
        let before = try server.rows("SELECT count(*) FROM crm_activities")
        let answers = try await withThrowingTaskGroup { group in
          for _ in 0..<6 {
            group.addTask {
              try await server.send("POST", path, body, headers: [("Idempotency-Key", "one")])
            }
          }
          return try await group.reduce(into: [TestResponse]()) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0.status < 300 && $0.body == answers[0].body }, "\(path)")
        #expect(answers.count { $0.header("Idempotency-Replayed") == nil } == 1, "\(path)")
        let after = try server.rows("SELECT count(*) FROM crm_activities")
        let entries = (Int(after[0][0] ?? "") ?? 0) - (Int(before[0][0] ?? "") ?? 0)
        #expect(entries == (path == "/api/batch" ? 2 : 1), "\(path)")
      }
    }
  }
}
