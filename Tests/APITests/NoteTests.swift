import CRM
import JSON
import TestSupport
import Testing

/// Notes: below what they hang from, and the private ones for nobody but their creator.
@Suite struct NoteTests {
  /// A contact of ada's, as the path of its notes.
  private static func notesPath(_ server: TestServer) async throws -> String {
    let contact = try await server.contact(["lastName": "Curie"])
    return "/api/customers/\(try #require(contact["id"]?.string))/notes"
  }

  @Test("a note hangs from the record that the path names, and is found by itself as well")
  func belowARecord() async throws {
    try await TestServer.run { server in
      let path = try await Self.notesPath(server)
      let created = try await server.send("POST", path, ["body": "Likes radium."])
      #expect(created.status == 201, "\(created.text)")
      let note = try #require(created.json["data"])
      let id = try #require(note["id"]?.string)
      #expect(note["entityType"] == "contact")
      #expect(path.contains(note["entityId"]?.string ?? "-"))
      #expect(note["type"] == "general")
      #expect(note["visibility"] == "public")
      #expect(note["pinned"] == false)
      #expect(created.header("Location") == "/api/notes/\(id)")

      for place in [
        "\(path)/\(id)", "/api/notes/\(id)", "/api/contacts\(path.dropFirst(14))/\(id)",
      ] {
        #expect(try await server.send("GET", place).json["data"]?["body"] == "Likes radium.")
      }
      let changed = try await server.send("PATCH", "\(path)/\(id)", ["pinned": true])
      #expect(changed.json["data"]?["pinned"] == true)
      for list in [path, "/api/notes?pinned=true", "/api/notes?q=radium"] {
        #expect(try await server.send("GET", list).json["data"]?.array?.count == 1, "\(list)")
      }
      #expect(try await server.send("DELETE", "\(path)/\(id)").status == 200)
      #expect(try await server.send("GET", path).json["data"] == [])
      #expect(try await server.send("POST", "\(path)/\(id)/restore").status == 200)
      #expect(try await server.send("GET", "\(path)/\(id)").status == 200)
    }
  }

  @Test("below another record there is no such note, and below no record there is nothing")
  func belowAnother() async throws {
    try await TestServer.run { server in
      let path = try await Self.notesPath(server)
      let note = try await server.send("POST", path, ["body": "Hers."]).json["data"]
      let id = try #require(note?["id"]?.string)
      let other = try await Self.notesPath(server)
      for method in ["GET", "DELETE"] {
        #expect(try await server.send(method, "\(other)/\(id)").status == 404)
      }
      #expect(try await server.send("PATCH", "\(other)/\(id)", ["body": "x"]).status == 404)
      let nowhere = "/api/contacts/019a0000-0000-7000-8000-000000000000/notes"
      #expect(try await server.send("GET", nowhere).status == 404)
      #expect(try await server.send("POST", nowhere, ["body": "x"]).status == 404)
      let elsewhere = try await server.send(
        "POST", path, ["body": "x", "entityId": "019a0000-0000-7000-8000-000000000000"])
      #expect(elsewhere.status == 422)
      #expect(elsewhere.json["errors"]?.array?.first?["pointer"] == "/entityId")
      let orphan = try await server.send(
        "POST", "/api/notes",
        [
          "body": "x", "entityType": "deal",
          "entityId": "019a0000-0000-7000-8000-000000000000",
        ])
      #expect(orphan.status == 422)
      #expect(orphan.json["errors"]?.array?.first?["code"] == "unknown_reference")
      let free = try await server.send("POST", "/api/notes", ["body": "x"])
      #expect(free.status == 422)
    }
  }

  @Test("notes of a contact that the caller may not read are 404")
  func unreadableParent() async throws {
    try await TestServer.run { server in
      let lead = try await server.lead(["title": "Ada's own"])
      let path = "/api/leads/\(try #require(lead["id"]?.string))/notes"
      #expect(try await server.send("GET", path, as: "mara").status == 404)
      #expect(try await server.send("POST", path, as: "mara", ["body": "x"]).status == 404)
      #expect(try await server.send("GET", path, as: "greta").status == 404)
    }
  }

