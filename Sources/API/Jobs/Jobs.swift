internal import HTTP
internal import JSON
internal import Synchronization
internal import Values

/// The jobs of this server, a bounded number of them.
final class Jobs: Sendable {
  /// How many run at a time; each may hold a processor for minutes.
  private static let runningMax = 8
  /// How many of one tenant run at a time.
  private static let runningPerTenantMax = 2
  /// How many are kept, finished ones with their results; and how long these are.
  private static let keptMax = 200
  private static let keptMilliseconds: Int64 = 24 * 3600 * 1000

  private struct State {
    /// In the order in which they were begun.
    var jobs: [Job] = []
    var isStopping = false
  }

  private let time: TimeSource
  private let random: RandomSource
  private let state = Mutex(State())

  init(time: TimeSource, random: RandomSource = .system) {
    self.time = time
    self.random = random
  }

  /// Begins work, or joins what the tenant runs of the same kind already, if that `isShared`.
  ///
  /// - Throws: 503 `overloaded` when too many run.
  func start(
    _ kind: String, isShared: Bool, tenantID: String, ownerID: String, total: Int64,
    _ work: @escaping @Sendable (Job) async throws -> JSONValue
  ) throws(Problem) -> Job {
    let now = time.now()
    let id = UUIDv7.make(at: now, random: random)
    let (job, isNew) = try state.withLock { state throws(Problem) in
      let running = state.jobs.filter { $0.isRunning }
      let own = running.filter { $0.tenantID == tenantID }
      if isShared, let same = own.first(where: { $0.kind == kind }) { return (same, false) }
      guard !state.isStopping, running.count < Self.runningMax,
        own.count < Self.runningPerTenantMax
      else {
        throw Problem(
          .overloaded, "Too many long tasks are under way; try again later.",
          headers: ["Retry-After": "10"])
      }
      Self.forget(&state, at: now)
      let job = Job(
        id: id, kind: kind, tenantID: tenantID, ownerID: ownerID, total: total, at: now)
      state.jobs.append(job)
      return (job, true)
    }
    if isNew { job.run(time, work) }
    return job
  }

  /// A job of the tenant; nil when there is none of that id.
  func job(_ id: String, tenantID: String) -> Job? {
    state.withLock { state in state.jobs.first { $0.id == id && $0.tenantID == tenantID } }
  }

  /// Cancels what runs, waits for its end, and takes nothing more.
  func stop() async {
    let running = state.withLock { state in
      state.isStopping = true
      return state.jobs.filter { $0.isRunning }
    }
    for job in running { await job.cancel() }
  }

  /// Drops what was finished long ago, and the oldest of what is too much.
  private static func forget(_ state: inout State, at now: Timestamp) {
    let oldest = now.advanced(byMilliseconds: -keptMilliseconds)
    state.jobs.removeAll { job in job.finishedAt.map { $0 < oldest } ?? false }
    while state.jobs.count >= keptMax, let index = state.jobs.firstIndex(where: { !$0.isRunning }) {
      state.jobs.remove(at: index)
    }
  }
}
