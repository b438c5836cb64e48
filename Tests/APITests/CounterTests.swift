import CRM
import Database
import JSON
import SQLite
import TestSupport
import Testing
import Values

/// The counters that statistics are read from: checked, rebuilt, and filled for an older file.
@Suite struct CounterTests {
  private static let tenant = StatisticsWorld.tenant

  private func world(folder: TemporaryFolder? = nil) throws -> StatisticsWorld {
    let start = try #require(Timestamp(rfc3339: "2026-01-31T10:07:00.000Z"))
    return try StatisticsWorld(clock: StandingClock(start), folder: folder)
  }

  private func fill(_ world: StatisticsWorld) async throws {
    for number in 0..<12 {
      world.clock.advance(minutes: 7)
      let owner = JSONValue.string("u\(number % 3)")
      for (kind, members) in [
        ("contact", ["firstName": "c", "ownerId": owner]),
        ("lead", ["title": "l", "ownerId": number % 4 == 0 ? .null : owner]),
        ("deal", ["title": "d", "value": .integer(number), "ownerId": owner]),
      ] as [(String, JSONValue)] {
        _ = try #require(await world.create(kind, members, as: "u\(number % 2)"))
      }
    }
  }

  @Test("a counter that is not what the records say is found, and mended by counting anew")
  func rebuild() async throws {
    let world = try world()
    defer { world.database.close() }
    try await fill(world)
    #expect(try world.store.verifyCounters(tenantID: Self.tenant) == [])
    try await world.database.write { connection in
      try connection.execute(
        """
        /* test */ UPDATE record_counters SET records = records + 1
        WHERE tenant_id = 'acme' AND counter = 'deals' AND user_id = '' AND owner_id = 'u0';
        /* test */ UPDATE record_counters SET amount = amount + 1
        WHERE tenant_id = 'acme' AND counter = 'deals' AND user_id = '' AND owner_id = 'u1';
        /* test */ DELETE FROM record_counters WHERE tenant_id = 'acme' AND counter = 'contacts';
        """)
    }
    let faults = try world.store.verifyCounters(tenantID: Self.tenant)
    #expect(faults.count { $0.row.hasPrefix("deals ") } == 2)
    #expect(faults.contains { $0.row.hasPrefix("contacts ") && $0.counted == 0 && $0.actual > 0 })
    try await world.store.rebuildCounters(tenantID: Self.tenant)
    #expect(try world.store.verifyCounters(tenantID: Self.tenant) == [])
  }

  @Test("what a file from before the counters holds is counted by the migration")
  func migration() async throws {
    let world = try world()
    defer { world.database.close() }
    try await fill(world)
    let id = try #require(await world.create("contact", ["firstName": "gone"])?["id"]?.string)
    try await world.update(.trash, "contact", id)
    let migration = try #require(Migration.embedded.first { $0.number == 8 })
    // As the file was before: no counters, and nothing but contacts and leads.
    try await world.database.write { connection in
      try connection.execute(
        """
        /* test */ DELETE FROM deals;
        /* test */ DROP TABLE record_counters;
        /* test */ DROP INDEX deals_closed;
        /* test */ DROP INDEX tasks_completed;
        /* test */ DROP INDEX deal_stage_moves_left;
        """)
      try connection.execute(migration.sql)
    }
    #expect(try world.rows("SELECT count(*) FROM record_counters")[0][0] != "0")
    #expect(try world.store.verifyCounters(tenantID: Self.tenant) == [])
  }

  @Test("sums of money stay exact where 64 bits do not hold them")
  func largeSums() async throws {
    let world = try world()
    defer { world.database.close() }
    let value = JSONValue.number(JSONNumber(unchecked: "9999999999999.99"))
    var deals: [String] = []
    for _ in 0..<12 {
      let deal = try await world.create("deal", ["title": "d", "value": value, "currency": "EUR"])
      deals.append(try #require(deal?["id"]?.string))
    }
    // A thousand times as many, as the counters would have them: more cents than 64 bits hold.
    try await world.database.write { connection in
      try connection.execute(
        """
        /* test */ UPDATE record_counters
        SET records = records * 1000, amount_billions = amount_billions * 1000,
          amount = amount * 1000
        WHERE tenant_id = 'acme' AND counter = 'deals'
        """)
    }
    try await world.update(.trash, "deal", deals[0])
    let scope = RecordScope(userID: "u0", reaching: .tenant)
    let statistics = try world.store.statistics(
      tenantID: Self.tenant, scope: scope, now: world.clock.now)
    // 11,999 × 9,999,999,999,999.99
    #expect(
      statistics["deals"]?["openValue"]
        == ["EUR": .number(JSONNumber(unchecked: "119989999999999880.01"))])
    #expect(statistics["deals"]?["open"] == 11_999)
  }

  @Test("a row that counts nothing any more is removed")
  func emptyRows() async throws {
    let world = try world()
    defer { world.database.close() }
    let id = try #require(
      await world.create("deal", ["title": "d", "value": 1, "assignedTo": "u2"])?["id"]?.string)
    #expect(try world.rows("SELECT count(*) FROM record_counters")[0][0] == "2")
    try await world.update(.trash, "deal", id)
    #expect(try world.rows("SELECT count(*) FROM record_counters")[0][0] == "0")
  }
}