  @Test("a private note is 404 for everybody but its creator, and is in no list, count or search")
  func privateNote() async throws {
    try await TestServer.run { server in
      let path = try await Self.notesPath(server)
      let created = try await server.send(
        "POST", path, as: "mara", ["body": "Secretly engaged.", "visibility": "private"])
      // Mara reaches what her team owns; the contact is ada's.
      #expect(created.status == 404)
      let own = try await server.contact(["lastName": "Meitner"], as: "mara")
      let ownPath = "/api/contacts/\(try #require(own["id"]?.string))/notes"
      let note = try await server.send(
        "POST", ownPath, as: "mara", ["body": "Secretly engaged.", "visibility": "private"])
      #expect(note.status == 201, "\(note.text)")
      let id = try #require(note.json["data"]?["id"]?.string)

      for user in ["ada", "vic"] {
        for place in ["\(ownPath)/\(id)", "/api/notes/\(id)"] {
          #expect(try await server.send("GET", place, as: user).status == 404)
        }
        for list in [
          ownPath, "/api/notes", "/api/notes?q=engaged", "/api/notes?visibility=private",
        ] {
          let answer = try await server.send(
            "GET", list + (list.contains("?") ? "&" : "?") + "count=true", as: user)
          #expect(answer.json["data"] == [], "\(user) \(list)")
          #expect(answer.json["total"] == 0, "\(user) \(list)")
        }
      }
      for method in ["PUT", "PATCH"] {
        let answer = try await server.send(method, "/api/notes/\(id)", ["body": "found you"])
        #expect(answer.status == 404)
      }
      #expect(try await server.send("DELETE", "/api/notes/\(id)?purge=true").status == 404)
      let mine = try await server.send("GET", "/api/notes?q=engaged&count=true", as: "mara")
      #expect(mine.json["total"] == 1)

      // Nor does the log tell what it says.
      let told = try server.rows(
        "SELECT count(*) FROM crm_activities WHERE metadata LIKE '%engaged%'")
      #expect(told == [["0"]])
    }
  }

  @Test("a private note is in the recent activity of its creator's dashboard alone")
  func privateOnTheDashboard() async throws {
    try await TestServer.run { server in
      let path = try await Self.notesPath(server)
      let open = try await server.send("POST", path, ["body": "For all."])
      let own = try await server.send("POST", path, ["body": "Mine.", "visibility": "private"])
      #expect([open.status, own.status] == [201, 201])
      func shown(to user: String) async throws -> [JSONValue?] {
        let answer = try await server.send("GET", "/api/stats/dashboard", as: user)
        #expect(answer.status == 200)
        return (answer.data["recentActivity"]?.array ?? [])
          .filter { $0["entityType"] == "note" }.map { $0["entityId"] }
      }
      #expect(try await shown(to: "ada") == [own.data["id"], open.data["id"]])
      #expect(try await shown(to: "vic") == [open.data["id"]])
    }
  }

  @Test("a note made public is found by all, made private again by its creator alone")
  func changingVisibility() async throws {
    try await TestServer.run { server in
      let path = try await Self.notesPath(server)
      let note = try await server.send(
        "POST", path, ["body": "Polonium", "visibility": "private"])
      let id = try #require(note.json["data"]?["id"]?.string)
      func found() async throws -> Int? {
        try await server.send("GET", "/api/notes?q=polonium", as: "vic").json["data"]?.array?.count
      }
      #expect(try await found() == 0)
      _ = try await server.send("PATCH", "/api/notes/\(id)", ["visibility": "public"])
      #expect(try await found() == 1)
      _ = try await server.send("PATCH", "/api/notes/\(id)", ["visibility": "private"])
      #expect(try await found() == 0)
    }
  }

  @Test("what happens to a private note is in nobody else's dashboard")
  func privateActivity() async throws {
    try await TestServer.run { server in
      let path = try await Self.notesPath(server)
      let note = try await server.send(
        "POST", path, as: "pia", ["body": "Polonium", "visibility": "private"])
      let id = try #require(note.json["data"]?["id"]?.string)
      func entities(_ user: String) async throws -> [String?] {
        let answer = try await server.send("GET", "/api/stats/dashboard", as: user)
        return (answer.data["recentActivity"]?.array ?? []).map { $0["entityId"]?.string }
      }
      let failed = try await server.send("PATCH", "/api/notes/\(id)", as: "pia", ["type": "song"])
      #expect(failed.status == 422)
      #expect(try await entities("pia").filter { $0 == id }.count == 2)
      #expect(try await entities("ada") != [])
      #expect(try await entities("ada").contains(id) == false)
      _ = try await server.send("PATCH", "/api/notes/\(id)", as: "pia", ["visibility": "public"])
      #expect(try await entities("ada").contains(id))
    }
  }

  @Test("who acts for another reaches what both reach, and no private note of the other")
  func actingForAnother() async throws {
    try await TestServer.run { server in
      let contact = try await server.contact(["lastName": "Meitner"], as: "mara")
      let path = "/api/contacts/\(try #require(contact["id"]?.string))/notes"
      let hidden = try await server.send(
        "POST", path, as: "mara", ["body": "Secret", "visibility": "private"])
      let open = try await server.send("POST", path, as: "mara", ["body": "Open"])
      func change(_ note: TestResponse) async throws -> TestResponse {
        let id = try #require(note.json["data"]?["id"]?.string)
        return try await server.send(
          "PATCH", "/api/notes/\(id)", as: "ada", ["userId": "mara", "pinned": true])
      }
      let refused = try await change(hidden)
      #expect(refused.status == 404)
      #expect(refused.json["data"] == nil)
      #expect(try await change(open).status == 200)
      // Ada may do it to any note, Mara to those of her team only.
      let own = try await server.send(
        "POST", try await Self.notesPath(server), ["body": "Ada's own"])
      #expect(try await change(own).status == 404)
    }
  }
}
