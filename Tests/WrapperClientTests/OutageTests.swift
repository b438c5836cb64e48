import HTTP
import JSON
import Testing
import Values

@testable import WrapperClient

/// What counts as being away, from when, and how the way back is found.
@Suite struct OutageTests {
  @Test(
    "however short the offline time is, degraded comes before read only",
    arguments: [6.0, 12, 30, 1_800])
  func order(offlineSeconds: Double) {
    let start = Timestamp(milliseconds: 1_000_000_000)
    var held = CollectionState()
    held.succeed(at: start, endedSeconds: 0, nextAt: 240, requests: 0)
    // The feed brought its last answer 25 seconds before anything failed.
    func mode(_ seconds: Double) -> SyncMode {
      held.mode(
        now: start.advanced(byMilliseconds: Int64((25 + seconds) * 1000)),
        monotonic: 25 + seconds, offlineSeconds: offlineSeconds)
    }
    held.fail(FetchFailure(reason: "away"), silentSince: 25, now: 25, pauseSeconds: 60)
    #expect(mode(0) == .online)
    #expect(mode(min(30, offlineSeconds / 2)) == .degraded)
    #expect(mode(offlineSeconds - 0.1) == .degraded)
    #expect(mode(offlineSeconds) == .readOnly)
    held.succeed(at: start, endedSeconds: 60, nextAt: 240, requests: 0)
    #expect(mode(offlineSeconds) == .online)
  }

  @Test("the feed and the idle balance are asked more often where the offline time is short")
  func spacing() async throws {
    for (minutes, wait, balance) in [(0.1, 2, 2.0), (0.5, 10, 10), (30, 25, 30), (0, 1, 1)] {
      let still = try StillWorld { $0.offlineMinutes = minutes }
      // The first poll makes the connection, the next one is held on it.
      _ = try await still.poll()
      still.advance(seconds: 1)
      _ = try await still.poll()
      #expect(still.transport.calls("/api/events").last?.path.hasSuffix("wait=\(wait)") ?? false)
      #expect(still.environment.balancePollSeconds == balance)
    }
  }

