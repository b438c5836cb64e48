import HTTP
import HTTPServer
import JSON
import Testing
import Values

@testable import WrapperClient

@Suite struct HostileAnswerTests {
  private static func users(_ ids: [String]) -> String {
    let users = ids.map { #"{"userId":"\#($0)","permissions":["crm.leads.read"]}"# }
    return #"{"users":[\#(users.joined(separator: ","))],"roles":[]}"#
  }

  private static func people(_ ids: [String]) -> String {
    #"{"employees":[\#(ids.map { #"{"userId":"\#($0)"}"# }.joined(separator: ","))]}"#
  }

  private static let six = ["a", "b", "c", "d", "e", "f"]

  /// Runs `body` with a client of tenant `t1` whose users are those of `script`'s answers.
  private func withUsers(
    _ path: String, _ text: @escaping @Sendable ([String]) -> String,
    _ body: (ClientWorld, Wrapper, @escaping @Sendable ([String]) -> Void) async throws -> Void
  ) async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let answer: @Sendable ([String]) -> Void = { ids in
        script.play { call in call.path == path ? .json(Array(text(ids).utf8)) : nil }
      }
      answer(Self.six)
      let client = world.client(port: port, time: world.hybridTime) { configuration in
        configuration.offlineMinutes = 60
        configuration.cacheTTLMinutes = 0.001
      }
      await client.start()
      _ = try await client.tenant("t1")
      #expect(await eventuallyTrue { client.loadedTenant("t1")?.user("f") != nil })
      try await body(world, client, answer)
      await client.stop()
    }
  }

  @Test("permissions that lack half of the users change nothing, whoever asks for them")
  func halfOfThePermissions() async throws {
    try await withUsers("/api/permissions", Self.users) { world, client, answer in
      answer(["a", "b", "c"])
      #expect(await eventuallyTrue { (client.status.first?.rejectedAnswers ?? 0) >= 3 })
      #expect(client.allows("crm.leads.read", user: "f"))
      #expect(client.mode(tenantID: "t1") == .degraded)
      #expect(world.log.contains { $0.contains("half of the users are missing") })
      for _ in 0..<3 {
        client.refresh()
        let before = client.status.first?.rejectedAnswers ?? 0
        #expect(await eventuallyTrue { (client.status.first?.rejectedAnswers ?? 0) > before })
        #expect(client.allows("crm.leads.read", user: "f"))
      }
      answer(Self.six)
      #expect(await eventuallyTrue { client.mode(tenantID: "t1") == .online })
    }
  }

  @Test("what is said for ten minutes is no mistake")
  func tenMinutes() async throws {
    try await withUsers("/api/permissions", Self.users) { world, client, answer in
      answer([])
      #expect(await eventuallyTrue { (client.status.first?.rejectedAnswers ?? 0) >= 1 })
      // In steps that leave what is held fresh enough to be used.
      for _ in 0..<2 {
        world.clock.advance(seconds: 200)
        let before = client.status.first?.rejectedAnswers ?? 0
        #expect(await eventuallyTrue { (client.status.first?.rejectedAnswers ?? 0) > before })
        #expect(await eventuallyTrue { client.allows("crm.leads.read", user: "f") })
      }
      world.clock.advance(seconds: 201)
      #expect(
        await eventuallyTrue {
          client.loadedTenant("t1") != nil && !client.allows("crm.leads.read", user: "f")
        })
    }
  }

  @Test("losing fewer than half is believed at once")
  func fewer() async throws {
    try await withUsers("/api/permissions", Self.users) { _, client, answer in
      answer(["a", "b", "c", "d"])
      #expect(await eventuallyTrue { !client.allows("crm.leads.read", user: "f") })
      #expect(client.allows("crm.leads.read", user: "d"))
      #expect(client.status.first?.rejectedAnswers == 0)
      answer(["a", "b", "c"])
      #expect(await eventuallyTrue { !client.allows("crm.leads.read", user: "d") })
      answer(["a", "b"])
      #expect(await eventuallyTrue { !client.allows("crm.leads.read", user: "c") })
      // Of two each is half.
      answer(["a"])
      #expect(await eventuallyTrue { client.mode(tenantID: "t1") == .degraded })
      #expect(client.allows("crm.leads.read", user: "b"))
    }
  }

  @Test(
    "losing everybody is never believed at once, losing those who are not active is",
    arguments: [
      ([("a", true)], [], true), ([("a", true)], ["b"], false), ([("a", false)], [], false),
      ([("a", true), ("b", true)], ["a"], true), ([("a", true), ("b", false)], ["a"], false),
      ([("a", true), ("b", true), ("c", true)], ["a", "b"], false), ([], [], false),
    ] as [([(String, Bool)], [String], Bool)])
  func losses(old: [(String, Bool)], new: [String], isLoss: Bool) throws {
    func snapshot(_ users: [(String, Bool)]) throws -> CollectionSnapshot {
      let texts = users.map { #"{"userId":"\#($0)","isActive":\#($1)}"# }
      var reader = SnapshotReader(tenantID: "t1")
      return try reader.read(
        .permissions,
        Array(#"{"users":[\#(texts.joined(separator: ","))],"roles":[]}"#.utf8))
    }
    var truth = TenantTruth()
    for event in truth.events(for: try snapshot(old)) { truth.apply(event) }
    #expect(truth.losesMany(to: try snapshot(new.map { ($0, true) })) == isLoss)
  }

  @Test("employees that lack half of the users change nothing")
  func halfOfTheEmployees() async throws {
    try await withUsers("/api/employees", Self.people) { _, client, answer in
      answer(["a", "b", "c"])
      // Somebody has to ask, or nobody looks.
      #expect(
        await eventuallyTrue {
          client.loadedTenant("t1")?.user("f") != nil
            && (client.status.first?.rejectedAnswers ?? 0) >= 2
        })
      client.refresh()
      let before = client.status.first?.rejectedAnswers ?? 0
      #expect(
        await eventuallyTrue {
          client.loadedTenant("t1")?.user("f") != nil
            && (client.status.first?.rejectedAnswers ?? 0) > before
        })
    }
  }

  @Test("tags are kept over errors")
  func tags() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let calls = Counter()
      script.play { call in
        guard call.path == "/api/permissions" else { return nil }
        let number = calls.increment()
        if (2...4).contains(number) { return HTTPResponse(status: number == 3 ? 429 : 500) }
        if call.headers["If-None-Match"] == "\"v1\"" { return HTTPResponse(status: 304) }
        var answer = ScriptedWrapper.peaceful(call)
        answer.headers.add("ETag", "\"v1\"")
        return answer
      }
      let client = world.client(port: port)
      await client.start()
      _ = try await client.tenant("t1")
      #expect(await eventuallyTrue { calls.value >= 6 })
      #expect(
        script.calls("/api/permissions").dropFirst()
          .allSatisfy { $0.headers["If-None-Match"] == "\"v1\"" })
      #expect(await eventuallyTrue { client.mode(tenantID: "t1") == .online })
      await client.stop()
    }
  }

  @Test("an answer that drips is given up")
  func drip() async throws {
    try await withScript { script, port in
      script.play { call in
        guard call.path == "/drip" else { return nil }
        return HTTPResponse(status: 200, body: .stream(DrippingBody()))
      }
      let configuration = WrapperConfiguration(
        baseURL: "http://127.0.0.1:\(port)", apiKey: "key", version: "test")
      let transport = WrapperTransport(configuration, time: .system, random: .system)
      var call = WrapperCall(path: "/drip")
      call.seconds = 0.5
      let clock = ContinuousClock()
      let start = clock.now
      guard case .failure = await transport.send(call) else {
        Issue.record("it was taken")
        return
      }
      #expect(clock.now - start < .seconds(10))
      transport.close()
    }
  }
}

/// A body of which a byte comes now and then, for a long time.
private struct DrippingBody: HTTPResponseBodyStream {
  func next() async throws -> [UInt8]? {
    try await Task.sleep(for: .milliseconds(50))
    return [UInt8(ascii: " ")]
  }

  func finish() {}
}
