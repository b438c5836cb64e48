import CRM
import Database
import JSON
import SQLite
import TestSupport
import Testing
import Values
import WrapperClient

/// Reminders that fire when a task's `remindAt` comes.
@Suite struct ReminderTests {
  private static func later(_ clock: TestClock, hours: Int64) -> JSONValue {
    .string(clock.source.now().advanced(byMilliseconds: hours * 3_600_000).rfc3339)
  }

  /// The titles of what a user was reminded of.
  private static func titles(_ server: TestServer, _ user: String = "ada") async throws -> [String]
  {
    try await server.send("GET", "/api/reminders", as: user).texts("title")
  }

  @Test("a reminder fires once, for who has to do the task, as a list entry and an event")
  func fires() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      let due = Self.later(clock, hours: 2)
      let task = try await server.created(
        "/api/tasks", ["title": "Ada's", "remindAt": due, "dueAt": Self.later(clock, hours: 3)])
      _ = try await server.created(
        "/api/tasks", ["title": "Mara's", "remindAt": due, "assignedTo": "mara"])
      let next = try await server.store.fireReminders()
      #expect(next?.rfc3339 == due.string)
      #expect(try await Self.titles(server) == [])
      clock.advance(hours: 2)
      #expect(try await server.store.fireReminders() == nil)
      #expect(try await server.store.fireReminders() == nil)
      let list = try await server.send("GET", "/api/reminders?count=true")
      #expect(list.json["total"] == 1)
      let reminder = list.data.array?.first ?? .null
      #expect(reminder["title"] == "Ada's")
      #expect(reminder["taskId"] == .string(task.id))
      #expect(reminder["remindAt"] == due)
      #expect(reminder["dueAt"] == task["dueAt"])
      #expect(try await Self.titles(server, "mara") == ["Mara's"])
      // The task itself has not changed.
      #expect(try await server.send("GET", "/api/tasks/\(task.id)").data == task)
      #expect(
        try server.rows(
          """
          SELECT entity_type, version, private_to FROM change_log
          WHERE action = 'reminder' ORDER BY private_to
          """) == [["task", "1", "ada"], ["task", "1", "mara"]])
    }
  }

  @Test("another remindAt reminds again; what is done, dropped or in the trash does not")
  func rearms() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      let paths = try await withThrowingTaskGroup(of: (Int, String).self) { group in
        for index in 0..<4 {
          group.addTask {
            let task = try await server.created(
              "/api/tasks",
              ["title": .string("\(index)"), "remindAt": Self.later(clock, hours: 1)])
            return (index, "/api/tasks/\(task.id)")
          }
        }
        return try await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
      }
      func path(_ index: Int) throws -> String { try #require(paths[index]) }
      _ = try await server.send("PATCH", "\(try path(1))/complete")
      _ = try await server.changed(try path(2), ["status": "cancelled"])
      _ = try await server.send("DELETE", try path(3))
      clock.advance(hours: 1)
      _ = try await server.store.fireReminders()
      #expect(try await Self.titles(server) == ["0"])
      // The same time again is nothing new, another one is; the newer replaces the older.
      let first = try await server.send("GET", try path(0)).data
      _ = try await server.changed(
        try path(0), ["title": "0 again", "remindAt": first["remindAt"] ?? .null])
      _ = try await server.store.fireReminders()
      #expect(try await Self.titles(server) == ["0 again"])
      _ = try await server.changed(try path(0), ["remindAt": Self.later(clock, hours: 1)])
      clock.advance(hours: 1)
      _ = try await server.store.fireReminders()
      let list = try await server.send("GET", "/api/reminders")
      #expect(list.texts("title") == ["0 again"])
      #expect(list.texts("remindAt") != [first["remindAt"]?.string ?? ""])
      // What comes back from the trash is still to be reminded of.
      _ = try await server.send("POST", "\(try path(3))/restore")
      _ = try await server.store.fireReminders()
      #expect(try await Self.titles(server) == ["3", "0 again"])
      // What gets done needs no reminder any more, and what is gone has none.
      _ = try await server.send("PATCH", "\(try path(0))/complete")
      #expect(try await Self.titles(server) == ["3"])
      _ = try await server.send("DELETE", "\(try path(3))?purge=true")
      #expect(try await Self.titles(server) == [])
    }
  }

  @Test("a reminder is dismissed by its user alone, and the list has pages")
  func dismiss() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      for number in 0..<3 {
        _ = try await server.created(
          "/api/tasks", ["title": .string("\(number)"), "remindAt": Self.later(clock, hours: -1)])
        _ = try await server.store.fireReminders()
        clock.advance(seconds: 1)
      }
      let page = try await server.send("GET", "/api/reminders?limit=2")
      #expect(page.texts("title") == ["2", "1"])
      let cursor = try #require(page.json["nextCursor"]?.string)
      let rest = try await server.send("GET", "/api/reminders?limit=2&cursor=\(cursor)")
      #expect(rest.texts("title") == ["0"])
      #expect(rest.json["nextCursor"] == .null)
      #expect(
        try await server.send("GET", "/api/reminders?cursor=\(cursor)", as: "mara").status == 400)
      let path = "/api/reminders/\(page.texts("id")[0])"
      for user in ["mara", "greta"] {
        #expect(try await server.send("DELETE", path, as: user).status == 404)
      }
      let dismissed = try await server.send("DELETE", path)
      #expect(dismissed.status == 200)
      #expect(dismissed.json["success"] == true)
      #expect(dismissed.json["creditsDeducted"] == 0)
      #expect(try await server.send("DELETE", path).status == 404)
      #expect(try await Self.titles(server) == ["1", "0"])
      #expect(
        try server.rows(
          """
          SELECT operation FROM crm_activities
          WHERE entity_id = '\(page.texts("id")[0])' AND entity_type = 'reminder'
          """) == [["crm.reminders.dismiss"]])
    }
  }

  @Test("who may not read the task any more does not see the reminder either")
  func scope() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await server.addUsers([("own", ["crm.tasks.read:own"]), ("none", ["crm.leads.read"])])
      let past: JSONValue = "2020-01-01T00:00:00Z"
      let task = try await server.created(
        "/api/tasks", ["title": "T", "remindAt": past, "assignedTo": "own"])
      _ = try await server.created(
        "/api/tasks", ["title": "U", "remindAt": past, "assignedTo": "none"])
      _ = try await server.store.fireReminders()
      #expect(try await Self.titles(server, "own") == ["T"])
      #expect(try await Self.titles(server, "none") == [])
      _ = try await server.changed("/api/tasks/\(task.id)", ["assignedTo": "ada"])
      #expect(try await Self.titles(server, "own") == [])
    }
  }

  @Test("whoever fires them sleeps until the next, and wakes for one that is set in between")
  func loop() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let loop = Task { [store = server.store] in
        await store.remind { Issue.record("reminding failed: \($0)") }
      }
      defer { loop.cancel() }
      func soon(milliseconds: Int64) -> JSONValue {
        .string(server.time.now().advanced(byMilliseconds: milliseconds).rfc3339)
      }
      // The second is set while the loop sleeps for the first, and comes before it.
      _ = try await server.created(
        "/api/tasks", ["title": "in an hour", "remindAt": soon(milliseconds: 3_600_000)])
      _ = try await server.created(
        "/api/tasks", ["title": "soon", "remindAt": soon(milliseconds: 300)])
      _ = try await server.created(
        "/api/tasks", ["title": "past", "remindAt": "2020-01-01T00:00:00Z"])
      let reminded = """
        SELECT t.title FROM reminders AS r JOIN tasks AS t
          ON t.tenant_id = r.tenant_id AND t.id = r.task_id ORDER BY r.fired_at
        """
      #expect(
        await eventually { (try? server.rows(reminded)) == [["past"], ["soon"]] })
      // Not before its time.
      let early = try server.rows(
        "SELECT count(*) FROM reminders WHERE tenant_id = 'acme' AND fired_at < remind_at")
      #expect(early == [["0"]])
    }
  }

  @Test("what came due while the server was away fires once, however much it is")
  func restart() async throws {
    let folder = try TemporaryFolder()
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source, folder: folder) { server in
      let task = try await server.created(
        "/api/tasks", ["title": "T", "remindAt": Self.later(clock, hours: 1)])
      _ = try await server.database.write { connection in
        try connection.run(
          """
          /* test */ WITH RECURSIVE numbers (i) AS (
            SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 250)
          INSERT INTO tasks (tenant_id, id, owner_id, created_by, created_at, updated_at, title,
            title_folded, status, priority, remind_at)
          SELECT tenant_id, 'copy ' || i, owner_id, created_by, created_at, updated_at, title,
            title_folded, status, priority, remind_at
          FROM tasks, numbers WHERE id = ?
          """, [.text(task.id)])
      }
    }
    clock.advance(hours: 5)
    for _ in 1...2 {
      try await TestServer.run(creditCheck: .off, time: clock.source, folder: folder) { server in
        let loop = Task { [store = server.store] in
          await store.remind { Issue.record("reminding failed: \($0)") }
        }
        #expect(
          await eventually {
            (try? server.rows("SELECT count(*) FROM reminders")) == [["251"]]
          })
        let next = try await server.store.fireReminders()
        #expect(next == nil)
        loop.cancel()
        await loop.value
        #expect(
          try server.rows("SELECT count(*) FROM change_log WHERE action = 'reminder'")
            == [["251"]])
      }
    }
  }
}
