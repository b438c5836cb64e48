internal import Synchronization

/// Counts who waits for a password, and deals them out over the threads in turn.
final class PasswordTurns: Sendable {
  /// The most that wait: about a second of work.
  private static let waitingMax = 100

  private struct State {
    var waiting = 0
    var next = 0
  }

  private let state = Mutex(State())

  /// The number of the turn; nil when too many wait.
  func take() -> Int? {
    state.withLock { state in
      guard state.waiting < Self.waitingMax else { return nil }
      state.waiting += 1
      state.next &+= 1
      return state.next & 0xffff
    }
  }

  func giveBack() {
    state.withLock { $0.waiting -= 1 }
  }
}
