import EmbeddedWrapper
import JSON
import TestSupport
import Testing

@Suite struct FaultTests {
  private static let path = "/api/directory/tenants"

  private static func statuses(_ seed: UInt64, rate: Double) async throws -> [Int] {
    let world = try EmbeddedWorld {
      $0.faults.failRate = rate
      $0.faults.seed = seed
    }
    var statuses: [Int] = []
    for _ in 0..<60 { statuses.append(try await world.send("GET", path).status) }
    await world.stop()
    return statuses
  }

  @Test("a share of requests fails, the same ones for the same seed")
  func failRate() async throws {
    let first = try await Self.statuses(7, rate: 0.5)
    #expect(Set(first) == [200, 503])
    #expect((15...45).contains(first.count { $0 == 503 }))
    #expect(try await Self.statuses(7, rate: 0.5) == first)
    #expect(try await Self.statuses(8, rate: 0.5) != first)
    #expect(try await Set(Self.statuses(7, rate: 1)) == [503])
    #expect(try await Set(Self.statuses(7, rate: 0)) == [200])
  }

  @Test("what fails has no effect, and says so as a problem")
  func noEffect() async throws {
    let world = try EmbeddedWorld { $0.faults.failRate = 1 }
    let answer = try await world.send("POST", Self.path, ["id": "t1", "name": "One"])
    #expect(answer.status == 503)
    #expect(answer.json["code"] == "wrapper_unavailable")
    #expect(try world.directory.tenants().isEmpty)
    #expect(try await world.send("GET", Self.path, key: "wrong").status == 403)
    await world.stop()
  }

  @Test("answers come as late as they are told to")
  func latency() async throws {
    let world = try EmbeddedWorld { $0.faults.latencyMilliseconds = 300 }
    let clock = ContinuousClock()
    let start = clock.now
    #expect(try await world.send("GET", Self.path).status == 200)
    #expect(clock.now - start >= .milliseconds(300))
    await world.stop()
  }

  @Test("a Wrapper goes down, refuses connections, and comes back on the same port")
  func outage() async throws {
    let world = try EmbeddedWorld {
      $0.faults.downAfterSeconds = 0.5
      $0.faults.upAfterSeconds = 1
    }
    let cursor = try #require(
      try await world.send("GET", "/api/events?channels=crm:*").json["cursor"]?.string)
    // What waits is broken off, not answered in peace after the outage has begun.
    let clock = ContinuousClock()
    let start = clock.now
    _ = try? await world.send("GET", "/api/events?channels=crm:*&after=\(cursor)&wait=30")
    #expect(clock.now - start < .seconds(5))
    #expect(await Self.answers(world, false))
    #expect(await Self.answers(world, true))
    await world.stop()
  }

  @Test("a Wrapper that is down stops like any other")
  func stopsWhileDown() async throws {
    let world = try EmbeddedWorld {
      $0.faults.downAfterSeconds = 0
      $0.faults.upAfterSeconds = 3600
    }
    #expect(await Self.answers(world, false))
    let clock = ContinuousClock()
    let start = clock.now
    await world.stop()
    #expect(clock.now - start < .seconds(5))
  }

  @Test("without a feed its path does not exist")
  func noFeed() async throws {
    let world = try EmbeddedWorld { $0.faults.hasFeed = false }
    #expect(try await world.send("GET", "/api/events?channels=crm:*").status == 404)
    #expect(try await world.send("GET", Self.path).status == 200)
    await world.stop()
  }

  /// Waits until the Wrapper answers, or until it does not.
  private static func answers(_ world: EmbeddedWorld, _ wanted: Bool) async -> Bool {
    for _ in 0..<400 {
      // Whether there is an answer is the question; an error is none.
      let answer = try? await world.send("GET", path).status
      if (answer == 200) == wanted { return true }
      // The wait between two looks; only cancelling ends it early.
      try? await Task.sleep(for: .milliseconds(25))
    }
    return false
  }
}
