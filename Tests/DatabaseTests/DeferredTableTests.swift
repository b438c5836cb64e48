import Database
import SQLite
import Testing

@Suite("What many contribute to one row") struct DeferredTableTests {
  // Kept by the suite's value, so that the folder lives as long as the test.
  private let fixture: Fixture

  private static let sums = DeferredTable(
    "sums", keys: ["name"],
    columns: [("entries", .add), ("latest", .max), ("head", .replace)], countColumn: "entries")

  struct Refused: Error {}

  init() throws {
    var fixture = try Fixture()
    // counters.value counts how often a row of sums is written.
    fixture.configuration.migrations.append(
      Migration(
        number: 2, name: "sums",
        sql: """
          CREATE TABLE sums (
            name TEXT PRIMARY KEY, entries INTEGER NOT NULL, latest TEXT NOT NULL,
            head TEXT NOT NULL) STRICT, WITHOUT ROWID;
          CREATE TRIGGER sums_insert AFTER INSERT ON sums
          BEGIN UPDATE counters SET value = value + 1; END;
          CREATE TRIGGER sums_update AFTER UPDATE ON sums
          BEGIN UPDATE counters SET value = value + 1; END;
          """))
    self.fixture = fixture
  }

  private static func add(
    _ entries: Int64, _ latest: String, _ head: String, to name: String = "a",
    in connection: borrowing Connection
  ) {
    connection.merge(
      [.integer(entries), .text(latest), .text(head)], into: [.text(name)], of: sums)
  }

  private func rows(_ database: Database) throws -> [String] {
    try database.read { connection in
      try connection.all("SELECT name, entries, latest, head FROM sums ORDER BY name") { row in
        let text = (row.text(0) ?? "", row.integer(1) ?? 0, row.text(2) ?? "", row.text(3) ?? "")
        return "\(text.0) \(text.1) \(text.2) \(text.3)"
      }
    }
  }

  private func writes(_ database: Database) throws -> Int64? {
    try database.read { connection in
      try connection.first("SELECT value FROM counters") { $0.integer(0) ?? 0 }
    }
  }

  @Test("a row is written once for all who share a transaction, and then added to")
  func once() async throws {
    let database = try fixture.open()
    let errors = try await database.together(
      seesDeferredRows: false,
      [
        { Self.add(1, "2026-01-02", "x", in: $0) }, { Self.add(2, "2026-01-01", "y", in: $0) },
        { Self.add(5, "2025-01-01", "z", to: "b", in: $0) },
      ])
    #expect(errors.allSatisfy { $0 == nil })
    #expect(try rows(database) == ["a 3 2026-01-02 y", "b 5 2025-01-01 z"])
    #expect(try writes(database) == 2)
    try await database.write { Self.add(4, "2024-01-01", "w", in: $0) }
    #expect(try rows(database) == ["a 7 2026-01-02 w", "b 5 2025-01-01 z"])
    database.close()
  }

  @Test("who fails takes back what it contributed, and nothing else", arguments: [true, false])
  func failure(seesDeferredRows: Bool) async throws {
    let database = try fixture.open()
    let errors = try await database.together(
      seesDeferredRows: seesDeferredRows,
      [
        { Self.add(1, "2026-01-01", "x", in: $0) },
        { connection in
          Self.add(100, "2030-01-01", "no", in: connection)
          throw Refused()
        },
        { _ in throw Refused() },
        { Self.add(2, "2026-01-03", "y", in: $0) },
      ])
    #expect(errors.map { $0 == nil } == [true, false, false, true])
    #expect(try rows(database) == ["a 3 2026-01-03 y"])
    await #expect(throws: Refused.self) {
      try await database.write { connection in
        Self.add(100, "2030-01-01", "no", in: connection)
        throw Refused()
      }
    }
    try await database.write { Self.add(1, "2026-01-04", "z", in: $0) }
    #expect(try rows(database) == ["a 4 2026-01-04 z"])
    database.close()
  }

  @Test("a mutation that asks for it finds what those before it contributed")
  func seen() async throws {
    let database = try fixture.open()
    let errors = try await database.together([
      { Self.add(3, "2026-01-01", "x", in: $0) },
      { connection in
        let entries = try connection.first("SELECT entries FROM sums") { $0.integer(0) }
        guard entries == 3, connection.deferredValues(of: ["a"], in: Self.sums) == nil else {
          throw Refused()
        }
      },
    ])
    #expect(errors.allSatisfy { $0 == nil })
    database.close()
  }

  @Test("a row that counts nothing any more is removed, and none is made for nothing")
  func removal() async throws {
    let database = try fixture.open()
    let counts = DeferredTable(
      "sums", keys: ["name", "latest", "head"], columns: [("entries", .add)],
      countColumn: "entries")
    try await database.write { connection in
      try connection.execute(
        """
        DROP TABLE sums;
        CREATE TABLE sums (
          name TEXT, latest TEXT, head TEXT, entries INTEGER NOT NULL,
          PRIMARY KEY (name, latest, head)) STRICT, WITHOUT ROWID;
        """)
    }
    func add(_ entries: Int64...) async throws {
      try await database.write { connection in
        for number in entries {
          connection.merge([.integer(number)], into: ["a", "", ""], of: counts)
        }
      }
    }
    try await add(2, -2)
    #expect(try rows(database) == [])
    try await add(2)
    #expect(try rows(database) == ["a 2  "])
    try await add(-1)
    #expect(try rows(database) == ["a 1  "])
    try await add(-1)
    #expect(try rows(database) == [])
    database.close()
  }
}
