internal import Synchronization

/// The tenants that are followed.
final class FollowedTenants: Sendable {
  struct State {
    var syncs: [String: TenantSync] = [:]
    var isStopped = false
  }

  private let state = Mutex(State())

  init() {}

  func withLock<T: Sendable>(_ body: (inout State) -> T) -> T {
    state.withLock { body(&$0) }
  }
}
