import EmbeddedWrapper
import JSON
import TestSupport
import Testing

@Suite struct AdministrationTests {
  private static func world() async throws -> EmbeddedWorld {
    let world = try EmbeddedWorld()
    try await world.directory.createTenant(id: "t1", name: "One")
    return world
  }

  private static func send(
    _ world: EmbeddedWorld, _ method: String, _ path: String, _ body: JSONValue? = nil
  ) async throws -> TestResponse {
    try await world.send(method, "/api/directory\(path)", tenantID: "t1", body)
  }

  @Test("a role is added, changed, granted to, and deleted once nobody holds it")
  func roles() async throws {
    let world = try await Self.world()
    let made = try await Self.send(
      world, "POST", "/roles",
      ["id": "sales", "name": "Sales", "permissions": ["crm.a.read", "crm.a.read"]])
    #expect(made.status == 201)
    #expect(made.json["data"] == ["id": "sales", "name": "Sales", "permissions": ["crm.a.read"]])
    #expect(
      try await Self.send(world, "POST", "/roles", ["id": "sales", "name": "S"]).status == 409)
    let granted = try await Self.send(
      world, "POST", "/roles/sales/permissions", ["permission": "crm.b.*"])
    #expect(granted.json["data"]?["permissions"] == ["crm.a.read", "crm.b.*"])
    let revoked = try await Self.send(world, "DELETE", "/roles/sales/permissions/crm.b.*")
    #expect(revoked.json["data"]?["permissions"] == ["crm.a.read"])
    let bare = try await Self.send(
      world, "DELETE", "/roles/sales/permissions", ["permission": "crm.a.read"])
    #expect(bare.json["data"]?["permissions"] == [])
    let renamed = try await Self.send(
      world, "PATCH", "/roles/sales", ["name": "Sellers", "permissions": ["crm.c.read"]])
    #expect(renamed.json["data"]?["name"] == "Sellers")
    #expect(try await Self.send(world, "GET", "/roles/sales").json == renamed.json)
    #expect(
      try await Self.send(world, "GET", "/roles").json
        == ["data": [try #require(renamed.json["data"])], "nextCursor": nil])
    try await world.directory.createUser(
      tenantID: "t1", NewUser(id: "u", email: "u@x.example", name: "U", roleIDs: ["sales"]))
    #expect(try await Self.send(world, "DELETE", "/roles/sales").json["code"] == "conflict")
    try await world.directory.revokeRole(tenantID: "t1", userID: "u", roleID: "sales")
    #expect(try await Self.send(world, "DELETE", "/roles/sales").status == 200)
    for (method, body) in [("GET", nil), ("PATCH", [:]), ("DELETE", nil)] as [(String, JSONValue?)]
    {
      #expect(try await Self.send(world, method, "/roles/sales", body).status == 404)
    }
    #expect(
      try await Self.send(world, "POST", "/roles", ["name": "X", "grants": []]).status == 422)
    await world.stop()
  }

