internal import Synchronization

/// Finds out soon that the Wrapper is back, when every tenant by itself waits out its pause.
///
/// One tenant at a time asks for all, every few seconds; when it is answered the others ask too.
final class RecoveryProbe: Sendable {
  private struct State {
    /// The tenants that were failing when they were last looked over.
    var failing: Set<String> = []
    /// When the next tenant asks, on the monotonic clock; nil while none is failing.
    var nextSeconds: Double?
  }

  private let environment: SyncEnvironment
  private let state = Mutex(State())

  init(environment: SyncEnvironment) {
    self.environment = environment
  }

  /// Looks the tenants over; to be called every now and then.
  func check(_ syncs: some Collection<TenantSync>) {
    let failing = syncs.filter(\.isFailing)
    let askers = choose(from: failing, followed: Set(syncs.map(\.tenantID)))
    for sync in askers { sync.retry() }
  }

  private func choose(from failing: [TenantSync], followed: Set<String>) -> [TenantSync] {
    let now = environment.time.monotonicSeconds
    return state.withLock { state in
      let ids = Set(failing.map(\.tenantID))
      defer { state.failing = ids }
      guard !failing.isEmpty else {
        state.nextSeconds = nil
        return []
      }
      // Somebody who was not answered before is answered now.
      let isBack = !state.failing.subtracting(ids).isDisjoint(with: followed)
      guard let next = state.nextSeconds else {
        state.nextSeconds = now + environment.probePause
        return []
      }
      guard isBack || now >= next else { return [] }
      state.nextSeconds = now + environment.probePause
      let index = Int(environment.random.fraction() * Double(failing.count))
      return isBack ? failing : [failing[index]]
    }
  }
}
