import CRM
import Database
import Foundation
import HTTP
import JSON
import SQLite
import TestSupport
import Testing
import Values

/// Reports of random entries, made when the clocks are set and at any other time, are what a plain
/// recomputation of the entries says.
@Suite struct ActivityReportModelTests {
  private static let zones = [
    "UTC", "Europe/Paris", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns",
  ]
  private static let groupings = ["hour", "day", "week", "month"]

  /// Days on which the clocks of one of the zones are set, and a new year.
  private static let days = [
    "2025-10-04", "2025-10-26", "2025-11-02", "2025-12-31", "2026-03-08", "2026-03-29",
    "2026-04-04",
  ]

  private static func moment(_ text: String) throws -> Timestamp {
    try #require(Timestamp(rfc3339: text))
  }

  /// A world in which much happened around those days, some of it late.
  private func world(
    seed: UInt64, closing: Bool
  ) async throws -> (ActivityWorld, SeededGenerator) {
    var generator = SeededGenerator(seed: seed)
    let world = try ActivityWorld(start: try Self.moment("2025-10-01T00:00:00.000Z"))
    for day in Self.days {
      let noon = try Self.moment("\(day)T12:00:00.000Z")
      let distance = noon.milliseconds - world.clock.now.milliseconds
      world.clock.advance(minutes: distance / 60_000 - 24 * 60)
      for _ in 0..<110 {
        world.clock.advance(minutes: Int64.random(in: 0...50, using: &generator))
        if closing, Int.random(in: 0..<20, using: &generator) == 0 {
          try await world.store.closeActivityBlocks()
        }
        let late = Int.random(in: 0..<10, using: &generator) == 0
        let minutes = Int64.random(in: 1...3000, using: &generator)
        if late { world.clock.advance(minutes: -minutes) }
        try await world.act(ActivityWorld.Deed(&generator))
        if late { world.clock.advance(minutes: minutes) }
      }
    }
    var other = ActivityWorld.Deed()
    other.tenant = "globex"
    for _ in 0..<5 { try await world.act(other) }
    return (world, generator)
  }

