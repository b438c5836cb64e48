internal import Synchronization

/// A value that arrives once and that many may wait for, each for a bounded time.
final class Promise<Value: Sendable>: Sendable {
  private struct Waiter {
    var continuation: CheckedContinuation<Value?, Never>
    var timer: Task<Void, Never>?
  }

  private struct State {
    var value: Value?
    var waiters: [Int: Waiter] = [:]
    var nextID = 0
  }

  private let state = Mutex(State())

  init() {}

  /// Gives the value to everybody who waits; a second value is ignored.
  func fulfil(_ value: Value) {
    let waiters = state.withLock { state -> [Int: Waiter] in
      guard state.value == nil else { return [:] }
      state.value = value
      defer { state.waiters = [:] }
      return state.waiters
    }
    for waiter in waiters.values {
      waiter.timer?.cancel()
      waiter.continuation.resume(returning: value)
    }
  }

  /// The value, or nil when `seconds` passed without it.
  func value(withinSeconds seconds: Double) async -> Value? {
    await withCheckedContinuation { continuation in
      let (value, id) = state.withLock { state -> (Value?, Int) in
        if state.value == nil {
          state.waiters[state.nextID] = Waiter(continuation: continuation)
          state.nextID += 1
        }
        return (state.value, state.nextID - 1)
      }
      if let value {
        continuation.resume(returning: value)
      } else {
        arm(id, seconds: seconds)
      }
    }
  }

  private func arm(_ id: Int, seconds: Double) {
    let timer = Task {
      // A cancelled sleep means that the value came; expiring finds nobody then.
      try? await Task.sleep(for: .seconds(seconds))
      self.expire(id)
    }
    let isWaiting = state.withLock { state -> Bool in
      state.waiters[id]?.timer = timer
      return state.waiters[id] != nil
    }
    if !isWaiting { timer.cancel() }
  }

  private func expire(_ id: Int) {
    let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
    waiter?.continuation.resume(returning: nil)
  }
}
