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
  let revalidation: UserRevalidation
  /// How the tenant's caches are used.
  let use: CacheUse

  let environment: SyncEnvironment
  let complaints: Complaints
  private let fetch: CollectionFetch
  private let alarm = Alarm()
  private let state = Mutex(State())
  private let loop = Mutex<Task<Void, Never>?>(nil)
  /// Starts shipping once the tenant's last sync has ended.
  private let succession = Mutex<Task<Void, Never>?>(nil)

  private struct State {
    var truth = TenantTruth()
    /// Nil before the first snapshot, and while a part of the truth is left to the file.
    var directory: TenantDirectory?
    /// Counts the snapshots.
    var generation = 0
    /// The collections that were dropped from memory, to be read from the file again.
    var dropped: Set<WrapperCollection> = []
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
    var rolesComplainedOf: Set<String> = []
  }

  init(tenantID: String, queuedUnits: Int64, queuedRows: Int, environment: SyncEnvironment) {
    self.tenantID = tenantID
    self.environment = environment
    fetch = CollectionFetch(tenantID: tenantID, transport: environment.transport)
    complaints = Complaints(environment, tenantID: tenantID)
    revalidation = UserRevalidation(time: environment.time)
    use = CacheUse(time: environment.time, alarm: alarm)
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

  /// Takes what something else than a look brought, and the collections are looked at soon.
  ///
  /// - Returns: the snapshot with it.
  func take(_ answer: UserAnswer) -> TenantDirectory? {
    // Events are told from what is held, so all of it must be.
    reload()
    let (directory, hasNews) = state.withLock { state in
      let events = answer.events(on: state.truth)
      guard !events.isEmpty else { return (state.directory, false) }
      apply(events, to: &state)
      let due = environment.time.monotonicSeconds + Limits.revalidationLookSeconds
      for collection in [WrapperCollection.permissions, .employees] {
        var held = state.collections[collection, default: .init()]
        // The tag stands for something else than what is held now.
        held.etag = nil
        held.dueSeconds = min(held.dueSeconds, due)
        state.collections[collection] = held
      }
      return (state.directory, true)
    }
    if hasNews { alarm.ring() }
    return directory
  }

  /// Looks at everything now.
  func refresh() {
    state.withLock { markDue(WrapperCollection.allCases, in: &$0) }
    alarm.ring()
    shipper.flush()
  }

  /// Looks at everything now, the balance included, and waits for it as long as a request may.
  func settle() async {
    let round = state.withLock { state in
      let round = state.nextRound ?? Promise()
      state.nextRound = round
      markDue(WrapperCollection.allCases, in: &state)
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
    state.withLock { markDue([.tenant], in: &$0) }
    alarm.ring()
  }

  /// The snapshot after the next round, or the present one when asking again is hopeless.
  ///
  /// Waits at most as long as a request may. While the Wrapper fails, the last truth stands.
  func currentDirectory() async -> TenantDirectory? {
    reload()
    let (fresh, round) = state.withLock { state -> (TenantDirectory?, Promise<Bool>?) in
      if state.isFailing || (state.directory != nil && !isStale(state)) {
        return (state.directory, nil)
      }
      // The first snapshot is news whenever its round began.
      if state.directory == nil, let round = state.presentRound { return (nil, round) }
      let round = state.nextRound ?? Promise()
      state.nextRound = round
      markDue(WrapperCollection.allCases.filter(\.isCritical), in: &state)
      return (nil, round)
    }
    guard let round else { return fresh }
    alarm.ring()
    _ = await round.value(withinSeconds: environment.configuration.requestSeconds)
    return wholeDirectory()
  }

  /// Whether enough is known of the tenant to decide anything.
  var isKnown: Bool { state.withLock { isKnown($0) } }

  /// Whether the Wrapper, asked last, knew no such tenant, and nothing was ever known of it here.
  var isUnknown: Bool { state.withLock { $0.isUnknown && !isKnown($0) } }

  func status(outboxDepth: Int?, outboxOldest: Timestamp?) -> TenantSyncStatus {
    state.withLock { state in
      let critical = WrapperCollection.allCases.filter(\.isCritical)
        .map { state.collections[$0, default: .init()] }
      let due = critical.map(\.dueSeconds).min() ?? 0
      let dueIn = max(0, due - environment.time.monotonicSeconds)
      return TenantSyncStatus(
        tenantID: tenantID, mode: mode(state),
        lastSuccess: critical.contains { $0.lastSuccess == nil }
          ? nil : critical.compactMap(\.lastSuccess).min(),
        failuresInRow: critical.map(\.failures).max() ?? 0,
        nextAttempt: environment.time.now().advanced(byMilliseconds: Int64(dueIn * 1000)),
        rejectedAnswers: state.rejectedAnswers, foreignOperations: state.foreignOperations,
        outboxDepth: outboxDepth,
        outboxOldest: outboxOldest)
    }
  }

  /// Takes what was stored before the process started.
  func restore(_ stored: [String: SnapshotStore.Stored]) {
    for collection in WrapperCollection.allCases {
      guard let answer = stored[collection.rawValue] else { continue }
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
    if let reading = stored[SnapshotStore.balanceKind].flatMap({ BalanceRead.stored($0) }) {
      account.restore(reading)
    }
  }
}

extension TenantSync {
  /// An estimate of what the tenant occupies in memory, in bytes.
  var heldBytes: Int {
    let (truth, directory, known, generation) = state.withLock { state in
      (state.truth, state.directory, state.truthBytes, state.generation)
    }
    let bytes = known ?? truth.heldBytes
    if known == nil {
      state.withLock { if $0.generation == generation { $0.truthBytes = bytes } }
    }
    return bytes + (directory?.derivedBytes ?? 0) + Limits.followedTenantBytes
  }

  /// How many entries each cache of the tenant holds.
  var sizes: CacheMetrics.Sizes { state.withLock { CacheMetrics.Sizes($0.truth) } }

  /// Leaves what is operational to the file, until somebody asks for it.
  ///
  /// - Returns: whether there was anything to leave.
  func dropOperational() -> Bool {
    state.withLock { state in
      guard state.dropped.isEmpty, state.directory != nil else { return false }
      state.dropped = Set(WrapperCollection.allCases.filter { !$0.isCritical })
      state.truth.dropOperational()
      state.truthBytes = nil
      state.directory = nil
      return true
    }
  }

  /// Takes from the file what was dropped.
  private func reload() {
    let dropped = state.withLock { $0.dropped }
    guard !dropped.isEmpty else { return }
    let stored: [String: SnapshotStore.Stored]
    do {
      stored = try environment.snapshots.load(tenantID: tenantID)
    } catch {
      complaints.warn("reading the stored snapshot", "\(error)")
      return
    }
    for collection in dropped {
      var reader = SnapshotReader(tenantID: tenantID)
      let answer = stored[collection.rawValue]
      // What was stored was read before; where it is gone all the same, it is fetched again.
      let snapshot = answer.flatMap { try? reader.read(collection, $0.body) }
      state.withLock { state in
        guard state.dropped.remove(collection) != nil else { return }
        state.collections[collection, default: .init()].etag = snapshot == nil ? nil : answer?.etag
        if let snapshot, let answer {
          use.renew(
            collection, at: answer.fetchedAt, maxAgeSeconds: nil, environment.configuration)
          apply(state.truth.events(for: snapshot), to: &state)
        } else {
          markDue([collection], in: &state)
        }
      }
    }
    state.withLock { apply([], to: &$0) }
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
        state.collections[collection, default: .init()].dueSeconds <= now && isWanted(collection)
      }
      if !due.isEmpty {
        state.presentRound = state.nextRound ?? Promise()
        state.nextRound = nil
      }
      return due
    }
    if !due.isEmpty {
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
      (state.collections.filter { isWanted($0.key) }.values.map(\.dueSeconds).min() ?? now)
        - environment.time.monotonicSeconds
    }
  }

  /// One look at one collection: what comes becomes events, what fails changes nothing.
  private func look(at collection: WrapperCollection) async {
    let etag = state.withLock { $0.collections[collection]?.etag }
    do throws(FetchFailure) {
      switch try await fetch.fetch(collection, etag: etag) {
      case .unchanged(let maxAge):
        state.withLock { succeed(collection, maxAge, in: &$0) }
        if !collection.isCritical { await confirm([collection.rawValue]) }
      case .changed(let snapshot, let body, let etag, let maxAge, let foreignOperations):
        state.withLock { state in
          if collection == .creditConfiguration { state.foreignOperations = foreignOperations }
          state.collections[collection, default: .init()].etag = etag
          succeed(collection, maxAge, in: &state)
          if state.dropped.remove(collection) != nil { state.truthBytes = nil }
          apply(state.truth.events(for: snapshot), to: &state)
        }
        await store(collection, body, etag)
      }
    } catch {
      guard !Task.isCancelled else { return }
      fail(collection, error)
    }
  }

  private func succeed(
    _ collection: WrapperCollection, _ maxAge: Double?, in state: inout State
  ) {
    let poll = environment.configuration.pollSeconds
    // A tenth of jitter either way keeps tenants from looking all at once. What is operational is
    // looked at when somebody asks after the end of its life.
    let pause = collection.isCritical ? poll * (0.9 + 0.2 * environment.random.fraction()) : 0
    state.collections[collection, default: .init()].succeed(
      at: environment.time.now(), nextAt: environment.time.monotonicSeconds + pause)
    // A shorter life than the poll's would only make the Wrapper work harder than it asked to.
    use.renew(
      collection, at: environment.time.now(), maxAgeSeconds: maxAge.map { max($0, poll) },
      environment.configuration)
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
  private func apply(_ events: [WrapperEvent], to state: inout State) {
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
  private func isWanted(_ collection: WrapperCollection) -> Bool {
    collection.isCritical || use.wants(collection)
  }

  private func complainOfGrants(of role: DirectoryRole, in state: inout State) {
    let strange = role.permissions.filter { PermissionGrant($0) == nil }
    guard !strange.isEmpty, state.rolesComplainedOf.insert(role.id).inserted else { return }
    environment.log(
      .warning,
      "tenant \(tenantID): \(strange.count) grants of role \(role.id) have no known form "
        + "and never match")
  }

  private func store(_ collection: WrapperCollection, _ body: [UInt8], _ etag: String?) async {
    do {
      try await environment.snapshots.save(
        tenantID: tenantID, kind: collection.rawValue,
        SnapshotStore.Stored(etag: etag, body: body, fetchedAt: environment.time.now()))
    } catch {
      complaints.warn("storing \(collection.rawValue)", "\(error)")
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
        markDue(WrapperCollection.allCases, in: &state)
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

  /// Notes in the file that what it holds is still right.
  private func confirm(_ kinds: [String]) async {
    do {
      try await environment.snapshots.confirm(
        tenantID: tenantID, kinds: kinds, at: environment.time.now())
    } catch {
      complaints.warn("storing the age of the snapshot", "\(error)")
    }
  }

  /// The collections whose stored age should be moved, now and then.
  private func confirmedKinds(_ state: inout State, _ now: Double) -> [String] {
    guard now - state.confirmedSeconds >= Limits.confirmationSeconds else { return [] }
    state.confirmedSeconds = now
    return state.collections.filter { $0.value.failures == 0 && $0.key.isCritical }
      .map(\.key.rawValue)
  }

  private func isStale(_ state: State) -> Bool {
    environment.time.now().milliseconds > state.staleAtMilliseconds
  }

  /// Works out when the snapshot grows stale, after anything that it depends on has changed.
  private func noteStaleness(in state: inout State) {
    let critical = WrapperCollection.allCases.filter(\.isCritical)
      .map { state.collections[$0, default: .init()] }
    let limit = Int64(environment.configuration.permissionMaxStalenessSeconds * 1000)
    state.isFailing = critical.contains { $0.failures > 0 }
    // While the Wrapper fails, the last truth stands and the mode says how old it may be.
    state.staleAtMilliseconds =
      critical.map { held -> Int64 in
        guard let lastSuccess = held.lastSuccess else { return .min }
        return held.failures > 0 ? .max : lastSuccess.milliseconds + limit
      }.min() ?? .min
  }

  private func mode(_ state: State) -> SyncMode {
    guard state.isFailing else { return .online }
    let now = environment.time.now()
    let monotonic = environment.time.monotonicSeconds
    return state.collections.lazy.filter(\.key.isCritical).map {
      $0.value.mode(
        now: now, monotonic: monotonic, offlineSeconds: self.environment.offlineSeconds)
    }.max() ?? .online
  }

  private func markDue(_ collections: [WrapperCollection], in state: inout State) {
    for collection in collections {
      state.collections[collection, default: .init()].dueSeconds = -.infinity
      use.want(collection)
    }
  }
}
