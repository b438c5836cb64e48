internal import JSON
internal import Synchronization
internal import Values

/// Follows one tenant: what the Wrapper says of it, and the snapshot made of that.
///
/// Each tenant has a loop of its own, so that one whose calls hang never delays another.
final class TenantSync: Sendable {
  let tenantID: String
  let account: CreditAccount
  let shipper: OutboxShipper
  /// How the tenant's caches are used.
  let use: CacheUse

  let environment: SyncEnvironment
  let complaints: Complaints
  let alarm = Alarm()
  let state = Mutex(State())
  /// Held while something new is taken over and stored, so that the file follows memory's order.
  let adoption = Turnstile(atOnce: 1, waitingMax: Limits.adoptionsWaitingMax)
  /// Asks about single users.
  let revalidation: UserRevalidation
  private let fetch: CollectionFetch
  private let loop = Mutex<Task<Void, Never>?>(nil)
  /// Starts shipping once the tenant's last sync has ended.
  private let succession = Mutex<Task<Void, Never>?>(nil)

  struct State {
    var truth = TenantTruth()
    /// Nil before the first snapshot, and while a part of the truth is left to the file.
    var directory: TenantDirectory?
    /// Counts the snapshots.
    var generation = 0
    /// The collections that were dropped from memory, to be read from the file again.
    var dropped: Set<WrapperCollection> = []
    /// Answers that are held and not in the file yet.
    var storesUnderWay = 0
    /// What the truth occupies in bytes, until it changes.
    var truthBytes: Int?
    var collections: [WrapperCollection: CollectionState] = Dictionary(
      uniqueKeysWithValues: WrapperCollection.allCases.map { ($0, CollectionState()) })
    /// Fulfilled at the end of the round that starts next.
    var nextRound: Promise<Bool>?
    /// Fulfilled at the end of the round that is under way.
    var presentRound: Promise<Bool>?
    var balanceDueSeconds = -Double.infinity
    var confirmedSeconds = -Double.infinity
    var rejectedAnswers = 0
    /// Operation codes of the present credit configuration that were left out.
    var foreignOperations = 0
    /// From when on the snapshot must be asked for again, by the wall clock; kept up to date so
    /// that a request compares two numbers.
    var staleAtMilliseconds = Int64.min
    /// Whether the last look at something critical failed.
    var isFailing = false
    /// Whether the Wrapper knows no such tenant.
    var isUnknown = false
    var lastMode = SyncMode.online
    /// Counts the answers of the feed that changed something.
    var appliedEffects = 0
    /// Whether the change feed tells of this tenant just now.
    var isFed = false
    var rolesComplainedOf: Set<String> = []
  }

  init(tenantID: String, queuedUnits: Int64, queuedRows: Int, environment: SyncEnvironment) {
    self.tenantID = tenantID
    self.environment = environment
    fetch = CollectionFetch(tenantID: tenantID, transport: environment.transport)
    complaints = Complaints(environment, tenantID: tenantID)
    use = CacheUse(time: environment.time, alarm: alarm)
    revalidation = UserRevalidation(time: environment.time)
    let balance = BalanceRead(tenantID: tenantID, environment: environment)
    account = CreditAccount(
      queuedUnits: queuedUnits, shipsActivities: environment.configuration.shipsActivities,
      backoff: environment.backoff, time: environment.time, random: environment.random,
      read: { await balance.read() })
    shipper = OutboxShipper(
      tenantID: tenantID, queuedRows: queuedRows, account: account, environment: environment)
  }

  /// The plan and the costs, however old; nil when none ever came.
  var creditConfiguration: CreditConfiguration? { state.withLock { $0.truth.credits } }

  /// The snapshot, however old, with what was dropped read from the file again.
  func wholeDirectory() -> TenantDirectory? {
    reload()
    return state.withLock { $0.directory }
  }

  /// How well the truth can be kept just now.
  var mode: SyncMode { state.withLock { mode($0) } }

