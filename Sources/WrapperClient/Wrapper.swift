public import Database
internal import JSON
internal import Synchronization
public import Values

/// The upstream system that owns tenants, people, permissions and credits, as seen from here.
///
/// What it says is kept in memory and in the database, so that most questions are answered without
/// a call, and a start needs none.
public final class Wrapper: Sendable {
  let environment: SyncEnvironment
  private let tenants = Mutex(Followed())
  private let validator: TokenValidator
  /// The sessions in use, and those that were ended.
  public let sessions: SessionRegistry

  private struct Followed {
    var syncs: [String: TenantSync] = [:]
    var isStopped = false
  }

  /// A client of the configured Wrapper that keeps its snapshots in `database`.
  public init(
    _ configuration: WrapperConfiguration, database: Database, time: TimeSource,
    random: RandomSource, log: @escaping @Sendable (WrapperLogLevel, String) -> Void
  ) {
    let environment = SyncEnvironment(
      configuration: configuration,
      transport: WrapperTransport(configuration, time: time, random: random),
      snapshots: SnapshotStore(database), outbox: OutboxStore(database), time: time,
      random: random, log: log)
    self.environment = environment
    sessions = SessionRegistry(database, time: time, log: log)
    validator = TokenValidator(
      configuration, transport: environment.transport, time: time)
  }

  /// Takes what is stored and begins to follow the Wrapper in the background.
  ///
  /// Returns without waiting for the network.
  public func start() async {
    if let problem = environment.configuration.problem { environment.log(.error, problem) }
    sessions.start()
    do {
      let backlogs = try environment.outbox.backlogs()
      let known = Set(try environment.snapshots.tenantIDs()).union(backlogs.keys)
        .union(environment.configuration.servedTenants ?? [])
      let served = known.filter { serves($0) }.sorted()
      // Many tenants are spread over one poll; few begin at once.
      let spread = environment.configuration.pollSeconds * min(1, Double(served.count) / 100)
      for (index, tenantID) in served.enumerated() {
        // The backlog counts even where the snapshot is lost: its cost is spent already.
        let sync = makeSync(tenantID, backlog: backlogs[tenantID])
        restore(sync)
        add(sync, delaySeconds: spread * Double(index) / Double(served.count))
      }
    } catch {
      environment.log(.error, "the stored snapshots could not be read: \(error)")
    }
  }

  /// Ships what waits once more, within 3 seconds, and ends everything that runs.
  public func stop() async {
    let syncs = tenants.withLock { tenants -> [TenantSync] in
      tenants.isStopped = true
      return Array(tenants.syncs.values)
    }
    let done = Promise<Bool>()
    let stopping = Task {
      await withTaskGroup { group in
        group.addTask { await self.sessions.stop() }
        for sync in syncs { group.addTask { await sync.stop() } }
      }
      done.fulfil(true)
    }
    _ = await done.value(withinSeconds: Limits.stopSeconds)
    stopping.cancel()
    environment.transport.close()
    await stopping.value
  }

  /// The session of a token that is not a JWT, if memory still vouches for it.
  public func cachedSession(token: String) -> WrapperSession? {
    guard let session = validator.cached(token), serves(session.tenantID) else { return nil }
    return session
  }

  /// The session of a token that is not a JWT.
  ///
  /// An accepted token is remembered for 60 seconds at most and never past its end, a refused one
  /// for 5. While the Wrapper is away a session validated within `offlineMinutes` goes on.
  ///
  /// - Parameters:
  ///   - token: The token.
  ///   - admit: Whether a token that was never seen may cost a call.
  /// - Returns: The session.
  /// - Throws: ``WrapperError`` for a token that is not valid, or when nobody can tell.
  public func session(
    token: String, admit: @Sendable () -> Bool = { true }
  ) async throws(WrapperError) -> WrapperSession {
    let sighting = try await validator.session(token, admit: admit)
    let session = sighting.session
    guard serves(session.tenantID) else { throw .tenantNotServed }
    // Somebody signed in: the tenant's settings are looked at again.
    if sighting.isFirst { followed(session.tenantID)?.refreshSettings() }
    return session
  }

