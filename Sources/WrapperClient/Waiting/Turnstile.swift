internal import Synchronization

/// Lets a fixed number through at once; others wait in order, and no more than a fixed number.
final class Turnstile: Sendable {
  private struct State {
    var free: Int
    var waiting: [CheckedContinuation<Bool, Never>] = []
  }

  private let state: Mutex<State>
  private let waitingMax: Int

  init(atOnce: Int, waitingMax: Int) {
    state = Mutex(State(free: atOnce))
    self.waitingMax = waitingMax
  }

  /// Whether somebody who came now would not have to wait.
  var isFree: Bool { state.withLock { $0.free > 0 } }

  /// Waits for a turn, which ``leave()`` must give back.
  ///
  /// - Returns: false, without a turn, when too many wait already.
  func enter() async -> Bool {
    await withCheckedContinuation { continuation in
      let answer = state.withLock { state -> Bool? in
        if state.free > 0 {
          state.free -= 1
          return true
        }
        guard state.waiting.count < waitingMax else { return false }
        state.waiting.append(continuation)
        return nil
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  /// Gives the turn to the next who waits.
  func leave() {
    let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
      guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
      state.free += 1
      return nil
    }
    next?.resume(returning: true)
  }
}
