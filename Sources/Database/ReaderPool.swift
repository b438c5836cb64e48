internal import Dispatch
internal import SQLite
internal import Synchronization
internal import Values

/// Read-only connections, lent to one thread at a time.
final class ReaderPool: Sendable {
  /// Page cache of one reader in KiB.
  ///
  /// A reader drops its cache whenever somebody else has written, so a large one would pay only in
  /// a quiet house; the kernel's cache serves the rest.
  private static let cacheKibibytes = 4096

  /// A connection of the pool.
  ///
  /// Safety: it is either in the pool's list, where nobody uses it, or lent to the one thread that
  /// took it out.
  private final class Reader: @unchecked Sendable {
    let connection: Connection
    /// The snapshot that is kept open for the next read; nil when none is.
    var snapshot: Snapshot?

    init(path: String) throws(SQLiteError) {
      connection = try Connection(path: path, mode: .readOnly)
      try connection.execute(
        """
        PRAGMA foreign_keys = ON;
        PRAGMA temp_store = MEMORY;
        PRAGMA mmap_size = 0;
        PRAGMA cache_size = -\(cacheKibibytes);
        """)
    }
  }

  /// What a reader's open transaction shows.
  private struct Snapshot {
    /// How many commits there were, at least, when it was taken.
    let commits: UInt64
    /// When it was taken, in nanoseconds of the monotonic clock.
    let takenAt: UInt64
  }

  private struct State {
    var idle: [Reader] = []
    var inUse = 0
    var isClosed = false
  }

  /// How long a snapshot may serve further reads.
  ///
  /// Taking one costs four locks of the file, a tenth of a small read. While nothing is committed
  /// the one at hand is as good as a new one; the bound is for what other programs might write.
  private static let snapshotNanosecondsMax: UInt64 = 10_000_000

  private let path: String
  private let count: Int
  private let commits: CommitCount
  private let state = Mutex(State())
  /// One signal for each reader that may be taken.
  ///
  /// It starts at zero and is filled, because libdispatch traps when a semaphore goes with less
  /// than it started with.
  private let permits = DispatchSemaphore(value: 0)

  init(path: String, count: Int, commits: CommitCount) {
    self.path = path
    self.commits = commits
    self.count = count
    for _ in 0..<count { permits.signal() }
  }

  var inUse: Int { state.withLock { $0.inUse } }

  /// Runs `body` in a read transaction: all its statements see one snapshot, which holds every
  /// commit that was answered before.
  func read<T>(
    deadlineSeconds: Double, _ body: (borrowing Connection) throws -> T
  ) throws -> T {
    guard permits.wait(timeout: .now() + deadlineSeconds) == .success else {
      throw DatabaseError.overloaded
    }
    defer { permits.signal() }
    let reader = try takeReader()
    var isSound = false
    defer { putBack(reader, isSound: isSound) }
    let now = TimeSource.system.monotonicNanoseconds()
    do {
      try refresh(reader, now: now)
      reader.connection.setDeadline(monotonicNanoseconds: now + nanoseconds(deadlineSeconds))
      defer { reader.connection.setDeadline(monotonicNanoseconds: nil) }
      let result = try body(reader.connection)
      isSound = true
      return result
    } catch {
      isSound = end(reader)
      throw DatabaseError.mapping(error) ?? error
    }
  }

  /// Lets go of the snapshots that idle readers keep: a checkpoint cannot pass them.
  func releaseSnapshots() {
    state.withLock { state in
      state.idle.removeAll { !end($0) }
    }
  }

  /// Makes the reader see the newest commit.
  private func refresh(_ reader: Reader, now: UInt64) throws {
    let newest = commits.value
    if let snapshot = reader.snapshot, snapshot.commits == newest,
      now < snapshot.takenAt + Self.snapshotNanosecondsMax
    {
      return
    }
    guard end(reader) else { throw DatabaseError.busy }
    try reader.connection.run("BEGIN")
    // Counted before the first statement takes the snapshot: what is committed in between it may
    // show, and the next read then takes a new one for nothing.
    reader.snapshot = Snapshot(commits: newest, takenAt: now)
  }

  /// Ends the reader's transaction, if one is open.
  ///
  /// - Returns: false when it cannot be ended; the reader is then of no more use.
  private func end(_ reader: Reader) -> Bool {
    reader.snapshot = nil
    guard reader.connection.isInTransaction else { return true }
    do throws(SQLiteError) {
      try reader.connection.run("ROLLBACK")
      return true
    } catch {
      return false
    }
  }

  /// Refuses new reads and waits, up to `seconds`, for those at work before closing.
  func close(waitingSeconds seconds: Double) {
    state.withLock { $0.isClosed = true }
    let deadline = DispatchTime.now() + seconds
    for _ in 0..<count where permits.wait(timeout: deadline) == .success {}
    // Connections close outside the lock.
    let idle = state.withLock { state in
      let idle = state.idle
      state.idle = []
      return idle
    }
    _ = consume idle
    for _ in 0..<count { permits.signal() }
  }

  private func takeReader() throws(DatabaseError) -> Reader {
    let reader: Reader? = try state.withLock { state throws(DatabaseError) in
      guard !state.isClosed else { throw .closed }
      state.inUse += 1
      return state.idle.popLast()
    }
    if let reader { return reader }
    do throws(SQLiteError) {
      return try Reader(path: path)
    } catch {
      state.withLock { $0.inUse -= 1 }
      throw .wrapping(error)
    }
  }

  private func putBack(_ reader: Reader, isSound: Bool) {
    state.withLock { state in
      state.inUse -= 1
      if isSound, !state.isClosed { state.idle.append(reader) }
    }
  }
}

/// How many transactions were committed: readers see by it whether theirs is still the newest.
///
/// Only this process writes the file, so that the number tells all; it grows after a COMMIT and
/// before anybody is told of it.
final class CommitCount: Sendable {
  private let count = Atomic<UInt64>(0)

  var value: UInt64 { count.load(ordering: .acquiring) }

  func didCommit() { count.wrappingAdd(1, ordering: .releasing) }
}

/// The moment of CLOCK_MONOTONIC that lies `seconds` ahead.
///
/// SQLite looks at the machine's clock, so an injected one would not do.
func deadlineAfter(seconds: Double) -> UInt64 {
  TimeSource.system.monotonicNanoseconds() + nanoseconds(seconds)
}

private func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(max(0, seconds) * 1e9) }
