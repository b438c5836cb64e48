internal import Synchronization
internal import Values

extension TenantSync {
  /// One look at one collection: what comes becomes events, what fails changes nothing.
  func look(at collection: WrapperCollection) async {
    // What comes is judged beside what is held.
    reload()
    let begun = state.withLock { $0.collections[collection, default: .init()] }
    let sent = environment.time.monotonicSeconds
    do throws(FetchFailure) {
      let outcome = try await fetch.fetch(collection, etag: begun.etag)
      let ended = environment.time.monotonicSeconds
      guard await adoption.enter() else { return }
      let storing = try take(outcome, of: collection, begun: begun, ended: ended)
      await storing?.value
    } catch {
      guard !Task.isCancelled else { return }
      fail(collection, error, sent: sent)
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
      try believe(snapshot, of: collection, in: &state)
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
    _ snapshot: CollectionSnapshot, of collection: WrapperCollection, in state: inout State
  ) throws(FetchFailure) {
    guard state.truth.losesMany(to: snapshot) else { return }
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

  /// From when on a row of failures counts that shows now, when nothing was heard since `sent`.
  ///
  /// Never so early that a short offline time would be over before anybody sees what is degraded.
  func silence(since sent: Double, now: Double) -> Double {
    max(sent, now - environment.offlineSeconds / 3)
  }

  /// Counts an answer about one person or unit that is not taken, and complains of it.
  func refuseSingle(_ reason: String) {
    state.withLock { $0.rejectedAnswers += 1 }
    complaints.warn("an answer about one of its own", reason)
  }

  private func fail(_ collection: WrapperCollection, _ failure: FetchFailure, sent: Double) {
    state.withLock { state in
      let now = environment.time.monotonicSeconds
      var held = state.collections[collection, default: .init()]
      let backoff = environment.backoff
      let pause =
        failure.isKeyRefused
        ? backoff.maxSeconds
        : max(
          failure.retryAfterSeconds ?? 0,
          backoff.seconds(failures: held.failures + 1, random: environment.random))
      held.fail(
        failure, silentSince: silence(since: sent, now: now), now: now, pauseSeconds: pause)
      state.collections[collection] = held
      noteStaleness(in: &state)
      if failure.isRejection { state.rejectedAnswers += 1 }
      if collection.isCritical { state.isUnknown = failure.isUnknown && !isKnown(state) }
    }
    complaints.warn(
      collection.rawValue, failure.isKeyRefused ? "the key is refused" : failure.reason)
  }
}
