import HTTP
import JSON
import Synchronization
import Testing
import Values

@testable import WrapperClient

/// How long each part of what is known lives, and what happens after that.
@Suite struct TierTests {
  private static let configuration = WrapperConfiguration(
    baseURL: "http://127.0.0.1:9", apiKey: "key", version: "test")

  @Test(
    "each tier has the life that the contract names, to the second",
    arguments: [
      (OperationalTier.profiles, 5), (.departments, 10), (.hierarchy, 15), (.roles, 30),
      (.creditConfiguration, 60), (.tenantConfiguration, 24 * 60),
    ])
  func lives(tier: OperationalTier, minutes: Double) {
    let clock = ManualClock()
    let use = CacheUse(time: clock.source, alarm: Alarm())
    use.renew(tier.collection, at: clock.now, maxAgeSeconds: nil, Self.configuration)
    clock.advance(seconds: minutes * 60 - 1)
    use.count(tier)
    #expect(use.totals.operational == CacheUse.Counts(lookups: 1, hits: 1))
    #expect(!use.wants(tier.collection))
    clock.advance(seconds: 1)
    use.count(tier)
    #expect(use.totals.operational == CacheUse.Counts(lookups: 2, hits: 1))
    #expect(use.wants(tier.collection))
  }

  @Test("a department outlives the profile that it came with")
  func departments() {
    let clock = ManualClock()
    let use = CacheUse(time: clock.source, alarm: Alarm())
    use.renew(.employees, at: clock.now, maxAgeSeconds: nil, Self.configuration)
    clock.advance(seconds: 6 * 60)
    use.count(.departments)
    #expect(!use.wants(.employees))
    use.count(.profiles)
    #expect(use.wants(.employees))
  }

  @Test(
    "CRM_CACHE_TTL_MINUTES is the life of profiles; max-age shortens and never lengthens a life")
  func shortened() {
    var configuration = Self.configuration
    configuration.cacheTTLMinutes = 1
    let clock = ManualClock()
    let use = CacheUse(time: clock.source, alarm: Alarm())
    for (maxAge, life) in [(nil, 60.0), (20.0, 20.0), (3600.0, 60.0)] as [(Double?, Double)] {
      use.renew(.employees, at: clock.now, maxAgeSeconds: maxAge, configuration)
      clock.advance(seconds: life - 1)
      use.count(.profiles)
      #expect(!use.wants(.employees))
      clock.advance(seconds: 1)
      use.count(.profiles)
      #expect(use.wants(.employees))
    }
  }

  @Test("what is operational is not fetched while nobody asks for it")
  func lazy() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port) { $0.cacheTTLMinutes = 0.001 }
      await client.start()
      _ = try await client.tenant("t1")
      #expect(await eventuallyTrue { script.calls("/api/employees").count == 1 })
      let looks = script.calls("/api/permissions").count
      #expect(await eventuallyTrue { script.calls("/api/permissions").count > looks + 10 })
      #expect(script.calls("/api/employees").count == 1)
      #expect(script.calls("/api/organizations/").count == 1)
      #expect(script.calls("/api/tenants/").count == 1)
      await client.stop()
    }
  }

  @Test("after its life an answer is given stale while one fetch brings the new one")
  func stale() async throws {
    let world = try ClientWorld()
    let name = Mutex("Una")
    let isHeld = Switch()
    try await withScript { script, port in
      script.play { call in
        guard call.path == "/api/employees" else { return nil }
        while isHeld.isOn { await Task.yield() }
        let text = name.withLock { #"[{"userId":"u1","name":"\#($0)"}]"# }
        return .json(Array(text.utf8))
      }
      let client = world.client(port: port, time: world.hybridTime)
      await client.start()
      _ = try await client.tenant("t1")
      #expect(await eventuallyTrue { client.loadedTenant("t1")?.user("u1")?.name == "Una" })
      name.withLock { $0 = "Una Nova" }
      isHeld.isOn = true
      script.forget()
      world.clock.advance(seconds: 299)
      _ = try await client.tenant("t1").user("u1")
      world.clock.advance(seconds: 2)
      for _ in 0..<100 {
        #expect(try await client.tenant("t1").user("u1")?.name == "Una")
      }
      #expect(await eventuallyTrue { script.calls("/api/employees").count == 1 })
      isHeld.isOn = false
      #expect(await eventuallyTrue { client.loadedTenant("t1")?.user("u1")?.name == "Una Nova" })
      #expect(script.calls("/api/employees").count == 1)
      await client.stop()
    }
  }

  @Test("a max-age on the wire shortens the life of an answer")
  func maxAge() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { call in
        guard call.path.hasPrefix("/api/organizations/") else { return nil }
        var answer = ScriptedWrapper.peaceful(call)
        answer.headers.add("Cache-Control", "private, max-age=60")
        return answer
      }
      let client = world.client(port: port, time: world.hybridTime)
      await client.start()
      _ = try await client.tenant("t1")
      #expect(await eventuallyTrue { client.loadedTenant("t1")?.units.count == 1 })
      #expect(script.calls("/api/organizations/").count == 1)
      world.clock.advance(seconds: 61)
      _ = try await client.tenant("t1").units
      #expect(await eventuallyTrue { script.calls("/api/organizations/").count == 2 })
      await client.stop()
    }
  }
}

