internal import Synchronization

/// A value that arrives once and that many may wait for, each for a bounded time.
final class Promise<Value: Sendable>: Sendable {
  private struct Waiter {
    let continuation: CheckedContinuation<Value?, Never>
    let deadline: ContinuousClock.Instant
  }

  private struct State {
    var value: Value?
    var waiters: [Int: Waiter] = [:]
    var nextID = 0
    /// One for all who wait: thousands a second may wait for the same value.
    var timer: (task: Task<Void, Never>, deadline: ContinuousClock.Instant)?
  }

  private let state = Mutex(State())

  init() {}

  /// Gives the value to everybody who waits; a second value is ignored.
  func fulfil(_ value: Value) {
    let (waiters, timer) = state.withLock { state -> ([Int: Waiter], Task<Void, Never>?) in
      guard state.value == nil else { return ([:], nil) }
      state.value = value
      defer {
        state.waiters = [:]
        state.timer = nil
      }
      return (state.waiters, state.timer?.task)
    }
    timer?.cancel()
    for waiter in waiters.values { waiter.continuation.resume(returning: value) }
  }

  /// The value, or nil when `seconds` passed without it.
  func value(withinSeconds seconds: Double) async -> Value? {
    let deadline = ContinuousClock.now + .seconds(seconds)
    return await withCheckedContinuation { continuation in
      let value = state.withLock { state -> Value? in
        if let value = state.value { return value }
        state.waiters[state.nextID] = Waiter(continuation: continuation, deadline: deadline)
        state.nextID += 1
        if state.timer.map({ deadline < $0.deadline }) ?? true { arm(&state, deadline) }
        return nil
      }
      if let value { continuation.resume(returning: value) }
    }
  }

  /// Sees to it that those whose time is over at `deadline` hear of it then.
  private func arm(_ state: inout State, _ deadline: ContinuousClock.Instant) {
    state.timer?.task.cancel()
    let timer = Task {
      do {
        try await Task.sleep(until: deadline, clock: .continuous)
      } catch {
        // The value came, or another timer took the place of this one.
        return
      }
      self.expire()
    }
    state.timer = (timer, deadline)
  }

  private func expire() {
    let now = ContinuousClock.now
    let late = state.withLock { state -> [Waiter] in
      let late = state.waiters.filter { $0.value.deadline <= now }
      for id in late.keys { state.waiters[id] = nil }
      state.timer = nil
      let next = state.waiters.values.map(\.deadline).min()
      if let next { arm(&state, next) }
      return Array(late.values)
    }
    for waiter in late { waiter.continuation.resume(returning: nil) }
  }
}
