import CRM
import Database
import JSON
import TestSupport
import Testing
import Values

/// Random changes of every kind of record; then the statistics are what the raw rows say.
@Suite struct StatisticsModelTests {
  /// One run: the world, and what was drawn so far.
  private struct Run {
    let world: StatisticsWorld
    var generator: SeededGenerator
    var ids: [String: [String]] = [:]
    var changes = 0
    var conversions = 0

    static let kinds = [
      "contact", "company", "lead", "lead", "deal", "deal", "deal", "task", "task", "interaction",
      "note",
    ]

    mutating func pick<Element>(_ elements: [Element]) -> Element? {
      elements.randomElement(using: &generator)
    }

    mutating func chance(_ count: Int) -> Bool {
      Int.random(in: 0..<count, using: &generator) == 0
    }

    mutating func moment() -> JSONValue {
      .string(
        world.clock.now.advanced(
          byMilliseconds: Int64.random(in: -20_000_000...20_000_000, using: &generator)
        ).rfc3339)
    }

    mutating func members(_ kind: String, isNew: Bool) -> JSONValue {
      var members = JSONObject()
      if chance(3) { members["ownerId"] = pick(StatisticsWorld.users + [""]).map(Self.orNull) }
      switch kind {
      case "contact":
        if isNew { members["firstName"] = "c" }
        if chance(2) { members["lifecycle"] = pick(["prospect", "customer", "former"]) }
      case "company":
        if isNew { members["name"] = "c" }
      case "lead":
        if isNew { members["title"] = "l" }
        if chance(2) { members["status"] = pick(["contacted", "qualified", "unqualified"]) }
      case "deal":
        deal(&members, isNew: isNew)
      case "task":
        if isNew { members["title"] = "t" }
        if chance(2) { members["status"] = pick(["open", "in_progress", "done", "cancelled"]) }
        if chance(2) { members["dueAt"] = moment() }
        if chance(2) { members["assignedTo"] = pick(StatisticsWorld.users + [""]).map(Self.orNull) }
      case "interaction":
        if isNew || chance(3) { members["type"] = pick(["call", "email", "meeting"]) }
        if chance(3) { members["status"] = pick(["planned", "completed", "cancelled"]) }
        if chance(4) { members["occurredAt"] = moment() }
        if isNew { hang(&members) }
      default:
        if isNew {
          members["body"] = "n"
          hang(&members)
        }
        if chance(2) { members["visibility"] = pick(["public", "private"]) }
      }
      return .object(members)
    }

    private mutating func deal(_ members: inout JSONObject, isNew: Bool) {
      if isNew { members["title"] = "d" }
      if chance(2) {
        members["value"] =
          chance(5)
          ? .null
          : .decimal(units: Int64.random(in: -999...9_999_999, using: &generator), scale: 2)
        members["currency"] = pick(["EUR", "USD", "JPY"])
      }
      if isNew, chance(3) {
        members["pipelineId"] = pick(ids["pipeline"] ?? []).map { .string($0) }
      }
      if chance(2) {
        members["stage"] = pick(["new", "qualified", "proposal", "won", "won", "lost"])
      }
      if chance(3) { members["closedAt"] = moment() }
      if chance(3) { members["assignedTo"] = pick(StatisticsWorld.users + [""]).map(Self.orNull) }
    }

    private mutating func hang(_ members: inout JSONObject) {
      let kind = pick(["contact", "company", "lead", "deal"]) ?? "contact"
      members["entityType"] = .string(kind)
      members["entityId"] = pick(ids[kind] ?? []).map { .string($0) } ?? .null
    }

    private static func orNull(_ user: String) -> JSONValue {
      user.isEmpty ? .null : .string(user)
    }

    mutating func step() async throws {
      world.clock.advance(minutes: Int64.random(in: 0...90, using: &generator))
      let user = pick(StatisticsWorld.users) ?? "u0"
      if chance(60) { return try await changePipeline() }
      let kind = pick(Self.kinds) ?? "deal"
      let done: JSONValue?
      if let id = pick(Array((ids[kind] ?? []).suffix(25))), !chance(3) {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0: done = try await world.update(.trash, kind, id, as: user)
        case 1...2: done = try await world.update(.restore, kind, id, as: user)
        case 4 where kind == "lead":
          done = try await world.convert(id, as: user)
          if done != nil { conversions += 1 }
        case 3: done = chance(3) ? try await world.update(.purge, kind, id, as: user) : nil
        default:
          done = try await world.merge(members(kind, isNew: false), kind, id, as: user)
        }
      } else {
        done = try await world.create(kind, members(kind, isNew: true), as: user)
        if let id = done?["id"]?.string { ids[kind, default: []].append(id) }
      }
      if done != nil { changes += 1 }
    }

