import Database
import EmbeddedWrapper
import JSON
import SQLite
import TestSupport
import Testing

@Suite struct SetupTests {
  private static func body(_ token: String, _ changes: JSONObject = JSONObject()) -> JSONValue {
    .object(
      JSONObject([
        ("token", .string(token)), ("tenantName", "Café Müller & Söhne"), ("name", "Mia Müller"),
        ("email", "mia@mueller.example"), ("password", "eight ch"),
      ]).merged(with: changes))
  }

  @Test("the first run makes a company that works, and signs its administrator in")
  func setup() async throws {
    let world = try EmbeddedWorld()
    let token = try #require(try await world.directory.makeSetupToken())
    #expect(token.utf8.count == 22)
    let answer = try await world.send("POST", "/setup", Self.body(token))
    #expect(answer.status == 201)
    let user = try #require(answer.json["user"])
    #expect(user["tenantId"] == "cafe-muller-sohne")
    #expect(user["name"] == "Mia Müller")
    #expect(user["email"] == "mia@mueller.example")
    #expect(answer.json["expiresAt"] == "2026-02-01T10:00:00.000Z")
    let session = try await world.send(
      "POST", "/auth/validate", ["token": try #require(answer.json["token"])]
    ).json
    #expect(session["valid"] == true)
    #expect(session["userId"] == user["userId"])
    let tenantID = "cafe-muller-sohne"
    let permissions = try await world.send(
      "GET", "/api/permissions?tenantId=\(tenantID)"
    ).json
    #expect(permissions["users"]?.array?.first?["roleIds"] == ["admin"])
    #expect(
      permissions["roles"]?.array?.compactMap { $0["name"]?.string }
        == ["Admin", "Manager", "Sales", "Viewer"])
    #expect(permissions["roles"]?.array?.first?["permissions"] == ["*"])
    #expect(
      try await world.send("GET", "/api/organizations/\(tenantID)").json["name"]
        == "Café Müller & Söhne")
    let credits = try await world.send("GET", "/api/directory/credits", tenantID: tenantID).json
    #expect(credits["data"]?["overageAllowed"] == true)
    #expect(credits["data"]?["operations"] == [])
    #expect(credits["data"]?["monthlyLimit"] == .null)
    #expect(credits["data"]?["available"] == 1_000_000)
    let login = try await world.send(
      "POST", "/auth/login", ["email": "mia@mueller.example", "password": "eight ch"])
    #expect(login.status == 200)
    await world.stop()
  }

  @Test("the first run happens once, whatever is sent later")
  func once() async throws {
    let world = try EmbeddedWorld()
    let token = try #require(try await world.directory.makeSetupToken())
    #expect(try await world.send("POST", "/setup", Self.body(token)).status == 201)
    for body in [Self.body(token), Self.body("wrong"), [:]] as [JSONValue] {
      let again = try await world.send("POST", "/setup", body)
      #expect(again.status == 409)
      #expect(again.json["code"] == "conflict")
    }
    #expect(try await world.directory.makeSetupToken() == nil)
    #expect(try world.directory.tenants().count == 1)
    let held = try world.database.read { connection in
      try connection.first("SELECT count(*) FROM directory_setup_tokens") { $0.integer(0) }
    }
    #expect(held == 0)
    await world.stop()
  }

  @Test("of many first runs at once one makes the company")
  func race() async throws {
    let world = try EmbeddedWorld()
    let token = try #require(try await world.directory.makeSetupToken())
    let statuses = try await withThrowingTaskGroup { group in
      for index in 0..<8 {
        group.addTask {
          let change = JSONObject([("email", .string("m\(index)@mueller.example"))])
          return try await world.send("POST", "/setup", Self.body(token, change)).status
        }
      }
      return try await group.reduce(into: [Int]()) { $0.append($1) }
    }
    #expect(statuses.sorted() == [201] + Array(repeating: 409, count: 7))
    #expect(try world.directory.tenants().count == 1)
    #expect(try world.directory.users(tenantID: "cafe-muller-sohne").count == 1)
    await world.stop()
  }

  @Test("a token is worth nothing when it is wrong, replaced or thirty minutes old")
  func tokens() async throws {
    let world = try EmbeddedWorld()
    #expect(try await world.send("POST", "/setup", Self.body("none yet")).status == 403)
    let first = try #require(try await world.directory.makeSetupToken())
    let second = try #require(try await world.directory.makeSetupToken())
    let held = try world.database.read { connection in
      try connection.all("SELECT token_hash FROM directory_setup_tokens") { $0.blob(0)?.count }
    }
    #expect(held == [32])
    for token in ["", "wrong", first] {
      let answer = try await world.send("POST", "/setup", Self.body(token))
      #expect(answer.status == 403)
      #expect(answer.json["code"] == "insufficient_permissions")
    }
    world.advance(seconds: 30 * 60)
    #expect(try await world.send("POST", "/setup", Self.body(second)).status == 403)
    let third = try #require(try await world.directory.makeSetupToken())
    world.advance(seconds: 30 * 60 - 1)
    #expect(try await world.send("POST", "/setup", Self.body(third)).status == 201)
    await world.stop()
  }

  @Test("what cannot be taken is refused with its member, and the token stays good")
  func refused() async throws {
    let world = try EmbeddedWorld()
    let token = try #require(try await world.directory.makeSetupToken())
    for (change, pointer) in [
      (["password": "seven c"], "/password"), (["email": "nobody"], "/email"),
      (["name": ""], "/name"), (["tenantName": ""], "/tenantName"),
      (["tenantId": "a/b"], "/tenantId"), (["plan": "gold"], "/plan"), (["name": nil], "/name"),
    ] as [(JSONValue, String)] {
      let answer = try await world.send(
        "POST", "/setup", Self.body(token, try #require(change.object)))
      #expect(answer.status == 422, "\(change.text)")
      #expect(answer.json["errors"]?.array?.first?["pointer"]?.string == pointer)
    }
    #expect(try world.directory.tenants().isEmpty)
    try await world.directory.createTenant(id: "taken", name: "Taken")
    let taken = try await world.send(
      "POST", "/setup", Self.body(token, JSONObject([("tenantId", "taken")])))
    #expect(taken.status == 409)
    #expect(taken.json["code"] == "duplicate")
    let named = try await world.send(
      "POST", "/setup", Self.body(token, JSONObject([("tenantName", "Taken")])))
    #expect(named.json["user"]?["tenantId"] == "taken-2")
    await world.stop()
  }

  @Test("a name in another script still gives a tenant")
  func script() async throws {
    let world = try EmbeddedWorld()
    let token = try #require(try await world.directory.makeSetupToken())
    let answer = try await world.send(
      "POST", "/setup", Self.body(token, JSONObject([("tenantName", "株式会社")])))
    #expect(answer.json["user"]?["tenantId"] == "company")
    await world.stop()
  }
}
