internal import Synchronization

/// Credits set aside for one operation until it is written or has failed.
///
/// Exactly one of ``commit()`` and ``release()`` counts, whichever comes first; a reservation that
/// is dropped is released.
public final class CreditReservation: Sendable {
  /// What was set aside, in 1/10,000 credit.
  public let units: Int64
  /// Whether the decision rests on a balance from before the Wrapper went away.
  public let isOffline: Bool

  private let account: CreditAccount?
  private let isOpen = Atomic(true)

  init(units: Int64, isOffline: Bool, account: CreditAccount?) {
    self.units = units
    self.isOffline = isOffline
    self.account = account
  }

  deinit { release() }

  /// The operation is written and its entry, with this cost, is in the outbox.
  public func commit() {
    guard isOpen.exchange(false, ordering: .acquiringAndReleasing) else { return }
    account?.commit(units)
  }

  /// The operation is written at a cost of `spent`, which may be less than was set aside.
  public func commit(units spent: Int64) {
    precondition((0...units).contains(spent), "nothing is spent that was not set aside")
    guard isOpen.exchange(false, ordering: .acquiringAndReleasing) else { return }
    if spent < units { account?.release(units - spent) }
    account?.commit(spent)
  }

  /// The operation was not written.
  public func release() {
    guard isOpen.exchange(false, ordering: .acquiringAndReleasing) else { return }
    account?.release(units)
  }
}
