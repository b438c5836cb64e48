internal import Dispatch
internal import Foundation
public import SQLite
internal import Synchronization

/// The one file, with its one writer and its readers.
///
/// Everything here may be called from any thread.
public final class Database: Sendable {
  /// How long closing waits for reads at work, in seconds.
  private static let closeSecondsMax = 5.0

  private let configuration: DatabaseConfiguration
  private let queue: WriteQueue
  private let readers: ReaderPool
  /// Whether another process may write the file, so that a snapshot is never as good as new.
  private let isReadOnly: Bool
  private let writerMetrics = WriterMetrics()
  /// Left by the writer's thread when its connection is closed and the lock let go.
  private let writerEnd = DispatchGroup()

  /// Takes the lock, opens the file, brings its schema up to date and starts the writer.
  ///
  /// - Throws: ``DatabaseError/locked(pid:)``, ``DatabaseError/newerSchema(file:binary:)``,
  ///   ``DatabaseError/changedMigration(number:)``, or what SQLite said.
  public init(_ configuration: DatabaseConfiguration) throws(DatabaseError) {
    var configuration = configuration
    configuration.path = Self.resolved(configuration.path)
    self.configuration = configuration
    isReadOnly = false
    queue = WriteQueue(depthMax: configuration.queueDepthMax)
    readers = ReaderPool(
      path: configuration.path, count: configuration.readerCount, commits: writerMetrics.commits)
    try startWriter()
  }

  /// Opens the file to be read only, also beside the process that holds it: nothing is locked,
  /// changed or checkpointed, and every write is refused as ``DatabaseError/closed``.
  ///
  /// - Throws: ``DatabaseError/newerSchema(file:binary:)``,
  ///   ``DatabaseError/olderSchema(file:binary:)``, or what SQLite said.
  public init(readOnly configuration: DatabaseConfiguration) throws {
    var configuration = configuration
    configuration.path = Self.resolved(configuration.path)
    self.configuration = configuration
    isReadOnly = true
    queue = WriteQueue(depthMax: 0)
    queue.close()
    readers = ReaderPool(
      path: configuration.path, count: configuration.readerCount, commits: writerMetrics.commits)
    let migrator = Migrator(migrations: configuration.migrations, time: configuration.time)
    try read { try migrator.check($0) }
  }

  deinit {
    // The writer ends by itself; nobody is left who could wait for it.
    queue.close()
  }

  /// Runs `body` on a reader, on the calling thread, inside one deferred read transaction.
  ///
  /// All statements of `body` see the same snapshot. The connection is valid inside the call only.
  ///
  /// - Parameter deadlineSeconds: How long the read may take, and how long it waits for a reader.
  /// - Throws: ``DatabaseError/overloaded`` when no reader becomes free in time,
  ///   ``DatabaseError/deadlineExceeded``, ``DatabaseError/closed``, or what `body` throws.
  public func read<T>(
    deadlineSeconds: Double? = nil, _ body: (borrowing Connection) throws -> T
  ) throws -> T {
    if isReadOnly { writerMetrics.commits.didCommit() }
    return try readers.read(
      deadlineSeconds: deadlineSeconds ?? configuration.readDeadlineSeconds, body)
  }

