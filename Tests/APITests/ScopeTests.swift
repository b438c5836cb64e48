import EmbeddedWrapper
import JSON
import TestSupport
import Testing
import WrapperClient

/// Own, team, tenant: the same records in lists, counts, searches, reads and writes.
@Suite struct ScopeTests {
  /// Leads of several owners; `sam` sits in a team below `mara`'s department, `sue` elsewhere.
  private func fill(_ server: TestServer) async throws -> [String: String] {
    var ids: [String: String] = [:]
    for (title, creator, owner) in [
      ("ada", "ada", "ada"), ("sam", "sam", "sam"), ("sue", "sue", "sue"),
      ("mara", "mara", "mara"), ("given to sam", "ada", "sam"), ("given by sam", "sam", "sue"),
      ("vic", "ada", "vic"), ("nobody", "ada", nil),
    ] as [(String, String, String?)] {
      let body: JSONValue = [
        "title": .string(title), "source": "scope", "company": "Common",
        "ownerId": owner.map(JSONValue.string) ?? .null,
      ]
      ids[title] = try await server.lead(body, as: creator).id
    }
    return ids
  }

  private static let readable: [String: Set<String>] = [
    "sam": ["sam", "given to sam", "given by sam"], "sue": ["sue", "given by sam"],
    "mara": ["sam", "mara", "given to sam", "vic"],
    "vic": ["ada", "sam", "sue", "mara", "given to sam", "given by sam", "vic", "nobody"],
    "ada": ["ada", "sam", "sue", "mara", "given to sam", "given by sam", "vic", "nobody"],
    "greta": [],
  ]

  @Test("lists, counts, searches and reads show what the scope allows, and nothing else")
  func reading() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let ids = try await fill(server)
      for (user, titles) in Self.readable {
        for query in ["", "source=scope&", "q=common&", "title[contains]=a&title[ne]=zzz&"] {
          let answer = try await server.send(
            "GET", "/api/leads?\(query)count=true&sort=-title&limit=200", as: user)
          let expected = query.contains("contains") ? titles.filter { $0.contains("a") } : titles
          #expect(Set(answer.texts("title")) == expected, "\(user) \(query)")
          #expect(answer.json["total"] == .integer(expected.count), "\(user) \(query)")
        }
        for (title, id) in ids {
          let answer = try await server.send("GET", "/api/leads/\(id)", as: user)
          #expect(answer.status == (titles.contains(title) ? 200 : 404), "\(user) \(title)")
          #expect(answer.status == 200 || answer.code == "not_found")
        }
      }
      // Paging by cursor stays inside the scope.
      var seen: [String] = []
      var cursor: String? = ""
      while let place = cursor {
        let page = try await server.send(
          "GET", "/api/leads?limit=1\(place.isEmpty ? "" : "&cursor=\(place)")", as: "mara")
        seen += page.texts("title")
        cursor = page.json["nextCursor"]?.string
      }
      #expect(Set(seen) == Self.readable["mara"])
      #expect(seen.count == 4)
    }
  }

  @Test("what may be read but not written is 403, what may not be read is 404")
  func writing() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let ids = try await fill(server)
      func status(_ method: String, _ title: String, _ user: String) async throws -> Int {
        try await server.send(
          method, "/api/leads/\(ids[title] ?? "")", as: user,
          method == "DELETE" ? nil : ["title": .string(title)]
        ).status
      }
      for method in ["PATCH", "PUT"] {
        #expect(try await status(method, "sam", "sam") == 200)
        #expect(try await status(method, "given by sam", "sam") == 200)
        #expect(try await status(method, "sue", "sam") == 404)
        #expect(try await status(method, "sam", "mara") == 200)
        #expect(try await status(method, "sue", "mara") == 404)
        #expect(try await status(method, "nobody", "mara") == 404)
        #expect(try await status(method, "ada", "vic") == 403)
      }
      #expect(try await status("DELETE", "sam", "sam") == 403)
      #expect(try await status("DELETE", "ada", "vic") == 403)
      #expect(try await status("DELETE", "sue", "mara") == 404)
      #expect(try await status("DELETE", "vic", "mara") == 200)
      #expect(try await status("DELETE", "ada", "greta") == 404)

      // Sales read every contact but change only their own.
      let contact = try await server.contact(["firstName": "Ann"])
      let read = try await server.send("GET", "/api/contacts/\(contact.id)", as: "sam")
      #expect(read.status == 200)
      for method in ["PATCH", "PUT"] {
        let answer = try await server.send(
          method, "/api/customers/\(contact.id)", as: "sam", ["firstName": "Mine"])
        #expect(answer.status == 403)
        #expect(answer.code == "insufficient_permissions")
        #expect(answer.json["requiredPermission"] == "crm.contacts.update")
      }
      let absent = try await server.send(
        "PATCH", "/api/contacts/0190a0b0-0000-7000-8000-000000000000", as: "sam",
        ["firstName": "x"])
      #expect(absent.status == 404)
    }
  }

  @Test("restore and purge keep to the scope, and a record leaves it with its owner")
  func moving() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let ids = try await fill(server)
      let sams = "/api/leads/\(ids["sam"] ?? "")"
      let sues = "/api/leads/\(ids["sue"] ?? "")"
      for path in [sams, sues] { _ = try await server.send("DELETE", path) }
      #expect(try await server.send("POST", "\(sues)/restore", as: "mara").status == 404)
      #expect(try await server.send("POST", "\(sams)/restore", as: "sam").status == 403)
      #expect(try await server.send("POST", "\(sams)/restore", as: "mara").status == 200)
      #expect(try await server.send("DELETE", "\(sues)?purge=true", as: "mara").status == 404)
      // The owner changes, and with it who may see the record.
      let handed = try await server.send(
        "PATCH", "/api/leads/\(ids["mara"] ?? "")", as: "mara", ["ownerId": "sue"])
      #expect(handed.status == 200)
      #expect(
        try await server.send("GET", "/api/leads/\(ids["mara"] ?? "")", as: "sue").status == 200)
      #expect(
        try await server.send("GET", "/api/leads/\(ids["mara"] ?? "")", as: "mara").status == 200)
    }
  }

  @Test("a reference to a record that the caller may not read is as unknown as one to nothing")
  func references() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let adas = try await server.contact(["firstName": "Ada's"])
      let sams = try await server.contact(["firstName": "Sam's"], as: "sam")
      func create(_ id: String, as user: String) async throws -> TestResponse {
        try await server.send(
          "POST", "/api/leads", as: user, ["title": "t", "contactId": .string(id)])
      }
      #expect(try await create(adas.id, as: "sam").status == 201)
      #expect(try await create(sams.id, as: "mara").status == 201)
      let hidden = try await create(adas.id, as: "mara")
      let absent = try await create("0190a0b0-0000-7000-8000-000000000000", as: "mara")
      #expect(hidden.status == 422)
      #expect(hidden.json["errors"] == absent.json["errors"])
    }
  }

  @Test("a unit's new member and a new grant count from the next look at the directory")
  func changes() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let ids = try await fill(server)
      let path = "/api/leads/\(ids["sue"] ?? "")"
      #expect(try await server.send("GET", path, as: "mara").status == 404)
      try await server.directory.setActive(tenantID: "acme", userID: "sue", isActive: false)
      var status = 0
      for _ in 0..<500 where status != 403 {
        status = try await server.send("GET", path, as: "sue").status
      }
      #expect(status == 403)
    }
  }
}
