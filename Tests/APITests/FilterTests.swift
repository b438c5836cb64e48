import JSON
import TestSupport
import Testing
import Values
import WrapperClient

/// What a list can be asked, operator by operator.
@Suite struct FilterTests {
  /// The titles of the leads that a query finds, sorted.
  private func found(_ server: TestServer, _ query: String) async throws -> [String] {
    let answer = try await server.send("GET", "/api/leads?sort=title&count=true&\(query)")
    try #require(answer.status == 200, "\(query): \(answer.text)")
    #expect(answer.json["total"] == .integer(answer.data.array?.count ?? 0))
    return answer.texts("title").sorted()
  }

  private func refused(_ server: TestServer, _ query: String) async throws {
    let answer = try await server.send("GET", "/api/leads?\(query)")
    #expect(answer.status == 400, "\(query)")
    #expect(answer.code == "invalid_parameter")
    let name = query.prefix { $0 != "=" }
    #expect(answer.json["detail"]?.string?.contains(name) == true, "\(query)")
  }

  @Test("text ignores case and accents with every operator")
  func text() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (title, source) in [
        ("Éclair", "Web, mobile"), ("eclipse", "web"), ("Zebra", nil), ("100%_x", "a\\b"),
      ] as [(String, String?)] {
        _ = try await server.lead([
          "title": .string(title), "source": source.map { .string($0) } ?? .null,
        ])
      }
      for (query, titles) in [
        ("title=ECLAIR", ["Éclair"]), ("title[eq]=%C3%A9clair", ["Éclair"]),
        ("title[ne]=eclair", ["eclipse", "Zebra", "100%_x"]),
        ("title[contains]=CLI", ["eclipse"]), ("title[contains]=%25_", ["100%_x"]),
        ("title[contains]=%25", ["100%_x"]), ("title[startsWith]=%C3%89C", ["Éclair", "eclipse"]),
        ("title[startsWith]=_", []), ("title[gt]=eclipse", ["Zebra"]),
        ("title[gte]=ECLIPSE", ["eclipse", "Zebra"]), ("title[lt]=eclair", ["100%_x"]),
        ("title[lte]=eclair", ["Éclair", "100%_x"]),
        ("title[in]=ZEBRA,Eclair", ["Éclair", "Zebra"]),
        ("title[nin]=zebra,eclair", ["eclipse", "100%_x"]),
        ("source[isNull]=true", ["Zebra"]),
        ("source[isNull]=false", ["Éclair", "eclipse", "100%_x"]),
        ("source[in]=web%5C,%20mobile", ["Éclair"]), ("source[in]=web,%20mobile", ["eclipse"]),
        ("source[in]=a%5C%5Cb", ["100%_x"]), ("source=a%5Cb", ["100%_x"]),
        ("source[ne]=web", ["Éclair", "Zebra", "100%_x"]),
        ("source[nin]=web", ["Éclair", "Zebra", "100%_x"]),
        ("source[contains]=MOB", ["Éclair"]), ("source[startsWith]=WEB", ["Éclair", "eclipse"]),
        ("title[startsWith]=e&source=web", ["eclipse"]),
        ("title[gt]=a&title[lt]=z", ["Éclair", "eclipse"]),
      ] as [(String, [String])] {
        #expect(try await found(server, query) == titles.sorted(), "\(query)")
      }
      for query in ["title[isNull]=1", "title[isNull]=", "title[all]=x", "title[none]=x"] {
        try await refused(server, query)
      }
      let many = (0...200).map(String.init).joined(separator: ",")
      try await refused(server, "title[in]=\(many)")
    }
  }

  @Test("money, versions and choices compare by their own rules")
  func numbersAndChoices() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (title, value, priority) in [
        ("a", "9", "low"), ("b", "10.5", "high"), ("c", "100", "medium"), ("d", "null", "low"),
      ] {
        _ = try await server.lead([
          "title": .string(title), "value": try JSONParser.parse(value),
          "priority": .string(priority),
        ])
      }
      for (query, titles) in [
        ("value=10.50", ["b"]), ("value[ne]=9", ["b", "c", "d"]), ("value[gt]=9", ["b", "c"]),
        ("value[gte]=9", ["a", "b", "c"]), ("value[lt]=100", ["a", "b"]),
        ("value[lte]=10.5", ["a", "b"]), ("value[in]=9,100", ["a", "c"]),
        ("value[nin]=9,100", ["b", "d"]), ("value[isNull]=true", ["d"]),
        ("value[gte]=9&value[lt]=11", ["a", "b"]), ("version=1", ["a", "b", "c", "d"]),
        ("version[gt]=1", []), ("priority=low", ["a", "d"]), ("priority[ne]=low", ["b", "c"]),
        ("priority[in]=low,high", ["a", "b", "d"]), ("priority[nin]=low,high", ["c"]),
        ("ownerId=ada", ["a", "b", "c", "d"]), ("ownerId[ne]=ada", []),
        ("createdBy[in]=ada,sam", ["a", "b", "c", "d"]),
        ("contactId[isNull]=true", ["a", "b", "c", "d"]),
        ("externalId=x:1", []), ("currency=USD", ["a", "b", "c"]),
        ("currency=usd", ["a", "b", "c"]), ("priority=LOW", ["a", "d"]),
        ("priority[in]=Low,HIGH", ["a", "b", "d"]), ("currency[isNull]=true", ["d"]),
        ("currency[ne]=USD", ["d"]), ("value=1e2", ["c"]),
      ] as [(String, [String])] {
        #expect(try await found(server, query) == titles.sorted(), "\(query)")
      }
      for query in [
        "value=x", "value=1.234", "value[gt]=", "value[contains]=1", "value[startsWith]=1",
        "version=1.5", "version=x", "priority=urgent", "priority[gt]=low",
        "priority[contains]=l", "status[in]=new,old", "ownerId[gt]=a", "metadata=x",
        "metadata[contains]=x", "customFields=x",
      ] {
        try await refused(server, query)
      }
    }
  }

  @Test("times compare with moments, days and distances from now; a day is all of its moments")
  func times() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      _ = try await server.lead(["title": "old"])
      clock.advance(hours: 48)
      let lead = try await server.lead(["title": "young"])
      let moment = lead["createdAt"]?.string ?? ""
      let day = String(moment.prefix(10))
      for (query, titles) in [
        ("createdAt=\(day)", ["young"]), ("createdAt=\(moment)", ["young"]),
        ("createdAt[ne]=\(day)", ["old"]), ("createdAt[gte]=\(day)", ["young"]),
        ("createdAt[lt]=\(day)", ["old"]), ("createdAt[gt]=\(day)", []),
        ("createdAt[lte]=\(day)", ["old", "young"]), ("createdAt[lt]=\(moment)", ["old"]),
        ("createdAt[lte]=\(moment)", ["old", "young"]), ("createdAt[gt]=\(moment)", []),
        ("createdAt[gte]=\(encoded(moment.replacing("Z", with: "+00:00")))", ["young"]),
        ("createdAt[gte]=\(moment.replacing("Z", with: "+00:00"))", ["young"]),
        ("updatedAt[isNull]=true", []), ("createdAt[in]=2001-01-01,\(day)", ["young"]),
        ("createdAt[nin]=2001-01-01,\(day)", ["old"]),
        ("createdAt[in]=\(moment),2001-01-01", ["young"]),
      ] as [(String, [String])] {
        #expect(try await found(server, query) == titles.sorted(), "\(query)")
      }
      for query in [
        "createdAt=yesterday", "createdAt[gt]=2026-02-30", "createdAt[gt]=30d",
        "createdAt[gt]=-30x", "createdAt[gt]=-99999999d", "createdAt[contains]=2026",
        "createdAt[gt]=2026-01-01T00:00:00", "createdAt[gt]=",
      ] {
        try await refused(server, query)
      }
    }
    // The distance is measured by the server's own clock.
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await server.lead(["title": "now"])
      for unit in ["m", "h", "d", "w", "mo", "y"] {
        #expect(try await found(server, "createdAt[gte]=-1\(unit)") == ["now"])
        #expect(try await found(server, "createdAt[lt]=-1\(unit)") == [])
        #expect(try await found(server, "createdAt[lt]=%2B1\(unit)") == ["now"])
        #expect(try await found(server, "createdAt[lt]=+1\(unit)") == ["now"])
      }
    }
  }

  @Test("tags: any, all, none")
  func tags() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (title, tags) in [
        ("a", ["vip"]), ("b", ["vip", "uk"]), ("c", ["uk", "x,y"]), ("d", []),
      ] as [(String, [String])] {
        _ = try await server.lead([
          "title": .string(title), "tags": .array(tags.map(JSONValue.string)),
        ])
      }
      for (query, titles) in [
        ("tags=vip", ["a", "b"]), ("tags=vip,uk", ["a", "b", "c"]), ("tags[in]=uk", ["b", "c"]),
        ("tags[all]=vip,uk", ["b"]), ("tags[all]=vip", ["a", "b"]),
        ("tags[all]=vip,vip", ["a", "b"]), ("tags[none]=vip", ["c", "d"]),
        ("tags[none]=vip,uk", ["d"]), ("tags[nin]=uk", ["a", "d"]), ("tags=x%5C,y", ["c"]),
        ("tags=VIP", ["a", "b"]), ("tags[all]=%C3%9Ck,vip", ["b"]), ("tags[ne]=UK", ["a", "d"]),
        ("tags[contains]=vip", ["a", "b"]), ("tags=nobody,vip", ["a", "b"]),
        ("tags=vi", []), ("tags[isNull]=true", ["d"]), ("tags[isNull]=false", ["a", "b", "c"]),
        ("tags=vip&tags[none]=uk", ["a"]),
      ] as [(String, [String])] {
        #expect(try await found(server, query) == titles.sorted(), "\(query)")
      }
      try await refused(server, "tags[gt]=a")
    }
  }

  @Test("custom fields: numbers by value, text folded, truth values by their words")
  func customFields() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (title, fields) in [
        ("a", "{\"score\": 9, \"region\": \"Émea\", \"active\": true}"),
        ("b", "{\"score\": 10.50, \"region\": \"apac\", \"active\": false}"),
        ("c", "{\"score\": 1e2, \"due date\": \"2026-05-01\", \"a.b\": \"dot\"}"),
        ("d", "{\"score\": \"9\", \"region\": null, \"deep\": {\"x\": 1}}"), ("e", "{}"),
      ] {
        _ = try await server.lead([
          "title": .string(title), "customFields": try JSONParser.parse(fields),
        ])
      }
      for (query, titles) in [
        ("score=9", ["a", "d"]), ("score=10.5", ["b"]), ("score=10.50", ["b"]),
        ("score=100", ["c"]), ("score[gt]=9", ["b", "c"]), ("score[gte]=9", ["a", "b", "c"]),
        ("score[lt]=10", ["a"]), ("score[lte]=10.5", ["a", "b"]),
        ("score[in]=9,100", ["a", "c", "d"]), ("score[ne]=10.5", ["a", "c", "d", "e"]),
        ("score[nin]=10.50,100", ["a", "d", "e"]), ("region=emea", ["a"]),
        ("region[contains]=PA", ["b"]), ("region[startsWith]=em", ["a"]),
        ("region[in]=APAC,EMEA", ["a", "b"]), ("region[isNull]=true", ["c", "d", "e"]),
        ("region[isNull]=false", ["a", "b"]), ("active=true", ["a"]), ("active=false", ["b"]),
        ("active[ne]=true", ["b", "c", "d", "e"]), ("active=1", []),
        ("due%20date[gte]=2026-04-01", ["c"]), ("due%20date[lt]=2026-04-01", []),
        ("a.b=dot", ["c"]), ("nothing[isNull]=true", ["a", "b", "c", "d", "e"]),
        ("nothing=x", []),
      ] as [(String, [String])] {
        #expect(try await found(server, "customFields.\(query)") == titles.sorted(), "\(query)")
      }
      for query in [
        "customFields.=x", "customFields.a%22b=x", "customFields.a%5Cb=x",
        "customFields.a[all]=x", "customFields.a[isNull]=maybe", "customFields.a[like]=x",
      ] {
        let answer = try await server.send("GET", "/api/leads?\(query)")
        #expect(answer.status == 400, "\(query)")
      }
    }
  }
}
