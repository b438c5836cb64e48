internal import HTTP
internal import JSON
internal import Synchronization
internal import Values

/// Work that goes on when the request which began it has been answered.
///
/// It lives in memory: a server that stops cancels it, and a new one knows nothing of it.
final class Job: Sendable {
  /// How work stands.
  enum State: String, Sendable, CaseIterable {
    case running, done, failed, cancelled
  }

  private struct Standing {
    var state = State.running
    var done: Int64 = 0
    var total: Int64
    var result: JSONValue?
    var error: String?
    var finishedAt: Timestamp?
    var task: Task<Void, Never>?
  }

  let id: String
  /// What it does, as the operation is called.
  let kind: String
  let tenantID: String
  let ownerID: String
  private let createdAt: Timestamp
  private let standing: Mutex<Standing>

  init(
    id: String, kind: String, tenantID: String, ownerID: String, total: Int64, at now: Timestamp
  ) {
    self.id = id
    self.kind = kind
    self.tenantID = tenantID
    self.ownerID = ownerID
    createdAt = now
    standing = Mutex(Standing(total: total))
  }

  var isRunning: Bool { standing.withLock { $0.state == .running } }
  var finishedAt: Timestamp? { standing.withLock { $0.finishedAt } }

  /// Begins the work, once.
  func run(_ time: TimeSource, _ work: @escaping @Sendable (Job) async throws -> JSONValue) {
    let task = Task.detached(priority: .utility) { [self] in
      do {
        let result = try await work(self)
        finish(.done, at: time.now(), result: result)
      } catch is CancellationError {
        finish(.cancelled, at: time.now())
      } catch {
        // What a client may read of it: not the words of what lies below.
        let problem = Problem(mapping: error)
        finish(
          Task.isCancelled ? .cancelled : .failed, at: time.now(),
          error: problem?.detail ?? "Something went wrong here.")
      }
    }
    standing.withLock { $0.task = task }
  }

  /// Says how far it has come.
  func report(_ done: Int64, of total: Int64) {
    standing.withLock { standing in
      standing.done = done
      standing.total = total
    }
  }

  /// Cancels the work and waits for its end.
  func cancel() async {
    let task = standing.withLock { $0.task }
    task?.cancel()
    await task?.value
  }

  private func finish(
    _ state: State, at now: Timestamp, result: JSONValue? = nil, error: String? = nil
  ) {
    standing.withLock { standing in
      standing.state = state
      standing.result = result
      standing.error = error
      standing.finishedAt = now
    }
  }

  /// The job as clients see it.
  var json: JSONValue {
    let standing = standing.withLock { $0 }
    return [
      "id": .string(id), "kind": .string(kind), "state": .string(standing.state.rawValue),
      "done": .integer(standing.done), "total": .integer(standing.total),
      "ownerId": .string(ownerID), "createdAt": .string(createdAt.rfc3339),
      "finishedAt": JSONValue(standing.finishedAt?.rfc3339),
      "result": standing.result ?? .null, "error": JSONValue(standing.error),
    ]
  }
}
