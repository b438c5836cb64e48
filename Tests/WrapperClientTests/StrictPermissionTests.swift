import HTTP
import Testing
import Values

@testable import WrapperClient

/// `CRM_PERMISSION_CHECK=strict`: every decision rests on an answer that is newer than the request.
@Suite struct StrictPermissionTests {
  private static let path = "/api/users/u1/comprehensive"

  private static func answer(
    _ permissions: String, roles: String = "[]", isActive: Bool = true
  ) -> HTTPResponse {
    .json(
      Array(
        """
        {"userId":"u1","tenantId":"t1","name":"Una","isActive":\(isActive),
        "permissions":\(permissions),"roles":\(roles)}
        """.utf8))
  }

  private static func strict(
    _ world: ClientWorld, _ port: UInt16, time: TimeSource = .system,
    _ adjust: (inout WrapperConfiguration) -> Void = { _ in }
  ) -> Wrapper {
    world.client(port: port, time: time) {
      $0.permissionCheck = .strict
      // Nothing but the strict check shall bring news.
      $0.pollSeconds = 3_600
      adjust(&$0)
    }
  }

  private static func may(
    _ client: Wrapper, _ permission: String = "crm.leads.read", userID: String = "u1"
  ) async throws -> Bool {
    try await client.tenant("t1", decidingOn: userID)
      .check(userID: userID, permission: permission).isAllowed
  }

  private static func mayNot(
    _ client: Wrapper, _ permission: String = "crm.leads.read", userID: String = "u1"
  ) async throws -> Bool {
    try await may(client, permission, userID: userID) == false
  }

  @Test("a right is gone with the first decision after the Wrapper took it, and back as soon")
  func immediate() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { $0.path == Self.path ? Self.answer(#"["crm.*.*"]"#) : nil }
      let client = Self.strict(world, port)
      await client.start()
      #expect(try await Self.may(client))
      script.play { $0.path == Self.path ? Self.answer("[]") : nil }
      #expect(try await Self.mayNot(client))
      script.play { call in
        guard call.path == Self.path else { return nil }
        return Self.answer(
          "[]", roles: #"[{"roleId":"r","name":"Reader","permissions":["crm.*.read"]}]"#)
      }
      #expect(try await Self.may(client))
      #expect(try await Self.mayNot(client, "crm.leads.create"))
      script.play { call in
        call.path == Self.path ? Self.answer(#"["*"]"#, isActive: false) : nil
      }
      #expect(try await Self.mayNot(client))
      script.play { $0.path == Self.path ? HTTPResponse(status: 404) : nil }
      let gone = try await client.tenant("t1", decidingOn: "u1")
      #expect(gone.user("u1") == nil)
      await client.stop()
    }
  }

  @Test("one read serves all that wait, and each rests on one that was sent after it came")
  func coalesced() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let sent = Counter()
      script.play { call in
        guard call.path == Self.path else { return nil }
        let number = sent.increment()
        try? await Task.sleep(for: .milliseconds(20))
        return Self.answer(#"["crm.n\#(number).read"]"#)
      }
      let client = Self.strict(world, port)
      await client.start()
      _ = try await client.tenant("t1")
      let good = try await withThrowingTaskGroup { group in
        for _ in 0..<100 {
          group.addTask {
            let before = sent.value
            let directory = try await client.tenant("t1", decidingOn: "u1")
            // Of the reads that were sent by then, none may be the one that decides.
            return (1...max(before, 1)).allSatisfy {
              before == 0
                || !directory.check(userID: "u1", permission: "crm.n\($0).read").isAllowed
            }
          }
        }
        return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(good == 100)
      #expect(sent.value <= 10)
      await client.stop()
    }
  }

  @Test("who waits for one user does not wait for another")
  func independent() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let gate = Promise<Bool>()
      script.play { call in
        guard call.path == Self.path else { return nil }
        _ = await gate.value(withinSeconds: 20)
        return Self.answer("[]")
      }
      let client = Self.strict(world, port)
      await client.start()
      async let slow = Self.may(client)
      #expect(await eventuallyTrue { script.calls(Self.path).count == 1 })
      // Unknown to the Wrapper, and answered at once.
      #expect(try await Self.mayNot(client, userID: "u2"))
      gate.fulfil(true)
      let isAllowed = try await slow
      #expect(isAllowed == false)
      await client.stop()
    }
  }

