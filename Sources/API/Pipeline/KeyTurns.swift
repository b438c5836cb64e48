internal import Synchronization

/// Lets one request with an `Idempotency-Key` run at a time; the others wait for its end.
final class KeyTurns: Sendable {
  private typealias Waiter = CheckedContinuation<Bool, Never>

  private struct State {
    /// Those who wait for each key that is under way, by the order of their coming.
    var waiters: [String: [Int: Waiter]] = [:]
    var arrivals = 0
  }

  private let state = Mutex(State())

  /// How long a request waits for the one before it.
  static let waitSeconds = 5.0

  /// Takes the turn of `key`, if nobody has it.
  func begin(_ key: String) -> Bool {
    state.withLock { state in
      guard state.waiters[key] == nil else { return false }
      state.waiters[key] = [:]
      return true
    }
  }

  /// Gives the turn back and wakes all who wait for it.
  func end(_ key: String) {
    let waiters = state.withLock { $0.waiters.removeValue(forKey: key) ?? [:] }
    for waiter in waiters.values { waiter.resume(returning: true) }
  }

  /// Waits until the turn is given back.
  ///
  /// - Returns: Whether that happened within ``waitSeconds``.
  func wait(for key: String) async -> Bool {
    await withCheckedContinuation { waiter in
      let arrival: Int? = state.withLock { state in
        guard state.waiters[key] != nil else { return nil }
        state.arrivals += 1
        state.waiters[key]?[state.arrivals] = waiter
        return state.arrivals
      }
      guard let arrival else {
        waiter.resume(returning: true)
        return
      }
      // The bound of the wait; whoever takes the waiter out of the table resumes it.
      Task {
        // Nothing cancels this task, so that sleeping does not throw.
        try? await Task.sleep(for: .seconds(Self.waitSeconds))
        let late = state.withLock { $0.waiters[key]?.removeValue(forKey: arrival) }
        late?.resume(returning: false)
      }
    }
  }
}
