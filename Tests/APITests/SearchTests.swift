import CRM
import Database
import JSON
import SQLite
import TestSupport
import Testing
import WrapperClient

/// `GET /api/search`: what is found among all kinds of records, and what it looks like.
@Suite struct SearchTests {
  static let types = ["contact", "company", "lead", "deal", "task", "note", "interaction", "file"]

  /// A record of every kind that has `word`, by entity type: the path of each.
  static func fill(_ server: TestServer, _ word: String) async throws -> [String: String] {
    var paths: [String: String] = [:]
    for (type, path, body) in [
      ("contact", "/api/contacts", ["firstName": .string(word), "lastName": "Person"]),
      ("company", "/api/companies", ["name": .string("\(word) Works")]),
      ("lead", "/api/leads", ["title": .string("The \(word) lead")]),
      ("deal", "/api/deals", ["title": .string("The \(word) deal")]),
      ("task", "/api/tasks", ["title": "Call", "description": .string("about \(word)s")]),
    ] as [(String, String, JSONValue)] {
      let answer = try await server.send("POST", path, body)
      try #require(answer.status == 201, "\(answer.text)")
      paths[type] = "\(path)/\(answer.data.id)"
    }
    let company = try await server.send("POST", "/api/companies", ["name": "Parent"]).data.id
    for (type, name, body) in [
      ("note", "notes", ["body": .string("We spoke of the \(word).")]),
      (
        "interaction", "interactions",
        ["type": "call", "subject": .string("\(word)?"), "description": "Long."]
      ),
    ] as [(String, String, JSONValue)] {
      let answer = try await server.send("POST", "/api/companies/\(company)/\(name)", body)
      try #require(answer.status == 201, "\(answer.text)")
      paths[type] = "/api/\(name)/\(answer.data.id)"
    }
    let file = try await server.file(
      [1, 2, 3], named: "\(word).txt", at: "/api/companies/\(company)")
    paths["file"] = "/api/files/\(file.id)"
    paths["parent"] = "/api/companies/\(company)"
    return paths
  }

