internal import Dispatch
internal import Synchronization

/// Counts what must have ended before a server can stop.
final class ConnectionTally: Sendable {
  private let suspended = Atomic<Int>(0)
  private let active = Atomic<Int>(0)
  private let requests = Atomic<Int>(0)
  private let refused = Atomic<Int>(0)
  /// Set once somebody waits, so that in ordinary running nothing is signalled.
  private let isAwaited = Atomic<Bool>(false)
  private let changed = DispatchSemaphore(value: 0)

  var suspendedCount: Int { suspended.load(ordering: .sequentiallyConsistent) }
  var activeCount: Int { active.load(ordering: .sequentiallyConsistent) }
  var requestCount: Int { requests.load(ordering: .relaxed) }
  var refusedCount: Int { refused.load(ordering: .relaxed) }

  func enterSuspended() { suspended.add(1, ordering: .sequentiallyConsistent) }

  func leaveSuspended() {
    suspended.subtract(1, ordering: .sequentiallyConsistent)
    signal()
  }

  func beginRequest() {
    requests.add(1, ordering: .relaxed)
    active.add(1, ordering: .sequentiallyConsistent)
  }

  func endRequest() {
    active.subtract(1, ordering: .sequentiallyConsistent)
    signal()
  }

  func refuseRequest() { refused.add(1, ordering: .relaxed) }

  /// Blocks until no request is under way, or until `deadline`.
  func waitUntilInactive(deadline: DispatchTime) {
    wait(until: { activeCount == 0 }, deadline: deadline)
  }

  /// Blocks until nothing is suspended.
  func waitUntilNoneSuspended() {
    wait(until: { suspendedCount == 0 }, deadline: .distantFuture)
  }

  /// Blocks one thread; a signal may be old news, so the condition is looked at again.
  private func wait(until isDone: () -> Bool, deadline: DispatchTime) {
    isAwaited.store(true, ordering: .sequentiallyConsistent)
    while !isDone() {
      guard changed.wait(timeout: deadline) == .success else { return }
    }
  }

  private func signal() {
    if isAwaited.load(ordering: .sequentiallyConsistent) { changed.signal() }
  }
}
