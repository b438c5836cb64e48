import Cryptography
import Database
import SQLite
import Testing
import Values

@Suite struct MigrationTests {
  // Kept by the suite's value, so that the folder lives as long as the test.
  private let fixture: Fixture

  init() throws {
    fixture = try Fixture()
  }

  private let second = Migration(
    number: 2, name: "more", sql: "CREATE TABLE more (a TEXT) STRICT; INSERT INTO more VALUES ('x')"
  )

  @Test("the migrations in the binary build a schema that passes its own checks")
  func embedded() async throws {
    let folder = fixture.folder
    let migrations = Migration.embedded
    #expect(migrations.map(\.number) == Array(1...migrations.count))
    let database = try Database(DatabaseConfiguration(path: folder.path("a.db")))
    let problems = try database.read { connection in
      try connection.all("PRAGMA integrity_check") { $0.text(0) ?? "" }
    }
    #expect(problems == ["ok"])
    database.close()
  }

  @Test("each migration is applied once and recorded with its checksum and moment")
  func recorded() throws {
    var fixture = fixture
    fixture.configuration.time.now = { Timestamp(milliseconds: 1000) }
    try fixture.open().close()
    fixture.configuration.migrations.append(second)
    for _ in 0..<2 {
      let database = try fixture.open()
      let rows = try database.read { connection in
        try connection.all(
          "SELECT number, name, checksum, applied_at FROM schema_migrations ORDER BY number"
        ) { row in (0..<4).map { row.text($0) ?? "" } }
      }
      #expect(rows.map { $0[0] } == ["1", "2"])
      #expect(rows.map { $0[1] } == ["initial", "more"])
      #expect(rows[1][2] == Hexadecimal.text(SHA256.hash(Array(second.sql.utf8))))
      #expect(rows[1][3] == "1970-01-01T00:00:01.000Z")
      #expect(
        try database.read { try $0.all("SELECT a FROM more") { $0.text(0) ?? "" } } == ["x"])
      database.close()
    }
  }

  @Test("a migration that was changed after it was applied is refused")
  func changed() throws {
    var fixture = fixture
    try fixture.open().close()
    fixture.configuration.migrations[0] = Migration(
      number: 1, name: "initial", sql: Fixture.migrations[0].sql + " ")
    #expect(throws: DatabaseError.changedMigration(number: 1)) { try fixture.open() }
  }

  @Test("a migration that slips in before one that was applied is refused")
  func outOfOrder() throws {
    var fixture = fixture
    fixture.configuration.migrations.append(Migration(number: 3, name: "third", sql: "SELECT 1"))
    try fixture.open().close()
    fixture.configuration.migrations.insert(second, at: 1)
    #expect(throws: DatabaseError.changedMigration(number: 2)) { try fixture.open() }
  }

  @Test("a file from a newer program is refused and left as it is")
  func newer() throws {
    var fixture = fixture
    fixture.configuration.migrations.append(second)
    try fixture.open().close()
    fixture.configuration.migrations.removeLast()
    #expect(throws: DatabaseError.newerSchema(file: 2, binary: 1)) { try fixture.open() }
    fixture.configuration.migrations.append(second)
    try fixture.open().close()
  }

  @Test("a migration that fails leaves nothing of itself, and those before it stay")
  func failing() throws {
    var fixture = fixture
    let broken = Migration(
      number: 3, name: "broken", sql: "CREATE TABLE b (a); INSERT INTO nothing")
    fixture.configuration.migrations += [second, broken]
    #expect(throws: DatabaseError.self) { try fixture.open() }
    fixture.configuration.migrations[2] = Migration(
      number: 3, name: "mended", sql: "CREATE TABLE b (a)")
    let database = try fixture.open()
    #expect(
      try database.read {
        try $0.all("SELECT name FROM schema_migrations ORDER BY number") { $0.text(0) ?? "" }
      } == ["initial", "more", "mended"])
    database.close()
  }
}
