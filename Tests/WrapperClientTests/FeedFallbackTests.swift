import Foundation
import HTTP
import HTTPServer
import JSON
import Synchronization
import Testing
import Values

@testable import WrapperClient

@Suite struct FeedFallbackTests {
  private static func channels(_ call: ScriptedWrapper.Seen) -> [Substring] {
    let query = try? QueryItems(parsing: call.query)
    return (query?["channels"] ?? "").split(separator: ",").map { Substring($0) }
  }

  @Test("without a feed snapshots are polled, and the feed is tried again when told to")
  func absent() async throws {
    for status in [404, 501] {
      let world = try ClientWorld()
      try await withScript { script, port in
        let feed = ScriptedFeed()
        feed.play(HTTPResponse(status: status))
        script.play { await feed.answer($0) }
        let client = world.client(port: port) { $0.feedWaitSeconds = 0.1 }
        await client.start()
        _ = try await client.tenant("t1")
        #expect(await eventuallyTrue { script.calls("/api/permissions").count > 4 })
        #expect(script.calls("/api/events").count == 1)
        #expect(client.status.map(\.feed) == [.snapshots])
        #expect(client.status.map(\.mode) == [.online])
        feed.play(nil)
        client.refresh()
        #expect(await eventuallyTrue { client.status.map(\.feed) == [.feed] })
        await client.stop()
      }
    }
  }

