internal import SQLite
internal import Synchronization
internal import Values

/// The one connection that writes, on its own thread, and everything that only it may do.
///
/// SQLite 3.7.0 to 3.51.2 can lose committed pages when two connections write or checkpoint at the
/// same moment (sqlite.org/wal.html, "the WAL-reset bug"): one of them may start the log anew while
/// the other, having looked at it before, takes it for still moved into the file. Nothing here can
/// meet that: one process holds the file (``ProcessLock``), this connection alone writes and
/// checkpoints in it, and readers are opened read-only, never checkpoint, not at close either, and
/// use no memory map.
struct Writer: ~Copyable {
  /// Page cache in KiB.
  ///
  /// One batch changes about 1.5 MB of pages; what does not fit would be written to the log before
  /// the commit, and the indexes' upper levels stay warm in the rest.
  private static let cacheKibibytes = 16 * 1024
  /// To what the log's file is cut after a peak, once it starts anew.
  private static let walBytesKept = 64 * 1024 * 1024

  private let connection: Connection
  private let configuration: DatabaseConfiguration
  private let queue: WriteQueue
  private let metrics: WriterMetrics
  private let readers: ReaderPool
  /// Whether the log may hold anything that is not in the file.
  private var isLogEmpty = false
  /// Frames in the log at which the next checkpoint is due.
  private var checkpointFrames: Int

  /// Opens the file, turns on write-ahead logging and brings the schema up to date.
  init(
    _ configuration: DatabaseConfiguration, queue: WriteQueue, metrics: WriterMetrics,
    readers: ReaderPool
  ) throws(DatabaseError) {
    connection = try Self.open(configuration)
    self.configuration = configuration
    self.queue = queue
    self.metrics = metrics
    self.readers = readers
    checkpointFrames = configuration.checkpointPages
  }

  private static func open(
    _ configuration: DatabaseConfiguration
  ) throws(DatabaseError) -> Connection {
    let connection = try connect(configuration)
    try Migrator(migrations: configuration.migrations, time: configuration.time)
      .migrate(connection)
    do throws(SQLiteError) {
      // SQLite opens a file that may only be read without a word; the first write tells.
      try connection.run("UPDATE readiness_probe SET writes = writes WHERE id = 0")
    } catch {
      throw .wrapping(error)
    }
    return connection
  }

  private static func connect(
    _ configuration: DatabaseConfiguration
  ) throws(DatabaseError) -> Connection {
    do throws(SQLiteError) {
      let connection = try Connection(path: configuration.path, mode: .readWrite)
      try configure(connection, configuration)
      return connection
    } catch {
      throw .wrapping(error)
    }
  }

  private static func configure(
    _ connection: borrowing Connection, _ configuration: DatabaseConfiguration
  ) throws(SQLiteError) {
    let mode = try connection.first("PRAGMA journal_mode = WAL") { $0.text(0) }
    guard mode == "wal" else {
      throw SQLiteError(
        code: SQLiteError.cannotOpenCode,
        message: "the file system does not carry write-ahead logging")
    }
    // FULL: a commit is on disk before it is answered. Automatic checkpoints are off, since the
    // connection's own hook takes their place; `PRAGMA wal_autocheckpoint` would remove that hook.
    try connection.execute(
      """
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
      PRAGMA recursive_triggers = ON;
      PRAGMA temp_store = MEMORY;
      PRAGMA mmap_size = 0;
      PRAGMA cache_size = -\(cacheKibibytes);
      PRAGMA journal_size_limit = \(walBytesKept);
      """)
    if !configuration.checkpointing { try connection.keepWALOnClose() }
  }

  /// Works until the queue is closed and empty.
  ///
  /// Runs on the writer's thread.
  mutating func run() {
    while true {
      let idleSeconds =
        configuration.checkpointing && !isLogEmpty ? configuration.idleSeconds : nil
      switch queue.next(atMost: configuration.batchMax, idleSeconds: idleSeconds) {
      case .batch(let batch):
        isLogEmpty = false
        BatchRun(deadlineSeconds: configuration.writeDeadlineSeconds, metrics: metrics)
          .run(batch, on: connection)
        checkpointIfDue()
      case .idle:
        emptyLog(waitsForReaders: false)
      case .closed:
        if configuration.checkpointing { emptyLog(waitsForReaders: true) }
        return
      }
    }
  }

  /// Moves a long log into the file without waiting for anybody.
  private mutating func checkpointIfDue() {
    let frames = connection.walFrameCount
    // The log has started anew since.
    if frames < configuration.checkpointPages { checkpointFrames = configuration.checkpointPages }
    guard configuration.checkpointing, frames >= checkpointFrames else { return }
    readers.releaseSnapshots()
    // A checkpoint that fails leaves the log as it is, whole and valid; the next one is due later.
    let result = try? connection.checkpoint(.passive)
    // Until readers let go of it the log goes on growing; trying again at once would only cost.
    checkpointFrames = frames + max(1, configuration.checkpointPages / 4)
    if result != nil { metrics.didCheckpoint() }
  }

  /// Moves everything into the file and cuts the log to nothing.
  private mutating func emptyLog(waitsForReaders: Bool) {
    // While a checkpoint waits for readers nothing can be written, so only the last one may wait.
    if !waitsForReaders { connection.setBusyTimeout(milliseconds: 0) }
    defer { connection.setBusyTimeout(milliseconds: Connection.busyTimeoutMilliseconds) }
    readers.releaseSnapshots()
    do throws(SQLiteError) {
      try connection.checkpoint(.truncate)
      isLogEmpty = true
      checkpointFrames = configuration.checkpointPages
      metrics.didCheckpoint()
      // What a burst or a long piece of housekeeping looked at is not needed at rest.
      connection.releaseMemory()
    } catch {
      // A reader is in the way, or the disk is full: the log stays valid, and idleness comes again.
    }
  }
}

/// What the writer counts, for everybody to read.
final class WriterMetrics: Sendable {
  /// Told apart from the rest, since every read looks at it.
  let commits = CommitCount()
  /// Mutations in one transaction from which on it is a crowd that writes.
  private static let crowdMutations = 8
  private static let crowdNanoseconds: UInt64 = 1_000_000_000
  /// When a crowd's transaction was last committed, in nanoseconds of CLOCK_MONOTONIC; 0 if never.
  private let crowdCommit = Atomic<UInt64>(0)
  private let values = Mutex(DatabaseMetrics())

  var current: DatabaseMetrics { values.withLock { $0 } }

  /// Small transactions come in between also while many write.
  var isCrowded: Bool {
    let last = crowdCommit.load(ordering: .relaxed)
    let now = TimeSource.system.monotonicNanoseconds()
    return last > 0 && now &- last < Self.crowdNanoseconds
  }

  func didCommit(_ count: Int, nanoseconds: UInt64) {
    commits.didCommit()
    if count >= Self.crowdMutations {
      crowdCommit.store(TimeSource.system.monotonicNanoseconds(), ordering: .relaxed)
    }
    values.withLock { values in
      values.batches += 1
      values.mutations += count
      values.lastBatchSize = count
      values.maximumBatchSize = max(values.maximumBatchSize, count)
      values.commitNanosecondsTotal += nanoseconds
      values.commitNanosecondsMaximum = max(values.commitNanosecondsMaximum, nanoseconds)
    }
  }

  func didFail(_ count: Int) {
    values.withLock { $0.failedMutations += count }
  }

  func didCheckpoint() {
    values.withLock { $0.checkpoints += 1 }
  }
}
