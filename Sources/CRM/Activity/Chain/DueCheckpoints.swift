internal import Synchronization
internal import Values

/// Tenants whose log has passed a place at which it is signed, from the writer to the one who
/// signs.
final class DueCheckpoints: Sendable {
  /// At which multiples of entries a checkpoint is due.
  let interval: Int64
  private let tenants = Mutex<Set<String>>([])
  private let alarm = Alarm()

  init(interval: Int64) {
    precondition(interval >= 2, "a checkpoint is an entry itself")
    self.interval = interval
  }

  /// Notes the tenant; quick, since the writer calls it amid a transaction.
  func becomeDue(_ tenantID: String) {
    tenants.withLock { _ = $0.insert(tenantID) }
    alarm.ring()
  }

  /// Takes the tenants that were noted.
  func take() -> Set<String> {
    tenants.withLock { tenants in
      defer { tenants = [] }
      return tenants
    }
  }

  /// Sleeps until a tenant is noted, or for `seconds`.
  func wait(seconds: Double) async { await alarm.wait(seconds: seconds) }
}
