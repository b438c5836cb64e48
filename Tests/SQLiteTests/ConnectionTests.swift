import Foundation
import SQLite
import Synchronization
import Testing
import Values

@Suite struct ConnectionTests {
  @Test("a new file is readable by its owner alone, and so is its log")
  func permissions() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("new.db")
    let connection = try Connection(path: path, mode: .readWrite)
    try connection.execute("PRAGMA journal_mode = WAL; CREATE TABLE t (a)")
    for file in [path, path + "-wal", path + "-shm"] {
      let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
      #expect(mode == 0o600, "\(file)")
    }
  }

  @Test("a file that cannot be opened says so")
  func cannotOpen() throws {
    let folder = try TemporaryFolder()
    #expect(throws: SQLiteError.self) {
      _ = try Connection(path: folder.path("missing/x.db"), mode: .readWrite)
    }
    #expect(throws: SQLiteError.self) {
      _ = try Connection(path: folder.path("missing.db"), mode: .readOnly)
    }
    try Data("this is no database, however long it may be".utf8)
      .write(to: URL(fileURLWithPath: folder.path("text.db")))
    let connection = try Connection(path: folder.path("text.db"), mode: .readWrite)
    let error = #expect(throws: SQLiteError.self) {
      try connection.run("CREATE TABLE t (a)")
    }
    #expect(error?.isCorrupt == true)
  }

  @Test("every kind of value comes back as it was bound")
  func values() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    let values: [SQLiteValue] = [
      nil, 0, .integer(Int64.min), .integer(Int64.max), 0.25, "", "a\0b", "é😀", .blob([]),
      .blob([0, 255]),
    ]
    for value in values {
      let type = try connection.first("SELECT typeof(?)", [value]) { $0.text(0) }
      try connection.forEachRow("SELECT ?", [value]) { row in
        // The row itself cannot be captured by the macro.
        let (text, integer, real, blob) = (row.text(0), row.integer(0), row.real(0), row.blob(0))
        let isNull = row.isNull(0)
        #expect(isNull == (value == .null))
        switch value {
        case .null:
          #expect(type == "null")
          #expect(text == nil && integer == nil && real == nil && blob == nil)
        case .integer(let bound):
          #expect(type == "integer")
          #expect(integer == bound)
        case .real(let bound):
          #expect(type == "real")
          #expect(real == bound)
        case .text(let bound):
          #expect(type == "text")
          #expect(text == bound)
        case .blob(let bound):
          #expect(type == "blob")
          #expect(blob == bound)
        }
      }
    }
    #expect(SQLiteValue(nil as String?) == .null)
    #expect(SQLiteValue(true) == .integer(1))
  }

  @Test("a text is exactly one statement")
  func oneStatement() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    for sql in ["SELECT 1; SELECT 2", "", "  -- nothing", ";", "SELECT 1; x", "SELECT 1 SELECT 2"] {
      #expect(throws: SQLiteError.self, "\(sql)") { try connection.run(sql) }
    }
    for sql in ["SELECT 1;", "SELECT 1 ; -- the end", "SELECT 1 /* x */ ;\n;"] {
      #expect(try connection.first(sql) { $0.integer(0) } == 1, "\(sql)")
    }
  }

  @Test("too few or too many values are refused")
  func valueCount() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    #expect(throws: SQLiteError.self) { try connection.run("SELECT ?, ?", [1]) }
    #expect(throws: SQLiteError.self) { try connection.run("SELECT ?", [1, 2]) }
    #expect(try connection.first("SELECT ?", [3]) { $0.integer(0) } == 3)
  }

  @Test("the number of changed rows is that of this statement")
  func changes() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    try connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, a)")
    #expect(try connection.run("INSERT INTO t (a) VALUES (1), (2), (3)") == 3)
    let rowID = connection.lastInsertRowID
    #expect(rowID == 3)
    #expect(try connection.run("UPDATE t SET a = a + ? WHERE n > ?", [1, 1]) == 2)
    #expect(try connection.run("SELECT * FROM t") == 0)
    #expect(try connection.run("DELETE FROM t WHERE n = 9") == 0)
    let changeCount = connection.changeCount
    #expect(changeCount == 0)
    #expect(try connection.all("SELECT a FROM t ORDER BY n") { $0.integer(0) ?? 0 } == [1, 3, 4])
    #expect(try connection.first("SELECT a FROM t WHERE n = 9") { $0.integer(0) } == nil)
  }

  @Test("constraints are told apart, also when the first row is all that is asked for")
  func constraints() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    try connection.execute(
      """
      PRAGMA foreign_keys = ON;
      CREATE TABLE a (id TEXT PRIMARY KEY, u TEXT UNIQUE, c CHECK (c > 0)) STRICT, WITHOUT ROWID;
      """.replacing("c CHECK (c > 0)", with: "c INTEGER CHECK (c > 0)"))
    try connection.execute("CREATE TABLE b (id TEXT REFERENCES a (id))")
    try connection.run("INSERT INTO a VALUES ('x', 'u', 1)")
    for (sql, isUnique, isForeignKey) in [
      ("INSERT INTO a VALUES ('x', 'v', 1)", true, false),
      ("INSERT INTO a VALUES ('y', 'u', 1)", true, false),
      ("INSERT INTO a VALUES ('y', 'v', 0)", false, false),
      ("INSERT INTO b VALUES ('nobody') RETURNING id", false, true),
    ] {
      let error = #expect(throws: SQLiteError.self) {
        _ = try connection.first(sql) { $0.text(0) }
      }
      #expect(error?.isConstraint == true)
      #expect(error?.isUniqueViolation == isUnique)
      #expect(error?.isForeignKeyViolation == isForeignKey)
      #expect(error?.sql == sql)
    }
    #expect(try connection.first("SELECT count(*) FROM b") { $0.integer(0) } == 0)
  }

  @Test("no error repeats a bound value")
  func secrecy() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    try connection.execute(
      """
      CREATE VIRTUAL TABLE f USING fts5 (a);
      CREATE TABLE t (id TEXT PRIMARY KEY, n INTEGER) STRICT;
      INSERT INTO t VALUES ('secret', 1);
      """)
    for (sql, values) in [
      ("SELECT * FROM f WHERE f MATCH ?", ["secret AND ("]),
      ("SELECT * FROM f WHERE f MATCH ?", ["secret : x"]),
      ("SELECT json_extract('{}', ?)", ["secret"]),
      ("INSERT INTO t VALUES (?, ?)", ["secret", 1]),
      ("INSERT INTO t VALUES (?, ?)", ["other", "secret"]),
      ("INSERT INTO t VALUES (?, abs(?))", ["other", .integer(Int64.min)]),
    ] as [(String, [SQLiteValue])] {
      let error = #expect(throws: SQLiteError.self) { try connection.run(sql, values) }
      #expect(error.map { !"\($0)".contains("secret") } == true, "\(sql)")
    }
  }

  @Test("a reader refuses every write")
  func readOnly() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.db")
    let writer = try Connection(path: path, mode: .readWrite)
    try writer.execute("PRAGMA journal_mode = WAL; CREATE TABLE t (a)")
    let reader = try Connection(path: path, mode: .readOnly)
    for sql in ["INSERT INTO t VALUES (1)", "CREATE TABLE u (a)", "DROP TABLE t", "DELETE FROM t"] {
      let error = #expect(throws: SQLiteError.self) { try reader.run(sql) }
      #expect(error?.isReadOnly == true)
    }
    #expect(try reader.first("SELECT count(*) FROM t") { $0.integer(0) } == 0)
  }

  @Test("the schema and full text's inner tables are out of reach")
  func defensive() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    try connection.execute("CREATE VIRTUAL TABLE f USING fts5 (a); CREATE TABLE t (a)")
    #expect(throws: SQLiteError.self) { try connection.run("DELETE FROM f_data") }
    #expect(throws: SQLiteError.self) {
      try connection.execute("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema")
    }
    #expect(throws: SQLiteError.self) { try connection.run("SELECT \"no such column\"") }
    #expect(throws: SQLiteError.self) { try connection.run("SELECT load_extension('x')") }
  }

  @Test("SQL folds as Swift does, in statements and not in the schema")
  func fold() throws {
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    for text in ["", "ÉRIC", "Straße", "a\0É"] {
      let folded = try connection.first("SELECT fold(?)", [.text(text)]) { $0.text(0) }
      #expect(folded == Folding.fold(text))
    }
    #expect(try connection.first("SELECT fold(12), fold(NULL)") { $0.isNull(1) } == true)
    try connection.execute("CREATE TABLE t (a)")
    #expect(throws: SQLiteError.self) {
      try connection.execute("CREATE INDEX i ON t (fold(a))")
    }
  }

  @Test("the observer sees each text once per connection, and scripts")
  func observer() throws {
    let seen = Seen()
    let mark = "SELECT 'observed by this test'"
    // Another suite may be observing at the same time.
    let previous = Connection.prepareObserver.withLock { observer in
      let previous = observer
      observer = PrepareObserver {
        previous?.tell($0, $1)
        seen.add($0)
      }
      return previous
    }
    defer { Connection.prepareObserver.withLock { $0 = previous } }
    let connection = try Connection(path: ":memory:", mode: .readWrite)
    for _ in 0..<5 { try connection.run(mark) }
    try connection.execute(mark + ";")
    #expect(seen.all.filter { $0 == mark }.count == 1)
    #expect(seen.all.filter { $0 == mark + ";" }.count == 1)
  }
}

/// Texts that an observer saw; other tests may add theirs.
private final class Seen: Sendable {
  private let texts = Mutex<[String]>([])

  var all: [String] { texts.withLock { $0 } }

  func add(_ text: String) { texts.withLock { $0.append(text) } }
}
