internal import CSQLite
internal import Glibc
internal import Values

/// What a connection owns: SQLite's handle, its prepared statements, its deadline.
///
/// A class only because SQLite's callbacks need an address that stays. It never leaves its
/// ``Connection``, which is used by one thread at a time.
final class ConnectionHandle {
  /// How many statements stay prepared; the least recently used one goes first.
  static let preparedStatementsMax = 256
  /// After how many virtual-machine instructions the deadline is looked at: well under 0.1 ms.
  static let instructionsPerDeadlineCheck: Int32 = 1000

  let database: OpaquePointer
  let rowBuffer = RowBuffer()
  /// CLOCK_MONOTONIC nanoseconds after which a running statement is interrupted.
  private(set) var deadline: UInt64 = .max
  /// Frames in the write-ahead log after this connection's latest commit.
  private(set) var walFrameCount = 0
  /// How many statements were begun that do more than read.
  var effectCount = 0
  /// What the open transaction has still to write.
  var deferredRows = DeferredRows()

  private var statements: [String: PreparedStatement] = [:]
  private var useCount: UInt64 = 0

  init(database: OpaquePointer) {
    self.database = database
  }

  deinit {
    statements.removeAll()
    let result = sqlite3_close(database)
    assert(result == SQLITE_OK, "every statement is finalized before its connection closes")
  }

  /// The latest error of this connection as a value.
  func error(sql: String?) -> SQLiteError {
    let code = sqlite3_extended_errcode(database)
    return SQLiteError(
      code: code, message: String(cString: sqlite3_errmsg(database)), sql: sql,
      systemErrorNumber: code & 0xff == SQLITE_IOERR ? sqlite3_system_errno(database) : 0)
  }

  /// A prepared statement for `sql` that nobody else is using.
  func checkOut(_ sql: String) throws(SQLiteError) -> PreparedStatement {
    useCount += 1
    if let known = statements[sql] {
      if !known.isInUse {
        known.isInUse = true
        known.lastUse = useCount
        return known
      }
      // A nested use of the same text; it is finalized when it is done.
      return try prepare(sql)
    }
    let statement = try prepare(sql)
    statement.isInUse = true
    statement.lastUse = useCount
    makeRoom()
    statements[sql] = statement
    return statement
  }

  /// Ends a use: the statement's read lock and bound values are let go.
  func checkIn(_ statement: PreparedStatement) {
    sqlite3_reset(statement.pointer)
    if statement.parameterCount > 0 { sqlite3_clear_bindings(statement.pointer) }
    statement.isInUse = false
  }

  private func makeRoom() {
    guard statements.count >= Self.preparedStatementsMax else { return }
    let oldest = statements.values.filter { !$0.isInUse }.min { $0.lastUse < $1.lastUse }
    if let oldest { statements[oldest.sql] = nil }
  }

  private func prepare(_ sql: String) throws(SQLiteError) -> PreparedStatement {
    Connection.reportPrepare(sql, on: database)
    var text = sql
    let prepared: (pointer: OpaquePointer?, result: Int32, isAlone: Bool) = text.withUTF8 { bytes in
      var rest = UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
      let end = rest.map { $0 + bytes.count }
      var first: OpaquePointer?
      // What follows the statement may be space and comments, which prepare to nothing.
      repeat {
        var pointer: OpaquePointer?
        let count = rest.flatMap { rest in end.map { $0 - rest } } ?? 0
        let result = sqlite3_prepare_v3(
          database, rest, Int32(clamping: count), UInt32(SQLITE_PREPARE_PERSISTENT), &pointer,
          &rest)
        guard result == SQLITE_OK else {
          sqlite3_finalize(first)
          return (nil, result, true)
        }
        if first != nil, pointer != nil {
          sqlite3_finalize(first)
          sqlite3_finalize(pointer)
          return (nil, SQLITE_OK, false)
        }
        first = first ?? pointer
      } while rest != end
      return (first, SQLITE_OK, true)
    }
    guard prepared.result == SQLITE_OK else { throw error(sql: sql) }
    guard let pointer = prepared.pointer else {
      throw SQLiteError(
        code: SQLITE_MISUSE,
        message: prepared.isAlone ? "there is no statement" : "there is more than one statement",
        sql: sql)
    }
    return PreparedStatement(pointer: pointer, sql: sql)
  }

  /// Interrupts statements that still run at `deadline`; nil lets them run for ever.
  func setDeadline(_ deadline: UInt64?) {
    self.deadline = deadline ?? .max
    guard deadline != nil else {
      sqlite3_progress_handler(database, 0, nil, nil)
      return
    }
    sqlite3_progress_handler(
      database, Self.instructionsPerDeadlineCheck, hasDeadlinePassed,
      Unmanaged.passUnretained(self).toOpaque())
  }

  /// Counts the log's frames.
  ///
  /// The hook takes the place of SQLite's automatic checkpoints, which are themselves a hook
  /// (sqlite.org/c3ref/wal_hook.html).
  func followWAL() {
    sqlite3_wal_hook(database, didCommitToWAL, Unmanaged.passUnretained(self).toOpaque())
  }

  fileprivate func didCommit(walFrameCount: Int) {
    self.walFrameCount = walFrameCount
  }
}

/// One statement in the cache, or beside it when its text is used twice at a time.
final class PreparedStatement {
  let pointer: OpaquePointer
  let sql: String
  let parameterCount: Int
  let isReadOnly: Bool
  /// Whether it does more than read: it writes, or it moves the transaction.
  let hasEffect: Bool
  var isInUse = false
  var lastUse: UInt64 = 0

  init(pointer: OpaquePointer, sql: String) {
    self.pointer = pointer
    self.sql = sql
    parameterCount = Int(sqlite3_bind_parameter_count(pointer))
    isReadOnly = sqlite3_stmt_readonly(pointer) != 0
    // SAVEPOINT and its kind count as reading, and return no columns.
    hasEffect = !isReadOnly || sqlite3_column_count(pointer) == 0
  }

  deinit {
    sqlite3_finalize(pointer)
  }
}

// Safety: SQLite calls these on the thread that uses the connection, while its handle is alive.

private func hasDeadlinePassed(_ context: UnsafeMutableRawPointer?) -> Int32 {
  guard let context else { return 0 }
  let handle = Unmanaged<ConnectionHandle>.fromOpaque(context).takeUnretainedValue()
  return TimeSource.system.monotonicNanoseconds() > handle.deadline ? 1 : 0
}

private func didCommitToWAL(
  _ context: UnsafeMutableRawPointer?, _ database: OpaquePointer?,
  _ schema: UnsafePointer<CChar>?, _ frameCount: Int32
) -> Int32 {
  guard let context else { return SQLITE_OK }
  Unmanaged<ConnectionHandle>.fromOpaque(context).takeUnretainedValue()
    .didCommit(walFrameCount: Int(frameCount))
  return SQLITE_OK
}
