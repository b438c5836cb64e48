import Foundation
import HTTP
import Synchronization
import Testing
import Values

@testable import WrapperClient

/// What is held of tenants in memory, and what is left to the file.
@Suite struct MemoryBudgetTests {
  @Test("a tenant nobody asks about for ten minutes is left to the file, and its use loads it")
  func idle() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port, time: world.hybridTime)
      await client.start()
      _ = try await client.tenant("t1")
      #expect(await eventuallyTrue { world.storedKinds("t1").count >= 5 })
      world.clock.advance(seconds: 590)
      client.tenants.sweep()
      #expect(client.tenants["t1"] != nil)
      world.clock.advance(seconds: 20)
      #expect(
        await eventuallyTrue {
          client.tenants.sweep()
          return client.tenants["t1"] == nil
        })
      #expect(client.knows(tenantID: "t1"))
      script.forget()
      #expect(try await client.tenant("t1").user("u1")?.name == "Una")
      #expect(client.tenants["t1"] != nil)
      await client.stop()
    }
  }

  @Test("what was left to the file some time ago is asked for again before it decides anything")
  func revalidated() async throws {
    let world = try ClientWorld()
    let isRevoked = Switch()
    try await withScript { script, port in
      script.play { call in
        guard call.path == "/api/permissions", isRevoked.isOn else { return nil }
        return .json(Array(#"{"users":[{"userId":"u1","permissions":[]}],"roles":[]}"#.utf8))
      }
      let client = world.client(port: port, time: world.hybridTime)
      _ = try await client.tenant("t1")
      #expect(await eventuallyTrue { world.storedKinds("t1").count >= 5 })
      #expect(await eventuallyTrue { client.tenants.leave("t1") })
      isRevoked.isOn = true
      world.clock.advance(seconds: 60)
      let decision = try await client.tenant("t1").check(
        userID: "u1", permission: "crm.leads.read")
      #expect(!decision.isAllowed)
      await client.stop()
    }
  }

  @Test("what was left to the file longer than offline work may last is read-only without Wrapper")
  func tooOld() async throws {
    let world = try ClientWorld()
    let isAway = Switch()
    try await withScript { script, port in
      script.play { _ in isAway.isOn ? HTTPResponse(status: 503) : nil }
      let client = world.client(port: port, time: world.hybridTime)
      _ = try await client.tenant("t1")
      #expect(await eventuallyTrue { world.storedKinds("t1").count >= 5 })
      #expect(await eventuallyTrue { client.tenants.leave("t1") })
      isAway.isOn = true
      world.clock.advance(seconds: 31 * 60)
      #expect(try await client.tenant("t1").user("u1")?.name == "Una")
      #expect(client.mode(tenantID: "t1") == .readOnly)
      await client.stop()
    }
  }

  @Test("what was left to the file a moment ago answers without waiting for the Wrapper")
  func reloaded() async throws {
    let world = try ClientWorld()
    let isHanging = Switch()
    try await withScript { script, port in
      script.play { call in
        while isHanging.isOn { await Task.yield() }
        return nil
      }
      let client = world.client(port: port) { $0.pollSeconds = 30 }
      await client.start()
      _ = try await client.tenant("t1")
      #expect(await eventuallyTrue { world.storedKinds("t1").count >= 5 })
      #expect(await eventuallyTrue { client.tenants.leave("t1") })
      isHanging.isOn = true
      #expect(try await client.tenant("t1").user("u1")?.email == "una@example.com")
      isHanging.isOn = false
      await client.stop()
    }
  }

  @Test("a tenant with a reservation or with rows in the outbox stays")
  func busy() async throws {
    let world = try ClientWorld()
    let isRefusing = Switch()
    try await withScript { script, port in
      script.play { call in
        isRefusing.isOn && call.path == "/api/activities/batch" ? HTTPResponse(status: 503) : nil
      }
      let client = world.client(port: port)
      await client.start()
      _ = try await client.tenant("t1")
      let reservation = try await client.reserve(
        tenantID: "t1", operation: "crm.leads.create", units: 50_000)
      #expect(!client.tenants.leave("t1"))
      isRefusing.isOn = true
      try await world.queue("a1", units: 50_000, seq: 1)
      reservation.commit()
      client.activityQueued(tenantID: "t1")
      #expect(!client.tenants.leave("t1"))
      isRefusing.isOn = false
      client.refresh()
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      #expect(await eventuallyTrue { client.tenants.leave("t1") })
      // Nothing is forgotten of what was spent: 100 at the Wrapper, which has not charged for it.
      #expect(await eventuallyTrue { client.balance(tenantID: "t1") != nil })
      await client.stop()
    }
  }

  @Test("rows that are queued while a tenant is left are shipped, each once")
  func queuedMeanwhile() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port)
      await client.start()
      _ = try await client.tenant("t1")
      for number in 1...30 {
        try await world.queue("a\(number)", units: 0, seq: Int64(number))
        client.activityQueued(tenantID: "t1")
        _ = client.tenants.leave("t1")
        await Task.yield()
      }
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      let bodies = script.calls("/api/activities/batch").map {
        String(decoding: $0.body, as: UTF8.self)
      }
      for number in 1...30 {
        #expect(bodies.count { $0.contains(#""id":"a\#(number)""#) } == 1, "a\(number)")
      }
      await client.stop()
    }
  }

  @Test("over the budget the least recently used tenant gives up what is operational first")
  func order() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { Company.answer($0) }
      // Nothing is left to the file while something is on its way there, so nothing shall be.
      let client = world.client(port: port, time: world.hybridTime) { $0.pollSeconds = 60 }
      for tenantID in ["t1", "t2", "t3"] {
        useAll(try await client.tenant(tenantID))
        #expect(await eventuallyTrue { world.storedKinds(tenantID).count >= 5 })
        let sync = try #require(client.tenants[tenantID])
        #expect(
          await eventuallyTrue {
            sync.state.withLock { $0.storesUnderWay == 0 } && sync.adoption.isFree
          })
        world.clock.advance(seconds: 5)
      }
      let held = client.cacheMetrics().memoryBytes
      #expect(held > 3 * Limits.followedTenantBytes)

      // Room for all but a little: the oldest one's profiles go, and nothing else.
      client.tenants.sweep(budget: held - 1)
      #expect(client.loadedTenant("t1") == nil)
      #expect(client.tenants["t1"]?.isKnown == true)
      #expect(client.cacheMetrics(tenantID: "t1").sizes.userProfiles == 0)
      #expect(client.cacheMetrics(tenantID: "t1").sizes.userPermissions == Company.users)
      #expect(client.loadedTenant("t2") != nil)
      #expect(client.loadedTenant("t3") != nil)

      // The next use reads the file, without a call for it.
      script.forget()
      #expect(try await client.tenant("t1").user("user-3")?.name == "Given Surname 3")
      #expect(script.calls("/api/employees").isEmpty)

      // Room for less than one: everything operational goes, then whole tenants, oldest use first.
      client.tenants.sweep(budget: 20_000)
      #expect(
        await eventuallyTrue {
          client.tenants.sweep(budget: 20_000)
          return client.cacheMetrics().memoryBytes <= 20_000
        })
      #expect(client.tenants["t2"] == nil)
      await client.stop()
    }
  }

  @Test("with a budget for a few tenants many more are served, and the budget is kept")
  func thrash() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { Company.answer($0) }
      let client = world.client(port: port) {
        $0.memoryBytesMax = 300_000
        $0.pollSeconds = 30
      }
      await client.start()
      for round in 0..<2 {
        for number in 0..<30 {
          let directory = try await client.tenant("tenant-\(number)")
          useAll(directory)
          #expect(
            directory.user("user-7")?.email == "given.surname7@tenant-\(number).example.com",
            "round \(round)")
        }
      }
      #expect(await eventuallyTrue { client.cacheMetrics().memoryBytes <= 300_000 })
      await client.stop()
    }
  }

  @Test("a tenant of 20 users in use takes at most 60 KB, and one left to the file next to nothing")
  func footprint() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { Company.answer($0) }
      let client = world.client(port: port)
      useAll(try await client.tenant("t1"))
      #expect(await eventuallyTrue { client.cacheMetrics().sizes.userProfiles == Company.users })
      useAll(try await client.tenant("t1"))
      let metrics = client.cacheMetrics()
      #expect(metrics.memoryBytes <= 60_000)
      #expect(metrics.sizes.userPermissions == 20)
      #expect(await eventuallyTrue { client.tenants.leave("t1") })
      #expect(client.cacheMetrics().memoryBytes == 0)
      await client.stop()
    }
  }

  // In a process of its own, where nothing else allocates.
  @Test("the estimate is within 30 % of what the process grows by")
  func calibration() async {
    await #expect(processExitsWith: .success) {
      let (warmUp, count) = (20, 80)
      var directories: [TenantDirectory] = []
      directories.reserveCapacity(warmUp + count)
      var (before, estimate) = (0, 0)
      for number in 0..<warmUp + count {
        if number == warmUp { before = try residentBytes() }
        let tenantID = "tenant-\(number)"
        let truth = try Company.truth(tenantID)
        let directory = TenantDirectory(
          tenantID: tenantID, truth: truth, generation: 1,
          use: CacheUse(time: .system, alarm: Alarm()))
        useAll(directory)
        if number >= warmUp { estimate += truth.heldBytes + directory.derivedBytes }
        directories.append(directory)
      }
      let grown = try residentBytes() - before
      #expect(directories.count == warmUp + count)
      #expect(Double(estimate) > 0.7 * Double(grown), "\(estimate) for \(grown) bytes")
      #expect(Double(estimate) < 1.3 * Double(grown), "\(estimate) for \(grown) bytes")
    }
  }
}

extension ClientWorld {
  /// The kinds of answers that are stored of a tenant.
  func storedKinds(_ tenantID: String) -> [String] {
    let stored = try? SnapshotStore(database, cipher: .clear).load(tenantID: tenantID)
    return stored.map { Array($0.answers.keys) } ?? []
  }
}

/// Asks everything of everybody, as a busy day does.
private func useAll(_ directory: TenantDirectory) {
  for number in 0..<Company.users {
    let userID = Company.userID(number)
    _ = directory.context(for: userID)
    _ = directory.teamMembers(of: userID)
    for permission in Company.permissions {
      _ = directory.check(userID: userID, permission: permission)
    }
  }
}

/// What the process holds in memory.
private func residentBytes() throws -> Int {
  let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
  let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
  return try #require(pages) * 4096
}
