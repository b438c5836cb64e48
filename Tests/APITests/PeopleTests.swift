import EmbeddedWrapper
import JSON
import TestSupport
import Testing
import WrapperClient

/// Users and units as the Wrapper names them.
@Suite struct PeopleTests {
  @Test("users are listed by name, a page at a time, and only those of the tenant")
  func list() async throws {
    try await TestServer.run { server in
      let all = try await server.send("GET", "/api/users?count=true", as: "sam")
      #expect(all.status == 200)
      #expect(all.texts("id") == ["ada", "ida", "mara", "pia", "sam", "sue", "vic"])
      #expect(all.json["nextCursor"] == .null)
      #expect(all.json["total"] == 7)
      #expect(
        all.data.array?.first?.object?.names == [
          "id", "name", "email", "title", "department", "departmentId", "organizationId",
          "location", "isActive",
        ])
      var ids: [String] = []
      var query = "?limit=3"
      for _ in 0..<3 {
        let page = try await server.send("GET", "/api/users\(query)", as: "sam")
        ids += page.texts("id")
        guard let cursor = page.json["nextCursor"]?.string else { break }
        query = "?limit=3&cursor=\(cursor)"
      }
      #expect(ids == all.texts("id"))
      let second = try await server.send("GET", "/api/users?page=2&pageSize=5", as: "sam")
      #expect(second.texts("id") == ["sue", "vic"])
      #expect(second.json["total"] == 7)
      #expect(second.json["page"] == 2)
      #expect(second.json["pageSize"] == 5)
      #expect(try await server.send("GET", "/api/users", as: "greta").texts("id") == ["greta"])
    }
  }

  @Test("users are found by words, unit and activity; what is asked wrongly is 400")
  func filters() async throws {
    try await TestServer.run { server in
      for (query, ids) in [
        ("q=SALES", ["sam"]), ("q=acme.example%20s%C3%A1m", ["sam"]), ("q=tester%20vi", ["vic"]),
        ("q=nobody", []), ("departmentId=sales", ["ida", "mara", "sam", "vic"]),
        ("departmentId=north", ["sam"]), ("departmentId=nowhere", []),
        ("departmentId=org&active=true", ["ada", "mara", "pia", "sam", "sue", "vic"]),
        ("active=false", ["ida"]), ("departmentId=support&q=pia", ["pia"]),
      ] as [(String, [String])] {
        let answer = try await server.send("GET", "/api/users?\(query)", as: "sam")
        #expect(answer.texts("id") == ids, "\(query)")
      }
      for query in [
        "active=yes", "limit=0", "limit=201", "limit=x", "page=0", "count=1", "name=ada",
        "q=a&q=b", "page=1&cursor=x",
      ] {
        let answer = try await server.send("GET", "/api/users?\(query)")
        #expect(answer.code == "invalid_parameter", "\(query)")
      }
      let page = try await server.send("GET", "/api/users?limit=1&q=s")
      let cursor = try #require(page.json["nextCursor"]?.string)
      for path in ["/api/users?limit=1&cursor=\(cursor)", "/api/users?q=s&cursor=bogus"] {
        #expect(try await server.send("GET", path).code == "invalid_cursor")
      }
      let other = try await server.send(
        "GET", "/api/users?limit=1&q=s&cursor=\(cursor)", as: "greta")
      #expect(other.code == "invalid_cursor")
    }
  }

  @Test("a user is read with roles; grants only by oneself and by who administers the tenant")
  func read() async throws {
    try await TestServer.run { server in
      let own = try await server.send("GET", "/api/users/sam", as: "sam")
      #expect(own.status == 200)
      #expect(own.data["name"] == "Sam Sales")
      #expect(own.data["roles"] == [["id": "sales", "name": "Sales"]])
      #expect(own.data["permissions"]?.array?.count == 6)
      let other = try await server.send("GET", "/api/users/sam", as: "vic")
      #expect(other.data["name"] == "Sam Sales")
      #expect(other.data["permissions"] == nil)
      let admin = try await server.send("GET", "/api/users/sam", as: "ada")
      #expect(admin.data["permissions"]?.array?.count == 6)
      for id in ["nobody", "greta", "%20"] {
        let answer = try await server.send("GET", "/api/users/\(id)", as: "ada")
        #expect(answer.status == 404, "\(id)")
        #expect(answer.code == "not_found")
      }
    }
  }

  @Test("a unit is read with all below it, another tenant's not at all")
  func hierarchy() async throws {
    try await TestServer.run { server in
      let path = "/api/organizations/org/hierarchy"
      let whole = try await server.send("GET", path, as: "sam")
      #expect(whole.status == 200)
      #expect(whole.data["entityType"] == "organization")
      let children = whole.data["children"]?.array ?? []
      #expect(children.map { $0["entityId"] ?? .null } == ["sales", "support"])
      #expect(children.first?["children"]?.array?.first?["entityId"] == "north")
      let part = try await server.send("GET", "/api/organizations/sales/hierarchy", as: "sam")
      #expect(part.data == children.first)
      let tenant = try await server.send("GET", "/api/organizations/acme/hierarchy", as: "sam")
      #expect(tenant.data == whole.data)
      #expect(try await server.send("GET", path, as: "greta").status == 404)
      let nowhere = try await server.send("GET", "/api/organizations/x/hierarchy")
      #expect(nowhere.code == "not_found")
    }
  }

  @Test("a user and a unit that memory lacks are fetched, once for a while")
  func onDemand() async throws {
    try await TestServer.run(pollSeconds: 60, hasFeed: false) { server in
      #expect(try await server.send("GET", "/api/users/nia").status == 404)
      let organization = "/api/organizations/org/hierarchy"
      #expect(await eventually { server.wrapper.loadedTenant("acme")?.organization != nil })
      try await server.directory.createUnit(
        tenantID: "acme", id: "west", type: .department, name: "West", parentID: "org")
      try await server.directory.createUser(
        tenantID: "acme",
        NewUser(
          id: "noa", email: "noa@acme.example", name: "Noa New", unitID: "west",
          roleIDs: ["viewer"], permissions: ["crm.deals.read"]))
      let known = try await server.send("GET", "/api/users", as: "sam")
      #expect(!known.texts("id").contains("noa"))
      let read = try await server.send("GET", "/api/users/noa", as: "sam")
      #expect(read.status == 200)
      #expect(read.data["name"] == "Noa New")
      #expect(read.data["roles"] == [["id": "viewer", "name": "Viewer"]])
      #expect(read.data["permissions"] == nil)
      let whole = try await server.send("GET", "/api/users/noa", as: "ada")
      #expect(whole.data["permissions"] == ["crm.deals.read", "crm.*.read"])
      let unit = try await server.send("GET", "/api/organizations/west/hierarchy", as: "sam")
      #expect(unit.data["name"] == "West")
      // Neither exists for another tenant.
      for path in ["/api/users/noa", "/api/organizations/west/hierarchy"] {
        #expect(try await server.send("GET", path, as: "greta").status == 404)
      }
      // What is remembered is given again; what was missing is missing for a while.
      let before = server.wrapper.calls["employees"]?.count ?? 0
      #expect(try await server.send("GET", "/api/users/noa", as: "sam").status == 200)
      #expect(try await server.send("GET", "/api/users/nia").status == 404)
      #expect(server.wrapper.calls["employees"]?.count ?? 0 == before)
      await server.stopWrapper()
      #expect(try await server.send("GET", organization, as: "sam").status == 200)
      #expect(try await server.send("GET", "/api/users/sam", as: "sam").status == 200)
      let nobody = try await server.send("GET", "/api/users/nobody", as: "sam")
      #expect(nobody.code == "wrapper_unavailable")
    }
  }
}
