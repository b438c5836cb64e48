internal import Synchronization
internal import Values

/// Entries of what changes nothing, such as reads, on their way into the file: whoever reads must
/// not wait for the disk, and a hundred of them are written as cheaply as one.
final class ActivityBuffer: Sendable {
  private struct State {
    var entries: [ActivityEntry] = []
    /// Whether the first of them are being written.
    var isWriting = false
    /// Those who wait for that to end.
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())
  private let alarm = Alarm()

  /// How many entries wait.
  var count: Int { state.withLock { $0.entries.count } }

  /// Takes an entry, to be written soon, or at once if it is `urgent`.
  ///
  /// - Returns: false when there is no room, because what waits cannot be written.
  func add(_ entry: ActivityEntry, urgent: Bool = false) -> Bool {
    let (isTaken, wakes) = state.withLock { state -> (Bool, Bool) in
      guard state.entries.count < Limits.bufferedActivitiesMax else { return (false, true) }
      state.entries.append(entry)
      let count = state.entries.count
      return (true, urgent || count == 1 || count >= Limits.bufferedActivitiesWanted)
    }
    if wakes { alarm.ring() }
    return isTaken
  }

  /// Sleeps until entries wait, and then until there are enough, the oldest has waited for
  /// `seconds`, or the calling task is cancelled.
  func waitUntilDue(seconds: Double) async {
    while count == 0, !Task.isCancelled { await alarm.wait(seconds: Self.idleSeconds) }
    guard !Task.isCancelled, count < Limits.bufferedActivitiesWanted else { return }
    await alarm.wait(seconds: seconds)
  }

  /// How long a sleep without entries lasts; the first entry ends it.
  private static let idleSeconds = 3600.0

  /// Gives the oldest entries to `write`, in several steps if there are many, until none is left of
  /// those that waited at the beginning; they stay until they are written.
  ///
  /// - Throws: what `write` throws.
  func drain(_ write: ([ActivityEntry]) async throws -> Void) async throws {
    var left = count
    while left > 0 || isWriting {
      guard let entries = begin() else {
        await waitForWriter()
        continue
      }
      do {
        if !entries.isEmpty { try await write(entries) }
        end(written: entries.count)
        left -= entries.count
        if entries.isEmpty { return }
      } catch {
        end(written: 0)
        throw error
      }
    }
  }

  private var isWriting: Bool { state.withLock { $0.isWriting } }

  /// The next entries to write; nil while somebody else is at it.
  private func begin() -> [ActivityEntry]? {
    state.withLock { state in
      guard !state.isWriting else { return nil }
      state.isWriting = true
      return Array(state.entries.prefix(Limits.activitiesPerWriteMax))
    }
  }

  private func end(written: Int) {
    let waiters = state.withLock { state in
      state.entries.removeFirst(written)
      state.isWriting = false
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  private func waitForWriter() async {
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        guard state.isWriting else { return true }
        state.waiters.append(continuation)
        return false
      }
      if isOver { continuation.resume() }
    }
  }
}
