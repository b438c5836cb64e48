import Database
import EmbeddedWrapper
import SQLite
import TestSupport
import Testing
import Values

@testable import WrapperClient

/// What piled up while the Wrapper was away.
@Suite struct DrainTests {
  @Test("after a recovery thousands of entries arrive, each once, and are charged once")
  func drains() async throws {
    let world = try ClientWorld()
    let embedded = EmbeddedWrapper(database: world.database, apiKey: "key")
    try await embedded.directory.createTenant(id: "t1", name: "One")
    try await embedded.directory.topUp(tenantID: "t1", units: 10_000_000)
    let entries: Int64 = 4_000
    try await world.queue(count: entries, units: 1_000)
    let client = world.client(port: try embedded.start())
    await client.start()
    #expect(await eventuallyTrue { world.outboxDepth() == 0 })
    let arrived = try world.database.read { connection in
      try connection.all("SELECT activity_id FROM directory_activities") { $0.text(0) ?? "" }
    }
    #expect(Set(arrived) == Set((1...entries).map { "a\($0)" }))
    #expect(arrived.count == Int(entries))
    let account = try embedded.directory.creditAccount(tenantID: "t1")
    #expect(account?.availableUnits == 10_000_000 - entries * 1_000)
    #expect(try client.outboxMetrics(tenantID: "t1").shippedTotal == Int(entries))
    await client.stop()
    await embedded.stop()
  }
}
