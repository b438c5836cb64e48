import Database
import EmbeddedWrapper
import JSON
import SQLite
import TestSupport
import Testing

@Suite struct EndpointTests {
  @Test("no path answers without the key, or under another host's name")
  func guarded() async throws {
    let world = try EmbeddedWorld()
    try await world.directory.createTenant(id: "t1", name: "One")
    for path in ["/api/tenants/t1", "/api/permissions?tenantId=t1", "/nowhere"] {
      #expect(try await world.send("GET", path, key: "wrong").status == 403)
      #expect(try await world.client.send("GET", path).status == 403)
    }
    #expect(try await world.send("POST", "/auth/login", key: "", [:]).status == 403)
    let port = world.client.port
    for (host, status) in [
      ("evil.example", 404), ("127.0.0.1.evil.example", 404), ("localhost", 200),
      ("[::1]:\(port)", 200), ("127.0.0.1:\(port)", 200),
    ] {
      let raw = """
        GET /api/tenants/t1 HTTP/1.1\r\nHost: \(host)\r\nAuthorization: Bearer secret\r\n\
        Connection: close\r\n\r\n
        """
      let answer = String(
        decoding: try await world.client.send(raw: Array(raw.utf8)), as: UTF8.self)
      #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(host)")
    }
    await world.stop()
  }

  @Test("each collection has the contract's shape and a strong tag")
  func collections() async throws {
    let world = try EmbeddedWorld()
    _ = try await DemoCompany.open(in: world.directory)
    for path in [
      "/api/tenants/acme", "/api/employees?tenantId=acme", "/api/permissions?tenantId=acme",
      "/api/organizations/acme", "/api/billing/credit-configs/acme",
      "/api/billing/credits/acme", "/api/users/user-ada/comprehensive?tenantId=acme",
    ] {
      let answer = try await world.send("GET", path)
      #expect(answer.status == 200, "\(path)")
      let etag = try #require(answer.header("ETag"))
      let again = try await world.send("GET", path, headers: [("If-None-Match", etag)])
      #expect(again.status == 304, "\(path)")
      #expect(again.body.isEmpty)
    }
    let etag = try #require(
      try await world.send("GET", "/api/permissions?tenantId=acme").header("ETag"))
    try await world.directory.revokeRole(
      tenantID: "acme", userID: "user-jonas", roleID: "sales")
    let changed = try await world.send(
      "GET", "/api/permissions?tenantId=acme", headers: [("If-None-Match", etag)])
    #expect(changed.status == 200)
    let tree = try await world.send("GET", "/api/organizations/acme").json
    #expect(tree["entityId"] == "org-acme")
    #expect(tree["children"]?.array?.count == 4)
    let team = try await world.send(
      "GET", "/api/organizations/team-north/hierarchy", tenantID: "acme"
    ).json
    #expect(team["departmentName"] == "Sales")
    #expect(team["parentEntityId"] == "dept-sales")
    let one = try await world.send("GET", "/api/employees/user-sofie?tenantId=acme").json
    #expect(one["departmentId"] == "team-north")
    #expect(one["department"] == "Sales")
    #expect(one["organizationId"] == "org-acme")
    await world.stop()
  }

  @Test("people beyond a thousand come by pages, each of them once")
  func pages() async throws {
    let world = try EmbeddedWorld()
    try await world.directory.createTenant(id: "t1", name: "One")
    try await world.database.write { connection in
      for index in 0..<2_001 {
        try connection.run(
          """
          INSERT INTO directory_users (tenant_id, user_id, email, email_folded, name, created_at)
          VALUES ('t1', ?1, ?1 || '@x.example', ?1 || '@x.example', 'N', '2026-01-31')
          """, [.text("u\(100_000 + index)")])
      }
    }
    var counts: [Int] = []
    var found: Set<String> = []
    var cursor: String?
    repeat {
      let query = cursor.map { "&cursor=\($0)" } ?? ""
      let page = try await world.send("GET", "/api/employees?tenantId=t1\(query)").json
      let users = page["employees"]?.array?.compactMap { $0["userId"]?.string } ?? []
      counts.append(users.count)
      found.formUnion(users)
      cursor = page["nextCursor"]?.string
    } while cursor != nil
    #expect(counts == [1_000, 1_000, 1])
    #expect(found.count == 2_001)
    #expect(
      try await world.send("GET", "/api/employees?tenantId=t1&cursor=!").json["code"]
        == "invalid_cursor")
    await world.stop()
  }

  @Test("the administration's lists carry tags too, and the feed none")
  func tags() async throws {
    let world = try EmbeddedWorld()
    _ = try await DemoCompany.open(in: world.directory)
    for path in ["users", "users/user-ada", "roles", "units", "credits", "tenants"] {
      let path = "/api/directory/\(path)"
      let etag = try #require(
        try await world.send("GET", path, tenantID: "acme").header("ETag"))
      let again = try await world.send(
        "GET", path, tenantID: "acme", headers: [("If-None-Match", etag)])
      #expect(again.status == 304, "\(path)")
    }
    let feed = try await world.send(
      "GET", "/api/events?channels=crm:*", headers: [("If-None-Match", "*")])
    #expect(feed.status == 200)
    #expect(feed.header("ETag") == nil)
    await world.stop()
  }

  @Test("what does not exist is 404, and what is missing is 400")
  func missing() async throws {
    let world = try EmbeddedWorld()
    for path in [
      "/api/tenants/none", "/api/employees?tenantId=none", "/api/permissions?tenantId=none",
      "/api/organizations/none", "/api/billing/credit-configs/none",
      "/api/billing/credits/none", "/api/users/x/comprehensive?tenantId=none",
    ] {
      #expect(try await world.send("GET", path).status == 404, "\(path)")
    }
    #expect(try await world.send("GET", "/api/employees").status == 400)
    #expect(try await world.send("DELETE", "/api/tenants/none").status == 405)
    await world.stop()
  }
}