  @Test("an answer that does not come in time leaves the decision to the last truth, briefly")
  func late() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let gate = Promise<Bool>()
      // The clock stands still, so that the pause after a failure ends when the test says so.
      let client = Self.strict(world, port, time: world.clock.source) { $0.requestSeconds = 0.3 }
      await client.start()
      #expect(await eventuallyTrue { (try? await client.tenant("t1")) != nil })
      script.play { call in
        guard call.path == Self.path else { return nil }
        _ = await gate.value(withinSeconds: 60)
        return Self.answer("[]")
      }
      // The snapshot says that u1 may everything.
      let isAllowed = try await Self.may(client)
      #expect(isAllowed)
      // Nobody waits again for what failed just now.
      for _ in 0..<20 { #expect(try await Self.may(client)) }
      #expect(script.calls(Self.path).count == 1)
      gate.fulfil(true)
      script.play { $0.path == Self.path ? Self.answer("[]") : nil }
      // A machine that is busy may make this answer late as well.
      let isRefused = await eventuallyTrue {
        world.clock.advance(seconds: 2)
        return (try? await Self.may(client)) == false
      }
      #expect(isRefused)
      await client.stop()
    }
  }

  @Test(
    "an answer that cannot be right changes nothing",
    arguments: [
      #"{"userId":"u2","permissions":[],"roles":[]}"#,
      #"{"userId":"u1","tenantId":"t2","permissions":[],"roles":[]}"#,
      #"{"userId":"u1","permissions":"none","roles":[]}"#,
      #"{"userId":"u1","roles":[]}"#, #"{"userId":"u1","permissions":[]}"#,
      #"{"userId":"u1","permissions":[],"roles":[{"name":"no id"}]}"#,
      #"{"userId":"u1","permissions":[],"roles":[],"isActive":"no"}"#,
      #"{"userId":"u1","permissions":[],"roles":[],"name":7}"#, "[]", "",
    ])
  func hostile(body: String) async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = Self.strict(world, port)
      await client.start()
      _ = try await client.tenant("t1")
      #expect(await eventuallyTrue { client.loadedTenant("t1")?.user("u1")?.name == "Una" })
      script.play { $0.path == Self.path ? .json(Array(body.utf8)) : nil }
      #expect(try await Self.may(client))
      #expect(client.loadedTenant("t1")?.user("u1")?.name == "Una")
      #expect(world.log.contains { $0.contains("asking about a user") })
      await client.stop()
    }
  }

  @Test("what a decision brought is stored with the next look, and holds after a restart")
  func stored() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = Self.strict(world, port)
      await client.start()
      _ = try await client.tenant("t1")
      #expect(await eventuallyTrue { client.loadedTenant("t1") != nil })
      script.play { call in
        if call.path == Self.path { return Self.answer("[]") }
        guard call.path == "/api/permissions" else { return nil }
        return .json(
          Array(#"{"users":[{"userId":"u1","permissions":[],"roleIds":[]}],"roles":[]}"#.utf8))
      }
      let looks = script.calls("/api/permissions").count
      #expect(try await Self.mayNot(client))
      #expect(await eventuallyTrue { script.calls("/api/permissions").count > looks })
      await client.stop()
      script.play { _ in HTTPResponse(status: 503) }
      let restarted = Self.strict(world, port)
      await restarted.start()
      #expect(try await Self.mayNot(restarted))
      await restarted.stop()
    }
  }

  @Test("where checks are not strict, a decision makes no call")
  func cached() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port) { $0.pollSeconds = 3_600 }
      await client.start()
      _ = try await client.tenant("t1")
      #expect(await eventuallyTrue { script.calls("/api/tenants").count == 1 })
      #expect(await eventuallyTrue { client.loadedTenant("t1") != nil })
      // The first round ends with a look at the balance, which nobody waits for.
      #expect(await eventuallyTrue { script.calls("/api/billing/credits/").count == 1 })
      script.forget()
      for _ in 0..<1_000 { #expect(try await Self.may(client)) }
      #expect(script.calls("/").isEmpty)
      await client.stop()
    }
  }
}
