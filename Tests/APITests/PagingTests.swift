import Cryptography
import JSON
internal import Synchronization
import TestSupport
import Testing
import WrapperClient

/// Lists page by page.
@Suite struct PagingTests {
  /// All pages of a list by its cursors.
  private func walk(
    _ server: TestServer, _ query: String, limit: Int, between: () async throws -> Void = {}
  ) async throws -> [JSONValue] {
    var records: [JSONValue] = []
    var cursor: String?
    repeat {
      let answer = try await server.send(
        "GET", "/api/leads?\(query)&limit=\(limit)" + (cursor.map { "&cursor=\($0)" } ?? ""))
      try #require(answer.status == 200, "\(answer.text)")
      let page = answer.data.array ?? []
      #expect(page.count <= limit)
      records += page
      cursor = answer.json["nextCursor"]?.string
      #expect(cursor == nil || page.count == limit)
      try await between()
    } while cursor != nil
    return records
  }

  @Test("while rows come and go, what is there throughout appears exactly once, in every order")
  func stable() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      var generator = SeededGenerator(seed: 4711)
      var steady: Set<String> = []
      var passing: [String] = []
      func add() async throws -> String {
        var body: JSONValue = [
          "title": .string(["a", "B", "á", "c", "ß"].randomElement(using: &generator) ?? "a")
        ]
        if Bool.random(using: &generator) {
          body = body.with("value", .integer(Int.random(in: 0...3, using: &generator)))
        }
        return try await server.lead(body).id
      }
      for _ in 0..<40 {
        steady.insert(try await add())
        passing.append(try await add())
      }
      for sort in ["", "sort=title", "sort=-value", "sort=value,-title", "sort=-updatedAt,id"] {
        let seen = try await walk(server, sort, limit: 7) {
          passing.append(try await add())
          let gone = passing.remove(at: Int.random(in: 0..<passing.count, using: &generator))
          _ = try await server.send("DELETE", "/api/leads/\(gone)")
        }
        let ids = seen.map(\.id)
        #expect(Set(ids).count == ids.count, "\(sort)")
        #expect(steady.isSubset(of: ids), "\(sort)")
      }
    }
  }

  @Test("the order is total: ties are broken by id, nulls stand last in both directions")
  func order() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      for (title, value) in [
        ("Zoë", 3), ("apple", nil), ("Äpfel", 1), ("APPLE", 2), ("zoe", nil), ("Émile", 3),
        ("emil", 1),
      ] as [(String, Int?)] {
        _ = try await server.lead([
          "title": .string(title), "value": value.map { .integer($0) } ?? .null,
        ])
        clock.advance(seconds: 1)
      }
      func titles(_ sort: String) async throws -> [String] {
        let whole = try await server.send("GET", "/api/leads?sort=\(sort)").data.array ?? []
        for limit in 1...3 {
          #expect(try await walk(server, "sort=\(sort)", limit: limit) == whole)
        }
        return whole.compactMap { $0["title"]?.string }
      }
      #expect(
        try await titles("title") == ["Äpfel", "apple", "APPLE", "emil", "Émile", "Zoë", "zoe"])
      #expect(
        try await titles("-title") == ["zoe", "Zoë", "Émile", "emil", "APPLE", "apple", "Äpfel"])
      #expect(
        try await titles("value,title")
          == ["Äpfel", "emil", "APPLE", "Émile", "Zoë", "apple", "zoe"])
      #expect(
        try await titles("-value,title")
          == ["Émile", "Zoë", "APPLE", "Äpfel", "emil", "apple", "zoe"])
      #expect(
        try await titles("id") == ["Zoë", "apple", "Äpfel", "APPLE", "zoe", "Émile", "emil"])
      // Newest first when nothing is said; the id breaks ties in the same direction.
      let newest = try await server.send("GET", "/api/leads").texts("title")
      #expect(newest == ["emil", "Émile", "zoe", "APPLE", "Äpfel", "apple", "Zoë"])
    }
  }

  @Test("custom fields give an order too: numbers, then text without case, then those without")
  func customFieldOrder() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (title, score) in [
        ("a", "10.5"), ("b", "9"), ("c", "\"Beta\""), ("d", "null"), ("e", "1e2"),
        ("f", "\"alpha\""), ("g", "9"), ("h", "-0.1"),
      ] {
        _ = try await server.lead([
          "title": .string(title),
          "customFields": try JSONParser.parse("{\"my-score_1\": \(score)}"),
        ])
      }
      _ = try await server.lead(["title": "i"])
      func titles(_ sort: String) async throws -> String {
        let whole = try await server.send("GET", "/api/leads?sort=\(sort)").data.array ?? []
        for limit in 1...4 {
          #expect(try await walk(server, "sort=\(sort)", limit: limit) == whole)
        }
        return whole.compactMap { $0["title"]?.string }.joined()
      }
      #expect(try await titles("customFields.my-score_1,title") == "hbgaefcdi")
      #expect(try await titles("-customFields.my-score_1,title") == "cfeabghdi")
      for bad in ["customFields.", "customFields.a'b", "customFields.a%22b", "customFields"] {
        let answer = try await server.send("GET", "/api/leads?sort=\(bad)")
        #expect(answer.status == 400, "\(bad)")
      }
    }
  }

  @Test("a list that differs by viewer has cursors of its own for each")
  func personalCursors() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for user in ["ada", "mara"] {
        for number in 0..<2 {
          let body: JSONValue = ["title": .string("\(number)")]
          _ = try await server.send("POST", "/api/tasks", as: user, body)
        }
      }
      let mine = try await server.send("GET", "/api/tasks?mine=true&limit=1")
      let cursor = try #require(mine.json["nextCursor"]?.string)
      for (user, status) in [("ada", 200), ("mara", 400)] {
        let next = try await server.send(
          "GET", "/api/tasks?mine=true&limit=1&cursor=\(cursor)", as: user)
        #expect(next.status == status)
      }
    }
  }

  @Test("a cursor serves its own list alone")
  func foreignCursors() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for number in 0..<3 {
        for user in ["ada", "greta"] {
          _ = try await server.lead(["title": .string("\(number)"), "value": 1], as: user)
          _ = try await server.contact(["firstName": .string("\(number)")], as: user)
        }
      }
      let answer = try await server.send("GET", "/api/leads?limit=1&status=new")
      let cursor = try #require(answer.json["nextCursor"]?.string)
      // The page's size, the members shown and the count are no part of the list.
      let same = try await server.send(
        "GET", "/api/leads?fields=id&status=new&count=true&limit=2&cursor=\(cursor)")
      #expect(same.status == 200)
      #expect(same.data.array?.count == 2)
      for (user, path) in [
        ("ada", "/api/leads?"), ("ada", "/api/leads?status=contacted&"),
        ("ada", "/api/leads?status=new&sort=title&"), ("ada", "/api/leads?status=new&q=1&"),
        ("ada", "/api/contacts?"), ("greta", "/api/leads?status=new&"),
      ] {
        let other = try await server.send("GET", "\(path)cursor=\(cursor)", as: user)
        #expect(other.status == 400, "\(path)")
        #expect(other.code == "invalid_cursor")
      }
      for broken in ["", "x", "!!!", String(cursor.dropLast()), cursor + "A", "W10", "bnVsbA"] {
        let other = try await server.send("GET", "/api/leads?status=new&cursor=\(broken)")
        #expect(other.status == 400, "\(broken)")
        #expect(other.code == "invalid_cursor")
      }
      // A cursor that somebody put together by hand does no harm.
      let parts = try #require(
        Base64.decodeURL(cursor).flatMap { try JSONParser.parse($0).array })
      for forged: [JSONValue] in [
        [1, 2], [nil, nil], ["x", "y"], [["a"], [:]], [true, "\u{0}"], ["", 9_007_199_254_740_993],
      ] {
        let text = Base64.encodeURL(JSONValue.array([parts[0]] + forged).bytes)
        let other = try await server.send("GET", "/api/leads?status=new&cursor=\(text)")
        #expect([200, 400].contains(other.status))
      }
      for beside in ["page=1", "pageSize=2", "page=2&pageSize=2"] {
        let other = try await server.send(
          "GET", "/api/leads?status=new&cursor=\(cursor)&\(beside)")
        #expect(other.status == 400)
        #expect(other.code == "invalid_parameter")
      }
    }
  }

  @Test("page and pageSize answer with page, pageSize and total; count adds the total alone")
  func pages() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for number in 0..<7 {
        _ = try await server.lead([
          "title": .string("\(number)"), "priority": number < 5 ? "high" : "low",
        ])
      }
      let second = try await server.send(
        "GET", "/api/leads?priority=high&sort=title&page=2&pageSize=2")
      #expect(second.texts("title") == ["2", "3"])
      #expect(second.json["page"] == 2)
      #expect(second.json["pageSize"] == 2)
      #expect(second.json["total"] == 5)
      let beyond = try await server.send("GET", "/api/leads?page=9")
      #expect(beyond.data == [])
      #expect(beyond.json["total"] == 7)
      #expect(beyond.json["pageSize"] == 50)
      let first = try await server.send("GET", "/api/leads?pageSize=3")
      #expect(first.json["page"] == 1)
      let counted = try await server.send("GET", "/api/leads?count=true&limit=2&priority=low")
      #expect(counted.json["total"] == 2)
      #expect(counted.json["page"] == nil)
      #expect(counted.json["nextCursor"] == .null)
      let plain = try await server.send("GET", "/api/leads?count=false")
      #expect(plain.json.object?.names == ["data", "nextCursor"])
      for bad in [
        "limit=0", "limit=201", "limit=-1", "limit=x", "limit=", "page=0", "page=x",
        "pageSize=201", "page=100000&pageSize=200", "count=yes", "limit=1&limit=2",
        "sort=colour", "sort=-", "sort=", "sort=tags", "sort=title,title", "sort=title,-title",
        "sort=id,title,value,status,email,phone", "fields=colour", "colour=red",
        "title[like]=x", "title[]=x", "[eq]=x", "tenantId=globex", "deletedAt[isNull]=false",
        "cursor[eq]=x", "tenant_id=acme", "deleted_at=1", "n=1",
      ] {
        let answer = try await server.send("GET", "/api/leads?\(bad)")
        #expect(answer.status == 400, "\(bad)")
        #expect(answer.code == "invalid_parameter")
        let name = bad.prefix { $0 != "=" && $0 != "&" }
        #expect(answer.json["detail"]?.string?.contains(name) == true, "\(bad)")
      }
      #expect(try await server.send("GET", "/api/leads?limit=200").status == 200)
    }
  }

  @Test("fields shows the members asked for and the id")
  func fields() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await server.lead(["title": "t", "value": .decimal(units: 15, scale: 1)])
      let answer = try await server.send("GET", "/api/leads?fields=value,title,customFields")
      #expect(
        answer.data == [
          JSONValue.object(
            JSONObject([
              ("id", answer.all("id")[0]), ("title", "t"), ("value", .decimal(units: 15, scale: 1)),
              ("customFields", [:]),
            ]))
        ])
    }
  }
}
