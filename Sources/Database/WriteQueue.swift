internal import Dispatch
internal import SQLite
internal import Synchronization

/// A mutation that waits for the writer.
struct QueuedMutation: Sendable {
  /// Does the work; what comes back tells the caller that it succeeded, once it is on disk.
  let run: @Sendable (borrowing Connection) throws -> @Sendable () -> Void
  /// Whether it sees all that the mutations before it contributed to deferred tables.
  let seesDeferredRows: Bool
  /// Tells the caller that it failed.
  let fail: @Sendable (any Error) -> Void
}

/// Mutations in the order they came, between any number of callers and the one writer.
final class WriteQueue: Sendable {
  private struct State {
    var waiting: [QueuedMutation] = []
    var isClosed = false
    var isWriterAsleep = false
  }

  /// What the writer is to do next.
  enum Work {
    /// Mutations to run in one transaction.
    case batch([QueuedMutation])
    /// Nothing came for the time that was asked for.
    case idle
    /// Nothing waits and nothing will come.
    case closed
  }

  private let depthMax: Int
  private let state = Mutex(State())
  private let wakeUp = DispatchSemaphore(value: 0)

  init(depthMax: Int) {
    self.depthMax = depthMax
  }

  var depth: Int { state.withLock { $0.waiting.count } }

  /// Appends a mutation, or says why it cannot wait here.
  func append(_ mutation: QueuedMutation) throws(DatabaseError) {
    let wasAsleep = try state.withLock { state throws(DatabaseError) in
      guard !state.isClosed else { throw .closed }
      guard state.waiting.count < depthMax else { throw .overloaded }
      state.waiting.append(mutation)
      return takeSleep(&state)
    }
    if wasAsleep { wakeUp.signal() }
  }

  /// Refuses what comes from now on; what waits is still run.
  func close() {
    let wasAsleep = state.withLock { state in
      state.isClosed = true
      return takeSleep(&state)
    }
    if wasAsleep { wakeUp.signal() }
  }

  /// The next `count` mutations or fewer, as soon as there is one.
  ///
  /// Called by the writer alone.
  ///
  /// - Parameter idleSeconds: After how long without work to come back; nil waits for ever.
  func next(atMost count: Int, idleSeconds: Double?) -> Work {
    let deadline = idleSeconds.map { DispatchTime.now() + $0 } ?? .distantFuture
    while true {
      let work: Work? = state.withLock { state in
        if !state.waiting.isEmpty {
          let batch = Array(state.waiting.prefix(count))
          state.waiting.removeFirst(batch.count)
          return .batch(batch)
        }
        if state.isClosed { return .closed }
        state.isWriterAsleep = true
        return nil
      }
      if let work { return work }
      // A signal that comes between the time running out and the next look at the queue stays in
      // the semaphore and costs one more turn of this loop.
      if wakeUp.wait(timeout: deadline) == .timedOut {
        let isIdle = state.withLock { state in
          state.isWriterAsleep = false
          return state.waiting.isEmpty && !state.isClosed
        }
        if isIdle { return .idle }
      }
    }
  }

  private func takeSleep(_ state: inout State) -> Bool {
    let wasAsleep = state.isWriterAsleep
    state.isWriterAsleep = false
    return wasAsleep
  }
}
