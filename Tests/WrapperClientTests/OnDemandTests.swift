import HTTP
import JSON
import Synchronization
import Testing
import Values

@testable import WrapperClient

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
      (#"{"userId":"u9","tenantId":"t2","name":"Eve"}"#, true),
      (#"{"userId":"u8","tenantId":"t1","name":"Eve"}"#, true),
      (#"{"userId":"u9","name":"Eve"}"#, true), (#"{"name":"Eve"}"#, true),
      ("[]", false), ("Eve", false), (#"{"userId":"u9","tenantId":"t1","name":7}"#, false),
    ])
  func foreign(body: String, isMissing: Bool) async throws {
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
      // Whether another tenant has such a user is nobody's business.
      if isMissing {
        #expect(try await client.profile(tenantID: "t1", userID: "u9") == nil)
      } else {
        await #expect(throws: WrapperError.unavailable) {
          try await client.profile(tenantID: "t1", userID: "u9")
        }
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
          let text = name.withLock { Self.branch($0) }
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

  private static func branch(_ name: String, of organization: String = "o1") -> String {
    """
    {"entityId":"branch","name":"\(name)","organizationId":"\(organization)","children":[]}
    """
  }

  @Test("a unit of an organisation that is not the tenant's is none")
  func foreignUnit() async throws {
    let world = try ClientWorld()
    let organization = Mutex("o2")
    try await withScript { script, port in
      script.play { call in
        guard call.path == "/api/organizations/branch/hierarchy" else { return nil }
        return organization.withLock { .json(Array(Self.branch("Branch", of: $0).utf8)) }
      }
      let client = world.client(port: port)
      await client.start()
      _ = try await client.tenant("t1")
      #expect(await eventuallyTrue { client.loadedTenant("t1")?.organization != nil })
      #expect(try await client.hierarchy(tenantID: "t1", unitID: "branch") == nil)
      for id in ["..", ".", ""] {
        #expect(try await client.hierarchy(tenantID: "t1", unitID: id) == nil)
      }
      #expect(script.calls("/api/organizations/").allSatisfy { !$0.path.contains("..") })
      organization.withLock { $0 = "o1" }
      #expect(try await client.hierarchy(tenantID: "t1", unitID: "branch")?["name"] == "Branch")
      await client.stop()
    }
  }

  @Test("what an event said is out of date is fetched by itself; what is held does without it")
  func outdated() async throws {
    try await withFeed { fed in
      let isAnswering = Switch()
      let feed = fed.feed
      fed.script.play { call in
        switch call.path {
        case "/api/employees", "/api/organizations/t1": return HTTPResponse(status: 500)
        case "/api/employees/u1" where isAnswering.isOn:
          return .json(Array(#"{"userId":"u1","tenantId":"t1","name":"Una Nova"}"#.utf8))
        case "/api/organizations/o1/hierarchy" where isAnswering.isOn:
          return .json(
            Array(#"{"entityId":"o1","organizationId":"o1","name":"One and only"}"#.utf8))
        case let path where path.hasPrefix("/api/employees/"): return HTTPResponse(status: 500)
        case let path where path.hasSuffix("/hierarchy"): return HTTPResponse(status: 500)
        default: return await feed.answer(call)
        }
      }
      let client = fed.client
      fed.feed.publish("crm:t1:users", "user-changed", ["userId": "u1"])
      fed.feed.publish("crm:t1:hierarchy", "hierarchy-changed", ["entityId": "o1"])
      #expect(await eventuallyTrue { client.appliedEvents == 2 })
      #expect(try await client.profile(tenantID: "t1", userID: "u1")?.name == "Una")
      #expect(try await client.hierarchy(tenantID: "t1", unitID: "o1")?["name"] == "One")
      isAnswering.isOn = true
      #expect(try await client.profile(tenantID: "t1", userID: "u1")?.name == "Una Nova")
      let unit = try await client.hierarchy(tenantID: "t1", unitID: "o1")
      #expect(unit?["name"] == "One and only")
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