  @Test("records of every kind are found by their words, with what they are called and the hit")
  func everyKind() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let paths = try await Self.fill(server, "Quasar")
      let answer = try await server.search("quasar")
      #expect(answer.status == 200)
      #expect(Set(answer.texts("entityType")) == Set(Self.types))
      #expect(answer.json["nextCursor"] == .null)
      for hit in answer.data.array ?? [] {
        let type = hit["entityType"]?.string ?? ""
        #expect(paths[type]?.hasSuffix(hit.id) == true, "\(type)")
        #expect(hit["snippet"]?.string?.contains("<mark>") == true, "\(type)")
        #expect(hit.object?.names == ["entityType", "id", "title", "snippet", "score"])
      }
      let titles = Dictionary(
        uniqueKeysWithValues: (answer.data.array ?? []).map {
          ($0["entityType"]?.string ?? "", $0["title"]?.string ?? "")
        })
      #expect(
        titles == [
          "contact": "Quasar Person", "company": "Quasar Works", "lead": "The Quasar lead",
          "deal": "The Quasar deal", "task": "Call", "note": "We spoke of the Quasar.",
          "interaction": "Quasar?", "file": "Quasar.txt",
        ])
      for types in [["contact"], ["deal", "note"], ["file"], Self.types] {
        let some = try await server.search("quas", "&types=\(types.joined(separator: ","))")
        #expect(Set(some.texts("entityType")) == Set(types))
      }
      #expect(try await server.search("quasar", as: "greta").data == [])
    }
  }

  @Test("what changes, goes into the trash, comes back and is purged is found accordingly")
  func life() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let paths = try await Self.fill(server, "Nebula")
      let members = [
        "contact": "firstName", "company": "name", "lead": "title", "deal": "title",
        "task": "description", "note": "body", "interaction": "subject", "file": "name",
      ]
      func found(_ text: String) async throws -> Set<String> {
        Set(try await server.search(text).texts("entityType"))
      }
      for type in Self.types {
        let path = paths[type] ?? ""
        let changed = try await server.send(
          "PATCH", path, [members[type] ?? "": .string("Pulsar \(type)")])
        #expect(changed.status == 200, "\(type) \(changed.text)")
        #expect(try await !found("nebula").contains(type))
        #expect(try await found("pulsar \(type)") == [type])
        #expect(try await server.send("DELETE", path).status == 200)
        #expect(try await found("pulsar \(type)") == [])
        #expect(try await server.send("POST", "\(path)/restore").status == 200)
        #expect(try await found("pulsar \(type)") == [type])
      }
      let parent = paths["parent"] ?? ""
      let hanging: Set = ["note", "interaction", "file"]
      #expect(try await server.send("DELETE", parent).status == 200)
      #expect(try await found("pulsar") == Set(Self.types).subtracting(hanging))
      #expect(try await server.send("POST", "\(parent)/restore").status == 200)
      #expect(try await found("pulsar") == Set(Self.types))
      #expect(try await server.send("DELETE", "\(parent)?purge=true").status == 200)
      #expect(try await found("pulsar") == Set(Self.types).subtracting(hanging))
      for type in Self.types where !hanging.contains(type) {
        let path = "\(paths[type] ?? "")?purge=true"
        #expect(try await server.send("DELETE", path).status == 200)
        #expect(try await found("pulsar \(type)") == [])
      }
      try await server.checkFullText()
      #expect(
        try server.rows("SELECT count(*) FROM search_documents WHERE entity_type <> 'pipeline'")
          == [["0"]])
    }
  }

  @Test("words are found by their beginnings, and addresses by their parts")
  func words() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let miller = try await server.contact([
        "firstName": "Jöhn", "lastName": "Miller-Øst", "email": "john.miller@mail.example.org",
      ]).id
      for text in [
        "miller", "MILL", "m", "jo", "jöhn", "john.m", "john.miller@mail.example.org", "example",
        "example.org", "mail.exa", "ost", "Øst", "john mill", "miller john", "millerost m",
      ] {
        let expected = text == "millerost m" ? [] : [miller]
        #expect(try await server.search(text).texts("id") == expected, "\(text)")
      }
      for text in ["iller", "john.x", "johnmiller", "xample", "john mary"] {
        #expect(try await server.search(text).data == [], "\(text)")
      }
    }
  }

  @Test("phone numbers are found in any notation, from any start that people use")
  func phones() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let abroad = try await server.contact(["lastName": "Abroad", "phone": "+49 30 1234567"]).id
      let home = try await server.contact(["lastName": "Home", "phone": "030/765 43-21"]).id
      let trunk = try await server.contact(["lastName": "T", "phone": "+44 (0)20 7946 0018"]).id
      for (text, expected) in [
        ("+49 30 1234567", abroad), ("+49301234567", abroad), ("0049 30 1234567", abroad),
        ("030 1234567", abroad), ("(030) 123 45 67", abroad), ("1234567", abroad),
        ("123-4567", abroad), ("4567", abroad), ("+49 (30) 1234", abroad), ("030/1234", abroad),
        ("abroad 030 1234", abroad), ("4930123", abroad),
        ("0307654321", home), ("+49 30 7654321", home), ("+49 (30) 7654", home), ("4321", home),
        ("0049307654321", home), ("030 765", home), ("76543", home),
        ("+44 20 7946 0018", trunk), ("020 79460018", trunk), ("0018", trunk),
        ("+44 (0) 20 7946", trunk), ("7946 00", trunk),
      ] {
        #expect(try await server.search(text).texts("id") == [expected], "\(text)")
      }
      for text in ["7654321 abroad", "99999", "567", "+49 40 1234567", "44 30 1234567"] {
        #expect(try await server.search(text).data == [], "\(text)")
      }
      let hit = try await server.search("030 1234")
      #expect(hit.texts("snippet") == ["+49 <mark>30 1234</mark>567"])
    }
  }

  @Test("titles come before other text, whole words before beginnings, the newest before the older")
  func ranks() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let bodies: [(String, JSONValue)] = [
        ("body prefix", ["title": "1", "description": "orionis"]),
        ("body whole", ["title": "2", "description": "by orion"]),
        ("title prefix", ["title": "Orionis"]),
        ("title whole", ["title": "Orion", "description": "x"]),
        ("title whole, newer", ["title": "to Orion"]),
        ("both prefix", ["title": "Orionis belt", "description": "orionid"]),
      ]
      var names: [String: String] = [:]
      for (name, body) in bodies {
        names[try await server.send("POST", "/api/tasks", body).data.id] = name
      }
      let answer = try await server.search("orion")
      #expect(
        answer.texts("id").map { names[$0] } == [
          "title whole, newer", "title whole", "both prefix", "title prefix", "body whole",
          "body prefix",
        ])
      let scores = answer.all("score").compactMap { Double($0.text) }
      #expect(scores == scores.sorted(by: >))
      #expect(scores.count == 6)
      #expect(scores.last ?? 0 > 0)
      // Page by page it is the same.
      var seen: [String] = []
      var cursor = ""
      repeat {
        let page = try await server.search("orion", "&limit=1\(cursor)")
        seen += page.texts("id")
        cursor = page.json["nextCursor"]?.string.map { "&cursor=\($0)" } ?? ""
      } while !cursor.isEmpty && seen.count < 10
      #expect(seen == answer.texts("id"))
    }
  }

  @Test("of several words those in the title count, wherever the others stand")
  func severalWords() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      var names: [String: String] = [:]
      for (title, description) in [
        ("none", "vega works with altair"), ("altairs", "of vega"), ("vega", "and altair"),
        ("Altair", "nothing"), ("Vega Altair", ""),
      ] {
        let id = try await server.send(
          "POST", "/api/tasks", ["title": .string(title), "description": .string(description)]
        ).data.id
        names[id] = title
      }
      let answer = try await server.search("altair vega")
      #expect(answer.texts("id").map { names[$0] } == ["Vega Altair", "vega", "altairs", "none"])
    }
  }

  @Test("a snippet shows the text as it was written, hits marked, the rest escaped")
  func snippets() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let filler = String(repeating: "long winded words ", count: 40)
      let id = try await server.contact([
        "firstName": "<b>Zoë", "lastName": "O'Hara & \"Sons\"", "company": "Straße",
        "tags": ["vip"],
      ]).id
      let note = try await server.send(
        "POST", "/api/contacts/\(id)/notes",
        ["body": .string("\(filler)\nthe Zöe <script> \(filler)")]
      ).data.id
      let hits = try await server.search("zoe").data.array ?? []
      #expect(hits.map(\.id) == [id, note])
      #expect(
        hits.first?["snippet"]
          == "&lt;b&gt;<mark>Zoë</mark> O&#39;Hara &amp; &quot;Sons&quot;")
      #expect(hits.first?["title"] == "<b>Zoë O'Hara & \"Sons\"")
      let snippet = hits.last?["snippet"]?.string ?? ""
      #expect(snippet.contains(" the <mark>Zöe</mark> &lt;script&gt; long"))
      #expect(snippet.hasPrefix("…") && snippet.hasSuffix("…"))
      #expect(snippet.count < 250)
      let title = hits.last?["title"]?.string ?? ""
      #expect(title.hasPrefix("long winded") && title.hasSuffix("…") && title.count <= 81)
      #expect(
        try await server.search("strasse vip").texts("snippet")
          == ["<mark>Straße</mark> … <mark>vip</mark>"])
    }
  }

  @Test("what cannot be asked is refused, and what has no word finds nothing")
  func parameters() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await Self.fill(server, "Comet")
      for (query, code) in [
        ("q=comet&types=contact,planet", "invalid_parameter"),
        ("q=comet&types=contacts", "invalid_parameter"),
        ("q=comet&limit=0", "invalid_parameter"), ("q=comet&limit=201", "invalid_parameter"),
        ("q=comet&x=1", "invalid_parameter"), ("q=comet&q=a", "invalid_parameter"),
        ("q=\(String(repeating: "a", count: 201))", "invalid_parameter"),
        ("q=comet&cursor=abc", "invalid_cursor"),
      ] {
        let answer = try await server.send("GET", "/api/search?\(query)")
        #expect(answer.status == 400, "\(query)")
        #expect(answer.code == code, "\(query)")
      }
      for text in ["", " ", "*!? 💥", "\"", "❤️", "()"] {
        let answer = try await server.search(text)
        #expect(answer.status == 200, "\(text)")
        #expect(answer.json == ["data": [], "nextCursor": nil], "\(text)")
      }
      #expect(try await server.send("GET", "/api/search").data == [])
      #expect(try await server.search(String(repeating: "comet ", count: 33)).data != [])
      // A cursor belongs to its question and to who asked.
      let cursor = try await server.search("comet", "&limit=1").json["nextCursor"]?.string ?? ""
      #expect(!cursor.isEmpty)
      #expect(try await server.search("comet", "&limit=1&cursor=\(cursor)").status == 200)
      #expect(try await server.search("come", "&cursor=\(cursor)").code == "invalid_cursor")
      #expect(
        try await server.search("comet", "&cursor=\(cursor)", as: "pia").code == "invalid_cursor")
      #expect(try await server.client.send("GET", "/api/search?q=comet").status == 401)
    }
  }

  @Test("no question whatever makes the server fail")
  func hostile() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await Self.fill(server, "Comet")
      for text in [
        "\"", "*", "NEAR(", "NEAR(a b, 5)", "a AND", "OR", "NOT", "comet NOT", "title:", "{title}",
        "^comet", "comet*", "-comet", "+comet", "((((", "))))", "'; DROP TABLE contacts; --", "\\",
        "\u{202e}comet", "עברית", "العربية 123", "क्षि", "日本語", "💥comet💥", "\u{0}", "e\u{301}",
        "½", "Ⅷ", "1️⃣", "\u{10ffff}", "ﬁ", "İ", "+", "00", "000", "+0", "(0)", "0000000000000",
        String(repeating: "9", count: 200), String(repeating: "ü", count: 200),
        String(repeating: "a ", count: 100), String(repeating: "\"", count: 200),
      ] {
        for path in ["/api/search?q=", "/api/contacts?count=true&q="] {
          let answer = try await server.send("GET", "\(path)\(encoded(text))")
          #expect(
            answer.status == (text.contains("\u{0}") ? 400 : 200),
            "\(path) \(text.debugDescription) \(answer.text)")
        }
      }
    }
  }

  @Test("documents of an older form are made anew")
  func format() async throws {
    let folder = try TemporaryFolder()
    try await TestServer.run(creditCheck: .off, folder: folder) { server in
      _ = try await Self.fill(server, "Comet")
      let trashed = try await server.contact(["firstName": "Comet"])
      _ = try await server.send("DELETE", "/api/contacts/\(trashed.id)")
      _ = try await server.store.updateSearchFormat()
      #expect(try await server.store.updateSearchFormat() == nil)
      _ = try await server.database.write { connection in
        try connection.run("\(PreparedStatements.testMark)UPDATE search_format SET number = -1")
        try connection.run(
          "\(PreparedStatements.testMark)UPDATE search_documents SET title = 'other'")
      }
    }
    try await TestServer.run(creditCheck: .off, folder: folder) { server in
      let documents = try await server.store.updateSearchFormat()
      // The parent company has a document beside those eight, and so has the first pipeline.
      #expect(documents ?? 0 >= 9)
      #expect(Set(try await server.search("comet").texts("entityType")) == Set(Self.types))
      #expect(try await server.search("comet").data.array?.count == Self.types.count)
      try await server.checkFullText()
    }
  }
}

extension TestServer {
  /// Searches all kinds of records, or those that `more` names.
  func search(_ text: String, _ more: String = "", as user: String = "ada") async throws
    -> TestResponse
  {
    try await send("GET", "/api/search?q=\(encoded(text))\(more)", as: user)
  }

  /// Lets FTS5 compare its index with the documents.
  func checkFullText() async throws {
    _ = try await database.write { connection in
      try connection.run(
        "INSERT INTO search_index (search_index, rank) VALUES ('integrity-check', 1)")
    }
  }
}
