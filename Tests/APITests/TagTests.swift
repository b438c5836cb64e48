import JSON
import TestSupport
import Testing
import WrapperClient

/// Tags at paths of their own.
@Suite struct TagTests {
  /// One record of each resource with tag paths, by its path.
  private func records(_ server: TestServer) async throws -> [(String, String)] {
    var records: [(String, String)] = []
    for (path, body) in [
      ("/api/contacts", ["firstName": "Ann"]), ("/api/companies", ["name": "Acme"]),
      ("/api/leads", ["title": "t"]), ("/api/deals", ["title": "t"]),
      ("/api/tasks", ["title": "t"]),
    ] as [(String, JSONValue)] {
      let answer = try await server.send("POST", path, body)
      try #require(answer.status == 201, "\(answer.text)")
      records.append((path, answer.data.id))
    }
    records.append(("/api/customers", records[0].1))
    return records
  }

  @Test("tags are added and taken away on every resource, case and accents aside, once each")
  func changes() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (path, id) in try await records(server) {
        let tags = "\(path)/\(id)/tags"
        let before = try await server.send("GET", "\(path)/\(id)").data.version
        let added = try await server.send("POST", tags, ["tags": ["VIP", "émigré"]])
        #expect(added.status == 200, "\(path) \(added.text)")
        #expect(added.json["success"] == true)
        #expect(added.data["tags"] == ["VIP", "émigré"])
        #expect(added.data.version == before + 1)
        #expect(added.header("ETag") == "\"\(before + 1)\"")
        let again = try await server.send("POST", tags, ["tags": ["vip", "EMIGRE"]])
        #expect(again.status == 200)
        #expect(again.data["tags"] == ["VIP", "émigré"])
        #expect(again.data.version == before + 1)
        let removed = try await server.send("DELETE", tags, ["tags": ["vip", "unknown"]])
        #expect(removed.status == 200, "\(removed.text)")
        #expect(removed.data["tags"] == ["émigré"])
        #expect(removed.data.version == before + 2)
        #expect(try await server.send("GET", "\(path)?tags=VIP").data == [])
        #expect(try await server.send("GET", "\(path)?tags=EMIGRE").texts("id") == [id])
        _ = try await server.send("DELETE", tags, ["tags": ["émigré"]])
      }
      let operations = try server.rows(
        "SELECT DISTINCT operation FROM crm_activities WHERE operation LIKE 'crm.contacts.%'")
      #expect(
        Set(operations.compactMap { $0[0] }) == ["crm.contacts.create", "crm.contacts.update"])
    }
  }

  @Test("versions, permissions and bodies are checked as with every change")
  func refusals() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Ann"])
      let path = "/api/customers/\(contact.id)/tags"
      let body: JSONValue = ["tags": ["a"]]
      func status(
        _ method: String, as user: String = "ada", _ body: JSONValue?,
        _ headers: [(String, String)] = []
      ) async throws -> Int {
        try await server.send(method, path, as: user, body, headers: headers).status
      }
      #expect(try await status("POST", body, [("If-Match", "\"7\"")]) == 412)
      #expect(try await status("POST", body, [("If-Match", "\"1\"")]) == 200)
      #expect(try await status("DELETE", body, [("If-Match", "\"1\"")]) == 412)
      #expect(try await status("POST", as: "sam", body) == 403)
      #expect(try await status("DELETE", as: "vic", body) == 403)
      #expect(try await status("POST", as: "mara", body) == 404)
      #expect(try await status("POST", as: "greta", body) == 404)
      for bad: JSONValue in [
        [:], ["tags": "a"], ["tags": [1]], ["tags": [""]], ["tags": ["a"], "x": 1], ["a"],
        ["tags": [.string(String(repeating: "x", count: 65))]],
      ] {
        for method in ["POST", "DELETE"] {
          #expect(try await status(method, bad) == 422, "\(method) \(bad.text)")
        }
      }
      let many = JSONValue.array((1...50).map { .string("t\($0)") })
      let full = try await server.send("POST", path, ["tags": many])
      #expect(full.status == 422)
      #expect(full.issues == ["/tags too_many"])
      #expect(try await server.send("GET", path).status == 405)
      _ = try await server.send("DELETE", "/api/contacts/\(contact.id)")
      #expect(try await status("POST", body) == 404)
    }
  }

  @Test("all tags are listed with their counts: of live records in reach, the most frequent first")
  func counts() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      var ids: [String] = []
      for (name, owner, tags) in [
        ("a", "ada", ["vip", "uk"]), ("b", "sam", ["VIP"]), ("c", "mara", ["uk", "Éire", "vip"]),
        ("d", "ada", []), ("e", "sue", ["rare"]),
      ] as [(String, String, [String])] {
        ids.append(
          try await server.contact([
            "firstName": .string(name), "ownerId": .string(owner),
            "tags": .array(tags.map(JSONValue.string)),
          ]).id)
      }
      func tags(_ user: String, _ path: String = "/api/customers") async throws -> [String] {
        let answer = try await server.send("GET", "\(path)/tags", as: user)
        #expect(answer.status == 200)
        return (answer.data.array ?? []).map {
          "\($0["tag"]?.string?.lowercased() ?? "") \($0["count"]?.integer ?? 0)"
        }
      }
      #expect(try await tags("ada") == ["vip 3", "uk 2", "éire 1", "rare 1"])
      #expect(try await tags("ada", "/api/contacts") == tags("ada"))
      #expect(try await tags("sam") == tags("ada"))
      #expect(try await tags("mara") == ["vip 2", "éire 1", "uk 1"])
      #expect(try await tags("greta") == [])
      #expect(try await tags("ada", "/api/leads") == [])
      _ = try await server.send("DELETE", "/api/contacts/\(ids[2])")
      #expect(try await tags("ada") == ["vip 2", "rare 1", "uk 1"])
      _ = try await server.send("POST", "/api/contacts/\(ids[2])/restore")
      #expect(try await tags("ada") == ["vip 3", "uk 2", "éire 1", "rare 1"])
      _ = try await server.send("DELETE", "/api/contacts/\(ids[2])?purge=true")
      #expect(try await tags("ada") == ["vip 2", "rare 1", "uk 1"])
      // Spellings of one tag are one tag, also within a record and when they change.
      let both = try await server.send(
        "PATCH", "/api/contacts/\(ids[3])", ["tags": ["Uk", "UK", "new"]])
      #expect(both.data["tags"] == ["Uk", "new"])
      _ = try await server.send("PATCH", "/api/contacts/\(ids[3])", ["tags": ["uK"]])
      #expect(try await tags("ada") == ["uk 2", "vip 2", "rare 1"])
      #expect(try await server.send("GET", "/api/contacts?tags=uk").data.array?.count == 2)
    }
  }

  @Test("the search path of contacts is their list, on both paths")
  func searchPath() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let ann = try await server.contact(["firstName": "Ann", "lifecycle": "customer"])
      _ = try await server.contact(["firstName": "Ann", "lifecycle": "former"])
      for path in ["/api/customers/search", "/api/contacts/search"] {
        let answer = try await server.send(
          "GET", "\(path)?q=ann&lifecycle=customer&count=true")
        #expect(answer.status == 200)
        #expect(answer.texts("id") == [ann.id])
        #expect(answer.json["total"] == 1)
        #expect(try await server.send("GET", path).data.array?.count == 2)
        #expect(try await server.send("GET", "\(path)?colour=red").status == 400)
      }
    }
  }
}
