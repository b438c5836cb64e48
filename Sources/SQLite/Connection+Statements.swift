internal import CSQLite

extension Connection {
  /// Runs every statement of a script that needs no values, such as a migration.
  ///
  /// - Throws: ``SQLiteError`` of the first statement that fails; those after it do not run.
  public func execute(_ script: String) throws(SQLiteError) {
    Self.reportPrepare(script, on: handle.database)
    handle.effectCount += 1
    guard sqlite3_exec(handle.database, script, nil, nil, nil) == SQLITE_OK else {
      throw handle.error(sql: script)
    }
  }

  /// Runs one statement to its end; rows that it returns are passed over.
  ///
  /// - Returns: How many rows it inserted, updated or deleted, triggers aside.
  /// - Throws: ``SQLiteError``.
  @discardableResult
  public func run(_ sql: String, _ values: [SQLiteValue] = []) throws(SQLiteError) -> Int {
    let statement = try start(sql, values)
    defer { handle.checkIn(statement) }
    while try step(statement, values) {}
    return statement.isReadOnly ? 0 : changeCount
  }

  /// Calls `body` with each row of one statement.
  ///
  /// The row is valid inside the call only.
  ///
  /// - Throws: ``SQLiteError``, or what `body` throws, which ends the statement.
  public func forEachRow(
    _ sql: String, _ values: [SQLiteValue] = [],
    _ body: (borrowing Statement) throws(SQLiteError) -> Void
  ) throws(SQLiteError) {
    let statement = try start(sql, values)
    defer { handle.checkIn(statement) }
    let row = Statement(pointer: statement.pointer, rowBuffer: handle.rowBuffer)
    while try step(statement, values) { try body(row) }
  }

  /// What `body` makes of the first row of one statement; nil when there is no row.
  ///
  /// A statement that writes (`INSERT … RETURNING`) still runs to its end, since constraints are
  /// checked there.
  ///
  /// - Throws: ``SQLiteError``, or what `body` throws.
  public func first<T>(
    _ sql: String, _ values: [SQLiteValue] = [],
    _ body: (borrowing Statement) throws(SQLiteError) -> T
  ) throws(SQLiteError) -> T? {
    let statement = try start(sql, values)
    defer { handle.checkIn(statement) }
    guard try step(statement, values) else { return nil }
    let row = Statement(pointer: statement.pointer, rowBuffer: handle.rowBuffer)
    let result = try body(row)
    if !statement.isReadOnly {
      while try step(statement, values) {}
    }
    return result
  }

  /// What `body` makes of each row of one statement.
  ///
  /// - Throws: ``SQLiteError``, or what `body` throws.
  public func all<T>(
    _ sql: String, _ values: [SQLiteValue] = [],
    _ body: (borrowing Statement) throws(SQLiteError) -> T
  ) throws(SQLiteError) -> [T] {
    var results: [T] = []
    try forEachRow(sql, values) { (row: borrowing Statement) throws(SQLiteError) in
      results.append(try body(row))
    }
    return results
  }

  /// A prepared statement with its values bound; the caller checks it in.
  private func start(
    _ sql: String, _ values: [SQLiteValue]
  ) throws(SQLiteError) -> PreparedStatement {
    let statement = try handle.checkOut(sql)
    if statement.hasEffect { handle.effectCount += 1 }
    do throws(SQLiteError) {
      guard values.count == statement.parameterCount else {
        throw SQLiteError(
          code: SQLITE_RANGE,
          message: "\(statement.parameterCount) values are wanted, \(values.count) are given",
          sql: sql)
      }
      var index: Int32 = 1
      for value in values {
        guard bind(value, to: statement.pointer, at: index) == SQLITE_OK else {
          throw handle.error(sql: sql)
        }
        index += 1
      }
      return statement
    } catch {
      handle.checkIn(statement)
      throw error
    }
  }

  private func bind(_ value: SQLiteValue, to statement: OpaquePointer, at index: Int32) -> Int32 {
    switch value {
    case .null: return sqlite3_bind_null(statement, index)
    case .integer(let integer): return sqlite3_bind_int64(statement, index, integer)
    case .real(let real): return sqlite3_bind_double(statement, index, real)
    case .text(var text):
      return text.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) { bytes in
          guard let start = bytes.baseAddress else {
            return sqlite3_bind_text(statement, index, "", 0, cardfile_sqlite3_transient())
          }
          return sqlite3_bind_text64(
            statement, index, start, UInt64(bytes.count), cardfile_sqlite3_transient(),
            UInt8(SQLITE_UTF8))
        }
      }
    case .blob(let blob):
      // A blob without bytes may have no address, which SQLite would take for NULL.
      guard !blob.isEmpty else { return sqlite3_bind_zeroblob(statement, index, 0) }
      return sqlite3_bind_blob64(
        statement, index, blob, UInt64(blob.count), cardfile_sqlite3_transient())
    }
  }

  /// Goes to the next row; false when there is none.
  private func step(
    _ statement: PreparedStatement, _ values: [SQLiteValue]
  ) throws(SQLiteError) -> Bool {
    switch sqlite3_step(statement.pointer) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default: throw concealing(handle.error(sql: statement.sql), values)
    }
  }

  /// Full text quotes what was searched for in its errors, and these bear the general code: with
  /// bound text about, such an error keeps the words of its code only.
  private func concealing(_ error: SQLiteError, _ values: [SQLiteValue]) -> SQLiteError {
    guard error.primaryCode == SQLITE_ERROR, !values.isEmpty else { return error }
    return SQLiteError(
      code: error.code, message: String(cString: sqlite3_errstr(error.code)), sql: error.sql)
  }
}
