import EmbeddedWrapper
import JSON
import TestSupport
import Testing
import WrapperClient

/// Who the caller is, what they may do, and who else is there.
@Suite struct IdentityTests {
  @Test("a caller is told profile, roles, grants, place in the organisation, session and mode")
  func me() async throws {
    try await TestServer.run { server in
      // Rights are answered as soon as they are known; the tenant's own settings may come later.
      let acme: JSONValue = ["id": "acme", "name": "Acme Corp"]
      for _ in 0..<2000
      where try await server.send("GET", "/api/me", as: "sam").data["tenant"] != acme {
        try await Task.sleep(for: .milliseconds(5))
      }
      let answer = try await server.send("GET", "/api/me", as: "sam")
      #expect(answer.status == 200)
      let user: JSONValue = [
        "id": "sam", "name": "Sam Sales", "email": "sam@acme.example", "title": "Tester",
        "department": "Sales Department", "departmentId": "north", "organizationId": "org",
        "location": "Paris", "isActive": true,
      ]
      #expect(answer.data["user"] == user)
      #expect(answer.data["tenant"] == acme)
      #expect(answer.data["roles"] == [["id": "sales", "name": "Sales"]])
      #expect(answer.data["permissions"]?.array?.contains("crm.leads.create:own") == true)
      let organization: JSONValue = [
        "organizationId": "org", "organizationName": "Acme Corp", "departmentId": "sales",
        "departmentName": "Sales Department", "parentEntityId": "sales",
        "entityPath": "Acme Corp → Sales Department → Sam Sales",
      ]
      #expect(answer.data["organization"] == organization)
      #expect(answer.data["mode"] == "online")
      let session = answer.data["session"]
      #expect(session?["id"]?.string?.hasPrefix("jwt:") == true)
      #expect(session?["authenticationMethod"] == "jwt")
      #expect(session?["expiresAt"]?.string?.hasSuffix("Z") == true)
      #expect(answer.header("Cache-Control") == "private, no-cache")
      #expect(try await server.send("HEAD", "/api/me", as: "sam").status == 200)
      #expect(try await server.send("GET", "/api/me?x=1", as: "sam").status == 400)
      #expect(try await server.send("POST", "/api/me", as: "sam").status == 405)
      #expect(try await server.send("GET", "/api/me", as: "ida").status == 403)
      #expect(try await server.client.send("GET", "/api/me").status == 401)
    }
  }

  @Test("a user whom the directory does not know is told that nothing is granted")
  func unknown() async throws {
    try await TestServer.run { server in
      let answer = try await server.send("GET", "/api/me", as: "nobody")
      #expect(answer.status == 200)
      #expect(answer.data["user"] == ["id": "nobody", "isActive": false])
      #expect(answer.data["roles"] == [])
      #expect(answer.data["permissions"] == [])
      #expect(answer.data["organization"]?["entityPath"] == "Unknown → nobody")
    }
  }

