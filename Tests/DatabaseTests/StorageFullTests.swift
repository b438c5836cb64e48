import Database
import SQLite
import Testing

@Suite struct StorageFullTests {
  // Kept by the suite's value, so that the folder lives as long as the test.
  private let fixture: Fixture

  init() throws {
    fixture = try Fixture()
  }

  @Test("a full file fails the mutation that needs room, and works again when there is room")
  func alone() async throws {
    let database = try fixture.open()
    try await limit(database, pages: 30)
    await #expect(throws: DatabaseError.storageFull) {
      try await database.insert("large", bytes: 1_000_000)
    }
    await #expect(throws: DatabaseError.storageFull) {
      try await database.insert("large", bytes: 1_000_000)
    }
    try await database.insert("small")
    try await limit(database, pages: 100_000)
    try await database.insert("large", bytes: 1_000_000)
    #expect(try database.items() == ["large", "small"])
    database.close()
  }

  @Test("in a batch the others are done all the same")
  func batch() async throws {
    let database = try fixture.open()
    try await limit(database, pages: 30)
    let errors = try await database.together([
      { _ = try $0.run("INSERT INTO items VALUES ('a', NULL)") },
      { _ = try $0.run("INSERT INTO items VALUES ('large', zeroblob(1000000))") },
      { _ = try $0.run("INSERT INTO items VALUES ('b', NULL)") },
    ])
    #expect(errors.map { $0 as? DatabaseError } == [nil, .storageFull, nil])
    #expect(try database.items() == ["a", "b"])
    database.close()
  }

  @Test("nobody in a batch is told of success when several are too large")
  func severalTooLarge() async throws {
    let database = try fixture.open()
    try await limit(database, pages: 30)
    let errors = try await database.together(
      (0..<6).map { number in
        { connection in
          _ = try connection.run(
            "INSERT INTO items VALUES (?, zeroblob(?))",
            [.text("item \(number)"), .integer(number % 2 == 0 ? 10 : 1_000_000)])
        }
      })
    let stored = try database.items()
    for (number, error) in errors.enumerated() {
      #expect(stored.contains("item \(number)") == (error == nil))
      #expect(error == nil || error as? DatabaseError == .storageFull)
    }
    #expect(errors[1] != nil)
    try await database.insert("afterwards")
    database.close()
  }

  private func limit(_ database: Database, pages: Int) async throws {
    try await database.write { _ = try $0.run("PRAGMA max_page_count = \(pages)") }
  }
}
