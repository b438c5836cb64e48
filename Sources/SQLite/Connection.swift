internal import CSQLite
internal import Glibc
package import Synchronization

/// One connection to a database file, used by one thread at a time.
///
/// Prepared statements are kept by their text. SQLite runs without locks of its own on a connection
/// (`SQLITE_OPEN_NOMUTEX`), so a connection is not `Sendable`: whoever hands one to another thread
/// vouches that it is alone.
public struct Connection: ~Copyable {
  /// What a connection may do to its file.
  public enum Mode: Sendable {
    /// Reads and writes; a file that does not exist is created, readable by its owner alone.
    case readWrite
    /// Reads only, and never checkpoints, not even when it closes.
    case readOnly
  }

  /// How long a statement waits for another connection's lock.
  public static let busyTimeoutMilliseconds: Int32 = 5000

  /// Told of each text that any connection of the process prepares: for tests.
  package static let prepareObserver = Mutex<PrepareObserver?>(nil)

  static func reportPrepare(_ sql: String, on database: OpaquePointer) {
    guard let observer = prepareObserver.withLock({ $0 }) else { return }
    let path = sqlite3_db_filename(database, "main").map { String(cString: $0) }
    observer.tell(sql, path ?? "")
  }

  let handle: ConnectionHandle

  /// Opens the database file at `path`, or a database in memory for `:memory:`.
  ///
  /// The file's inner tables cannot be written (defensive mode), and a name in double quotes is
  /// never taken for a string. The schema itself may call no functions or virtual tables
  /// (`trusted_schema` off). The SQL function `fold(text)` folds as `Folding` does; it may stand in
  /// statements only, not in the schema, so that every other tool can still open the file.
  ///
  /// - Throws: ``SQLiteError`` when the file cannot be opened or created.
  public init(path: String, mode: Mode) throws(SQLiteError) {
    handle = try Self.open(path: path, mode: mode)
  }

  private static func open(path: String, mode: Mode) throws(SQLiteError) -> ConnectionHandle {
    // The statistics of SQLite's allocator lie behind one lock that all threads share.
    _ = statisticsAreOff
    if mode == .readWrite, path != ":memory:" {
      // An existing file is left alone: closing a second descriptor of it would drop the locks
      // that the process holds on it (fcntl(2)).
      let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      if descriptor >= 0 { close(descriptor) }
    }
    let access = mode == .readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE
    var database: OpaquePointer?
    let result = sqlite3_open_v2(path, &database, access | SQLITE_OPEN_NOMUTEX, nil)
    guard let database else {
      throw SQLiteError(code: SQLITE_NOMEM, message: "there is no memory for a connection")
    }
    let handle = ConnectionHandle(database: database)
    guard result == SQLITE_OK else { throw handle.error(sql: nil) }
    try configure(handle, mode)
    return handle
  }

  private static let statisticsAreOff = cardfile_sqlite3_turn_statistics_off() == SQLITE_OK

  private static func configure(
    _ handle: ConnectionHandle, _ mode: Mode
  ) throws(SQLiteError) {
    let database = handle.database
    sqlite3_extended_result_codes(database, 1)
    sqlite3_busy_timeout(database, busyTimeoutMilliseconds)
    var settings: [(option: Int32, value: Int32)] = [
      (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_DQS_DML, 0), (SQLITE_DBCONFIG_DQS_DDL, 0),
      (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
    ]
    if mode == .readOnly { settings.append((SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)) }
    for setting in settings {
      guard cardfile_sqlite3_db_config(database, setting.option, setting.value) == SQLITE_OK else {
        throw handle.error(sql: nil)
      }
    }
    let flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY
    guard
      sqlite3_create_function_v2(database, "fold", 1, flags, nil, foldText, nil, nil, nil)
        == SQLITE_OK
    else { throw handle.error(sql: nil) }
    handle.followWAL()
  }

  /// The row id that the latest INSERT on this connection gave.
  public var lastInsertRowID: Int64 { sqlite3_last_insert_rowid(handle.database) }

  /// How many rows the latest INSERT, UPDATE or DELETE changed, triggers aside.
  public var changeCount: Int { Int(sqlite3_changes64(handle.database)) }

  /// How many statements were begun on this connection that do more than read.
  ///
  /// While the number stands, nothing has been changed.
  public var effectCount: Int { handle.effectCount }

  /// Whether a transaction is open; SQLite itself ends one after some errors.
  public var isInTransaction: Bool { sqlite3_get_autocommit(handle.database) == 0 }

  /// Lets every statement that still runs at that moment fail as interrupted; nil takes it back.
  ///
  /// - Parameter monotonicNanoseconds: A moment of CLOCK_MONOTONIC.
  public func setDeadline(monotonicNanoseconds: UInt64?) {
    handle.setDeadline(monotonicNanoseconds)
  }

  /// Gives back what the connection keeps of pages that it has read or written, as far as no
  /// transaction needs them.
  public func releaseMemory() {
    sqlite3_db_release_memory(handle.database)
  }

  /// Changes how long a statement waits for a lock; 0 does not wait.
  public func setBusyTimeout(milliseconds: Int32) {
    sqlite3_busy_timeout(handle.database, milliseconds)
  }
}