  /// Compares reports of random periods with the recomputation.
  private func compare(
    _ world: ActivityWorld, _ generator: inout SeededGenerator, periods: Int
  ) throws {
    let all = try world.entries()
    let first = try #require(all.map(\.at).min()).milliseconds
    let last = try #require(all.map(\.at).max()).milliseconds
    let now = world.clock.now.advanced(byMilliseconds: 1)
    for identifier in Self.zones {
      let zone = try #require(TimeZone(identifier: identifier))
      for grouping in Self.groupings {
        for number in 0..<periods {
          // Whole, ragged by a millisecond, within one quarter, and on the moment of an entry.
          let some = all.randomElement(using: &generator)?.at.milliseconds ?? first
          let from =
            number == 0
            ? first - 1 : [some, Int64.random(in: first...last, using: &generator)][number % 2]
          let lengths: [Int64] = [700_000, 20_000_000, 9_000_000_000]
          let length = lengths.randomElement(using: &generator) ?? 1
          let to =
            number == 0
            ? now.milliseconds : from + Int64.random(in: 1...length, using: &generator)
          let (since, until) = (Timestamp(milliseconds: from), Timestamp(milliseconds: to))
          let query = try ActivityReportQuery(
            [
              "period": since.rfc3339, "until": until.rfc3339, "groupBy": grouping,
              "tz": identifier,
            ], timeZone: nil, now: now)
          let entries = all.filter { $0.at >= since && $0.at < until }
          let comment = Comment(
            rawValue: "\(grouping) \(identifier) \(since.rfc3339) \(until.rfc3339)")
          let user = ActivityWorld.users.randomElement(using: &generator) ?? ""
          var report = try #require(
            try world.store.activityReport(query, tenantID: ActivityWorld.tenant, userID: user)
              .object)
          #expect(report["userId"] == .string(user))
          report["userId"] = nil
          report["period"] = nil
          let expected = ActivityWorld.report(
            entries.filter { $0.user == user }, grouping, zone)
          #expect(JSONValue.object(report) == expected, comment)
          try compareUnits(world, query, entries, grouping, zone, comment)
        }
      }
    }
  }

  private func compareUnits(
    _ world: ActivityWorld, _ query: ActivityReportQuery, _ entries: [ActivityWorld.Entry],
    _ grouping: String, _ zone: TimeZone, _ comment: Comment
  ) throws {
    let subjects: [(ActivitySubject, (ActivityWorld.Entry) -> Bool)] = [
      (.tenant, { _ in true }), (.units(["north"]), { $0.unit == "north" }),
      (.units(["north", "south", "east"]), { $0.unit != nil }),
      (.users(["ann", "bob"], units: nil), { ["ann", "bob"].contains($0.user) }),
      (
        .users(["ann", "dan"], units: ["south"]),
        { ["ann", "dan"].contains($0.user) && $0.unit == "south" }
      ),
    ]
    for (subject, isIncluded) in subjects {
      let answer = try world.store.organizationalReport(
        query, tenantID: ActivityWorld.tenant, subject: subject, departmentID: nil,
        hierarchy: .null, name: { _ in nil }, details: { _ in [] })
      let included = entries.filter(isIncluded)
      #expect(
        answer["report"] == ActivityWorld.organization(included, grouping, zone),
        "\(subject) \(comment)")
      #expect(answer["summary"]?["totalOperations"] == .integer(included.count))
      #expect(answer["summary"]?["totalUsers"] == .integer(Set(included.map(\.user)).count))
      #expect(answer["summary"]?["totalCredits"] == ActivityWorld.credits(included))
    }
  }

  @Test("from quarters alone, before any block is made, and with all blocks made afterwards")
  func quarters() async throws {
    var (world, generator) = try await world(seed: 1, closing: false)
    defer { world.database.close() }
    try compare(world, &generator, periods: 3)
    #expect(try world.store.verifyActivitySums(tenantID: ActivityWorld.tenant) == [])
    try await world.store.closeActivityBlocks()
    try compare(world, &generator, periods: 5)
    #expect(try world.store.verifyActivitySums(tenantID: ActivityWorld.tenant) == [])
    PreparedStatements.expectTenants()
  }

  @Test("from blocks that are made while entries come, some of them too late for their block")
  func blocks() async throws {
    var (world, generator) = try await world(seed: 2, closing: true)
    defer { world.database.close() }
    try compare(world, &generator, periods: 5)
    #expect(try world.store.verifyActivitySums(tenantID: ActivityWorld.tenant) == [])
    try await world.store.rebuildActivitySums(tenantID: ActivityWorld.tenant)
    try compare(world, &generator, periods: 2)
    #expect(try world.store.verifyActivitySums(tenantID: ActivityWorld.tenant) == [])
    #expect(try world.store.verifyActivitySums(tenantID: "globex") == [])
  }

  @Test("the hour that the clock passes twice is one, and the one it leaves out is absent")
  func clockChanges() async throws {
    let world = try ActivityWorld(start: try Self.moment("2026-01-01T00:00:00.000Z"))
    defer { world.database.close() }
    func at(_ text: String) async throws {
      let distance = try Self.moment(text).milliseconds - world.clock.now.milliseconds
      world.clock.advance(minutes: distance / 60_000)
      try await world.act(ActivityWorld.Deed())
    }
    // Spring in Paris, autumn on Lord Howe Island (by half an hour), autumn in Paris.
    for text in [
      "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-04-04T14:20:00Z",
      "2026-04-04T14:50:00Z", "2026-04-04T15:20:00Z", "2026-10-25T00:10:00Z",
      "2026-10-25T01:10:00Z", "2026-10-25T02:10:00Z",
    ] { try await at(text) }
    try await world.store.closeActivityBlocks()
    func keys(_ period: String, _ zone: String) throws -> [String] {
      let query = try ActivityReportQuery(
        ["period": period, "groupBy": "hour", "tz": zone], timeZone: nil, now: world.clock.now)
      let report = try world.store.activityReport(
        query, tenantID: ActivityWorld.tenant, userID: "ann")
      return (report["temporalBreakdown"]?.array ?? []).map {
        "\($0["date"]?.string ?? "") \($0["count"]?.text ?? "")"
      }
    }
    let paris = try keys("1y", "Europe/Paris")
    #expect(paris.prefix(2) == ["2026-03-29T01 1", "2026-03-29T03 1"])
    #expect(paris.suffix(2) == ["2026-10-25T02 2", "2026-10-25T03 1"])
    let lordHowe = try keys("1y", "Australia/Lord_Howe")
    #expect(lordHowe[2...3] == ["2026-04-05T01 3", "2026-10-25T11 1"])
    #expect(
      try keys("1y", "Asia/Kathmandu").prefix(2) == ["2026-03-29T06 1", "2026-03-29T07 1"])
  }

  @Test("a sum that is not what the log says is found and named, and mended by rebuilding")
  func rebuilding() async throws {
    let (world, _) = try await world(seed: 3, closing: true)
    defer { world.database.close() }
    let tenant = ActivityWorld.tenant
    for (sql, condition) in [
      ("UPDATE activity_rollups SET entries = entries + 1", "true"),
      ("UPDATE activity_rollups SET credit_units = credit_units + 1", "true"),
      ("UPDATE activity_rollups SET latest = ''", "true"), ("DELETE FROM activity_rollups", "true"),
      ("UPDATE activity_facets SET entries = entries - 1", "facet = 'address'"),
      ("UPDATE activity_facets SET value = 'Atlantis'", "facet = 'location'"),
      ("DELETE FROM activity_facets", "facet = 'method'"),
      ("UPDATE activity_blocks SET entries = entries + 1", "scope = 'unit' AND span = 96"),
      ("UPDATE activity_blocks SET credit_units = 7", "facet = 'total' AND scope = 'user'"),
      ("UPDATE activity_blocks SET latest = 'z'", "facet = 'user' AND scope = 'tenant'"),
      ("UPDATE activity_blocks SET value = 'x'", "facet = 'address' AND span = 768"),
      ("DELETE FROM activity_blocks", "facet = 'operation' AND span = 8"),
    ] {
      try await change(sql, condition, world)
      let found = try world.store.verifyActivitySums(tenantID: tenant)
      #expect(!found.isEmpty, "\(sql)")
      #expect(found.allSatisfy { !$0.description.isEmpty })
      #expect(try world.store.verifyActivitySums(tenantID: tenant, differencesMax: 1).count == 1)
      try await world.store.rebuildActivitySums(tenantID: tenant)
      #expect(try world.store.verifyActivitySums(tenantID: tenant) == [], "\(sql)")
    }
    #expect(try world.store.verifyActivitySums(tenantID: "globex") == [])
  }

  /// Runs `sql` on one row of the tenant.
  private func change(_ sql: String, _ condition: String, _ world: ActivityWorld) async throws {
    let table = String(sql.split(separator: " ").first { $0.hasPrefix("activity_") } ?? "")
    let keys =
      switch table {
      case "activity_blocks":
        "tenant_id, scope, id, span, bucket, unit_id, facet, value, entity_type"
      case "activity_facets": "tenant_id, bucket, unit_id, user_id, facet, value"
      default: "tenant_id, bucket, unit_id, user_id, operation, entity_type"
      }
    let changed = try await world.database.write { connection in
      try connection.run(
        """
        \(PreparedStatements.testMark)\(sql) WHERE (\(keys)) IN (
          SELECT \(keys) FROM \(table)
          WHERE tenant_id = '\(ActivityWorld.tenant)' AND \(condition)
          ORDER BY bucket LIMIT 1 OFFSET 20)
        """)
    }
    #expect(changed == 1, "\(sql)")
  }

  @Test("a block too many is found; rebuilding that was interrupted is said and can be repeated")
  func interrupted() async throws {
    let (world, _) = try await world(seed: 4, closing: true)
    defer { world.database.close() }
    let tenant = ActivityWorld.tenant
    try await world.database.write { connection in
      try connection.execute(
        """
        /* test */ INSERT INTO activity_blocks
        SELECT tenant_id, scope, id, span, bucket, unit_id, facet, 'nobody', entity_type, 1, 0, ''
        FROM activity_blocks
        WHERE tenant_id = 'acme' AND scope = 'tenant' AND facet = 'user' LIMIT 1
        """)
    }
    #expect(try world.store.verifyActivitySums(tenantID: tenant).count == 1)
    try await world.database.write { connection in
      try connection.execute(
        """
        /* test */ UPDATE activity_block_ends
        SET usable_from = \(Int64.min), closed_until = \(Int64.min)
        WHERE tenant_id = 'acme'
        """)
    }
    try await world.store.closeActivityBlocks()
    #expect(try world.store.verifyActivitySums(tenantID: tenant).count == 1)
    try await world.store.rebuildActivitySums(tenantID: tenant)
    #expect(try world.store.verifyActivitySums(tenantID: tenant) == [])
  }

  @Test("where the log was cut, sums of what is gone are kept and not held against it")
  func retention() async throws {
    var (world, generator) = try await world(seed: 5, closing: true)
    defer { world.database.close() }
    let tenant = ActivityWorld.tenant
    let query = try ActivityReportQuery(
      ["period": "1y", "tz": "Europe/Paris"], timeZone: nil, now: world.clock.now)
    let before = try world.store.activityReport(query, tenantID: tenant, userID: "ann")
    let cut = try Self.moment("2025-12-31T12:07:00.123Z")
    try await world.database.write { connection in
      try connection.execute(
        """
        /* test */ INSERT INTO activity_exemptions VALUES ('acme', 'retention');
        /* test */ DELETE FROM crm_activities
        WHERE tenant_id = 'acme' AND timestamp < '\(cut.rfc3339)';
        /* test */ DELETE FROM activity_exemptions WHERE tenant_id = 'acme';
        """)
    }
    #expect(try !world.store.verifyActivitySums(tenantID: tenant).isEmpty)
    #expect(try world.store.verifyActivitySums(tenantID: tenant, since: cut) == [])
    try await world.store.rebuildActivitySums(tenantID: tenant, since: cut)
    #expect(try world.store.verifyActivitySums(tenantID: tenant, since: cut) == [])
    #expect(
      try world.store.activityReport(query, tenantID: tenant, userID: "ann") == before)
    _ = generator.next()
  }

  @Test("what a file from before the facets holds is counted by the migration")
  func migration() async throws {
    let (world, _) = try await world(seed: 6, closing: false)
    defer { world.database.close() }
    let sql = try #require(
      Migration.embedded.first { $0.sql.contains("CREATE TABLE activity_blocks") }?.sql)
    try await world.database.write { connection in
      try connection.execute(
        """
        /* test */ DELETE FROM activity_facets; /* test */ DROP TABLE activity_blocks;
        /* test */ DROP TABLE activity_block_ends; /* test */ DROP INDEX activity_rollups_user;
        """)
      try connection.execute(sql)
    }
    for tenant in [ActivityWorld.tenant, "globex"] {
      #expect(try world.store.verifyActivitySums(tenantID: tenant) == [])
    }
    try await world.store.closeActivityBlocks()
    #expect(try world.store.verifyActivitySums(tenantID: ActivityWorld.tenant) == [])
  }
}

extension Problem {
  /// Something that was refused.
  static let noSuchThing = Problem(.notFound, "There is no such thing.")
}
