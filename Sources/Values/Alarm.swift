internal import Synchronization

/// Lets one loop sleep until a time has passed or somebody rings, whichever comes first.
public final class Alarm: Sendable {
  private struct State {
    /// Rung while nobody slept: the next sleep ends at once.
    var isRung = false
    var sleeper: Task<Void, Never>?
  }

  private let state = Mutex(State())

  /// An alarm that has not been rung.
  public init() {}

  /// Ends the present sleep, or the next one.
  public func ring() {
    let sleeper = state.withLock { state -> Task<Void, Never>? in
      state.isRung = true
      return state.sleeper
    }
    sleeper?.cancel()
  }

  /// Sleeps until `seconds` have passed, the alarm is rung or the calling task is cancelled.
  ///
  /// - Returns: whether it was rung.
  @discardableResult
  public func wait(seconds: Double) async -> Bool {
    let sleeper = Task<Void, Never> {
      // Waking early is what cancelling is for.
      try? await Task.sleep(for: .seconds(max(0, seconds)))
    }
    let isRung = state.withLock { state -> Bool in
      state.sleeper = sleeper
      return state.isRung
    }
    if isRung { sleeper.cancel() }
    await withTaskCancellationHandler {
      await sleeper.value
    } onCancel: {
      sleeper.cancel()
    }
    return state.withLock { state in
      state.sleeper = nil
      defer { state.isRung = false }
      return state.isRung
    }
  }
}
