internal import Cryptography
internal import Resources
internal import SQLite
internal import Values

/// One step of the schema, never changed once it was released.
public struct Migration: Sendable, Equatable {
  /// The place in the order, from 1.
  public let number: Int
  /// What it does, in a word or two.
  public let name: String
  /// The statements.
  public let sql: String
  /// SHA-256 of ``sql`` in hexadecimal.
  public let checksum: String

  /// A migration of the given statements.
  public init(number: Int, name: String, sql: String) {
    self.number = number
    self.name = name
    self.sql = sql
    checksum = Hexadecimal.text(SHA256.hash(Array(sql.utf8)))
  }

  /// The migrations inside the binary: `schema/NNNN-name.sql`, in order of their numbers.
  public static var embedded: [Migration] {
    EmbeddedFile.all(under: "schema/").map { file in
      let stem = file.path.dropFirst("schema/".count).dropLast(".sql".count)
      let parts = stem.split(separator: "-", maxSplits: 1)
      guard parts.count == 2, let number = Int(parts[0]) else {
        preconditionFailure("\(file.path) is not named NNNN-name.sql")
      }
      return Migration(number: number, name: String(parts[1]), sql: file.text)
    }
  }
}

/// Brings a file's schema up to date.
struct Migrator {
  let migrations: [Migration]
  let time: TimeSource

  private static let bookkeeping = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
      number     INTEGER PRIMARY KEY,
      name       TEXT NOT NULL,
      checksum   TEXT NOT NULL,
      applied_at TEXT NOT NULL
    ) STRICT;
    -- One row, written and read again to see whether the disk takes writes.
    CREATE TABLE IF NOT EXISTS readiness_probe (
      id     INTEGER PRIMARY KEY CHECK (id = 1),
      writes INTEGER NOT NULL
    ) STRICT;
    """

  /// Applies what the file has not had, each migration in a transaction of its own.
  ///
  /// Nothing is written before the file is known to fit this program.
  func migrate(_ connection: borrowing Connection) throws(DatabaseError) {
    let applied: [Int: String]
    do throws(SQLiteError) {
      applied = try appliedChecksums(connection)
    } catch {
      throw .wrapping(error)
    }
    if let conflict = conflict(with: applied) { throw conflict }
    do throws(SQLiteError) {
      try connection.execute(Self.bookkeeping)
      for migration in migrations where applied[migration.number] == nil {
        try apply(migration, to: connection)
      }
    } catch {
      throw .wrapping(error)
    }
  }

  /// Looks whether the file has had what this program knows, and nothing else.
  ///
  /// - Throws: ``DatabaseError/newerSchema(file:binary:)``,
  ///   ``DatabaseError/olderSchema(file:binary:)``, or what SQLite said.
  func check(_ connection: borrowing Connection) throws(DatabaseError) {
    let applied: [Int: String]
    do throws(SQLiteError) {
      applied = try appliedChecksums(connection)
    } catch {
      throw .wrapping(error)
    }
    if let conflict = conflict(with: applied) { throw conflict }
    guard applied.count == migrations.count else {
      throw .olderSchema(file: applied.keys.max() ?? 0, binary: migrations.count)
    }
  }

  private func appliedChecksums(
    _ connection: borrowing Connection
  ) throws(SQLiteError) -> [Int: String] {
    let isKnown = try connection.first(
      "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'"
    ) { _ in true }
    guard isKnown != nil else { return [:] }
    var applied: [Int: String] = [:]
    try connection.forEachRow("SELECT number, checksum FROM schema_migrations") { row in
      applied[Int(row.integer(0) ?? 0)] = row.text(1)
    }
    return applied
  }

  private func conflict(with applied: [Int: String]) -> DatabaseError? {
    let newest = applied.keys.max() ?? 0
    let known = migrations.map(\.number).max() ?? 0
    if newest > known { return .newerSchema(file: newest, binary: known) }
    for migration in migrations where migration.number <= newest {
      guard applied[migration.number] == migration.checksum else {
        return .changedMigration(number: migration.number)
      }
    }
    return nil
  }

  private func apply(
    _ migration: Migration, to connection: borrowing Connection
  ) throws(SQLiteError) {
    try connection.execute("BEGIN IMMEDIATE")
    do throws(SQLiteError) {
      try connection.execute(migration.sql)
      try connection.run(
        "INSERT INTO schema_migrations (number, name, checksum, applied_at) VALUES (?, ?, ?, ?)",
        [
          .integer(migration.number), .text(migration.name), .text(migration.checksum),
          .text(time.now().rfc3339),
        ])
      try connection.execute("COMMIT")
    } catch {
      // SQLite may have rolled back already; what counts is the first error.
      if connection.isInTransaction { try? connection.execute("ROLLBACK") }
      throw error
    }
  }
}