  /// The snapshot, unless it must be asked for again before it is used or is not all in memory.
  var freshDirectory: TenantDirectory? {
    use.touch(at: environment.time.now())
    return state.withLock { state in isStale(state) ? nil : state.directory }
  }

  /// Begins to follow the tenant; the first look is due after `delaySeconds`.
  ///
  /// Nothing is shipped before `previous` has ended, which may be shipping still.
  func start(delaySeconds: Double = 0, after previous: Task<Void, Never>? = nil) {
    loop.withLock { loop in
      guard loop == nil else { return }
      loop = Task { await self.run(delaySeconds: delaySeconds) }
    }
    guard let previous else { return shipper.start() }
    succession.withLock { succession in
      succession = Task {
        await previous.value
        self.shipper.start()
      }
    }
  }

  /// Ends the loops.
  ///
  /// What could not be shipped stays in the outbox.
  func stop() async {
    account.stop()
    revalidation.stop()
    let loop = self.loop.withLock { $0 }
    loop?.cancel()
    await succession.withLock { $0 }?.value
    await shipper.stop()
    await loop?.value
  }

  /// Looks at everything now, and believes what comes even if many users are gone.
  func refresh() {
    state.withLock { state in
      Self.markDue(WrapperCollection.allCases, in: &state)
      for collection in WrapperCollection.allCases {
        state.collections[collection]?.acceptsLoss = true
      }
    }
    alarm.ring()
    shipper.flush()
  }

  /// Looks at everything now, the balance included, and waits for it as long as a request may.
  func settle() async {
    let round = state.withLock { state in
      let round = state.nextRound ?? Promise()
      state.nextRound = round
      Self.markDue(WrapperCollection.allCases, in: &state)
      return round
    }
    alarm.ring()
    let seconds = environment.configuration.requestSeconds
    let reading = account.nextReading()
    _ = await round.value(withinSeconds: seconds)
    _ = await reading?.value(withinSeconds: seconds)
  }

  /// Looks at the tenant's own settings soon: somebody has just signed in.
  func refreshSettings() {
    state.withLock { Self.markDue([.tenant], in: &$0) }
    alarm.ring()
  }

  /// Whether enough is known of the tenant to decide anything.
  var isKnown: Bool { state.withLock { isKnown($0) } }

  /// Whether the Wrapper, asked last, knew no such tenant, and nothing was ever known of it here.
  var isUnknown: Bool { state.withLock { $0.isUnknown && !isKnown($0) } }

  /// Takes what was stored before the process started.
  func restore(_ stored: SnapshotStore.StoredTenant) {
    for collection in WrapperCollection.allCases {
      guard let answer = stored.answers[collection.rawValue] else { continue }
      var reader = SnapshotReader(tenantID: tenantID)
      do {
        let snapshot = try reader.read(collection, answer.body)
        state.withLock { state in
          state.collections[collection, default: .init()].etag = answer.etag
          state.collections[collection, default: .init()].lastSuccess = answer.fetchedAt
          state.foreignOperations += reader.foreignOperations
          use.renew(
            collection, at: answer.fetchedAt, maxAgeSeconds: nil, environment.configuration)
          noteStaleness(in: &state)
          apply(state.truth.events(for: snapshot), to: &state)
        }
      } catch {
        complaints.warn("stored \(collection.rawValue)", error.reason)
      }
    }
    restore(stored.overlays)
    if let reading = stored.answers[SnapshotStore.balanceKind].flatMap({ BalanceRead.stored($0) }) {
      account.restore(reading)
    }
  }
}

extension TenantSync {
  private func run(delaySeconds: Double) async {
    await alarm.wait(seconds: delaySeconds)
    while !Task.isCancelled {
      let pause = await round()
      if pause > 0 { await alarm.wait(seconds: pause) }
    }
  }