  @Test("If-Match names what is to be changed as it is now; a cost is a part of the credits")
  func ifMatch() async throws {
    let world = try await Self.world()
    _ = try await Self.send(world, "POST", "/roles", ["id": "r", "name": "R"])
    for (read, method, path, body) in [
      ("/roles/r", "PATCH", "/roles/r", ["name": "S"]),
      ("/credits", "PUT", "/credits/operations/crm.leads.create", ["creditCost": 3]),
      ("/credits", "POST", "/credits/top-up", ["amount": 3]),
    ] as [(String, String, String, JSONValue)] {
      let tag = try #require(try await Self.send(world, "GET", read).header("ETag"))
      for (header, status) in [("\"old\"", 412), (tag, 200), (tag, 412), ("*", 200)] {
        let answer = try await world.send(
          method, "/api/directory\(path)", tenantID: "t1", headers: [("If-Match", header)], body)
        #expect(answer.status == status, "\(path) \(header)")
        if status == 412 { #expect(answer.json["code"] == "version_mismatch") }
      }
    }
    let missing = try await world.send(
      "PATCH", "/api/directory/roles/x", tenantID: "t1", headers: [("If-Match", "\"old\"")],
      ["name": "X"])
    #expect(missing.status == 404)
    await world.stop()
  }

  @Test("a unit is added, renamed, moved with all below it, and deleted once it is empty")
  func units() async throws {
    let world = try await Self.world()
    let made = try await Self.send(world, "POST", "/units", ["id": "o", "name": "Org"])
    #expect(made.status == 201)
    #expect(
      made.json["data"]
        == ["id": "o", "name": "Org", "type": "organization", "parentId": nil])
    for (id, parent) in [("a", "o"), ("b", "a"), ("c", "b"), ("d", "o")] {
      let unit = try await Self.send(
        world, "POST", "/units",
        ["id": .string(id), "name": .string(id), "type": "department", "parentId": .string(parent)])
      #expect(unit.status == 201)
    }
    let moved = try await Self.send(world, "PATCH", "/units/b", ["parentId": "d", "name": "B"])
    #expect(
      moved.json["data"] == ["id": "b", "name": "B", "type": "department", "parentId": "d"])
    let tree = try await world.send(
      "GET", "/api/organizations/d/hierarchy", tenantID: "t1"
    ).json
    #expect(tree["children"]?.array?.first?["children"]?.array?.first?["entityId"] == "c")
    for (id, parent) in [("d", "c"), ("d", "d"), ("o", "c")] {
      let circle = try await Self.send(
        world, "PATCH", "/units/\(id)", ["parentId": .string(parent)])
      #expect(circle.status == 422)
      #expect(circle.json["errors"]?.array?.first?["pointer"] == "/parentId")
    }
    for body in [["parentId": "none"], ["parentId": nil], ["type": "galaxy"]] as [JSONValue] {
      #expect(try await Self.send(world, "PATCH", "/units/a", body).status == 422)
    }
    #expect(try await Self.send(world, "DELETE", "/units/d").json["code"] == "conflict")
    try await world.directory.createUser(
      tenantID: "t1", NewUser(id: "u", email: "u@x.example", name: "U", unitID: "c"))
    #expect(try await Self.send(world, "DELETE", "/units/c").status == 409)
    try await world.directory.moveUser(tenantID: "t1", userID: "u", unitID: nil)
    #expect(try await Self.send(world, "DELETE", "/units/c").status == 200)
    #expect(try await Self.send(world, "DELETE", "/units/c").status == 404)
    #expect(
      try await Self.send(world, "GET", "/units").json["data"]?.array?
        .compactMap { $0["id"]?.string } == ["a", "b", "d", "o"])
    await world.stop()
  }

  @Test("a unit moves only as deep as units may stand, with what hangs from it")
  func depth() async throws {
    let world = try await Self.world()
    func chain(_ name: String, _ count: Int) async throws {
      for index in 0..<count {
        try await world.directory.createUnit(
          tenantID: "t1", id: "\(name)\(index)", type: .organization, name: name,
          parentID: index == 0 ? "top" : "\(name)\(index - 1)")
      }
    }
    try await world.directory.createUnit(
      tenantID: "t1", id: "top", type: .organization, name: "Top", parentID: nil)
    try await chain("a", 5)
    try await chain("b", 7)
    let deep = try await Self.send(world, "PATCH", "/units/b0", ["parentId": "a4"])
    #expect(deep.status == 422)
    #expect(try await Self.send(world, "PATCH", "/units/b0", ["parentId": "a3"]).status == 200)
    await world.stop()
  }

  @Test("plan, costs and balance are shown in one, and changed each for itself")
  func credits() async throws {
    let world = try await Self.world()
    let plan = try await Self.send(
      world, "PATCH", "/credits",
      [
        "planType": "team", "monthlyLimit": 1000.5, "dailyLimit": 100, "overageAllowed": true,
        "featureLimits": ["contacts": 10, "storage": "5GB"], "pricing": ["currency": "EUR"],
      ])
    #expect(plan.status == 200)
    let cost = try await Self.send(
      world, "PUT", "/credits/operations/crm.leads.create", ["creditCost": 0.0001])
    #expect(cost.json["data"] == ["operationCode": "crm.leads.create", "creditCost": 0.0001])
    let topUp = try await Self.send(
      world, "POST", "/credits/top-up", ["amount": 50.25, "reason": "invoice 7"])
    #expect(topUp.status == 200)
    #expect(
      try await Self.send(world, "GET", "/credits").json["data"] == [
        "available": 50.25, "dailyUsage": 0, "monthlyUsage": 0, "planType": "team",
        "monthlyLimit": 1000.5, "dailyLimit": 100, "overageAllowed": true,
        "featureLimits": ["contacts": 10, "storage": "5GB"], "pricing": ["currency": "EUR"],
        "operations": [["operationCode": "crm.leads.create", "creditCost": 0.0001]],
      ])
    let open = try await Self.send(
      world, "PATCH", "/credits", ["dailyLimit": nil, "featureLimits": ["contacts": nil]])
    #expect(open.json["data"]?["dailyLimit"] == .null)
    #expect(open.json["data"]?["monthlyLimit"] == 1000.5)
    #expect(open.json["data"]?["featureLimits"] == ["storage": "5GB"])
    #expect(
      try await Self.send(world, "DELETE", "/credits/operations/crm.leads.create").status == 200)
    #expect(
      try await Self.send(world, "DELETE", "/credits/operations/crm.leads.create").status == 404)
    #expect(
      try await world.send("GET", "/api/billing/credit-configs/t1").json["operations"] == [])
    await world.stop()
  }

  @Test("amounts and limits that cannot be are refused")
  func amounts() async throws {
    let world = try await Self.world()
    for (method, path, body) in [
      ("POST", "/credits/top-up", ["amount": 0]), ("POST", "/credits/top-up", [:]),
      ("POST", "/credits/top-up", ["amount": 0.00001]),
      ("POST", "/credits/top-up", ["amount": "5"]),
      ("POST", "/credits/top-up", ["amount": 1e12]),
      ("PUT", "/credits/operations/crm.a.create", ["creditCost": -1]),
      ("PUT", "/credits/operations/other.create", ["creditCost": 1]),
      ("PATCH", "/credits", ["dailyLimit": -1]), ("PATCH", "/credits", ["available": 5]),
      ("PATCH", "/credits", ["featureLimits": ["contacts": -1]]),
      ("PATCH", "/credits", ["featureLimits": ["planets": 1]]),
      ("PATCH", "/credits", ["featureLimits": ["deals": 1.5]]),
      ("PATCH", "/credits", ["featureLimits": ["emails": "many"]]),
      ("PATCH", "/credits", ["featureLimits": ["storage": "5 apples"]]),
      ("PATCH", "/credits", ["featureLimits": ["storage": -1]]),
    ] as [(String, String, JSONValue)] {
      let answer = try await Self.send(world, method, path, body)
      #expect(answer.status == 422, "\(method) \(path) \(body.text)")
      #expect(answer.json["errors"]?.array?.isEmpty == false)
    }
    for (method, path, body) in [
      ("GET", "/credits", nil), ("POST", "/credits/top-up", ["amount": 1]),
      ("PATCH", "/credits", [:]),
      ("PUT", "/credits/operations/crm.a.create", ["creditCost": 1]),
    ] as [(String, String, JSONValue?)] {
      let answer = try await world.send(method, "/api/directory\(path)", tenantID: "none", body)
      #expect(answer.status == 404, "\(method) \(path)")
    }
    await world.stop()
  }

  @Test("one organization stands at the top, and what bears a name bears it alone")
  func places() async throws {
    let world = try await Self.world()
    let roles = "/roles"
    #expect(try await Self.send(world, "POST", roles, ["name": "Sales"]).status == 201)
    let other = try await Self.send(world, "POST", roles, ["id": "o", "name": "Other"])
    #expect(other.status == 201)
    #expect(try await Self.send(world, "PATCH", "/roles/o", ["name": "OTHER"]).status == 200)
    let units = "/units"
    #expect(try await Self.send(world, "POST", units, ["id": "o", "name": "Org"]).status == 201)
    for (id, name) in [("a", "A"), ("b", "B")] as [(JSONValue, JSONValue)] {
      let made = try await Self.send(
        world, "POST", units, ["id": id, "name": name, "parentId": "o"])
      #expect(made.status == 201)
    }
    let below = try await Self.send(
      world, "POST", units, ["id": "c", "name": "B", "parentId": "a"])
    #expect(below.status == 201)
    for (method, path, body) in [
      ("POST", roles, ["name": "sales"]), ("PATCH", "/roles/o", ["name": "Sales"]),
      ("POST", units, ["name": "a", "parentId": "o"]), ("PATCH", "/units/b", ["name": "A"]),
      ("PATCH", "/units/c", ["parentId": "o"]),
    ] as [(String, String, JSONValue)] {
      let answer = try await Self.send(world, method, path, body)
      #expect(answer.status == 409, "\(method) \(path) \(body.text)")
      #expect(answer.json["code"] == "duplicate")
      #expect(answer.json["errors"]?.array?.first?["pointer"] == "/name")
    }
    for (method, path, body) in [
      ("POST", units, ["name": "Second"]),
      ("PATCH", "/units/a", ["type": "organization", "parentId": nil]),
    ] as [(String, String, JSONValue)] {
      let answer = try await Self.send(world, method, path, body)
      #expect(answer.status == 409)
      #expect(answer.json["code"] == "conflict")
    }
    #expect(try await Self.send(world, "PATCH", "/units/o", ["name": "Group"]).status == 200)
    await world.stop()
  }

  @Test("a tenant begins with roles, an organization and a plan, so that people can work in it")
  func newTenant() async throws {
    let world = try EmbeddedWorld()
    let made = try await world.send(
      "POST", "/api/directory/tenants", ["id": "t1", "name": "One"])
    #expect(made.status == 201)
    let roles = try await Self.send(world, "GET", "/roles").json["data"]?.array ?? []
    #expect(
      Set(roles.compactMap { $0["name"]?.string }) == ["Admin", "Manager", "Sales", "Viewer"])
    let units = try await Self.send(world, "GET", "/units").json["data"]
    #expect(
      units == [["id": "organization", "name": "One", "type": "organization", "parentId": nil]])
    let credits = try await Self.send(world, "GET", "/credits").json["data"]
    #expect(credits?["available"] == 1_000_000)
    #expect(credits?["overageAllowed"] == true)
    let user = try await Self.send(
      world, "POST", "/users",
      ["email": "u@x.example", "name": "U", "roleIds": ["admin"], "unitId": "organization"])
    #expect(user.status == 201)
    await world.stop()
  }

  @Test("a body that is no object is no object, not broken JSON")
  func noObject() async throws {
    let world = try await Self.world()
    for body in [[], "text", 5, nil] as [JSONValue] {
      let answer = try await Self.send(world, "POST", "/roles", body)
      #expect(answer.status == 422)
      #expect(answer.json["errors"]?.array?.first?["pointer"] == "")
      #expect(answer.json["errors"]?.array?.first?["code"] == "invalid_type")
    }
    await world.stop()
  }

  @Test("tenants are administered without naming one")
  func tenants() async throws {
    let world = try await Self.world()
    let made = try await world.send(
      "POST", "/api/directory/tenants",
      ["id": "t2", "name": "Two", "settings": ["timezone": "Europe/Oslo", "currency": "NOK"]])
    #expect(made.status == 201)
    let changed = try await world.send(
      "PATCH", "/api/directory/tenants/t2",
      ["name": "Second", "settings": ["currency": nil], "features": ["beta": true]])
    #expect(
      changed.json["data"] == [
        "id": "t2", "name": "Second", "branding": [:], "features": ["beta": true],
        "settings": ["timezone": "Europe/Oslo"],
      ])
    #expect(
      try await world.send("GET", "/api/directory/tenants/t2").json["data"]
        == changed.json["data"])
    #expect(
      try await world.send("GET", "/api/directory/tenants").json["data"]?.array?
        .compactMap { $0["name"]?.string } == ["One", "Second"])
    #expect(try await world.send("GET", "/api/tenants/t2").json["name"] == "Second")
    #expect(try await world.send("GET", "/api/directory/tenants/t3").status == 404)
    #expect(try await world.send("PATCH", "/api/directory/tenants/t3", [:]).status == 404)
    #expect(
      try await world.send("POST", "/api/directory/tenants", ["id": "t2", "name": "X"]).status
        == 409)
    await world.stop()
  }

  @Test("administration asks for the key like everything else")
  func guarded() async throws {
    let world = try await Self.world()
    for path in ["users", "roles", "units", "credits", "tenants"] {
      let answer = try await world.send(
        "GET", "/api/directory/\(path)", key: "wrong", tenantID: "t1")
      #expect(answer.status == 403)
    }
    await world.stop()
  }
}