    /// Gives a stage another probability, or makes an open one decided and back.
    private mutating func changePipeline() async throws {
      guard let id = pick(ids["pipeline"] ?? []) else { return }
      let changed = try await world.merge(
        ["stages": Self.stages(&generator)], "pipeline", id)
      if changed != nil { changes += 1 }
    }

    static func stages(_ generator: inout SeededGenerator) -> JSONValue {
      .array(
        ["new", "qualified", "proposal", "won", "lost"].map { name in
          let kind =
            name == "won"
            ? "won"
            : name == "lost"
              ? "lost"
              : name == "proposal"
                ? ["open", "won"].randomElement(using: &generator) ?? "open"
                : "open"
          return [
            "id": .string(name), "name": .string(name.uppercased()), "kind": .string(kind),
            "probability": .integer(Int.random(in: 0...100, using: &generator)),
          ]
        })
    }
  }

  /// Time zones of whole hours, of three quarters and of halves, two of which change their clocks
  /// during the run.
  private static let zones = ["Europe/Paris", "Asia/Kathmandu", "Australia/Lord_Howe"]

  @Test(
    "after random changes every figure is what the raw rows say, in every scope and time zone",
    arguments: [20_260_320, 7])
  func agree(seed: UInt64) async throws {
    let start = try #require(Timestamp(rfc3339: "2026-03-20T22:07:31.250Z"))
    let world = try StatisticsWorld(clock: StandingClock(start))
    defer { world.database.close() }
    var run = Run(world: world, generator: SeededGenerator(seed: seed))
    for name in ["First", "Second"] {
      let pipeline = try await world.create(
        "pipeline", ["name": .string(name), "stages": Run.stages(&run.generator)])
      run.ids["pipeline", default: []].append(try #require(pipeline?["id"]?.string))
    }
    for number in 1...800 {
      try await run.step()
      guard number.isMultiple(of: 100) else { continue }
      #expect(try world.store.verifyCounters(tenantID: StatisticsWorld.tenant) == [])
      for scope in StatisticsModel.Scope.allCases {
        for zone in Self.zones {
          try compare(world, scope, zone, seed: seed, step: number)
        }
      }
    }
    #expect(run.changes > 500)
    #expect(run.conversions > 2)
    // Both clock changes lie within the run.
    #expect(world.clock.now.rfc3339 > "2026-04-06")
    #expect(
      try world.rows("SELECT count(*) FROM deal_stage_moves WHERE left_at IS NOT NULL")[0][0] != "0"
    )
  }

  private func compare(
    _ world: StatisticsWorld, _ scope: StatisticsModel.Scope, _ zone: String, seed: UInt64,
    step: Int
  ) throws {
    let place: Comment = "seed \(seed), step \(step), \(scope), \(zone)"
    let model = try StatisticsModel(world, scope, timeZone: zone)
    let store = world.store
    let tenant = StatisticsWorld.tenant
    let now = world.clock.now
    let statistics = try store.statistics(tenantID: tenant, scope: scope.scope, now: now)
    #expect(statistics == model.statistics, place)
    // Ends on a quarter of an hour, within one, and a period within one quarter.
    let periods = [
      ("2026-03-20T00:00:00.000Z", "2026-12-31T00:00:00.000Z"),
      ("2026-03-25T13:37:11.123Z", "2026-04-03T02:59:59.999Z"),
      (
        now.advanced(byMilliseconds: -400_000).rfc3339,
        now.advanced(byMilliseconds: 100_000).rfc3339
      ),
    ]
    for (since, until) in periods {
      let query = try StatisticsQuery(
        ["since": since, "until": until, "tz": zone], timeZone: nil, now: now)
      var dashboard = try #require(
        try store.dashboard(
          query, tenantID: tenant, scope: scope.scope, reach: .tenant, currency: "EUR",
          name: { "N\($0)" }
        ).object)
      dashboard["period"] = nil
      dashboard["recentActivity"] = nil
      dashboard["pipeline"] = dashboard["pipeline"].map(Self.withoutNames)
      #expect(.object(dashboard) == model.dashboard(since: since, until: until), place)
      let performance = try store.performance(
        query, tenantID: tenant, scope: scope.scope, currency: "EUR", name: { "N\($0)" })
      #expect(performance.owners == model.performance(since: since, until: until), place)
      #expect(
        Self.withoutNames(performance.averageTimeInStage)
          == model.timeInStage(since: since, until: until), place)
    }
  }

  private static func withoutNames(_ stages: JSONValue) -> JSONValue {
    .array((stages.array ?? []).map { $0.with("name", nil) })
  }
}
