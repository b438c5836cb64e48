internal import Synchronization

/// Wakes those who wait for the next change.
final class FeedSignal: Sendable {
  private struct Waiter {
    var continuation: CheckedContinuation<Void, Never>
    var timer: Task<Void, Never>?
  }

  private struct State {
    var changes: UInt64 = 0
    var isClosed = false
    var waiters: [UInt64: Waiter] = [:]
    var nextID: UInt64 = 0
  }

  private let state = Mutex(State())

  init() {}

  /// Changes until now.
  ///
  /// Read it before looking for events: what comes later ends the wait.
  var changes: UInt64 { state.withLock { $0.changes } }

  /// Whether nobody may wait any more.
  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Something has changed.
  func ring() {
    release { $0.changes &+= 1 }
  }

  /// Ends every wait, now and from now on.
  func close() {
    release { $0.isClosed = true }
  }

  /// Waits until something changes that is not among the first `changes`, `seconds` have passed,
  /// the calling task is cancelled or the signal is closed.
  ///
  /// - Returns: false, at once, when too many wait already.
  func wait(past changes: UInt64, seconds: Double) async -> Bool {
    let id = state.withLock { state -> UInt64? in
      guard state.waiters.count < Limits.feedWaitersMax else { return nil }
      state.nextID &+= 1
      return state.nextID
    }
    guard let id else { return false }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isWaiting = state.withLock { state -> Bool in
          guard state.changes == changes, !state.isClosed else { return false }
          state.waiters[id] = Waiter(continuation: continuation)
          return true
        }
        if isWaiting { arm(id, seconds: seconds) } else { continuation.resume() }
      }
    } onCancel: {
      expire(id)
    }
    return true
  }

  private func arm(_ id: UInt64, seconds: Double) {
    let timer = Task {
      // A cancelled sleep means that the wait is over; expiring finds nobody then.
      try? await Task.sleep(for: .seconds(max(0, seconds)))
      self.expire(id)
    }
    let isWaiting = state.withLock { state -> Bool in
      state.waiters[id]?.timer = timer
      return state.waiters[id] != nil
    }
    if !isWaiting { timer.cancel() }
    // Cancelled before there was anybody to expire.
    if Task.isCancelled { expire(id) }
  }

  private func expire(_ id: UInt64) {
    let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
    waiter?.timer?.cancel()
    waiter?.continuation.resume()
  }

  private func release(_ change: (inout State) -> Void) {
    let waiters = state.withLock { state -> [Waiter] in
      change(&state)
      defer { state.waiters = [:] }
      return Array(state.waiters.values)
    }
    for waiter in waiters {
      waiter.timer?.cancel()
      waiter.continuation.resume()
    }
  }
}
