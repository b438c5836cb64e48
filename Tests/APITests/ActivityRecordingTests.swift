import CRM
import JSON
import SQLite
import TestSupport
import Testing
import WrapperClient

/// Everything that changes something leaves its entry, with the reason that was given.
@Suite struct ActivityRecordingTests {
  @Test("every kind of change is recorded once, with who, from where, in which session and why")
  func changes() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let reason = [("X-Reason", "audit 7")]
      var expected: [String] = []
      func act(_ method: String, _ path: String, _ body: JSONValue?, _ operations: String...)
        async throws -> JSONValue
      {
        let answer = try await server.send(method, path, body, headers: reason)
        try #require(answer.status < 300, "\(method) \(path): \(answer.text)")
        expected += operations
        return answer.data
      }
      let contact = try await act("POST", "/api/contacts", ["lastName": "a"], "crm.contacts.create")
      let path = "/api/contacts/\(contact.id)"
      let lead = try await act("POST", "/api/leads", ["title": "b"], "crm.leads.create")
      _ = try await act("PATCH", path, ["phone": "1"], "crm.contacts.update")
      _ = try await act("PUT", path, ["lastName": "c"], "crm.contacts.update")
      _ = try await act("POST", "\(path)/tags", ["tags": ["x"]], "crm.contacts.update")
      _ = try await act("POST", "\(path)/notes", ["body": "n"], "crm.notes.create")
      let call = try await act(
        "POST", "\(path)/interactions", ["type": "call"], "crm.interactions.create")
      _ = try await act(
        "PATCH", "/api/interactions/\(call.id)/complete", nil, "crm.interactions.complete")
      let task = try await act("POST", "/api/tasks", ["title": "t"], "crm.tasks.create")
      _ = try await act("PATCH", "/api/tasks/\(task.id)/complete", nil, "crm.tasks.complete")
      _ = try await act("DELETE", path, nil, "crm.contacts.delete")
      _ = try await act("POST", "\(path)/restore", nil, "crm.contacts.restore")
      _ = try await act("PUT", "/api/preferences/x", [1], "crm.preferences.update")
      _ = try await act("DELETE", "/api/preferences/x", nil, "crm.preferences.delete")
      _ = try await act("POST", "/api/sync/refresh", nil, "crm.sync.refresh")
      let user = try await act(
        "POST", "/api/directory/users", ["email": "n@acme.example", "name": "N"],
        "crm.directory.users.create")
      _ = try await act(
        "PUT", "/api/directory/users/\(user.id)/password", ["password": "a long password"],
        "crm.directory.users.password")
      _ = try await act(
        "POST", "/api/directory/credits/top-up", ["amount": 1], "crm.directory.credits.top-up")
      _ = try await act(
        "POST", "/api/batch",
        [
          "operations": [["method": "DELETE", "path": .string("/api/leads/\(lead.id)?purge=true")]]
        ],
        "crm.leads.purge")
      _ = try await act("POST", "/api/activities", ["operation": "erp.x"], "erp.x")
      let told = try server.rows(
        """
        SELECT operation, json_extract(metadata, '$.reason'), user_id,
          json_extract(compliance, '$.ipAddress'), session_id LIKE 'jwt:%',
          json_extract(user_context, '$.user.name')
        FROM crm_activities ORDER BY seq
        """)
      #expect(told.compactMap { $0[0] } == expected)
      for entry in told {
        #expect(Array(entry.dropFirst()) == ["audit 7", "ada", "127.0.0.1", "1", "Ada Admin"])
      }
    }
  }

  @Test("a reason is kept as far as it may be long, and whatever is in it stays text")
  func reasons() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let hostile = #"\",\"reason\":1}'; DROP TABLE leads; -- "#
      let long = String(repeating: "r", count: 700)
      for (given, kept) in [(hostile, hostile.trimmed), (long, String(long.prefix(500)))] {
        let answer = try await server.send(
          "POST", "/api/leads", ["title": "x"], headers: [("X-Reason", given)])
        #expect(answer.status == 201)
        let id = answer.json["activityId"]?.string ?? ""
        let entry = try await server.send("GET", "/api/activities/\(id)")
        #expect(entry.data["metadata"]?["reason"]?.string == kept)
      }
      let answer = try await server.send(
        "POST", "/api/leads", ["title": 1], headers: [("X-Reason", "tried")])
      #expect(answer.status == 422)
      let failed = try await server.send("GET", "/api/activities?entityType=error")
      #expect(failed.data.array?.first?["metadata"]?["reason"] == "tried")
    }
  }
}

extension String {
  fileprivate var trimmed: String {
    String(reversed().drop { $0 == " " }.reversed())
  }
}
