import Database
import JSON
import Synchronization
import Testing
import Values

@testable import WrapperClient

/// A week against a Wrapper that fails, resets, lies and loses answers, in seconds.
@Suite struct SimulationTests {
  @Test("a week of outages, resets, revocations and spending", arguments: [20_260_131])
  func week(seed: UInt64) async throws {
    let simulation = try Simulation(seed: seed)
    try await simulation.begin()
    let end = simulation.clock.now.advanced(byMilliseconds: 7 * 86_400_000)
    while simulation.clock.now < end {
      try await simulation.step()
      try simulation.check()
    }
    try await simulation.settle()
  }
}

/// One seed's week.
private final class Simulation {
  private static let permissions = ["crm.leads.read", "crm.leads.create", "crm.deals.read"]
  private static let users = ["u1", "u2", "u3", "u4", "u5", "u6"]
  private static let roles = ["r1", "r2"]
  private static let operation = "crm.leads.create"
  private static let stepSecondsMax = 1_800.0

  let clock = ManualClock()
  private let seed: UInt64
  private let random: SeededRandom
  private let world: ClientWorld
  private let model: ModelWrapper
  private let environment: SyncEnvironment
  private var sync: TenantSync
  private var reader: FeedReader
  private var queued = 0
  private var steps = 0
  /// When the present fault ends.
  private var faultEnd: Timestamp

  init(seed: UInt64) throws {
    self.seed = seed
    random = SeededRandom(seed)
    world = try ClientWorld()
    model = ModelWrapper(clock: clock)
    faultEnd = clock.now
    environment = SyncEnvironment(
      configuration: WrapperConfiguration(
        baseURL: "https://model.example", apiKey: "key", version: "test"),
      transport: model, database: world.database, time: clock.source,
      // Half of every jitter: which of two calls draws first must not matter.
      random: RandomSource { 1 << 63 }, log: { _, _ in })
    (sync, reader) = Self.followed(environment, backlog: nil)
  }

  private static func followed(
    _ environment: SyncEnvironment, backlog: OutboxStore.Backlog?
  ) -> (TenantSync, FeedReader) {
    let sync = TenantSync(
      tenantID: "t1", queuedUnits: backlog?.units ?? 0, queuedRows: backlog?.rows ?? 0,
      environment: environment)
    let reader = FeedReader(
      environment: environment, serves: { $0 == "t1" }, followed: { ["t1": sync] },
      recall: { _ in nil })
    return (sync, reader)
  }

  /// Gives everybody something, and lets the client see it.
  func begin() async throws {
    for user in Self.users { change(user: user, isPublished: false) }
    for role in Self.roles { change(role: role, isPublished: false) }
    changeCost(isPublished: false)
    model.state.withLock { $0.balance = 1_000_000 }
    for _ in 0..<3 { try await follow() }
    #expect(sync.wholeDirectory() != nil)
  }

  /// Some minutes.
  func step() async throws {
    steps += 1
    clock.advance(seconds: Double(1 + random.below(Int(Self.stepSecondsMax))))
    for _ in 0..<random.below(4) { changeSomething() }
    if clock.now >= faultEnd { chooseFault() }
    if random.below(40) == 0 { try restart() }
    try await follow()
    // Changes between two looks at the same moment are what the cursor's lag is about.
    if random.below(2) == 0 { changeSomething() }
    try check()
    clock.advance(seconds: Double(random.below(8)))
    try await follow()
    for _ in 0..<random.below(4) { try await spend() }
    sync.shipper.flush()
    _ = await sync.shipper.round()
  }

  private func follow() async throws {
    // Which of the two comes first decides whether an event or a snapshot is the older one.
    let isFeedFirst = random.below(2) == 0
    if !isFeedFirst { _ = await sync.round() }
    for poll in reader.polls { _ = await reader.round(poll) }
    try check()
    if isFeedFirst { _ = await sync.round() }
    _ = await readBalance()
  }

  /// Waits for a balance that is read after this call.
  private func readBalance() async -> Bool {
    // Reads are spaced by a moment of the world's time, which nobody has to wait for here.
    clock.advance(seconds: 0.1)
    return await sync.account.nextReading()?.value(withinSeconds: 20) ?? false
  }

  private func chooseFault() {
    let isFault = random.below(3) == 0
    let faults = ModelWrapper.Fault.allCases.filter { $0 != .none }
    let fault = isFault ? faults[random.below(faults.count)] : .none
    // Some outages last for hours, longer than anything may be worked with.
    let seconds = random.below(4) == 0 ? 14_400 : 1_800
    faultEnd = clock.now.advanced(byMilliseconds: Int64(1 + random.below(seconds)) * 1000)
    model.state.withLock { $0.fault = fault }
    if random.below(10) == 0 { model.state.withLock { $0.balance += 500_000 } }
  }

  /// The process ends and starts again: only the file goes on.
  private func restart() throws {
    sync.account.stop()
    let backlog = try environment.outbox.backlog(tenantID: "t1")
    (sync, reader) = Self.followed(environment, backlog: backlog)
    sync.restore(try environment.snapshots.load(tenantID: "t1"))
  }

  private func spend() async throws {
    let account = sync.account
    let mode = sync.mode
    guard mode != .readOnly else { return }
    let units = sync.wholeDirectory()?.creditUnits(for: Self.operation) ?? 0
    let isOnline = await readBalance()
    let limits = sync.creditConfiguration ?? .empty
    guard
      // Refused for want of credits, which is what it is for.
      let reservation = try? account.reserve(units, limits: limits, isOffline: !isOnline)
    else { return }
    guard random.below(5) > 0 else { return reservation.release() }
    queued += 1
    try await world.queue("a\(queued)", units: units, seq: Int64(queued))
    reservation.commit()
    sync.shipper.rowsQueued()
  }

