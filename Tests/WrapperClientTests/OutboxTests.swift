import EmbeddedWrapper
import HTTP
import JSON
import TestSupport
import Testing
import Values

@testable import WrapperClient

@Suite struct OutboxTests {
  @Test("entries go in order, in batches, in the seed's shape, and leave when acknowledged")
  func ships() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      for number in 0..<25 {
        try await world.queue("a\(number)", units: 50_000, seq: Int64(number + 1))
      }
      let client = world.client(port: port) { $0.activityBufferSize = 10 }
      await client.start()
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      let calls = script.calls("/api/activities/batch")
      #expect(calls.map { $0.activityIDs.count } == [10, 10, 5])
      #expect(calls.flatMap(\.activityIDs) == (0..<25).map { "a\($0)" })
      #expect(Set(calls.map { $0.headers["Idempotency-Key"] ?? "" }).count == 3)
      let body = try JSONParser.parse(try #require(calls.first).body)
      #expect(
        body["activities"]?.array?.first == [
          "id": "a0", "tenantId": "t1", "userId": "u1", "operation": "crm.leads.create",
          "entityId": "l1", "entityType": "lead", "creditCost": 5,
          "timestamp": "2026-01-31T10:00:00.000Z", "sessionId": "s1",
          "userContext": ["entityPath": "One → Una"], "permissions": [:],
          "metadata": ["leadTitle": "Big"], "compliance": nil,
        ])
      await client.stop()
    }
  }

  @Test("a batch that failed is repeated as it was, before anything later")
  func repeats() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let attempts = Counter()
      let client = world.client(port: port)
      script.play { call in
        guard call.path == "/api/activities/batch" else { return nil }
        let number = attempts.increment()
        guard number <= 2 else { return nil }
        // The first answer is lost on its way, the second is an error.
        return number == 1
          ? HTTPResponse(status: 200, body: .stream(BrokenBody())) : HTTPResponse(status: 500)
      }
      try await world.queue("a1", units: 1, seq: 1)
      await client.start()
      #expect(await eventuallyTrue { !script.calls("/api/activities/batch").isEmpty })
      try await world.queue("a2", units: 1, seq: 2)
      client.activityQueued(tenantID: "t1")
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      let calls = script.calls("/api/activities/batch")
      #expect(calls.map(\.activityIDs) == [["a1"], ["a1"], ["a1"], ["a2"]])
      #expect(Set(calls.prefix(3).map { $0.headers["Idempotency-Key"] }).count == 1)
      await client.stop()
    }
  }

  @Test("a lost answer never charges twice at the embedded Wrapper")
  func chargedOnce() async throws {
    let world = try ClientWorld()
    let embedded = EmbeddedWrapper(database: world.database, apiKey: "key")
    let real = TestClient(port: try embedded.start())
    try await embedded.directory.createTenant(id: "t1", name: "One")
    try await embedded.directory.topUp(tenantID: "t1", units: 1_000_000)
    try await withScript { script, port in
      let lost = Counter()
      script.play { call in
        let ownHeaders = ["host", "content-length", "connection", "accept-encoding"]
        let headers = call.headers.fields.filter {
          !ownHeaders.contains($0.name.lowercased())
        }.map { ($0.name, $0.value) }
        let path = call.query.isEmpty ? call.path : "\(call.path)?\(call.query)"
        let answer = try? await real.send(
          call.method, path, headers: headers, body: call.body.isEmpty ? nil : call.body)
        guard let answer else { return HTTPResponse(status: 502) }
        if call.path == "/api/activities/batch", lost.value < 3 {
          lost.increment()
          return HTTPResponse(status: 200, body: .stream(BrokenBody()))
        }
        return HTTPResponse(
          status: answer.status, headers: ["Content-Type": "application/json"],
          body: .bytes(answer.body))
      }
      let client = world.client(port: port) { $0.activityFlushSeconds = 60 }
      await client.start()
      for number in 1...3 {
        let reservation = try await client.reserve(
          tenantID: "t1", operation: "crm.leads.create", units: 10_000)
        try await world.queue("a\(number)", units: 10_000, seq: Int64(number))
        reservation.commit()
        client.activityQueued(tenantID: "t1")
      }
      #expect(client.balance(tenantID: "t1")?.availableUnits == 970_000)
      client.refresh()
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      #expect(lost.value == 3)
      let account = try embedded.directory.creditAccount(tenantID: "t1")
      #expect(account?.availableUnits == 970_000)
      #expect(account?.monthlyUsageUnits == 30_000)
      // The next read knows of the charge and the sum of what is under way no longer does.
      #expect(
        await eventuallyTrue {
          _ = try? await client.reserve(
            tenantID: "t1", operation: "crm.leads.create", units: 1)
          return client.balance(tenantID: "t1")?.availableUnits == 970_000
        })
      await client.stop()
    }
    await embedded.stop()
  }

  @Test("what waits is shipped when the client stops, and stopping is bounded when nobody answers")
  func stops() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port) { $0.activityFlushSeconds = 60 }
      await client.start()
      _ = try await client.tenant("t1")
      try await world.queue("a1", units: 1, seq: 1)
      client.activityQueued(tenantID: "t1")
      await client.stop()
      #expect(world.outboxDepth() == 0)

      let gate = Promise<Bool>()
      script.play { _ in
        _ = await gate.value(withinSeconds: 30)
        return nil
      }
      try await world.queue("a2", units: 1, seq: 2)
      let stuck = world.client(port: port)
      await stuck.start()
      let clock = ContinuousClock()
      let begun = clock.now
      await stuck.stop()
      #expect(clock.now - begun < .seconds(10))
      #expect(world.outboxDepth() == 1)
      gate.fulfil(true)
    }
  }

  @Test("the cost of what waits from before the start is subtracted")
  func backlog() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { call in
        call.path == "/api/activities/batch" ? HTTPResponse(status: 503) : nil
      }
      try await world.queue("a1", units: 400_000, seq: 1)
      let client = world.client(port: port)
      await client.start()
      await #expect(
        throws: CreditRefusal.insufficient(availableUnits: 600_000, requiredUnits: 600_001)
      ) {
        _ = try await client.reserve(
          tenantID: "t1", operation: "crm.leads.create", units: 600_001)
      }
      #expect(client.status.first?.outboxDepth == 1)
      #expect(client.status.first?.outboxOldest?.rfc3339 == "2026-01-31T10:00:00.000Z")
      await client.stop()
    }
  }

  @Test("nothing is shipped where shipping is off")
  func off() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      try await world.queue("a1", units: 1, seq: 1)
      let client = world.client(port: port) { $0.shipsActivities = false }
      await client.start()
      _ = try await client.tenant("t1")
      client.activityQueued(tenantID: "t1")
      client.refresh()
      #expect(await eventuallyTrue { script.calls("/api/permissions").count >= 3 })
      await client.stop()
      #expect(script.calls("/api/activities").isEmpty)
      #expect(world.outboxDepth() == 1)
    }
  }

  @Test("a batch whose answer was lost is the same after a restart, although more rows wait")
  func restarted() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { call in
        call.path == "/api/activities/batch"
          ? HTTPResponse(status: 200, body: .stream(BrokenBody())) : nil
      }
      for number in 1...3 {
        try await world.queue("a\(number)", units: 1, seq: Int64(number))
      }
      let first = world.client(port: port) { $0.activityBufferSize = 10 }
      await first.start()
      #expect(await eventuallyTrue { !script.calls("/api/activities/batch").isEmpty })
      await first.stop()
      let lost = try #require(script.calls("/api/activities/batch").first)
      #expect(lost.activityIDs == ["a1", "a2", "a3"])
      for number in 4...20 {
        try await world.queue("a\(number)", units: 1, seq: Int64(number))
      }
      script.play(nil)
      script.forget()
      let second = world.client(port: port) { $0.activityBufferSize = 10 }
      await second.start()
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      let calls = script.calls("/api/activities/batch")
      #expect(calls.first?.activityIDs == lost.activityIDs)
      #expect(calls.first?.headers["Idempotency-Key"] == lost.headers["Idempotency-Key"])
      #expect(calls.first?.body == lost.body)
      #expect(calls.flatMap(\.activityIDs) == (1...20).map { "a\($0)" })
      await second.stop()
    }
  }

  @Test("a batch that is under way when another buffer size is configured keeps its rows")
  func resized() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { call in
        call.path == "/api/activities/batch" ? HTTPResponse(status: 500) : nil
      }
      for number in 1...5 {
        try await world.queue("a\(number)", units: 1, seq: Int64(number))
      }
      let first = world.client(port: port) { $0.activityBufferSize = 5 }
      await first.start()
      #expect(await eventuallyTrue { !script.calls("/api/activities/batch").isEmpty })
      await first.stop()
      script.play(nil)
      script.forget()
      let second = world.client(port: port) { $0.activityBufferSize = 2 }
      await second.start()
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      #expect(script.calls("/api/activities/batch").map { $0.activityIDs.count } == [5])
      await second.stop()
    }
  }

  @Test("new entries do not cut the pause short that the Wrapper asked for, word of it does")
  func pauses() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { call in
        call.path == "/api/activities/batch"
          ? HTTPResponse(status: 429, headers: ["Retry-After": "600"]) : nil
      }
      let client = world.client(port: port) {
        $0.activityBufferSize = 2
        $0.pollSeconds = 3_600
      }
      try await world.queue("a1", units: 1, seq: 1)
      await client.start()
      #expect(await eventuallyTrue { script.calls("/api/activities/batch").count == 1 })
      for number in 2...6 {
        try await world.queue("a\(number)", units: 1, seq: Int64(number))
        client.activityQueued(tenantID: "t1")
      }
      // Long enough for the flush timer, had it any say.
      try await Task.sleep(for: .milliseconds(300))
      #expect(script.calls("/api/activities/batch").count == 1)
      script.play(nil)
      client.refresh()
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      await client.stop()
    }
  }

  @Test("an answer that is no JSON is none; one that counts fewer entries is taken and told of")
  func strangeAnswers() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let attempts = Counter()
      script.play { call in
        guard call.path == "/api/activities/batch", attempts.increment() <= 2 else { return nil }
        return HTTPResponse(
          status: 200, headers: ["Content-Type": "text/html"],
          body: .bytes(Array("<p>Welcome to the hotel</p>".utf8)))
      }
      try await world.queue("a1", units: 1, seq: 1)
      try await world.queue("a2", units: 1, seq: 2)
      let client = world.client(port: port)
      await client.start()
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      let calls = script.calls("/api/activities/batch")
      #expect(calls.map(\.activityIDs) == [["a1", "a2"], ["a1", "a2"], ["a1", "a2"]])
      #expect(Set(calls.map { $0.headers["Idempotency-Key"] }).count == 1)
      #expect(world.log.contains { $0.contains("counted 1 of 2 activities") })
      await client.stop()
    }
  }

  @Test("the metrics tell what waits, since when, what was shipped and how often it failed")
  func metrics() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let attempts = Counter()
      script.play { call in
        guard call.path == "/api/activities/batch" else { return nil }
        return attempts.increment() <= 3 ? HTTPResponse(status: 500) : nil
      }
      let client = world.client(port: port, time: world.clock.source) {
        $0.activityFlushSeconds = 60
        $0.activityBufferSize = 50
      }
      for number in 1...2 {
        try await world.queue("a\(number)", units: 1, seq: Int64(number))
      }
      world.clock.advance(seconds: 90)
      let before = try client.outboxMetrics(tenantID: "t1")
      #expect(before.depth == 2)
      #expect(before.oldest?.rfc3339 == "2026-01-31T10:00:00.000Z")
      #expect(before.oldestPendingSeconds == 90)
      #expect(before.shippedTotal == 0)
      #expect(before.errorRate == 0)
      #expect(before.batchEntries == 50)
      #expect(before.flushSeconds == 60)
      await client.start()
      #expect(
        await eventuallyTrue {
          client.refresh()
          return world.outboxDepth() == 0
        })
      await client.stop()
      let after = try client.outboxMetrics(tenantID: "t1")
      #expect(after.depth == 0)
      #expect(after.oldestPendingSeconds == 0)
      #expect(after.shippedTotal == 2)
      #expect(after.errorRate == 0.75)
      #expect(after.deadLetters == 0)
    }
  }
}
