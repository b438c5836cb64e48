public import Database
public import JSON
public import Values

/// The upstream system that owns tenants, people, permissions and credits, as seen from here.
///
/// What it says is kept in memory and in the database, so that most questions are answered without
/// a call, and a start needs none.
public final class Wrapper: Sendable {
  let environment: SyncEnvironment
  private let transport: WitnessedTransport
  let tenants: FollowedTenants
  let feed: FeedReader
  let validator: TokenValidator
  private let tally: CallTally
  /// The sessions in use, and those that were ended.
  public let sessions: SessionRegistry

  /// A client of the configured Wrapper that keeps its snapshots in `database`.
  public convenience init(
    _ configuration: WrapperConfiguration, database: Database, time: TimeSource,
    random: RandomSource, log: @escaping @Sendable (WrapperLogLevel, String) -> Void
  ) {
    let tally = CallTally()
    self.init(
      configuration,
      transport: WrapperTransport(configuration, time: time, random: random, tally: tally),
      tally: tally, database: database, time: time, random: random, log: log)
  }

  /// A client whose calls go through `transport`.
  init(
    _ configuration: WrapperConfiguration, transport: any WrapperSending,
    tally: CallTally = CallTally(), database: Database, time: TimeSource, random: RandomSource,
    log: @escaping @Sendable (WrapperLogLevel, String) -> Void
  ) {
    let transport = WitnessedTransport(transport)
    self.transport = transport
    let environment = SyncEnvironment(
      configuration: configuration, transport: transport, database: database, time: time,
      random: random, log: log)
    self.environment = environment
    self.tally = tally
    let tenants = FollowedTenants(environment: environment)
    feed = FeedReader(
      environment: environment, serves: { environment.serves($0) },
      followed: { tenants.byID }, recall: { tenants.recall($0) })
    // The feed knows the tenants, so they must not hold the feed.
    tenants.tellOfNew { [weak feed] in feed?.added($0) }
    self.tenants = tenants
    sessions = SessionRegistry(database, time: time, log: log)
    validator = TokenValidator(
      configuration, transport: environment.transport, time: time,
      ended: { [sessions] in sessions.endedByWrapper($0) })
  }

  /// Takes what is stored and begins to follow the Wrapper in the background.
  ///
  /// Returns without waiting for the network.
  public func start() async {
    if let problem = environment.configuration.problem { environment.log(.error, problem) }
    sessions.start()
    do {
      try await environment.snapshots.sealAll()
    } catch {
      environment.log(.error, "the stored snapshots could not be sealed: \(error)")
    }
    do {
      let backlogs = try environment.outbox.backlogs()
      let wanted = Set(backlogs.keys).union(environment.configuration.servedTenants ?? [])
      let others = Set(try environment.snapshots.tenantIDs()).subtracting(wanted)
      // Where tenants are many, those for whom nothing waits are loaded at their first use.
      let ranked = (wanted.sorted() + others.sorted()).filter { serves($0) }
      let count = max(wanted.count, Limits.tenantsFollowedAtStartMax)
      let followed = ranked.prefix(count)
      tenants.remember(ranked.dropFirst(count))
      // Many tenants are spread over one poll; few begin at once.
      let spread = environment.configuration.pollSeconds * min(1, Double(followed.count) / 100)
      for (index, tenantID) in followed.enumerated() {
        // The backlog counts even where the snapshot is lost: its cost is spent already.
        tenants.add(
          tenantID, backlog: backlogs[tenantID],
          delaySeconds: spread * Double(index) / Double(followed.count))
      }
    } catch {
      environment.log(.error, "the stored snapshots could not be read: \(error)")
    }
    tenants.start()
    feed.start()
  }