  /// What must hold after every step.
  func check() throws {
    let (received, believed, balance, counted) = model.state.withLock {
      ($0.received, $0.believed, $0.balance, $0.counted)
    }
    let place: Comment = "seed \(seed), step \(steps)"
    try #require(balance >= 0, place)
    try #require(counted.values.allSatisfy { $0 == 1 }, place)
    guard let directory = sync.wholeDirectory() else { return }
    for user in Self.users {
      for permission in Self.permissions
      where directory.check(userID: user, permission: permission).isAllowed {
        let isAllowed =
          received.allows(permission, user: user)
          || (believed?.allows(permission, user: user) ?? false)
        try #require(isAllowed, "\(user) \(permission), \(place)")
      }
    }
    let cost = received.costs[Self.operation]?.value ?? 0
    try #require(directory.creditUnits(for: Self.operation) >= cost, place)
    let status = sync.status(cursor: nil, outboxDepth: nil, outboxOldest: nil)
    if status.mode == .degraded {
      // Nobody looked for as long as a step takes before the first failure showed.
      let secondsMax = environment.offlineSeconds + Self.stepSecondsMax
      try #require((status.stalenessSeconds ?? .infinity) < secondsMax, place)
    }
  }

  /// The Wrapper recovers: everything is as it says, nothing was lost and nothing came twice.
  func settle() async throws {
    model.state.withLock { $0.fault = .none }
    for _ in 0..<30 {
      clock.advance(seconds: 60)
      try await follow()
      sync.shipper.flush()
      _ = await sync.shipper.round()
      try check()
    }
    let (truth, balance, counted) = model.state.withLock { ($0.truth, $0.balance, $0.counted) }
    let place: Comment = "seed \(seed)"
    let directory = try #require(sync.wholeDirectory())
    for user in Self.users {
      for permission in Self.permissions {
        #expect(
          directory.check(userID: user, permission: permission).isAllowed
            == truth.allows(permission, user: user), "\(user) \(permission), \(place)")
      }
    }
    #expect(directory.creditUnits(for: Self.operation) == truth.costs[Self.operation]?.value)
    #expect(sync.mode == .online, place)
    #expect(world.outboxDepth() == 0, place)
    #expect(Set(counted.keys) == Set((1...queued).map { "a\($0)" }), place)
    #expect(sync.account.ledger.balance?.availableUnits == balance, place)
  }
}

extension Simulation {
  private func changeSomething() {
    switch random.below(5) {
    case 0: change(role: Self.roles[random.below(Self.roles.count)])
    case 1: changeCost()
    default: change(user: Self.users[random.below(Self.users.count)])
    }
  }

  private func some(_ texts: [String]) -> Set<String> {
    Set(texts.filter { _ in random.below(2) == 0 })
  }

  private func change(user: String, isPublished: Bool = true) {
    let permissions = some(Self.permissions)
    let roleIDs = some(Self.roles)
    let isActive = random.below(5) > 0
    // An event may lack any of its parts.
    let parts = (0..<4).map { _ in random.below(4) > 0 }
    model.state.withLock { state in
      state.changes += 1
      let change = state.changes
      var said = ModelWrapper.Truth()
      said.isActive[user] = .init(change: change, value: isActive)
      said.permissions[user] = .init(change: change, value: permissions)
      said.roleIDs[user] = .init(change: change, value: roleIDs)
      state.truth.merge(said)
      guard isPublished else { return }
      var data: JSONObject = JSONObject([("userId", .string(user))])
      if parts[0] { data["isActive"] = .bool(isActive) } else { said.isActive = [:] }
      if parts[1] {
        data["permissions"] = ModelWrapper.list(permissions)
      } else {
        said.permissions = [:]
      }
      if parts[2] { data["roleIds"] = ModelWrapper.list(roleIDs) } else { said.roleIDs = [:] }
      if parts[3] { data["profile"] = userChange(permissions: [])["profile"] }
      publish("users", "user-changed", data, said, &state)
    }
  }

  private func change(role: String, isPublished: Bool = true) {
    let permissions = some(Self.permissions)
    let isComplete = random.below(4) > 0
    model.state.withLock { state in
      state.changes += 1
      var said = ModelWrapper.Truth()
      said.roles[role] = .init(change: state.changes, value: permissions)
      state.truth.merge(said)
      guard isPublished else { return }
      var data = JSONObject([("roleId", .string(role)), ("name", .string(role))])
      if isComplete { data["permissions"] = ModelWrapper.list(permissions) } else { said = .init() }
      publish("roles", "role-changed", data, said, &state)
    }
  }

  private func changeCost(isPublished: Bool = true) {
    let units = Int64(random.below(5)) * 10_000
    model.state.withLock { state in
      state.changes += 1
      var said = ModelWrapper.Truth()
      said.costs[Self.operation] = .init(change: state.changes, value: units)
      state.truth.merge(said)
      guard isPublished else { return }
      let data = JSONObject([
        ("operationCode", .string(Self.operation)),
        ("creditCost", .decimal(units: units, scale: 4)),
      ])
      publish("credit-configs", "credit-config-changed", data, said, &state)
    }
  }

  private func publish(
    _ channel: String, _ type: String, _ data: JSONObject, _ truth: ModelWrapper.Truth,
    _ state: inout ModelWrapper.State
  ) {
    state.events.append(
      ModelWrapper.Event(
        json: [
          "id": .integer(state.events.count + 1), "channel": .string("crm:t1:\(channel)"),
          "eventType": .string(type), "data": .object(data),
        ], truth: truth))
  }
}
