internal import Synchronization

extension TenantSync {
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
}