  @Test("the balance of a tenant that nobody asks about is left alone until somebody does")
  func idleBalance() async throws {
    let still = try StillWorld()
    let transport = still.transport
    transport.play { call in
      guard call.path.hasPrefix("/api/billing/credits/") else { return nil }
      return FakeTransport.answer(200, #"{"available":9,"dailyUsage":0,"monthlyUsage":0}"#)
    }
    let sync = still.syncs[0]
    func reads() -> Int { transport.calls("/api/billing/credits/").count }
    for count in 1...4 {
      _ = await sync.round()
      #expect(await eventuallyTrue { transport.calls("/api/billing/credits/").count == count })
      still.advance(seconds: Limits.balancePollSeconds)
    }
    for _ in 0..<4 {
      _ = await sync.round()
      still.advance(seconds: Limits.balancePollSeconds)
    }
    _ = sync.freshDirectory
    _ = await sync.round()
    #expect(await eventuallyTrue { transport.calls("/api/billing/credits/").count >= 5 })
    #expect(reads() == 5)
  }

  @Test("a poll that is never answered begins the row of failures where it was sent")
  func hanging() async throws {
    let still = try StillWorld()
    let sync = still.syncs[0]
    _ = await sync.round()
    _ = try await still.poll()
    _ = await sync.round()
    still.advance(seconds: 5)
    #expect(still.status(sync).feed == .feed)
    let clock = still.world.clock
    still.transport.play { call in
      guard call.path.hasPrefix("/api/events") else { return nil }
      // The poll is given up when the time it may take is over.
      clock.advance(seconds: call.seconds)
      return .failure(.timeout)
    }
    let pause = try await still.poll()
    #expect((0...5).contains(pause))
    #expect(still.transport.calls("/api/events").last?.seconds == 28)
    #expect(still.status(sync).feed == .snapshots)
    #expect(sync.mode == .online)
    still.advance(seconds: 2)
    // Looks hang as well, so that nothing was heard for 30 seconds.
    #expect(sync.mode == .degraded)
    // The next poll asks for an answer at once.
    _ = try await still.poll()
    still.advance(seconds: 5)
    _ = try await still.poll()
    #expect(still.transport.calls("/api/events").last?.path.hasSuffix("wait=0") ?? false)
    // The looks are due, and where they are answered only the feed was broken.
    _ = await sync.round()
    #expect(sync.mode == .online)
  }

  @Test("a balance that cannot be read has the Wrapper asked about what is critical at once")
  func doubt() async throws {
    try await withFeed { fed in
      let looks = fed.script.calls("/api/permissions").count
      let feed = fed.feed
      fed.script.play { call in
        guard call.path.hasPrefix("/api/billing/credits/") else { return await feed.answer(call) }
        return HTTPResponse(status: 500)
      }
      // An answer of a moment ago would be enough.
      let isAsked = await eventuallyTrue {
        _ = await fed.client.creditStanding(tenantID: "t1")
        return fed.script.calls("/api/permissions").count > looks
      }
      #expect(isAsked)
      #expect(fed.client.mode(tenantID: "t1") == .online)
    }
  }

  @Test("operations go on against a balance older than the offline time, until it is over")
  func oldBalance() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port, time: world.hybridTime) { configuration in
        configuration.offlineMinutes = 0.5
        configuration.pollSeconds = 3_600
      }
      await client.start()
      _ = try await client.tenant("t1")
      _ = try await client.reserve(tenantID: "t1", operation: "crm.leads.create", units: 10_000)
      script.play { _ in HTTPResponse(status: 500) }
      // Nobody asked for anything for longer than the offline time.
      world.clock.advance(seconds: 45)
      for mode in [nil, SyncMode.degraded] {
        if let mode { #expect(await eventuallyTrue { client.mode(tenantID: "t1") == mode }) }
        let offline = try await client.reserve(
          tenantID: "t1", operation: "crm.leads.create", units: 10_000)
        #expect(offline.isOffline)
      }
      world.clock.advance(seconds: 31)
      await #expect(throws: CreditRefusal.readOnly) {
        _ = try await client.reserve(tenantID: "t1", operation: "crm.leads.create", units: 1)
      }
      await client.stop()
    }
  }

  @Test("where only the balance cannot be read, the last one does not do for ever")
  func balanceAlone() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port, time: world.hybridTime) { $0.offlineMinutes = 1 }
      await client.start()
      _ = try await client.tenant("t1")
      _ = try await client.reserve(tenantID: "t1", operation: "crm.leads.create", units: 10_000)
      script.play { $0.path.hasPrefix("/api/billing/credits/") ? HTTPResponse(status: 500) : nil }
      let offline = try await client.reserve(
        tenantID: "t1", operation: "crm.leads.create", units: 10_000)
      #expect(offline.isOffline)
      world.clock.advance(seconds: 60 + 20 + 30 + 1)
      await #expect(throws: CreditRefusal.unavailable) {
        _ = try await client.reserve(tenantID: "t1", operation: "crm.leads.create", units: 1)
      }
      await client.stop()
    }
  }

  @Test("one tenant at a time asks every five seconds, and all ask when it was answered")
  func probe() async throws {
    let still = try StillWorld(["t1", "t2", "t3"])
    for sync in still.syncs { _ = await sync.round() }
    still.advance(seconds: 10)
    still.transport.play { _ in .failure(.unreachable) }
    // Each waits a minute by itself.
    for _ in 0..<8 {
      for sync in still.syncs { _ = await sync.round() }
      still.advance(seconds: 61)
    }
    for sync in still.syncs { _ = await sync.round() }
    let probe = RecoveryProbe(environment: still.environment)
    func asked() async -> Int {
      let before = still.transport.calls("/api/permissions").count
      probe.check(still.syncs)
      for sync in still.syncs { _ = await sync.round() }
      return still.transport.calls("/api/permissions").count - before
    }
    #expect(await asked() == 0)
    for _ in 0..<4 {
      still.advance(seconds: 5)
      #expect(await asked() == 1)
      #expect(await asked() == 0)
    }
    still.transport.play { _ in nil }
    still.advance(seconds: 5)
    #expect(await asked() == 1)
    #expect(still.syncs.count { $0.mode == .online } == 1)
    // Who is back fetches everything once more.
    #expect(await asked() == 3)
    #expect(still.syncs.allSatisfy { $0.mode == .online })
    #expect(await asked() == 2)
    #expect(await asked() == 0)
  }

  @Test("a Wrapper that said how long it is to be left alone is not asked before")
  func leftAlone() async throws {
    for answer in [FakeTransport.answer(503, retryAfter: "600"), FakeTransport.answer(401)] {
      let still = try StillWorld()
      let sync = still.syncs[0]
      _ = await sync.round()
      still.advance(seconds: 10)
      still.transport.play { _ in answer }
      _ = await sync.round()
      let calls = still.transport.calls("/api/permissions").count
      let probe = RecoveryProbe(environment: still.environment)
      for _ in 0..<5 {
        probe.check(still.syncs)
        _ = await sync.round()
        still.advance(seconds: 6)
      }
      #expect(still.transport.calls("/api/permissions").count == calls)
      let closed = try StillWorld()
      closed.transport.play { _ in answer }
      #expect(try await closed.poll() >= 60)
    }
  }

  @Test("Retry-After may be a date")
  func retryAfterDate() throws {
    let now = try #require(Timestamp(rfc3339: "1994-11-06T08:48:37.500Z"))
    #expect(RetryAfter.seconds("Sun, 06 Nov 1994 08:49:37 GMT", at: now) == "60")
    #expect(RetryAfter.seconds("Sun, 06 Nov 1994 08:48:00 GMT", at: now) == "0")
    for text in ["120", "soon", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Foo 1994 08:49:37 GMT"] {
      #expect(RetryAfter.seconds(text, at: now) == text)
    }
  }

  @Test("a Retry-After that is a date is honoured")
  func retryAfterOfAnswer() async throws {
    try await withScript { script, port in
      script.play { _ in
        HTTPResponse(status: 503, headers: ["Retry-After": "Sat, 31 Jan 2026 10:02:00 GMT"])
      }
      let transport = WrapperTransport(
        WrapperConfiguration(baseURL: "http://127.0.0.1:\(port)", apiKey: "key", version: "test"),
        time: ManualClock().source, random: .system)
      let answer = try await transport.send(WrapperCall(path: "/any")).get()
      #expect(answer.retryAfterSeconds == 120)
      transport.close()
    }
  }

  @Test("after one reset the feed goes on at once, after a second one it is left alone")
  func resets() async throws {
    let still = try StillWorld()
    _ = await still.syncs[0].round()
    _ = try await still.poll()
    func pause(isReset: Bool) async throws -> Double {
      still.transport.play { call in
        guard call.path.hasPrefix("/api/events") else { return nil }
        return FakeTransport.answer(200, #"{"events":[],"cursor":"2","reset":\#(isReset)}"#)
      }
      still.advance(seconds: 10)
      return try await still.poll()
    }
    for _ in 0..<2 {
      #expect(try await pause(isReset: true) < 0.1)
      #expect(try await pause(isReset: true) == 5)
      #expect(try await pause(isReset: true) == 5)
      #expect(try await pause(isReset: false) <= 1)
    }
  }

  @Test("what an event made worthless before a restart was never right since")
  func neverRight() async throws {
    let world = try ClientWorld()
    try await withFeed(world: world) { fed in
      #expect(fed.client.status.first?.lastSuccess != nil)
      fed.permissions { nil }
      fed.feed.publish("crm:t1:users", "user-changed", ["userId": "u1"])
      #expect(await eventuallyTrue { fed.client.appliedEvents == 1 })
    }
    // Port 9 is discard: nobody answers there.
    let client = world.client(port: 9)
    await client.start()
    let status = try #require(client.status(tenantID: "t1"))
    #expect(status.lastSuccess == nil)
    #expect(status.stalenessSeconds == nil)
    await client.stop()
  }
}
