import CRM
import Database
import EmbeddedWrapper
import JSON
import SQLite
import TestSupport
import Testing
import WrapperClient

/// `GET /api/search` and `q=`: who finds what.
@Suite struct SearchScopeTests {
  @Test("each kind is cut by the scope in which the caller may read it")
  func scopes() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (title, creator, owner) in [
        ("ada", "ada", "ada"), ("sam", "sam", "sam"), ("sue", "sue", "sue"),
        ("mara", "mara", "mara"), ("given to sam", "ada", "sam"), ("given by sam", "sam", "sue"),
        ("vic", "ada", "vic"), ("nobody", "ada", nil),
      ] as [(String, String, String?)] {
        _ = try await server.lead(
          [
            "title": .string(title), "company": "Common",
            "ownerId": owner.map(JSONValue.string) ?? .null,
          ], as: creator)
      }
      _ = try await server.contact(["firstName": "Common", "lastName": "Contact"])
      _ = try await server.send(
        "POST", "/api/tasks", ["title": "common task", "assignedTo": "mara", "ownerId": "ada"])
      _ = try await server.send("POST", "/api/deals", ["title": "common deal"])
      let all: Set = [
        "ada", "sam", "sue", "mara", "given to sam", "given by sam", "vic", "nobody",
        "Common Contact", "common task", "common deal",
      ]
      for (user, expected) in [
        "sam": ["sam", "given to sam", "given by sam", "Common Contact"],
        "sue": ["sue", "given by sam", "Common Contact"],
        "mara": ["sam", "mara", "given to sam", "vic", "common task"],
        "vic": all, "ada": all, "greta": [],
      ] as [String: Set<String>] {
        for text in ["common", "commo", "c"] {
          let answer = try await server.search(text, as: user)
          let found = answer.texts("title")
          #expect(Set(found).isSuperset(of: expected), "\(user) \(text)")
          #expect(text == "c" || Set(found) == expected, "\(user) \(text)")
        }
        let leads = try await server.send("GET", "/api/leads?q=common&count=true", as: user)
        let expectedLeads = expected.filter { !$0.lowercased().hasPrefix("common") }
        #expect(Set(leads.texts("title")) == expectedLeads, "\(user)")
        #expect(leads.json["total"] == .integer(expectedLeads.count), "\(user)")
      }
      // Kinds that may not be read are as if there were none of them.
      #expect(try await server.search("common", "&types=deal,task", as: "sam").data == [])
      #expect(try await server.search("common", "&types=deal,task", as: "sam").status == 200)
    }
  }

  @Test("who may find a record follows its owner and its assignee")
  func hands() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await server.lead(["title": "Handed", "ownerId": "ada"]).id
      func finders() async throws -> [String] {
        var finders: [String] = []
        for user in ["ada", "mara", "sam", "sue"] {
          let ids = try await server.search("handed", as: user).texts("id")
          if ids == [lead] { finders.append(user) }
        }
        return finders
      }
      #expect(try await finders() == ["ada"])
      _ = try await server.send("PATCH", "/api/leads/\(lead)", ["ownerId": "sam"])
      #expect(try await finders() == ["ada", "mara", "sam"])
      _ = try await server.send("PATCH", "/api/leads/\(lead)", ["ownerId": "sue"])
      #expect(try await finders() == ["ada", "sue"])
      let task = try await server.send(
        "POST", "/api/tasks", ["title": "Given", "ownerId": "ada", "assignedTo": "sue"]
      ).data.id
      #expect(try await server.search("given", as: "mara").data == [])
      _ = try await server.send("PATCH", "/api/tasks/\(task)", ["assignedTo": "mara"])
      #expect(try await server.search("given", as: "mara").texts("id") == [task])
      _ = try await server.send("PATCH", "/api/tasks/\(task)", ["assignedTo": nil])
      #expect(try await server.search("given", as: "mara").data == [])
      try await server.checkFullText()
    }
  }

  @Test("a private note is found by its creator alone, and by others once it is public")
  func privateNotes() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["lastName": "Parent", "ownerId": "mara"]).id
      let note = try await server.send(
        "POST", "/api/contacts/\(contact)/notes", as: "mara",
        ["body": "Confidential matter", "visibility": "private"]
      ).data.id
      func finders() async throws -> [String] {
        var finders: [String] = []
        for user in ["ada", "mara", "pia", "vic", "greta"] {
          let found = try await server.search("confid", as: user).texts("id")
          let listed = try await server.send(
            "GET", "/api/notes?q=confidential&count=true", as: user)
          #expect(listed.texts("id") == found, "\(user)")
          #expect(listed.json["total"] == .integer(found.count), "\(user)")
          if found == [note] { finders.append(user) }
        }
        return finders
      }
      #expect(try await finders() == ["mara"])
      _ = try await server.send("PATCH", "/api/notes/\(note)", as: "mara", ["visibility": "public"])
      #expect(try await finders() == ["ada", "mara", "pia", "vic"])
      _ = try await server.send(
        "PATCH", "/api/notes/\(note)", as: "mara", ["visibility": "private", "ownerId": "ada"])
      #expect(try await finders() == ["mara"])
      try await server.checkFullText()
    }
  }

  @Test("few records of one's own are found among thousands of others with the same words")
  func fewAmongMany() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      // Written behind the server, which is told to gather their words: some thousands by the API
      // would take long.
      let one = try await server.lead(["title": "Everywhere 1", "ownerId": "sam"], as: "sam")
      _ = try await server.lead(["title": "Everywhere 2", "ownerId": "sue"])
      _ = try await server.database.write { connection in
        try connection.run(
          """
          \(PreparedStatements.testMark)INSERT INTO leads (
            tenant_id, id, owner_id, created_by, created_at, updated_at, title, title_folded,
            priority, status)
          WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 5000)
          SELECT 'acme', printf('0190a0b0-0000-7000-8000-%012d', n), 'ada', 'ada',
            '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 'Everywhere' || n,
            'everywhere' || n, 'low', 'new'
          FROM number
          """)
        try connection.run("\(PreparedStatements.testMark)UPDATE search_format SET number = -1")
      }
      #expect(try await server.store.updateSearchFormat() ?? 0 >= 5002)
      for text in ["everywhere", "every", "ev", "e", "everywhere1"] {
        let mine = try await server.search(text, as: "sam")
        #expect(mine.texts("id") == (text == "everywhere1" ? [] : [one.id]), "\(text)")
        let listed = try await server.send(
          "GET", "/api/leads?count=true&q=\(text)", as: "sam")
        #expect(listed.texts("id") == mine.texts("id"), "\(text)")
      }
      for (text, count) in [
        ("everywhere", 5002), ("everyw", 5002), ("e", 5002), ("everywhere49", 111),
        ("everywhere4999", 1), ("everywhere every", 5002),
      ] {
        var seen: Set<String> = []
        var cursor = ""
        var pages = 0
        repeat {
          let page = try await server.search(text, "&limit=200\(cursor)")
          seen.formUnion(page.texts("id"))
          cursor = page.json["nextCursor"]?.string.map { "&cursor=\($0)" } ?? ""
          pages += 1
        } while !cursor.isEmpty && pages < 100
        #expect(seen.count == count, "\(text)")
        let listed = try await server.send(
          "GET", "/api/leads?count=true&limit=5&q=\(encoded(text))")
        #expect(listed.json["total"] == .integer(count), "\(text)")
        #expect(listed.data.array?.count == min(5, count), "\(text)")
      }
      try await server.checkFullText()
    }
  }
}