/// People and units that the collections do not hold.
@Suite struct OnDemandTests {
  @Test("a user whom the collections lack is fetched once for all who ask at the same time")
  func singleFlight() async throws {
    let world = try ClientWorld()
    let isHeld = Switch()
    isHeld.isOn = true
    try await withScript { script, port in
      script.play { call in
        guard call.path == "/api/employees/new%20user" || call.path == "/api/employees/new user"
        else { return nil }
        while isHeld.isOn { await Task.yield() }
        return .json(
          Array(#"{"userId":"new user","tenantId":"t1","name":"Nova","title":"CTO"}"#.utf8))
      }
      let client = world.client(port: port)
      _ = try await client.tenant("t1")
      let names = try await withThrowingTaskGroup(of: String?.self) { group in
        for _ in 0..<50 {
          group.addTask { try await client.profile(tenantID: "t1", userID: "new user")?.name }
        }
        #expect(await eventuallyTrue { script.calls("/api/employees/").count == 1 })
        isHeld.isOn = false
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(names == Array(repeating: "Nova", count: 50))
      #expect(script.calls("/api/employees/").count == 1)
      #expect(try await client.profile(tenantID: "t1", userID: "new user")?.title == "CTO")
      #expect(script.calls("/api/employees/").count == 1)
      await client.stop()
    }
  }

  @Test("what the Wrapper does not know is not asked for again for 30 seconds")
  func negative() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port, time: world.hybridTime)
      for _ in 0..<5 {
        let ghost = try await client.profile(tenantID: "t1", userID: "ghost")
        #expect(ghost?.id == nil)
      }
      #expect(script.calls("/api/employees/").count == 1)
      world.clock.advance(seconds: 29)
      _ = try await client.profile(tenantID: "t1", userID: "ghost")
      #expect(script.calls("/api/employees/").count == 1)
      world.clock.advance(seconds: 2)
      let ghost = try await client.profile(tenantID: "t1", userID: "ghost")
      #expect(ghost?.id == nil)
      #expect(script.calls("/api/employees/").count == 2)
      await client.stop()
    }
  }

