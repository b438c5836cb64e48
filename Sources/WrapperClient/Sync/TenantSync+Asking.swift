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
    for _ in 0..<Limits.roundsAwaitedMax {
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

  /// Fulfilled at the end of the round that starts next.
  private static func nextRound(in state: inout State) -> Promise<Bool> {
    let round = state.nextRound ?? Promise()
    state.nextRound = round
    return round
  }
}