  /// The tenant's truth as far as memory holds it and may be used without asking.
  public func loadedTenant(_ tenantID: String) -> TenantDirectory? {
    followed(tenantID)?.freshDirectory
  }

  /// The tenant's truth; fetched, within one second, when memory has none that may be used.
  ///
  /// - Throws: ``WrapperError/tenantNotServed``, or ``WrapperError/unavailable`` when the Wrapper
  ///   does not answer and nothing is known of the tenant.
  public func tenant(_ tenantID: String) async throws(WrapperError) -> TenantDirectory {
    guard serves(tenantID) else { throw .tenantNotServed }
    guard let sync = follow(tenantID) else { throw .unavailable }
    if let directory = sync.freshDirectory { return directory }
    guard let directory = await sync.currentDirectory() else {
      throw sync.isUnknown ? .tenantNotServed : .unavailable
    }
    return directory
  }

  /// Passes a sign-in on.
  ///
  /// - Returns: what the Wrapper answered, refusals included.
  public func login(
    email: String, password: String, remoteAddress: String
  ) async throws(WrapperError) -> WrapperReply {
    let body: JSONValue = ["email": .string(email), "password": .string(password)]
    var call = WrapperCall.post("/auth/login", body.bytes)
    call.forwardedFor = remoteAddress
    call.seconds = Limits.loginSeconds
    guard case .success(let answer) = await environment.transport.send(call) else {
      throw .unavailable
    }
    return WrapperReply(
      status: answer.status, body: answer.body, retryAfter: answer.retryAfter)
  }

  /// Ends the token's session.
  ///
  /// The token is refused here at once, whatever the Wrapper says.
  ///
  /// - Throws: ``WrapperError/unavailable`` when the Wrapper could not be told.
  public func logout(token: String) async throws(WrapperError) {
    try await validator.logout(token)
  }

  /// Looks at everything and ships what waits, now.
  public func refresh() {
    for sync in tenants.withLock({ Array($0.syncs.values) }) { sync.refresh() }
  }

  /// How the truth about each followed tenant stands, by tenant id.
  public var status: [TenantSyncStatus] {
    let syncs = tenants.withLock { $0.syncs }
    // Without the file the depth is unknown, which the status says.
    let backlogs = try? environment.outbox.backlogs()
    return syncs.values.map { sync in
      let backlog = backlogs?[sync.tenantID]
      return sync.status(
        outboxDepth: backlogs.map { _ in backlog?.rows ?? 0 }, outboxOldest: backlog?.oldest)
    }.sorted { $0.tenantID < $1.tenantID }
  }

  /// How well the tenant's truth can be kept just now.
  public func mode(tenantID: String) -> SyncMode {
    followed(tenantID)?.mode ?? .online
  }

  /// Told after a commit that put rows into the outbox.
  ///
  /// Their cost is counted by ``CreditReservation/commit()``, never here: every cost is reserved
  /// before it is written.
  public func activityQueued(tenantID: String) {
    follow(tenantID)?.shipper.rowsQueued()
  }
}