  @Test("a permission check says whether, why and how far")
  func check() async throws {
    try await TestServer.run { server in
      #expect(try await server.send("GET", "/api/me", as: "vic").status == 200)
      try await server.directory.setPermissions(
        tenantID: "acme", userID: "vic", permissions: ["crm.leads.create:team"])
      #expect(
        await eventually {
          server.wrapper.loadedTenant("acme")?
            .check(userID: "vic", permission: "crm.leads.create").isAllowed == true
        })
      for (user, permission, expected) in [
        ("ada", "crm.leads.read", ["allowed": true, "source": "role:Admin", "scope": "tenant"]),
        ("ada", "crm.admin", ["allowed": true, "source": "role:Admin", "scope": "tenant"]),
        ("mara", "crm.deals.delete", ["allowed": true, "source": "role:Manager", "scope": "team"]),
        ("sam", "crm.leads.read", ["allowed": true, "source": "role:Sales", "scope": "own"]),
        ("vic", "crm.leads.create", ["allowed": true, "source": "direct", "scope": "team"]),
        ("sam", "crm.leads.delete", ["allowed": false, "source": .null, "scope": .null]),
        ("pia", "crm.admin", ["allowed": false, "source": .null, "scope": .null]),
      ] as [(String, String, JSONValue)] {
        let path = "/api/permissions/check?permission=\(permission)"
        let own = try await server.send("GET", path, as: user)
        #expect(own.data == expected, "\(user) \(permission)")
        let named = try await server.send("GET", "\(path)&userId=\(user)", as: user)
        #expect(named.data == expected)
        let asked = try await server.send("GET", "\(path)&userId=\(user)", as: "ada")
        #expect(asked.data == expected)
      }
    }
  }

  @Test("others' permissions need crm.permissions.read or crm.admin, and a user of the tenant")
  func othersPermissions() async throws {
    try await TestServer.run { server in
      let path = "/api/permissions/check?permission=crm.leads.read&userId="
      let refused = try await server.send("GET", path + "ada", as: "sam")
      #expect(refused.status == 403)
      #expect(refused.code == "insufficient_permissions")
      #expect(refused.json["requiredPermission"] == "crm.permissions.read")
      // Whoever may not ask is not told either who exists.
      #expect(try await server.send("GET", path + "nobody", as: "sam").status == 403)
      // `crm.*.read` and a team's `crm.*.*` name the resource `permissions` too.
      #expect(try await server.send("GET", path + "ada", as: "vic").status == 200)
      for user in ["nobody", "greta", ""] {
        let answer = try await server.send("GET", path + user, as: "ada")
        #expect(answer.status == 404, "\(user)")
        #expect(answer.code == "not_found")
      }
      let inactive = try await server.send("GET", path + "ida", as: "ada")
      #expect(inactive.data["allowed"] == false)
      for query in [
        "", "?permission=", "?permission=read", "?permission=crm.leads.read:own",
        "?permission=crm.leads.*", "?permission=*", "?permission=crm.a.b.c",
        "?permission=crm.leads.read&permission=crm.leads.read",
        "?permission=crm.leads.read&user=ada",
      ] {
        let answer = try await server.send("GET", "/api/permissions/check\(query)")
        #expect(answer.status == 400, "\(query)")
        #expect(answer.code == "invalid_parameter", "\(query)")
      }
    }
  }

  @Test("whose permissions one reads for a team, to them nobody else exists")
  func teamPermissions() async throws {
    try await TestServer.run { server in
      let path = "/api/permissions/check?permission=crm.leads.read&userId="
      for (user, status) in [
        ("sam", 200), ("vic", 200), ("mara", 200), ("sue", 404), ("ada", 404), ("nobody", 404),
      ] {
        let answer = try await server.send("GET", path + user, as: "mara")
        #expect(answer.status == status, "\(user)")
      }
    }
  }

  @Test("a revoked grant is missing from the next answers")
  func revoked() async throws {
    try await TestServer.run { server in
      let path = "/api/permissions/check?permission=crm.leads.create"
      #expect(try await server.send("GET", path, as: "sam").data["allowed"] == true)
      try await server.directory.setRolePermissions(
        tenantID: "acme", id: "sales", permissions: ["crm.leads.read:own"])
      #expect(
        await eventually {
          server.wrapper.loadedTenant("acme")?
            .check(userID: "sam", permission: "crm.leads.create").isAllowed == false
        })
      #expect(try await server.send("GET", path, as: "sam").data["allowed"] == false)
      let me = try await server.send("GET", "/api/me", as: "sam")
      #expect(me.data["permissions"] == ["crm.leads.read:own"])
    }
  }

  @Test("a tenant shows its name, branding, features and settings, to its own users only")
  func tenant() async throws {
    try await TestServer.run { server in
      let acme = try await server.send("GET", "/api/tenant", as: "sam")
      #expect(acme.status == 200)
      let settings: JSONValue = ["currency": "USD"]
      #expect(
        acme.data == [
          "id": "acme", "name": "Acme Corp", "branding": [:], "features": [:],
          "settings": settings,
        ])
      #expect(try await server.send("GET", "/api/tenant", as: "greta").data["name"] == "Globex")
    }
  }

  @Test("without the Wrapper all of it is answered from what is known, and marked")
  func offline() async throws {
    let clock = TestClock()
    try await TestServer.run(time: clock.source) { server in
      let paths = ["/api/me", "/api/tenant", "/api/users", "/api/organizations/org/hierarchy"]
      for path in paths { #expect(try await server.send("GET", path).status == 200) }
      await server.stopWrapper()
      #expect(await eventually { server.wrapper.mode(tenantID: "acme") == .degraded })
      for path in paths {
        let answer = try await server.send("GET", path)
        #expect(answer.status == 200, "\(path)")
        #expect(answer.header("X-Cardfile-Mode") == "degraded")
      }
      #expect(try await server.send("GET", "/api/me").data["mode"] == "degraded")
      clock.advance(seconds: 31 * 60)
      let late = try await server.send("GET", "/api/me")
      #expect(late.data["mode"] == "read_only")
    }
  }
}
