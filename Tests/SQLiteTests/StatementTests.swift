import SQLite
import Testing
import Values

@Suite struct StatementTests {
  @Test("the same text may run inside itself")
  func nested() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    try connection.execute("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2), (3)")
    let sql = "SELECT a FROM t ORDER BY a"
    var pairs: [[Int64?]] = []
    try connection.forEachRow(sql) { (outer) throws(SQLiteError) in
      try connection.forEachRow(sql) { (inner) throws(SQLiteError) in
        pairs.append([outer.integer(0), inner.integer(0)])
        #expect(try connection.first(sql) { $0.integer(0) } == 1)
      }
    }
    #expect(pairs.count == 9)
    #expect(pairs.first == [1, 1])
    #expect(pairs.last == [3, 3])
  }

  @Test("more texts than the cache holds all work, also while some of them run")
  func eviction() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    var sum: Int64 = 0
    try connection.forEachRow("SELECT 1 UNION ALL SELECT 2") { (row) throws(SQLiteError) in
      for number in 0..<600 {
        sum += try connection.first("SELECT \(number) + ?", [0]) { $0.integer(0) ?? 0 } ?? 0
      }
      sum += row.integer(0) ?? 0
    }
    #expect(sum == 2 * (599 * 600 / 2) + 3)
  }

  @Test("a body that throws ends the statement, and the next use starts anew")
  func throwing() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    try connection.execute("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2)")
    let stop = SQLiteError(code: 1, message: "enough")
    #expect(throws: stop) {
      try connection.forEachRow("SELECT a FROM t") { (_) throws(SQLiteError) in throw stop }
    }
    // A statement left in the middle would keep the table locked.
    try connection.execute("DROP TABLE t")
  }

  @Test("a statement is prepared anew when the schema has changed")
  func schemaChange() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    try connection.execute("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    #expect(try connection.first("SELECT * FROM t") { $0.columnCount } == 1)
    try connection.execute("ALTER TABLE t ADD COLUMN b")
    #expect(try connection.first("SELECT * FROM t") { $0.columnCount } == 2)
  }

  @Test("a runaway statement ends at its deadline, and the connection works afterwards")
  func deadline() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    let runaway =
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    let start = TimeSource.system.monotonicNanoseconds()
    connection.setDeadline(monotonicNanoseconds: start + 50_000_000)
    let error = #expect(throws: SQLiteError.self) { try connection.run(runaway) }
    let elapsed = TimeSource.system.monotonicNanoseconds() - start
    #expect(error?.isInterrupted == true)
    #expect(elapsed >= 50_000_000)
    #expect(elapsed < 2_000_000_000)
    let again = #expect(throws: SQLiteError.self) { try connection.run(runaway) }
    #expect(again?.isInterrupted == true)
    connection.setDeadline(monotonicNanoseconds: nil)
    #expect(try connection.first("SELECT 1") { $0.integer(0) } == 1)
  }

  @Test("a file that may not grow is full, and works again when it may")
  func full() throws {
    let folder = try TemporaryFolder()
    let connection = try Connection(path: folder.path("a.db"), mode: .readWrite)
    try connection.execute("CREATE TABLE t (a); PRAGMA max_page_count = 4")
    let error = #expect(throws: SQLiteError.self) {
      try connection.run("INSERT INTO t VALUES (zeroblob(100000))")
    }
    #expect(error?.isFull == true)
    try connection.execute("PRAGMA max_page_count = 1000")
    #expect(try connection.run("INSERT INTO t VALUES (zeroblob(100000))") == 1)
  }

  @Test("a lock that another connection holds is busy after the timeout")
  func busy() throws {
    let folder = try TemporaryFolder()
    let holder = try Connection(path: folder.path("a.db"), mode: .readWrite)
    try holder.execute("PRAGMA journal_mode = WAL; CREATE TABLE t (a); BEGIN IMMEDIATE")
    let other = try Connection(path: folder.path("a.db"), mode: .readWrite)
    other.setBusyTimeout(milliseconds: 10)
    let error = #expect(throws: SQLiteError.self) { try other.run("BEGIN IMMEDIATE") }
    #expect(error?.isBusy == true)
    let states = [holder.isInTransaction, other.isInTransaction]
    #expect(states == [true, false])
  }
}