  /// Looks at every collection that is due.
  ///
  /// - Returns: the time until the next one is.
  func round() async -> Double {
    let now = environment.time.monotonicSeconds
    let due = state.withLock { state -> [WrapperCollection] in
      let due = WrapperCollection.allCases.filter { collection in
        let held = state.collections[collection, default: .init()]
        return held.dueSeconds <= now && isWanted(collection, held)
      }
      if !due.isEmpty {
        state.presentRound = state.nextRound ?? Promise()
        state.nextRound = nil
      }
      return due
    }
    let isBalanceDue = state.withLock { $0.lastMode == .online && now >= $0.balanceDueSeconds }
    if !due.isEmpty || isBalanceDue {
      await withTaskGroup { group in
        for collection in due { group.addTask { await self.look(at: collection) } }
      }
      let round = state.withLock { state in
        defer { state.presentRound = nil }
        return state.presentRound
      }
      round?.fulfil(true)
      await finishRound()
    }
    return state.withLock { state in
      let due = state.collections.filter { isWanted($0.key, $0.value) }.values.map(\.dueSeconds)
        .min()
      // Where the feed brings the news, a look at a collection is rarer than one at the balance.
      let next =
        state.lastMode == .online
        ? min(due ?? .infinity, state.balanceDueSeconds) : due ?? now
      return next - environment.time.monotonicSeconds
    }
  }

  /// One look at one collection: what comes becomes events, what fails changes nothing.
  private func look(at collection: WrapperCollection) async {
    // What comes is judged beside what is held.
    reload()
    let begun = state.withLock { $0.collections[collection, default: .init()] }
    do throws(FetchFailure) {
      let outcome = try await fetch.fetch(collection, etag: begun.etag)
      let ended = environment.time.monotonicSeconds
      guard await adoption.enter() else { return }
      let storing = try take(outcome, of: collection, begun: begun, ended: ended)
      await storing?.value
    } catch {
      guard !Task.isCancelled else { return }
      fail(collection, error)
    }
  }

  /// Takes what a look brought and begins to store it, in one turn of ``adoption``.
  ///
  /// What is stored is in the writer's queue when the next turn begins, and nobody waits for the
  /// disk in between.
  private func take(
    _ outcome: CollectionFetch.Outcome, of collection: WrapperCollection, begun: CollectionState,
    ended: Double
  ) throws(FetchFailure) -> Task<Void, Never>? {
    defer { adoption.leave() }
    let isTaken = try state.withLock { state throws(FetchFailure) in
      try adopt(outcome, of: collection, begun: begun, ended: ended, in: &state)
    }
    return isTaken ? Task.immediate { await self.store(outcome, of: collection) } : nil
  }

  /// Takes what a look brought, unless an event arrived meanwhile that may be newer.
  ///
  /// - Returns: whether it was taken.
  private func adopt(
    _ outcome: CollectionFetch.Outcome, of collection: WrapperCollection, begun: CollectionState,
    ended: Double, in state: inout State
  ) throws(FetchFailure) -> Bool {
    var held = state.collections[collection, default: .init()]
    guard held.changes == begun.changes else {
      held.discards += 1
      // Events that come without end must not become looks without end.
      let isEndless = held.discards > Limits.discardsAtOnceMax
      let pause = isEndless ? environment.configuration.pollSeconds : 0
      held.dueSeconds = environment.time.monotonicSeconds + pause
      state.collections[collection] = held
      return false
    }
    switch outcome {
    case .unchanged(let maxAge):
      // An age in the file that an event had set back is right again.
      if held.isInvalid { state.confirmedSeconds = -.infinity }
      succeed(collection, maxAge, begun: begun, ended: ended, in: &state)
    case .changed(let snapshot, _, let etag, let maxAge, let foreignOperations):
      try believe(snapshot, of: collection, begun: begun, in: &state)
      if collection == .creditConfiguration { state.foreignOperations = foreignOperations }
      state.collections[collection, default: .init()].etag = etag
      succeed(collection, maxAge, begun: begun, ended: ended, in: &state)
      state.dropped.remove(collection)
      state.storesUnderWay += 1
      apply(state.truth.events(for: snapshot), to: &state)
    }
    return true
  }