  /// Ships what waits once more, within 3 seconds, and ends everything that runs.
  public func stop() async {
    let done = Promise<Bool>()
    let stopping = Task {
      await withTaskGroup { group in
        group.addTask { [sessions] in await sessions.stop() }
        group.addTask { [feed] in await feed.stop() }
        group.addTask { [tenants] in await tenants.stop() }
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
    if sighting.isFirst { follow(session.tenantID)?.refreshSettings() }
    return session
  }

  /// The session of a token that is refused now and was accepted before, if it would not have ended
  /// by itself.
  public func lastSession(token: String) -> WrapperSession? {
    guard let session = validator.lastSession(token), serves(session.tenantID) else { return nil }
    return session
  }

  /// The tenant's truth as far as memory holds it and may be used without asking.
  public func loadedTenant(_ tenantID: String) -> TenantDirectory? {
    tenants[tenantID]?.freshDirectory
  }

  /// The tenant's truth; fetched, within one second, when memory has none that may be used.
  ///
  /// - Throws: ``WrapperError/tenantNotServed``, or ``WrapperError/unavailable`` when the Wrapper
  ///   does not answer and nothing is known of the tenant.
  public func tenant(_ tenantID: String) async throws(WrapperError) -> TenantDirectory {
    guard serves(tenantID) else { throw .tenantNotServed }
    guard let sync = follow(tenantID) else { throw .unavailable }
    if let directory = sync.freshDirectory { return directory }
    sync.use.countCriticalMiss()
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
      status: answer.status, body: answer.body, retryAfter: answer.retryAfter, etag: answer.etag)
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
    feed.refresh()
    for sync in tenants.byID.values { sync.refresh() }
  }

  /// How the calls to the Wrapper ended, by endpoint.
  public var calls: [String: CallStatistics] { tally.all }

  /// Events of the change feed that were taken since the process started.
  public var appliedEvents: Int { feed.tally.applied }

  /// Events of the change feed that were dropped, by reason.
  public var rejectedEvents: [RejectionReason: Int] { feed.tally.rejected }

  /// Answers of the change feed that were refused as a whole.
  public var rejectedFeedAnswers: Int { feed.tally.rejectedAnswers }

  /// What other applications logged about the tenant within the last hour, newest first.
  public func recentForeignActivities(tenantID: String) -> [JSONObject] {
    feed.activities.recent(tenantID: tenantID)
  }

  /// How the truth about each followed tenant stands, by tenant id.
  public var status: [TenantSyncStatus] {
    // Without the file the depth is unknown, which the status says.
    let backlogs = try? environment.outbox.backlogs()
    return tenants.byID.values.map { sync in
      let backlog = backlogs?[sync.tenantID]
      return sync.status(
        cursor: feed.cursor(of: sync.tenantID),
        outboxDepth: backlogs.map { _ in backlog?.rows ?? 0 }, outboxOldest: backlog?.oldest)
    }.sorted { $0.tenantID < $1.tenantID }
  }

  /// How the tenant's caches are used, while it is in memory.
  func use(of tenantID: String) -> CacheUse? { tenants[tenantID]?.use }

  /// Whether enough is known of the tenant to decide, in memory or in the file.
  public func knows(tenantID: String) -> Bool { tenants.knows(tenantID) }

  /// Whether anything is known at all: some tenant, or that the Wrapper can be asked.
  public var isInformed: Bool { transport.hasAnswered || tenants.knowsAny }

  /// How the caches are used and how large they are: of one tenant, or of all.
  public func cacheMetrics(tenantID: String? = nil) -> CacheMetrics {
    tenants.metrics(tenantID: tenantID)
  }

  /// How well the tenant's truth can be kept just now.
  public func mode(tenantID: String) -> SyncMode {
    tenants[tenantID]?.mode ?? .online
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
    guard let sync = enter(tenantID) else { throw .unavailable }
    defer { sync.account.leave() }
    let mode = sync.mode
    guard mode != .readOnly else { throw .readOnly }
    let account = sync.account
    let isOverageAllowed = sync.creditConfiguration?.overageAllowed ?? false
    if environment.configuration.creditCheck == .off || isOverageAllowed {
      return account.reserveUnchecked(units, isOffline: mode != .online)
    }
    guard units <= Limits.amountUnitsMax else {
      throw .insufficient(
        availableUnits: account.ledger.available ?? 0, requiredUnits: units)
    }
    let isOffline = await !isBalanceGood(account)
    if isOffline {
      sync.doubt()
      guard sync.mode != .readOnly else { throw .readOnly }
      if sync.isAnswered, let reading = account.ledger.reading, isTooOld(reading.readAt) {
        throw .unavailable
      }
    }
    // What the plan says may have changed during the wait.
    let limits = sync.creditConfiguration ?? .empty
    do throws(CreditRefusal) {
      return try account.reserve(units, limits: limits, isOffline: isOffline)
    } catch {
      environment.log(.debug, "tenant \(tenantID): \(operation) is not paid for: \(error)")
      throw error
    }
  }

  /// The tenant's balance as last read, less what was spent here since; nil when never read.
  public func balance(tenantID: String) -> CreditBalance? {
    follow(tenantID)?.account.ledger.balance
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

  /// Whether a balance of that moment may no longer carry a decision, although the Wrapper answers
  /// about everything else; where it answers nothing the mode says so.
  ///
  /// An idle balance is as old as its poll is rare before anything fails.
  private func isTooOld(_ moment: Timestamp) -> Bool {
    let age = environment.time.now().milliseconds - moment.milliseconds
    let secondsMax =
      environment.offlineSeconds + environment.balancePollSeconds + Limits.secondsUntilDegraded
    return Double(age) > secondsMax * 1000
  }

  private func serves(_ tenantID: String) -> Bool {
    environment.serves(tenantID)
  }

  /// The tenant's sync, begun if this is its first use; nil when it may not or no more fit.
  func follow(_ tenantID: String) -> TenantSync? {
    serves(tenantID) ? tenants.follow(tenantID) : nil
  }

  /// The tenant's sync, which then stays the tenant's until its account is left.
  private func enter(_ tenantID: String) -> TenantSync? {
    while let sync = follow(tenantID) {
      if sync.account.enter() { return sync }
    }
    return nil
  }
}
