import JSON
import TestSupport
import Testing
import WrapperClient

/// Things to do.
@Suite struct TaskTests {
  @Test("completing sets the status and when; opening it again takes that back")
  func complete() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      let task = try await server.created("/api/tasks", ["title": "Call"])
      #expect(task["status"] == "open")
      #expect(task["priority"] == "medium")
      #expect(task["completedAt"] == .null)
      let path = "/api/tasks/\(task.id)"
      let done = try await server.send("PATCH", "\(path)/complete")
      #expect(done.status == 200)
      #expect(done.data["status"] == "done")
      let completedAt = try #require(done.data["completedAt"]?.string)
      #expect(done.header("ETag") == "\"2\"")
      clock.advance(hours: 1)
      // Once more changes nothing.
      let again = try await server.send("PATCH", "\(path)/complete", [:])
      #expect(again.data == done.data)
      let replaced = try await server.send("PUT", path, ["title": "Call", "status": "done"])
      #expect(replaced.data["completedAt"]?.string == completedAt)
      let open = try await server.changed(path, ["status": "in_progress"])
      #expect(open["completedAt"] == .null)
      let refused = try await server.send("PATCH", "\(path)/complete", ["title": "Other"])
      #expect(refused.issues == ["/title unknown_member"])
      let stale = try await server.send(
        "PATCH", "\(path)/complete", headers: [("If-Match", "\"1\"")])
      #expect(stale.status == 412)
      #expect(try await server.send("PATCH", "\(path)/complete", as: "sam").status == 403)
      #expect(try await server.send("PATCH", "\(path)/complete", as: "greta").status == 404)
      #expect(
        try server.rows(
          """
          SELECT DISTINCT operation FROM crm_activities
          WHERE entity_type = 'task' AND operation LIKE '%complete'
          """) == [["crm.tasks.complete"]])
    }
  }

  @Test("overdue are those that are not done in time, mine those that the caller has to do")
  func conditions() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let tasks: [JSONValue] = [
        ["title": "late", "dueAt": "2020-01-01T00:00:00Z"],
        ["title": "late and begun", "dueAt": "2020-01-01T00:00:00Z", "status": "in_progress"],
        ["title": "done", "dueAt": "2020-01-01T00:00:00Z", "status": "done"],
        ["title": "dropped", "dueAt": "2020-01-01T00:00:00Z", "status": "cancelled"],
        ["title": "in time", "dueAt": "2120-01-01T00:00:00Z", "assignedTo": "mara"],
        ["title": "some time", "ownerId": "mara"],
        ["title": "passed on", "ownerId": "mara", "assignedTo": "ada"],
      ]
      for task in tasks { _ = try await server.created("/api/tasks", task) }
      func titles(_ query: String, as user: String = "ada") async throws -> Set<String> {
        Set(try await server.send("GET", "/api/tasks?\(query)", as: user).texts("title"))
      }
      #expect(try await titles("overdue=true") == ["late", "late and begun"])
      #expect(
        try await titles("overdue=false") == [
          "done", "dropped", "in time", "some time", "passed on",
        ])
      #expect(try await titles("mine=true", as: "mara") == ["in time", "some time"])
      #expect(
        try await titles("mine=true&overdue=false")
          == ["done", "dropped", "passed on"])
      #expect(try await titles("mine=false") == ["in time", "some time"])
      #expect(try await server.send("GET", "/api/tasks?overdue=yes").status == 400)
    }
  }

  @Test("a task is about a record, which it outlives without the link")
  func link() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Ann"])
      let company = try await server.created("/api/companies", ["name": "Ann & Co"])
      let lead = try await server.lead(["title": "L"])
      let deal = try await server.deal(["title": "D", "contactId": .string(contact.id)])
      for (type, record, paths) in [
        ("contact", contact, "contacts"), ("company", company, "companies"),
        ("lead", lead, "leads"), ("deal", deal, "deals"),
      ] {
        let task = try await server.created(
          "/api/tasks",
          ["title": "T", "entityType": .string(type), "entityId": .string(record.id)])
        let list = try await server.send(
          "GET", "/api/tasks?entityType=\(type)&entityId=\(record.id)")
        #expect(list.texts("id") == [task.id])
        let wrong = try await server.send(
          "POST", "/api/tasks",
          ["title": "T", "entityType": .string(type), "entityId": .string(task.id)])
        #expect(wrong.issues == ["/entityId unknown_reference"])
        _ = try await server.send("DELETE", "/api/\(paths)/\(record.id)?purge=true")
        let after = try await server.send("GET", "/api/tasks/\(task.id)").data
        #expect(after["entityType"] == .null)
        #expect(after["entityId"] == .null)
        #expect(after.version == 2)
      }
      let half = try await server.send("POST", "/api/tasks", ["title": "T", "entityType": "deal"])
      #expect(half.issues == ["/entityId required"])
      let strange = try await server.send(
        "POST", "/api/tasks", ["title": "T", "entityType": "boat", "entityId": .string(deal.id)])
      #expect(strange.issues.contains("/entityType invalid_choice"))
    }
  }
}
