internal import Synchronization
internal import Values

extension TenantSync {
  /// Looks at everything now.
  func refresh() {
    state.withLock { Self.markDue(WrapperCollection.allCases, in: &$0) }
    alarm.ring()
    shipper.flush()
  }

  /// Looks at everything now, the balance included, and waits for it as long as a request may.
  func settle() async {
    let seconds = environment.configuration.requestSeconds
    let end = environment.time.monotonicSeconds + seconds
    let reading = account.nextReading()
    let asked = state.withLock { state in
      Self.markDue(WrapperCollection.allCases, in: &state)
      for collection in WrapperCollection.allCases { state.collections[collection]?.discards = 0 }
      return state.collections.mapValues(\.requests)
    }
    alarm.ring()
    while let round = state.withLock({ Self.roundAwaited(asked, in: &$0) }) {
      let seconds = end - environment.time.monotonicSeconds
      guard seconds > 0, await round.value(withinSeconds: seconds) != nil else { break }
    }
    _ = await reading?.value(withinSeconds: end - environment.time.monotonicSeconds)
  }

  /// Asks now whether the Wrapper is there, because it did not answer somebody's request.
  func doubt() {
    let now = environment.time.monotonicSeconds
    let isNews = state.withLock { state in
      let critical = WrapperCollection.allCases.filter(\.isCritical)
      // Failing looks have pauses of their own, and an answer of just now says enough.
      guard !state.isFailing,
        critical.contains(where: { collection in
          state.collections[collection].map {
            $0.dueSeconds > -.infinity && now - $0.endedSeconds >= Limits.doubtSeconds
          } ?? false
        })
      else { return false }
      Self.markDue(critical, in: &state)
      return true
    }
    if isNews { alarm.ring() }
  }

  /// Whether something critical could not be looked at.
  var isFailing: Bool { state.withLock { $0.isFailing } }

  /// Looks now at what is critical and failing, unless the Wrapper wants to be left alone.
  func retry() {
    let isDue = state.withLock { state in
      let critical = WrapperCollection.allCases.filter { collection in
        collection.isCritical && (state.collections[collection]?.failures ?? 0) > 0
      }
      guard !critical.contains(where: { state.collections[$0]?.isHeldOff ?? false }) else {
        return false
      }
      Self.markDue(critical, in: &state)
      return true
    }
    if isDue { alarm.ring() }
  }

  /// Whether the Wrapper answered the last looks at what is critical.
  var isAnswered: Bool {
    state.withLock { state in
      !state.isFailing
        && state.collections.allSatisfy { !$0.key.isCritical || !$0.value.isFromFile }
    }
  }

  /// Looks at the tenant's own settings soon: somebody has just signed in.
  func refreshSettings() {
    state.withLock { Self.markDue([.tenant], in: &$0) }
    alarm.ring()
  }

  /// The snapshot after the next round, or the present one when asking again is hopeless.
  ///
  /// Waits at most as long as a request may. While the Wrapper fails, the last truth stands.
  func currentDirectory() async -> TenantDirectory? {
    let deadline = environment.time.monotonicSeconds + environment.configuration.requestSeconds
    // A look that an event overtook brings nothing, and so one round may not be enough.
    for _ in 0..<Limits.roundsAwaitedMax {
      reload()
      let (fresh, round) = state.withLock { answerOrRound(in: &$0) }
      guard let round else { return fresh }
      alarm.ring()
      let seconds = deadline - environment.time.monotonicSeconds
      guard seconds > 0, await round.value(withinSeconds: seconds) != nil else { break }
    }
    return wholeDirectory()
  }

  /// The snapshot that has to do, or else the round to wait for.
  private func answerOrRound(in state: inout State) -> (TenantDirectory?, Promise<Bool>?) {
    if state.isFailing || (state.directory != nil && !isStale(state)) {
      return (state.directory, nil)
    }
    // The first snapshot is news whenever its round began.
    if state.directory == nil, let round = state.presentRound { return (nil, round) }
    let round = Self.nextRound(in: &state)
    Self.markDue(WrapperCollection.allCases.filter(\.isCritical), in: &state)
    return (nil, round)
  }

  /// The round after which what was `asked` may be held; nil when it is, or asking is hopeless.
  ///
  /// A look that an event overtook brings nothing. When that happened again and again the feed has
  /// been asked anew since, and so all that was true before is held as well.
  private static func roundAwaited(
    _ asked: [WrapperCollection: Int], in state: inout State
  ) -> Promise<Bool>? {
    let isOpen = asked.contains { collection, requests in
      guard let held = state.collections[collection] else { return false }
      return held.answeredRequests < requests && held.failures == 0
        && held.discards < Limits.discardsAtOnceMax
    }
    guard isOpen else { return nil }
    // Whatever is due is looked at in this round or the next.
    return state.presentRound ?? nextRound(in: &state)
  }

  /// Fulfilled at the end of the round that starts next.
  private static func nextRound(in state: inout State) -> Promise<Bool> {
    let round = state.nextRound ?? Promise()
    state.nextRound = round
    return round
  }
}
