import EmbeddedWrapper
import JSON
import SQLite
import TestSupport
import Testing
import Values
import WrapperClient

/// How the Wrapper's truth, the caches and the shipping stand.
@Suite struct SyncRouteTests {
  @Test("the state of the tenant's truth is told to who may read it, without and with the Wrapper")
  func status() async throws {
    let clock = TestClock()
    try await TestServer.run(time: clock.source) { server in
      #expect(try await server.send("GET", "/api/credits").data["isFresh"] == true)
      let online = try await server.send("GET", "/api/sync/status")
      #expect(online.status == 200)
      #expect(online.data["tenantId"] == "acme")
      #expect(online.data["mode"] == "online")
      #expect(online.data["failuresInARow"] == 0)
      #expect(online.data["lastSuccess"]?.string.flatMap { Timestamp(rfc3339: $0) } != nil)
      #expect(online.data["nextAttempt"]?.string.flatMap { Timestamp(rfc3339: $0) } != nil)
      #expect(online.data["oldestPendingSeconds"] == 0)
      #expect(
        await eventually { server.wrapper.status(tenantID: "acme")?.feed == .feed })
      let fed = try await server.send("GET", "/api/sync/status")
      #expect(fed.data["feed"] == "feed")
      #expect(fed.data["cursor"]?.string != nil)
      await server.stopWrapper()
      #expect(await eventually { server.wrapper.mode(tenantID: "acme") == .degraded })
      let lead = try await server.send("POST", "/api/leads", ["title": "waits"])
      #expect(lead.status == 201)
      clock.advance(seconds: 31 * 60)
      let away = try await server.send("GET", "/api/sync/status")
      #expect(away.status == 200)
      #expect(away.header("X-Cardfile-Mode") == "read_only")
      #expect(away.data["mode"] == "read_only")
      #expect((away.data["failuresInARow"]?.integer ?? 0) >= 3)
      let staleness = try #require(Self.number(away.data["stalenessSeconds"]))
      #expect(staleness >= 31 * 60 && staleness < 40 * 60)
      #expect(away.data["outboxDepth"] == 1)
      let waiting = try #require(Self.number(away.data["oldestPendingSeconds"]))
      #expect(waiting >= 31 * 60 && waiting < 40 * 60)
    }
  }

  @Test("states and figures need their permission or crm.admin, and are the caller's tenant's")
  func permissions() async throws {
    try await TestServer.run { server in
      for (path, permission) in [
        ("/api/sync/status", "crm.sync.read"), ("/api/cache/metrics", "crm.cache.read"),
        ("/api/activities/metrics", "crm.activities.read"),
      ] {
        let refused = try await server.send("GET", path, as: "sam")
        #expect(refused.status == 403, "\(path)")
        #expect(refused.code == "insufficient_permissions")
        #expect(refused.json["requiredPermission"]?.string == permission)
        // What belongs to nobody is no team's either.
        #expect(try await server.send("GET", path, as: "mara").status == 403, "\(path)")
        for user in ["ada", "vic", "greta"] {
          #expect(try await server.send("GET", path, as: user).status == 200, "\(path) \(user)")
        }
        #expect(try await server.send("GET", "\(path)?tenantId=acme").status == 400)
      }
      for user in ["sam", "vic", "mara", "pia"] {
        let refused = try await server.send("POST", "/api/sync/refresh", as: user)
        #expect(refused.status == 403, "\(user)")
        #expect(refused.json["requiredPermission"] == "crm.admin")
      }
      #expect(
        try server.rows(
          "SELECT count(*) FROM crm_activities WHERE operation = 'crm.sync.refresh.failed'")
          == [["4"]])
    }
  }

  @Test("a refresh sees at once what changed at the Wrapper, and is logged")
  func refresh() async throws {
    try await TestServer.run { server in
      #expect(try await server.send("GET", "/api/me", as: "sam").status == 200)
      try await server.directory.setRolePermissions(
        tenantID: "acme", id: "sales", permissions: ["crm.contacts.read"])
      let answer = try await server.send("POST", "/api/sync/refresh", [:])
      #expect(answer.status == 200)
      #expect(answer.json["success"] == true)
      #expect(answer.json["creditsDeducted"] == 0)
      #expect(answer.data["mode"] == "online")
      let me = try await server.send("GET", "/api/me", as: "sam")
      #expect(me.data["permissions"] == ["crm.contacts.read"])
      let entry = try server.rows(
        "SELECT operation, entity_type, entity_id, user_id FROM crm_activities WHERE id = ?",
        [.text(answer.json["activityId"]?.string ?? "")])
      #expect(entry == [["crm.sync.refresh", "tenant", "acme", "ada"]])
    }
  }

  @Test("a refresh is possible, and says so, while the Wrapper has been away for too long")
  func refreshReadOnly() async throws {
    let clock = TestClock()
    try await TestServer.run(time: clock.source) { server in
      #expect(try await server.send("GET", "/api/me").status == 200)
      await server.stopWrapper()
      #expect(await eventually { server.wrapper.mode(tenantID: "acme") == .degraded })
      clock.advance(seconds: 31 * 60)
      let answer = try await server.send("POST", "/api/sync/refresh")
      #expect(answer.status == 200)
      #expect(answer.data["mode"] == "read_only")
    }
  }

  @Test("the caches' figures have the seed's shape and count what requests asked")
  func cacheMetrics() async throws {
    try await TestServer.run { server in
      for _ in 0..<20 {
        #expect(try await server.send("GET", "/api/leads", as: "sam").status == 200)
      }
      let answer = try await server.send("GET", "/api/cache/metrics")
      #expect(answer.status == 200)
      let figures = answer.json
      #expect(
        figures.object?.names == [
          "criticalHitRate", "operationalHitRate", "overallHitRate", "totalRequests",
          "cacheSizes", "memoryBytes", "memoryBudgetBytes",
        ])
      let critical = figures["cacheSizes"]?["critical"]
      #expect(
        critical?.object?.names == ["creditCosts", "userPermissions", "userRoles", "activeUsers"])
      #expect(critical?["creditCosts"] == 3)
      #expect(critical?["userPermissions"] == 7)
      #expect(critical?["activeUsers"] == 6)
      let operational = figures["cacheSizes"]?["operational"]
      #expect(
        operational?.object?.names == [
          "userProfiles", "organizationHierarchy", "roleDefinitions", "departmentMappings",
        ])
      #expect(operational?["userProfiles"] == 7)
      #expect(operational?["organizationHierarchy"] == 4)
      #expect(operational?["roleDefinitions"] == 5)
      #expect(figures["cacheSizes"]?["activity"] == 0)
      #expect((figures["totalRequests"]?.integer ?? 0) >= 20)
      let rate = try #require(Self.number(figures["criticalHitRate"]))
      #expect(rate > 0.5 && rate <= 1)
      let bytes = try #require(figures["memoryBytes"]?.integer)
      let budget = try #require(figures["memoryBudgetBytes"]?.integer)
      #expect(bytes > 0 && bytes < budget)
    }
  }

  @Test("the figures of shipping have the seed's shape and tell what waits")
  func activityMetrics() async throws {
    try await TestServer.run { server in
      _ = try await server.lead(["title": "shipped"])
      #expect(
        await eventually {
          // A read that fails is tried again until the time is up.
          (try? server.rows("SELECT count(*) FROM activity_outbox")) == [["0"]]
        })
      let shipped = try await server.send("GET", "/api/activities/metrics")
      #expect(shipped.status == 200)
      #expect(
        shipped.json.object?.names == [
          "bufferSize", "cacheSize", "totalLogged", "flushInterval", "errorRate", "outboxDepth",
          "oldestPendingSeconds", "deadLetters",
        ])
      #expect(shipped.json["totalLogged"] == 1)
      #expect(shipped.json["outboxDepth"] == 0)
      #expect(shipped.json["oldestPendingSeconds"] == 0)
      #expect(shipped.json["flushInterval"] == 100)
      #expect(shipped.json["errorRate"] == 0)
      #expect(shipped.json["deadLetters"] == 0)
      #expect(try await server.send("GET", "/api/me", as: "greta").status == 200)
      await server.stopWrapper()
      #expect(await eventually { server.wrapper.mode(tenantID: "acme") == .degraded })
      for title in ["one", "two"] { _ = try await server.lead(["title": .string(title)]) }
      let waiting = try await server.send("GET", "/api/activities/metrics")
      #expect(waiting.json["totalLogged"] == 3)
      #expect(waiting.json["outboxDepth"] == 2)
      #expect(waiting.json["bufferSize"] == 2)
      let other = try await server.send("GET", "/api/activities/metrics", as: "greta")
      #expect(other.json["outboxDepth"] == 0)
      #expect(other.json["totalLogged"] == 0)
    }
  }

  @Test("health tells of the database, the Wrapper and the outbox without names")
  func health() async throws {
    try await TestServer.run { server in
      #expect(try await server.send("GET", "/api/credits").status == 200)
      await server.stopWrapper()
      #expect(await eventually { server.wrapper.mode(tenantID: "acme") == .degraded })
      _ = try await server.lead(["title": "waits"])
      let answer = try await server.client.send("GET", "/health/detailed")
      #expect(answer.status == 200)
      #expect(answer.json["mode"] == "degraded")
      let wrapper = answer.json["wrapper"]
      #expect(wrapper?["status"] == "degraded")
      #expect((wrapper?["failuresInARow"]?.integer ?? 0) >= 3)
      #expect(Self.number(wrapper?["stalenessSeconds"]) != nil)
      #expect(answer.json["outbox"]?["depth"] == 1)
      #expect(answer.json["outbox"]?["deadLetters"] == 0)
      for name in ["acme", "Acme", "ada", "Ada"] { #expect(!answer.text.contains(name)) }
    }
  }

  private static func number(_ value: JSONValue?) -> Double? {
    guard case .number(let number)? = value else { return nil }
    return number.double
  }
}