  /// Refuses an answer that lacks half of the users or more.
  ///
  /// One mistake at the Wrapper would lock everybody out. What is said for long enough is none.
  private func believe(
    _ snapshot: CollectionSnapshot, of collection: WrapperCollection, begun: CollectionState,
    in state: inout State
  ) throws(FetchFailure) {
    guard state.truth.losesMany(to: snapshot), !begun.acceptsLoss else { return }
    let now = environment.time.monotonicSeconds
    let since = state.collections[collection]?.lossSince ?? now
    state.collections[collection]?.lossSince = since
    guard now - since < Limits.lossDisbeliefSeconds else { return }
    throw FetchFailure(reason: "half of the users are missing", isRejection: true)
  }

  private func succeed(
    _ collection: WrapperCollection, _ maxAge: Double?, begun: CollectionState, ended: Double,
    in state: inout State
  ) {
    let poll = environment.configuration.pollSeconds
    // What is operational is looked at when somebody asks after the end of its life.
    var pause = 0.0
    if collection.isCritical {
      let staleness = environment.configuration.permissionMaxStalenessSeconds
      let own = state.isFed ? max(poll, staleness * Limits.fedLifeShare) : poll
      // A shorter life than the poll's would only make the Wrapper work harder than it asked to. A
      // tenth of jitter either way keeps tenants from looking all at once.
      let jitter = 0.9 + 0.2 * environment.random.fraction()
      pause = min(own, max(maxAge ?? own, poll)) * jitter
    }
    let now = environment.time.now()
    state.collections[collection, default: .init()].succeed(
      at: now, endedSeconds: ended, nextAt: environment.time.monotonicSeconds + pause,
      requests: begun.requests)
    use.renew(
      collection, at: now, maxAgeSeconds: maxAge.map { max($0, poll) }, environment.configuration)
    noteStaleness(in: &state)
  }

  private func fail(_ collection: WrapperCollection, _ failure: FetchFailure) {
    state.withLock { state in
      var held = state.collections[collection, default: .init()]
      let backoff = environment.backoff
      let pause =
        failure.isKeyRefused
        ? backoff.maxSeconds
        : max(
          failure.retryAfterSeconds ?? 0,
          backoff.seconds(failures: held.failures + 1, random: environment.random))
      held.fail(failure, now: environment.time.monotonicSeconds, pauseSeconds: pause)
      state.collections[collection] = held
      noteStaleness(in: &state)
      if failure.isRejection { state.rejectedAnswers += 1 }
      if collection.isCritical { state.isUnknown = failure.isUnknown && !isKnown(state) }
    }
    complaints.warn(
      collection.rawValue, failure.isKeyRefused ? "the key is refused" : failure.reason)
  }

  /// The one place where events change what is held; makes the next snapshot.
  func apply(_ events: [WrapperEvent], to state: inout State) {
    for event in events {
      state.truth.apply(event)
      if case .roleChanged(_, let role?) = event { complainOfGrants(of: role, in: &state) }
    }
    if !events.isEmpty {
      state.truthBytes = nil
      environment.onDemand.forget(tenantID: tenantID)
    }
    guard isKnown(state), state.dropped.isEmpty, !events.isEmpty || state.directory == nil
    else { return }
    state.generation += 1
    state.directory = TenantDirectory(
      tenantID: tenantID, truth: state.truth, generation: state.generation, use: use)
  }

  /// Whether something can be decided: without grants or costs there is no snapshot.
  private func isKnown(_ state: borrowing State) -> Bool {
    state.truth.credits != nil && state.collections[.permissions]?.lastSuccess != nil
  }

  /// Whether a look at `collection` serves anybody: what is operational is looked at for the first
  /// snapshot, when it is known to have changed, and when it is used after the end of its life.
  private func isWanted(_ collection: WrapperCollection, _ held: CollectionState) -> Bool {
    collection.isCritical || held.isUnsettled || use.wants(collection)
  }