  @Test("a feed that is not there is tried again after five minutes")
  func retry() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let clock = world.clock
      let environment = SyncEnvironment(
        configuration: WrapperConfiguration(
          baseURL: "http://127.0.0.1:\(port)", apiKey: "key", version: "test"),
        transport: WrapperTransport(
          WrapperConfiguration(
            baseURL: "http://127.0.0.1:\(port)", apiKey: "key", version: "test"),
          time: .system, random: .system),
        database: world.database, time: clock.source, random: .system, log: { _, _ in })
      let reader = FeedReader(
        environment: environment, serves: { _ in true }, followed: { [:] },
        recall: { _ in nil })
      let poll = try #require(reader.polls.first)
      #expect(await reader.round(poll) == 300)
      clock.advance(seconds: 200)
      #expect(await reader.round(poll) == 100)
      #expect(script.calls("/api/events").count == 1)
      clock.advance(seconds: 101)
      _ = await reader.round(poll)
      #expect(script.calls("/api/events").count == 2)
      environment.transport.close()
    }
  }

  @Test("where not all tenants may be asked about at once, each is named, a hundred in one poll")
  func named() async throws {
    for status in [400, 403] {
      let world = try ClientWorld()
      try await withScript { script, port in
        let feed = ScriptedFeed()
        let revoked = Mutex<Set<String>>([])
        script.play { call in
          if call.path == "/api/permissions",
            revoked.withLock({ $0.contains(call.headers["X-Tenant-Id"] ?? "") })
          {
            return .json(Array(#"{"users":[{"userId":"u1","permissions":[]}],"roles":[]}"#.utf8))
          }
          if call.query.contains("crm:*") { return HTTPResponse(status: status) }
          return await feed.answer(call)
        }
        let tenantIDs = (1...105).map { "t \($0)" }
        let client = world.client(port: port) { configuration in
          configuration.servedTenants = Set(tenantIDs)
          configuration.pollSeconds = 0.5
          configuration.feedWaitSeconds = 0.2
        }
        await client.start()
        #expect(
          await eventuallyTrue { client.status.count { $0.feed == .feed } == tenantIDs.count })
        let calls = script.calls("/api/events").filter { !$0.query.contains("crm:*") }
        #expect(calls.allSatisfy { Self.channels($0).count <= 500 })
        let asked = Set(calls.flatMap(Self.channels))
        let topics = ["credit-configs", "roles", "users", "hierarchy", "activities"]
        #expect(
          asked == Set(tenantIDs.flatMap { id in topics.map { Substring("crm:\(id):\($0)") } }))
        #expect(calls.contains { $0.query.contains("crm:t%201:roles,") })
        for id in ["t 1", "t 104"] {
          #expect(await eventuallyTrue { client.allows("crm.leads.read", tenant: id) })
          revoked.withLock { _ = $0.insert(id) }
          feed.publish("crm:\(id):users", "user-changed", userChange(permissions: []))
          #expect(await eventuallyTrue { !client.allows("crm.leads.read", tenant: id) })
        }
        await client.stop()
      }
    }
  }

  @Test("a tenant that comes later is named from then on")
  func later() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let feed = ScriptedFeed()
      script.play { call in
        guard call.path == "/api/events" else { return nil }
        if call.query.contains("crm:*") { return HTTPResponse(status: 403) }
        return await feed.answer(call)
      }
      let client = world.client(port: port) { $0.feedWaitSeconds = 0.1 }
      await client.start()
      #expect(await eventuallyTrue { !script.calls("/api/events").isEmpty })
      for id in ["t1", "t2"] {
        _ = try await client.tenant(id)
        #expect(
          await eventuallyTrue {
            client.status.contains { $0.tenantID == id && $0.feed == .feed }
          })
      }
      let calls = script.calls("/api/events")
      #expect(calls.contains { Self.channels($0).count == 10 })
      // The header names a tenant only where no other is asked about.
      for call in calls {
        let isAlone = Self.channels(call).count == 5
        #expect(call.headers["X-Tenant-Id"] == (isAlone ? "t1" : nil))
      }
      await client.stop()
    }
  }

  @Test("where naming them is refused too, snapshots are polled")
  func refused() async throws {
    for status in [400, 403, 404, 501] {
      let world = try ClientWorld()
      try await withScript { script, port in
        script.play { call in
          guard call.path == "/api/events" else { return nil }
          return HTTPResponse(status: call.query.contains("crm:*") ? 403 : status)
        }
        let client = world.client(port: port)
        await client.start()
        _ = try await client.tenant("t1")
        #expect(await eventuallyTrue { script.calls("/api/permissions").count > 4 })
        #expect(script.calls("/api/events").count == 2)
        #expect(client.status.map(\.feed) == [.snapshots])
        await client.stop()
      }
    }
  }

  @Test("when the feed fails snapshots are polled at once, until it works again")
  func failing() async throws {
    try await withFeed { fed in
      for answer in [
        HTTPResponse(status: 500), HTTPResponse(status: 401), HTTPResponse(status: 429),
        HTTPResponse(status: 302, headers: ["Location": "http://127.0.0.1:\(fed.port)/other"]),
        .json(Array("{".utf8)), .json(Array(#"{"events":[],"cursor":7,"reset":0}"#.utf8)),
        .json(Array(repeating: UInt8(ascii: " "), count: 17 << 20)),
        HTTPResponse(status: 200, body: .stream(BrokenBody())),
      ] {
        let looks = fed.script.calls("/api/permissions").count
        fed.feed.play(answer)
        #expect(await eventuallyTrue { fed.client.status.map(\.feed) == [.snapshots] })
        #expect(await eventuallyTrue { fed.script.calls("/api/permissions").count > looks + 1 })
        #expect(fed.client.status.map(\.mode) == [.online])
        fed.feed.play(nil)
        #expect(await eventuallyTrue { fed.client.status.map(\.feed) == [.feed] })
      }
      #expect(fed.script.calls("/other").isEmpty)
      #expect(fed.client.rejectedFeedAnswers >= 4)
      // One line a minute, whatever is wrong.
      #expect(fed.world.log.count { $0.contains("change feed: polling") } == 1)
      // The cursor was never lost: an event of the meantime arrives.
      fed.feed.play(HTTPResponse(status: 500))
      fed.feed.publish("crm:t1:users", "user-changed", userChange(permissions: []))
      fed.feed.play(nil)
      #expect(await eventuallyTrue { fed.client.appliedEvents == 1 })
    }
  }

  @Test("a Wrapper that is gone is seen by three looks, although the feed brought the news before")
  func gone() async throws {
    try await withFeed { fed in
      let feed = fed.feed
      fed.script.play { _ in HTTPResponse(status: 503) }
      #expect(await eventuallyTrue { fed.client.mode(tenantID: "t1") == .degraded })
      let looks = fed.script.calls("/api/employees").count
      fed.script.play { await feed.answer($0) }
      #expect(await eventuallyTrue { fed.client.mode(tenantID: "t1") == .online })
      // After recovery everything is fetched, not only what was due.
      #expect(await eventuallyTrue { fed.script.calls("/api/employees").count > looks })
      #expect(await eventuallyTrue { fed.client.status.map(\.feed) == [.feed] })
    }
  }

  @Test("Retry-After is honoured, and a refused key is tried slowly")
  func pauses() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let feed = ScriptedFeed()
      script.play { await feed.answer($0) }
      var configuration = WrapperConfiguration(
        baseURL: "http://127.0.0.1:\(port)", apiKey: "key", version: "test")
      configuration.feedWaitSeconds = 0
      let environment = SyncEnvironment(
        configuration: configuration,
        transport: WrapperTransport(configuration, time: .system, random: .system),
        database: world.database, time: world.clock.source, random: .system, log: { _, _ in })
      let reader = FeedReader(
        environment: environment, serves: { _ in true }, followed: { [:] },
        recall: { _ in nil })
      let poll = try #require(reader.polls.first)
      func round(_ answer: HTTPResponse) async -> Double {
        reader.refresh()
        feed.play(answer)
        return await reader.round(poll)
      }
      #expect(
        await round(HTTPResponse(status: 503, headers: ["Retry-After": "120"])) == 120)
      #expect(await round(HTTPResponse(status: 429, headers: ["Retry-After": "90"])) == 90)
      #expect(await round(HTTPResponse(status: 401)) == 60)
      for attempt in 1...20 {
        let pause = await round(HTTPResponse(status: 500))
        #expect((1...60).contains(pause), "attempt \(attempt)")
      }
      environment.transport.close()
    }
  }

  @Test("of a hundred tenants one hangs, and the news of none of the others is late")
  func hanging() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let feed = ScriptedFeed()
      let gate = Promise<Bool>()
      let revoked = Mutex(false)
      script.play { call in
        if call.headers["X-Tenant-Id"] == "t50" { _ = await gate.value(withinSeconds: 30) }
        if call.path == "/api/permissions", revoked.withLock({ $0 }) {
          return .json(Array(#"{"users":[{"userId":"u1","permissions":[]}],"roles":[]}"#.utf8))
        }
        return await feed.answer(call)
      }
      let tenantIDs = (1...100).map { "t\($0)" }
      let client = world.client(port: port) { configuration in
        configuration.servedTenants = Set(tenantIDs)
        configuration.pollSeconds = 0.5
        configuration.feedWaitSeconds = 0.2
      }
      await client.start()
      let others = tenantIDs.filter { $0 != "t50" }
      #expect(
        await eventuallyTrue {
          others.allSatisfy { client.allows("crm.leads.read", tenant: $0) }
            && client.status.allSatisfy { $0.feed == .feed }
        })
      revoked.withLock { $0 = true }
      // Each has to be fetched, since the event says nothing but that something changed.
      for id in tenantIDs { feed.publish("crm:\(id):users", "user-changed", ["userId": "u1"]) }
      #expect(
        await eventuallyTrue {
          others.allSatisfy { !client.allows("crm.leads.read", tenant: $0) }
        })
      #expect(client.loadedTenant("t50") == nil)
      gate.fulfil(true)
      await client.stop()
    }
  }
}
