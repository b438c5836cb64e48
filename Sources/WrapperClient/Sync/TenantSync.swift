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
  let fetch: CollectionFetch
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

  /// Whether an event said that what is held of the collection is not right any more.
  func isOutdated(_ collection: WrapperCollection) -> Bool {
    state.withLock { $0.collections[collection]?.isInvalid ?? false }
  }

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
  func isKnown(_ state: borrowing State) -> Bool {
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
  func store(
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
      if isBalanceDue { state.balanceDueSeconds = now + environment.balancePollSeconds }
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
    // Nobody waits for this read: it keeps the figure from growing old on which decisions rest when
    // the Wrapper goes away.
    if isBalanceDue, isInUse || account.ledger.reading == nil { _ = account.nextReading() }
    if !confirmed.isEmpty { await confirm(confirmed) }
  }

  /// Whether anybody asked about the tenant within the last minutes.
  private var isInUse: Bool {
    let idle = environment.time.now().milliseconds - use.lastUsedMilliseconds
    return Double(idle) < Limits.balanceUseSeconds * 1000
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
