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