extension Wrapper {
  /// Sets `units` aside for one operation, in 1/10,000 credit.
  ///
  /// How the balance is checked is the configuration's matter. An operation without cost never
  /// calls the Wrapper.
  ///
  /// - Throws: ``CreditRefusal`` when balance or limits do not allow it, or nobody can tell.
  public func reserve(
    tenantID: String, operation: String, units: Int64
  ) async throws(CreditRefusal) -> CreditReservation {
    precondition(units >= 0, "a cost is never negative")
    guard units > 0 else { return CreditReservation(units: 0, isOffline: false, account: nil) }
    guard let sync = follow(tenantID) else { throw .unavailable }
    let mode = sync.mode
    guard mode != .readOnly else { throw .readOnly }
    let limits = sync.directory?.creditConfiguration ?? .empty
    let account = sync.account
    if environment.configuration.creditCheck == .off || limits.overageAllowed {
      return account.reserveUnchecked(units, isOffline: mode != .online)
    }
    guard units <= Limits.amountUnitsMax else {
      throw .insufficient(
        availableUnits: account.ledger.available ?? 0, requiredUnits: units)
    }
    let isOffline = await !isBalanceGood(account)
    if isOffline, let reading = account.ledger.reading, isTooOld(reading.readAt) {
      throw .unavailable
    }
    do throws(CreditRefusal) {
      return try account.reserve(units, limits: limits, isOffline: isOffline)
    } catch {
      environment.log(.debug, "tenant \(tenantID): \(operation) is not paid for: \(error)")
      throw error
    }
  }

  /// The tenant's balance as last read, less what was spent here since; nil when never read.
  public func balance(tenantID: String) -> CreditBalance? {
    followed(tenantID)?.account.ledger.balance
  }

  /// Waits for a balance as new as the configuration wants it.
  ///
  /// - Returns: false when there is none, and the last known one has to do.
  private func isBalanceGood(_ account: CreditAccount) async -> Bool {
    if environment.configuration.creditCheck == .cached, let reading = account.ledger.reading {
      let age = environment.time.now().milliseconds - reading.readAt.milliseconds
      if age <= Int64(Limits.cachedBalanceSeconds * 1000) { return true }
    }
    guard let reading = account.nextReading() else { return false }
    return await reading.value(withinSeconds: environment.configuration.requestSeconds) ?? false
  }

  private func restore(_ sync: TenantSync) {
    do {
      sync.restore(try environment.snapshots.load(tenantID: sync.tenantID))
    } catch {
      environment.log(
        .error, "tenant \(sync.tenantID): the stored snapshot could not be read: \(error)")
    }
  }

  /// Whether what was read at that moment may no longer carry a decision.
  private func isTooOld(_ moment: Timestamp) -> Bool {
    let age = environment.time.now().milliseconds - moment.milliseconds
    return Double(age) > environment.configuration.offlineMinutes * 60_000
  }

  private func serves(_ tenantID: String) -> Bool {
    environment.configuration.servedTenants?.contains(tenantID) ?? true
  }

  func followed(_ tenantID: String) -> TenantSync? {
    tenants.withLock { $0.syncs[tenantID] }
  }

  /// The tenant's sync, begun if this is its first use; nil when it may not or no more fit.
  func follow(_ tenantID: String) -> TenantSync? {
    if let sync = followed(tenantID) { return sync }
    guard serves(tenantID), !tenantID.isEmpty else { return nil }
    return add(makeSync(tenantID, backlog: nil), delaySeconds: 0)
  }

  private func makeSync(_ tenantID: String, backlog: OutboxStore.Backlog?) -> TenantSync {
    TenantSync(
      tenantID: tenantID, queuedUnits: backlog?.units ?? 0, queuedRows: backlog?.rows ?? 0,
      environment: environment)
  }

  /// Starts `sync`, unless somebody was faster.
  ///
  /// - Returns: the one that runs.
  @discardableResult
  private func add(_ sync: TenantSync, delaySeconds: Double) -> TenantSync? {
    let (present, isNew) = tenants.withLock { tenants -> (TenantSync?, Bool) in
      if let present = tenants.syncs[sync.tenantID] { return (present, false) }
      guard !tenants.isStopped, tenants.syncs.count < Limits.tenantsMax else {
        return (nil, false)
      }
      tenants.syncs[sync.tenantID] = sync
      return (sync, true)
    }
    if isNew { sync.start(delaySeconds: delaySeconds) }
    return present
  }
}