  /// Runs `body` on the writer and returns when what it did is on disk.
  ///
  /// Mutations that wait at the same time share one transaction and one COMMIT; one that throws
  /// takes back its own changes alone. A body may run a second time when the transaction was lost
  /// by the fault of another, so it has no effect but on the connection; it does not end the
  /// transaction, and lets SQLite's errors through. A cancelled caller's mutation still runs.
  ///
  /// - Parameter seesDeferredRows: Whether what the mutations before it contributed to deferred
  ///   tables (``SQLite/DeferredTable``) is written before it runs. Who only contributes can do
  ///   without, so that many mutations write such a row once.
  /// - Throws: ``DatabaseError/overloaded`` at once when too many wait, ``DatabaseError/closed``,
  ///   ``DatabaseError/storageFull`` and the like when the transaction could not be committed, or
  ///   what `body` throws.
  public func write<T: Sendable>(
    seesDeferredRows: Bool = true,
    _ body: @escaping @Sendable (borrowing Connection) throws -> T
  ) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      submit(seesDeferredRows: seesDeferredRows, body) { continuation.resume(with: $0) }
    }
  }

  /// Writes a row and reads it back, to see whether the disk takes writes.
  ///
  /// Blocks the thread.
  ///
  /// - Throws: What stood in the way; ``DatabaseError/overloaded`` when the writer does not come to
  ///   it within the read deadline.
  public func probe() throws {
    let outcome = ProbeOutcome()
    submit(
      seesDeferredRows: false,
      { connection in
        try connection.first(
          """
          INSERT INTO readiness_probe (id, writes) VALUES (1, 1)
          ON CONFLICT (id) DO UPDATE SET writes = writes + 1
          RETURNING writes
          """
        ) { $0.integer(0) }
      }
    ) { outcome.finish($0) }
    let written = try outcome.wait(seconds: configuration.readDeadlineSeconds)
    let found = try read { connection in
      try connection.first("SELECT writes FROM readiness_probe WHERE id = 1") { $0.integer(0) }
    }
    guard let found = found ?? nil, let written, found >= written else {
      throw DatabaseError.corrupt
    }
  }

  /// Refuses new work, runs what is queued, empties the log, closes the file and lets the lock go.
  ///
  /// May be called again, and from several threads, but not from a body.
  public func close() {
    queue.close()
    readers.close(waitingSeconds: Self.closeSecondsMax)
    writerEnd.wait()
  }

  /// Where the file is, symbolic links followed.
  public var path: String { configuration.path }

  /// Whether many callers have written at the same time within the last second: work that can
  /// wait should leave them the processor.
  public var isCrowded: Bool { writerMetrics.isCrowded }

  /// What the database is doing now.
  public var metrics: DatabaseMetrics {
    var metrics = writerMetrics.current
    metrics.queueDepth = queue.depth
    metrics.readersInUse = readers.inUse
    metrics.databaseBytes = fileSize(configuration.path)
    metrics.walBytes = fileSize(configuration.path + "-wal")
    return metrics
  }

  private func submit<T: Sendable>(
    seesDeferredRows: Bool, _ body: @escaping @Sendable (borrowing Connection) throws -> T,
    _ finish: @escaping @Sendable (Result<T, any Error>) -> Void
  ) {
    let mutation = QueuedMutation(
      run: { connection in
        let value = try body(connection)
        return { finish(.success(value)) }
      },
      seesDeferredRows: seesDeferredRows,
      fail: { finish(.failure($0)) })
    do throws(DatabaseError) {
      try queue.append(mutation)
    } catch {
      finish(.failure(error))
    }
  }

  /// Starts the writer's thread and waits until it has opened the file.
  private func startWriter() throws(DatabaseError) {
    let opening = Opening()
    let thread = Thread { [configuration, queue, writerMetrics, readers, writerEnd] in
      Self.serve(configuration, queue, writerMetrics, readers, opening)
      writerEnd.leave()
    }
    thread.name = "writer"
    writerEnd.enter()
    thread.start()
    try opening.wait()
  }

  /// The life of the writer's thread.
  ///
  /// The lock is taken before the file is touched, and let go after the connection is closed.
  private static func serve(
    _ configuration: DatabaseConfiguration, _ queue: WriteQueue, _ metrics: WriterMetrics,
    _ readers: ReaderPool, _ opening: Opening
  ) {
    do throws(DatabaseError) {
      let lock = try ProcessLock(path: configuration.path)
      try write(configuration, queue, metrics, readers, opening)
      lock.release()
    } catch {
      opening.finish(error)
    }
  }

  private static func write(
    _ configuration: DatabaseConfiguration, _ queue: WriteQueue, _ metrics: WriterMetrics,
    _ readers: ReaderPool, _ opening: Opening
  ) throws(DatabaseError) {
    var writer = try Writer(
      configuration, queue: queue, metrics: metrics, readers: readers)
    opening.finish(nil)
    writer.run()
  }

  /// The path with symbolic links followed, so that two names of one file have one lock.
  private static func resolved(_ path: String) -> String {
    let file = URL(fileURLWithPath: path)
    if FileManager.default.fileExists(atPath: path) { return file.resolvingSymlinksInPath().path }
    return file.deletingLastPathComponent().resolvingSymlinksInPath()
      .appendingPathComponent(file.lastPathComponent).path
  }
}

/// How the opening of the file ended, from the writer's thread to the one that waits for it.
private final class Opening: Sendable {
  private let error = Mutex<DatabaseError?>(nil)
  private let isDone = DispatchSemaphore(value: 0)

  func finish(_ error: DatabaseError?) {
    self.error.withLock { $0 = error }
    isDone.signal()
  }

  func wait() throws(DatabaseError) {
    isDone.wait()
    if let error = error.withLock({ $0 }) { throw error }
  }
}
