import HTTP
import JSON
import Testing
import Values

@testable import WrapperClient

@Suite struct ReservationTests {
  @Test("of many operations at once exactly as many are paid for as the balance allows")
  func concurrent() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port)
      await client.start()
      _ = try await client.tenant("t1")
      script.forget()
      let held = await withTaskGroup(of: CreditReservation?.self) { group in
        for _ in 0..<100 {
          group.addTask {
            // A refusal is the other expected outcome, and is counted by its absence.
            try? await client.reserve(
              tenantID: "t1", operation: "crm.leads.create", units: 30_000)
          }
        }
        return await group.reduce(into: [CreditReservation]()) { held, one in
          if let one { held.append(one) }
        }
      }
      // 100 credits, 3 for each.
      #expect(held.count == 33)
      #expect(held.allSatisfy { !$0.isOffline })
      #expect(script.calls("/api/billing/credits/").count <= 20)
      held.first?.release()
      _ = try await client.reserve(
        tenantID: "t1", operation: "crm.leads.create", units: 30_000)
      await client.stop()
    }
  }

  @Test("an operation without cost never asks")
  func free() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port)
      let free = try await client.reserve(tenantID: "t1", operation: "crm.leads.read", units: 0)
      #expect(free.units == 0)
      #expect(script.calls("/").isEmpty)
      await client.stop()
    }
  }

  @Test("a cached check asks again only after thirty seconds")
  func cached() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port, time: world.hybridTime) {
        $0.creditCheck = .cached
        $0.pollSeconds = 3_600
      }
      for _ in 0..<5 {
        _ = try await client.reserve(tenantID: "t1", operation: "crm.leads.create", units: 1)
      }
      #expect(await eventuallyTrue { client.loadedTenant("t1") != nil })
      let before = script.calls("/api/billing/credits/").count
      #expect(before <= 2)
      world.clock.advance(seconds: 31)
      _ = try await client.reserve(tenantID: "t1", operation: "crm.leads.create", units: 1)
      #expect(script.calls("/api/billing/credits/").count > before)
      await client.stop()
    }
  }

  @Test("without any balance nothing that costs is allowed, with an old one it is marked")
  func offline() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { call in
        call.path.hasPrefix("/api/billing/credits/") ? HTTPResponse(status: 500) : nil
      }
      let client = world.client(port: port)
      await client.start()
      _ = try await client.tenant("t1")
      await #expect(throws: CreditRefusal.unavailable) {
        _ = try await client.reserve(tenantID: "t1", operation: "crm.leads.create", units: 1)
      }
      script.play(nil)
      #expect(
        await eventuallyTrue {
          (try? await client.reserve(
            tenantID: "t1", operation: "crm.leads.create", units: 1)) != nil
        })
      script.play { call in
        call.path.hasPrefix("/api/billing/credits/") ? HTTPResponse(status: 500) : nil
      }
      let marked = try await client.reserve(
        tenantID: "t1", operation: "crm.leads.create", units: 1)
      #expect(marked.isOffline)
      await client.stop()
    }
  }

  @Test("where checks are off costs are only recorded")
  func off() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port) {
        $0.creditCheck = .off
        $0.pollSeconds = 3_600
      }
      let huge = try await client.reserve(
        tenantID: "t1", operation: "crm.leads.create", units: 999_999_999)
      #expect(huge.units == 999_999_999)
      await client.stop()
      #expect(script.calls("/api/billing/credits/").count <= 1)
    }
  }
}
