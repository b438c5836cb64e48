import EmbeddedWrapper
import JSON
import TestSupport
import Testing

@Suite struct UserAdministrationTests {
  private static func world() async throws -> EmbeddedWorld {
    let world = try EmbeddedWorld()
    let directory = world.directory
    for tenant in ["t1", "t2"] {
      try await directory.createTenant(id: tenant, name: tenant)
      try await directory.createUnit(
        tenantID: tenant, id: "o", type: .organization, name: "Org", parentID: nil)
      try await directory.createRole(
        tenantID: tenant, id: "admin", name: "Admin", permissions: ["*"])
      try await directory.createRole(
        tenantID: tenant, id: "sales", name: "Sales", permissions: ["crm.leads.read"])
    }
    try await directory.createUser(
      tenantID: "t1",
      NewUser(id: "ada", email: "ada@x.example", name: "Ada Lovelace", roleIDs: ["admin"]),
      password: "a long password")
    return world
  }

  private static func send(
    _ world: EmbeddedWorld, _ method: String, _ path: String, _ body: JSONValue? = nil
  ) async throws -> TestResponse {
    try await world.send(method, "/api/directory/users\(path)", tenantID: "t1", body)
  }

  @Test("a user is added, read, changed and shut out, and each answer shows the user")
  func life() async throws {
    let world = try await Self.world()
    let made = try await Self.send(
      world, "POST", "",
      [
        "email": "Sam@X.example", "name": "Sam", "title": "Rep", "unitId": "o",
        "roleIds": ["sales"], "permissions": ["crm.deals.read"], "password": "eight ch",
      ])
    #expect(made.status == 201)
    let user = try #require(made.json["data"])
    let id = try #require(user["id"]?.string)
    #expect(made.header("Location") == "/api/directory/users/\(id)")
    #expect(
      user == [
        "id": .string(id), "email": "Sam@X.example", "name": "Sam", "title": "Rep",
        "location": nil, "unitId": "o", "roleIds": ["sales"], "permissions": ["crm.deals.read"],
        "isActive": true, "createdAt": "2026-01-31T22:00:00.000Z",
      ])
    #expect(try await Self.send(world, "GET", "/\(id)").json["data"] == user)
    let changed = try await Self.send(
      world, "PATCH", "/\(id)",
      ["title": nil, "location": "Oslo", "unitId": nil, "name": "Samuel", "roleIds": []])
    #expect(changed.status == 200)
    #expect(changed.json["data"]?["title"] == .null)
    #expect(changed.json["data"]?["location"] == "Oslo")
    #expect(changed.json["data"]?["unitId"] == .null)
    #expect(changed.json["data"]?["roleIds"] == [])
    #expect(changed.json["data"]?["permissions"] == ["crm.deals.read"])
    let login: JSONValue = ["email": "sam@x.example", "password": "eight ch"]
    let token = try #require(
      try await world.send("POST", "/auth/login", login).json["token"])
    let out = try await Self.send(world, "DELETE", "/\(id)")
    #expect(out.status == 200)
    #expect(out.json["data"]?["isActive"] == false)
    #expect(
      try await world.send("POST", "/auth/validate", ["token": token]).json["valid"] == false)
    #expect(try await world.send("POST", "/auth/login", login).status == 401)
    let back = try await Self.send(world, "PATCH", "/\(id)", ["isActive": true])
    #expect(back.json["data"]?["isActive"] == true)
    #expect(try await world.send("POST", "/auth/login", login).status == 200)
    await world.stop()
  }

  @Test("roles and grants are given and taken one by one, and again without harm")
  func grants() async throws {
    let world = try await Self.world()
    try await world.directory.createUser(
      tenantID: "t1", NewUser(id: "sam", email: "sam@x.example", name: "Sam"))
    for _ in 0..<2 {
      let role = try await Self.send(world, "POST", "/sam/roles", ["roleId": "sales"])
      #expect(role.json["data"]?["roleIds"] == ["sales"])
      let grant = try await Self.send(
        world, "POST", "/sam/permissions", ["permission": "crm.deals.*:own"])
      #expect(grant.json["data"]?["permissions"] == ["crm.deals.*:own"])
    }
    for _ in 0..<2 {
      let role = try await Self.send(world, "DELETE", "/sam/roles/sales")
      #expect(role.json["data"]?["roleIds"] == [])
      let grant = try await Self.send(world, "DELETE", "/sam/permissions/crm.deals.*:own")
      #expect(grant.json["data"]?["permissions"] == [])
    }
    let none = try await Self.send(world, "POST", "/sam/roles", ["roleId": "none"])
    #expect(none.status == 422)
    #expect(none.json["errors"]?.array?.first?["pointer"] == "/roleId")
    await world.stop()
  }

  @Test("a password that an administrator sets ends the sessions of before")
  func password() async throws {
    let world = try await Self.world()
    let token = try #require(
      try await world.send(
        "POST", "/auth/login", ["email": "ada@x.example", "password": "a long password"]
      ).json["token"])
    let short = try await Self.send(world, "PUT", "/ada/password", ["password": "seven c"])
    #expect(short.status == 422)
    #expect(short.json["errors"]?.array?.first?["pointer"] == "/password")
    #expect(
      try await Self.send(world, "PUT", "/eve/password", ["password": "long enough"]).status == 404)
    let set = try await Self.send(world, "PUT", "/ada/password", ["password": "long enough"])
    #expect(set.status == 200)
    #expect(set.json["data"]?["id"] == "ada")
    #expect(set.json["data"]?["password"] == nil)
    let patched = try await Self.send(world, "PATCH", "/ada", ["password": "long enough"])
    #expect(patched.status == 422)
    #expect(patched.json["errors"]?.array?.first?["code"] == "unknown_member")
    #expect(
      try await world.send("POST", "/auth/validate", ["token": token]).json["valid"] == false)
    await world.stop()
  }

  @Test("people are listed by pages, and by what is looked for")
  func list() async throws {
    let world = try await Self.world()
    for index in 10..<15 {
      try await world.directory.createUser(
        tenantID: "t1",
        NewUser(id: "u\(index)", email: "u\(index)@x.example", name: "Zoé \(index)"))
    }
    try await world.directory.setActive(tenantID: "t1", userID: "u12", isActive: false)
    var found: [String] = []
    var cursor = ""
    repeat {
      let page = try await Self.send(world, "GET", "?limit=4&cursor=\(cursor)").json
      found += page["data"]?.array?.compactMap { $0["id"]?.string } ?? []
      cursor = page["nextCursor"]?.string ?? ""
    } while !cursor.isEmpty
    #expect(found == ["ada", "u10", "u11", "u12", "u13", "u14"])
    for (query, ids) in [
      ("active=false", ["u12"]), ("q=zoe%2013", ["u13"]), ("q=LOVELACE", ["ada"]),
      ("q=u11@x", ["u11"]), ("q=none", []), ("active=true&limit=2", ["ada", "u10"]),
    ] {
      let page = try await Self.send(world, "GET", "?\(query)").json
      #expect(page["data"]?.array?.compactMap { $0["id"]?.string } == ids, "\(query)")
    }
    for query in ["limit=0", "limit=1001", "limit=x", "active=maybe", "cursor=***"] {
      #expect(try await Self.send(world, "GET", "?\(query)").status == 400, "\(query)")
    }
    await world.stop()
  }

  @Test("what cannot be taken is refused with the member at fault")
  func refused() async throws {
    let world = try await Self.world()
    for (body, pointers) in [
      ([:], ["/email", "/name"]),
      (["email": "a@b.c", "name": "A", "nick": "x", "a/b": 1], ["/nick", "/a~1b"]),
      (["email": 5, "name": "A"], ["/email"]),
      (["email": "a@b.c", "name": "A", "roleIds": ["x", 1]], ["/roleIds"]),
      (["email": "no address", "name": "A"], ["/email"]),
      (["email": "a@b.c", "name": ""], ["/name"]),
      (["email": "a@b.c", "name": "A", "unitId": "none"], ["/unitId"]),
      (["email": "a@b.c", "name": "A", "roleIds": ["none"]], ["/roleIds"]),
      (["email": "a@b.c", "name": "A", "password": "short"], ["/password"]),
      (["email": "a@b.c", "name": "A", "id": "a/b"], ["/id"]),
    ] as [(JSONValue, [String])] {
      let answer = try await Self.send(world, "POST", "", body)
      #expect(answer.status == 422, "\(body.text)")
      #expect(answer.json["code"] == "validation_failed")
      #expect(
        answer.json["errors"]?.array?.compactMap { $0["pointer"]?.string } == pointers,
        "\(body.text)")
    }
    let taken = try await Self.send(
      world, "POST", "", ["email": "ADA@x.example", "name": "Other"])
    #expect(taken.status == 409)
    #expect(taken.json["code"] == "duplicate")
    #expect(taken.json["errors"]?.array?.first?["pointer"] == "/email")
    #expect(try await Self.send(world, "POST", "", []).status == 422)
    #expect(try await Self.send(world, "PUT", "", [:]).status == 405)
    #expect(try await world.send("GET", "/api/directory/users").status == 400)
    #expect(
      try await world.send("GET", "/api/directory/users", tenantID: "none").status == 404)
    await world.stop()
  }

  @Test("another tenant's user does not exist here")
  func foreign() async throws {
    let world = try await Self.world()
    for (method, path, body) in [
      ("GET", "/ada", nil), ("PATCH", "/ada", ["name": "X"]), ("DELETE", "/ada", nil),
      ("PUT", "/ada/password", ["password": "long enough"]),
      ("POST", "/ada/roles", ["roleId": "sales"]),
      ("POST", "/ada/permissions", ["permission": "x"]),
    ] as [(String, String, JSONValue?)] {
      let answer = try await world.send(
        method, "/api/directory/users\(path)", tenantID: "t2", body)
      #expect(answer.status == 404, "\(method) \(path)")
      #expect(answer.json["code"] == "not_found")
    }
    await world.stop()
  }

  @Test("the last active user who may administer stays one, in every way they could stop to be")
  func lastAdministrator() async throws {
    let world = try await Self.world()
    let attempts: [(String, String, JSONValue?)] = [
      ("DELETE", "/users/ada", nil), ("PATCH", "/users/ada", ["isActive": false]),
      ("PATCH", "/users/ada", ["roleIds": ["sales"]]),
      ("DELETE", "/users/ada/roles/admin", nil),
      ("PATCH", "/roles/admin", ["permissions": ["crm.*.read"]]),
      ("DELETE", "/roles/admin/permissions/*", nil),
    ]
    let feed = try await world.send("GET", "/api/events?channels=crm:*").json["cursor"]
    for (method, path, body) in attempts {
      let answer = try await world.send(
        method, "/api/directory\(path)", tenantID: "t1", body)
      #expect(answer.status == 409, "\(method) \(path)")
      #expect(answer.json["code"] == "conflict")
    }
    #expect(
      try await world.send("GET", "/api/events?channels=crm:*").json["cursor"] == feed)
    // With a second one, each of them goes through.
    try await world.directory.createUser(
      tenantID: "t1",
      NewUser(id: "eve", email: "eve@x.example", name: "Eve", permissions: ["crm.admin"]))
    for (method, path, body) in attempts {
      let answer = try await world.send(
        method, "/api/directory\(path)", tenantID: "t1", body)
      #expect(answer.status == 200, "\(method) \(path)")
    }
    let last = try await Self.send(world, "DELETE", "/eve/permissions/crm.admin")
    #expect(last.status == 409)
    await world.stop()
  }

  @Test("two administrators who shut each other out at once: one of them stays")
  func race() async throws {
    let world = try await Self.world()
    try await world.directory.createUser(
      tenantID: "t1",
      NewUser(id: "eve", email: "eve@x.example", name: "Eve", roleIDs: ["admin"]))
    async let first = Self.send(world, "DELETE", "/ada").status
    async let second = Self.send(world, "DELETE", "/eve").status
    #expect(try await [first, second].sorted() == [200, 409])
    await world.stop()
  }
}
