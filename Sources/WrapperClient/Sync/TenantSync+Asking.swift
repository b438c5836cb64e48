internal import Synchronization
internal import Values

extension TenantSync {
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
    let seconds = environment.configuration.requestSeconds
    let end = environment.time.monotonicSeconds + seconds
    let reading = account.nextReading()
    state.withLock { Self.markDue(WrapperCollection.allCases, in: &$0) }
    for _ in 0..<Limits.firstRoundsMax {
      let round = state.withLock { Self.nextRound(in: &$0) }
      alarm.ring()
      _ = await round.value(withinSeconds: end - environment.time.monotonicSeconds)
      // A round's answer is dropped when news of the same came meanwhile: the next one has both.
      let wasOutrun = state.withLock { state in
        !state.isFailing && state.collections.values.contains { $0.discards > 0 }
      }
      guard wasOutrun, environment.time.monotonicSeconds < end else { break }
    }
    _ = await reading?.value(withinSeconds: end - environment.time.monotonicSeconds)
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
    let end = environment.time.monotonicSeconds + environment.configuration.requestSeconds
    for _ in 1..<Limits.firstRoundsMax {
      if let directory = await directoryAfterRound() { return directory }
      // A round's answer is dropped when news of the same came meanwhile: the next one has both.
      let isHopeless = state.withLock { $0.isFailing }
      guard !isHopeless, environment.time.monotonicSeconds < end else { return nil }
    }
    return await directoryAfterRound()
  }

  private func directoryAfterRound() async -> TenantDirectory? {
    reload()
    let (fresh, round) = state.withLock { state -> (TenantDirectory?, Promise<Bool>?) in
      if state.isFailing || (state.directory != nil && !isStale(state)) {
        return (state.directory, nil)
      }
      // The first snapshot is news whenever its round began.
      if state.directory == nil, let round = state.presentRound { return (nil, round) }
      let round = Self.nextRound(in: &state)
      Self.markDue(WrapperCollection.allCases.filter(\.isCritical), in: &state)
      return (nil, round)
    }
    guard let round else { return fresh }
    alarm.ring()
    _ = await round.value(withinSeconds: environment.configuration.requestSeconds)
    return wholeDirectory()
  }

  /// Fulfilled at the end of the round that starts next.
  private static func nextRound(in state: inout State) -> Promise<Bool> {
    let round = state.nextRound ?? Promise()
    state.nextRound = round
    return round
  }
}