  private func complainOfGrants(of role: DirectoryRole, in state: inout State) {
    let strange = role.permissions.filter { PermissionGrant($0) == nil }
    guard !strange.isEmpty, state.rolesComplainedOf.insert(role.id).inserted else { return }
    environment.log(
      .warning,
      "tenant \(tenantID): \(strange.count) grants of role \(role.id) have no known form "
        + "and never match")
  }

  /// Keeps in the file what a look brought, or that it changed nothing.
  private func store(
    _ outcome: CollectionFetch.Outcome, of collection: WrapperCollection
  ) async {
    switch outcome {
    case .unchanged:
      if !collection.isCritical { await confirm([collection.rawValue]) }
    case .changed(_, let body, let etag, _, _):
      defer { state.withLock { $0.storesUnderWay -= 1 } }
      do {
        try await environment.snapshots.save(
          tenantID: tenantID, kind: collection.rawValue,
          SnapshotStore.Stored(etag: etag, body: body, fetchedAt: environment.time.now()))
      } catch {
        complaints.warn("storing \(collection.rawValue)", "\(error)")
      }
    }
  }

  /// What follows from how the round went: word of a new mode, a balance read, the stored age.
  private func finishRound() async {
    let now = environment.time.monotonicSeconds
    let (old, new, confirmed, isBalanceDue) = state.withLock { state in
      let old = state.lastMode
      state.lastMode = mode(state)
      let isBalanceDue = state.lastMode == .online && now >= state.balanceDueSeconds
      if isBalanceDue { state.balanceDueSeconds = now + Limits.balancePollSeconds }
      if old != .online, state.lastMode == .online {
        Self.markDue(WrapperCollection.allCases, in: &state)
      }
      return (old, state.lastMode, confirmedKinds(&state, now), isBalanceDue)
    }
    if old != new {
      environment.log(new == .online ? .info : .warning, "tenant \(tenantID): \(new.rawValue)")
    }
    if old != .online, new == .online {
      account.reopen()
      revalidation.reopen()
      shipper.flush()
    }
    // Nobody waits for this read: it keeps the figure that is shown from growing old.
    if isBalanceDue { _ = account.nextReading() }
    if !confirmed.isEmpty { await confirm(confirmed) }
  }

  /// Notes in the file how old what is known is, before the tenant is left to it.
  func storeAge() async {
    let (kinds, moment) = state.withLock { state -> ([String], Timestamp?) in
      let critical = state.collections.filter { $0.key.isCritical && $0.value.failures == 0 }
      // What was never confirmed, or set back by an event, is as old as the file says.
      let known = critical.filter { !$0.value.isFromFile && !$0.value.isInvalid }
      return (known.map(\.key.rawValue), known.compactMap(\.value.lastSuccess).min())
    }
    if let moment { await confirm(kinds, at: moment) }
  }

  /// Notes in the file that what it holds was right at that moment.
  private func confirm(_ kinds: [String], at moment: Timestamp? = nil) async {
    do {
      try await environment.snapshots.confirm(
        tenantID: tenantID, kinds: kinds, at: moment ?? environment.time.now())
    } catch {
      complaints.warn("storing the age of the snapshot", "\(error)")
    }
  }

  /// The collections whose stored age should be moved, now and then.
  private func confirmedKinds(_ state: inout State, _ now: Double) -> [String] {
    guard now - state.confirmedSeconds >= Limits.confirmationSeconds else { return [] }
    state.confirmedSeconds = now
    return state.collections.filter { collection, held in
      collection.isCritical && held.failures == 0 && !held.isInvalid
    }.map(\.key.rawValue)
  }

  static func markDue(_ collections: some Sequence<WrapperCollection>, in state: inout State) {
    for collection in collections {
      state.collections[collection, default: .init()].request()
    }
  }
}