  @Test(
    "an answer that names another tenant, or somebody else, is refused and not remembered",
    arguments: [
      #"{"userId":"u9","tenantId":"t2","name":"Eve"}"#, #"{"userId":"u8","name":"Eve"}"#,
      #"{"name":"Eve"}"#, "[]", "Eve", #"{"userId":"u9","name":7}"#,
    ])
  func foreign(body: String) async throws {
    let world = try ClientWorld()
    let isRight = Switch()
    try await withScript { script, port in
      script.play { call in
        guard call.path.hasPrefix("/api/employees/") else { return nil }
        let text = isRight.isOn ? #"{"userId":"u9","tenantId":"t1","name":"Nina"}"# : body
        return .json(Array(text.utf8))
      }
      let client = world.client(port: port)
      _ = try await client.tenant("t1")
      await #expect(throws: WrapperError.unavailable) {
        try await client.profile(tenantID: "t1", userID: "u9")
      }
      isRight.isOn = true
      #expect(try await client.profile(tenantID: "t1", userID: "u9")?.name == "Nina")
      await client.stop()
    }
  }

  @Test("the comprehensive profile is fetched for each question and says what the Wrapper says")
  func comprehensive() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { call in
        guard call.path == "/api/users/u1/comprehensive" else { return nil }
        return .json(
          Array(#"{"userId":"u1","tenantId":"t1","permissions":["*"],"roles":[]}"#.utf8))
      }
      let client = world.client(port: port)
      for _ in 0..<2 {
        let profile = try await client.comprehensiveProfile(tenantID: "t1", userID: "u1")
        #expect(profile?["permissions"] == ["*"])
      }
      #expect(script.calls("/api/users/u1/comprehensive").count == 2)
      let nobody = try await client.comprehensiveProfile(tenantID: "t1", userID: "u2")
      #expect(nobody == nil)
      await client.stop()
    }
  }

  @Test("a unit that the organisation lacks is fetched, and is forgotten when the tenant changes")
  func unit() async throws {
    let world = try ClientWorld()
    let name = Mutex("Branch")
    let grants = Mutex("*")
    try await withScript { script, port in
      script.play { call in
        switch call.path {
        case "/api/organizations/branch/hierarchy":
          let text = name.withLock { #"{"entityId":"branch","name":"\#($0)","children":[]}"# }
          return .json(Array(text.utf8))
        case "/api/permissions":
          let text = grants.withLock { #"{"users":[{"userId":"u1","permissions":["\#($0)"]}],"# }
          return .json(Array((text + #""roles":[]}"#).utf8))
        default: return nil
        }
      }
      let client = world.client(port: port)
      _ = try await client.tenant("t1")
      #expect(try await client.hierarchy(tenantID: "t1", unitID: "branch")?["name"] == "Branch")
      name.withLock { $0 = "Main branch" }
      #expect(try await client.hierarchy(tenantID: "t1", unitID: "branch")?["name"] == "Branch")
      grants.withLock { $0 = "crm.leads.read" }
      #expect(
        await eventuallyTrue {
          // A failure is one more reason to try again.
          let unit = try? await client.hierarchy(tenantID: "t1", unitID: "branch")
          return unit.flatMap { $0 }?["name"] == "Main branch"
        })
      await client.stop()
    }
  }

  @Test("what is remembered is bounded in number and in bytes")
  func bounded() async throws {
    let clock = ManualClock()
    let cache = OnDemandCache(time: clock.source)
    func key(_ number: Int) -> OnDemandCache.Key {
      OnDemandCache.Key(kind: .employee, tenantID: "t1", id: "user number \(number)")
    }
    for number in 0..<Limits.onDemandEntriesMax + 200 {
      _ = await cache.find(key(number), lifeSeconds: 300, waitSeconds: 5) { .missing }
    }
    let full = cache.heldBytes
    #expect(full > 0 && full < 2_000_000)
    for number in 0..<200 {
      _ = await cache.find(key(-1 - number), lifeSeconds: 300, waitSeconds: 5) { .missing }
    }
    #expect(cache.heldBytes <= full + 10_000)
    let large = JSONObject([("text", .string(String(repeating: "x", count: 70_000)))])
    let before = cache.heldBytes
    _ = await cache.find(key(100_000), lifeSeconds: 300, waitSeconds: 5) {
      .found(large, maxAgeSeconds: nil)
    }
    #expect(cache.heldBytes == before)
    cache.forgetAll()
    #expect(cache.heldBytes == 0)
  }
}
