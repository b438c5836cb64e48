import Database
import Dispatch
import SQLite
import Synchronization
import Testing

@Suite struct WriteTests {
  // Kept by the suite's value, so that the folder lives as long as the test.
  private let fixture: Fixture

  init() throws {
    fixture = try Fixture()
  }

  struct Refused: Error, Equatable { var number = 0 }

  @Test("what waits together is committed together")
  func groupCommit() async throws {
    let database = try fixture.open()
    let errors = try await database.together(
      (0..<40).map { number in
        { connection in
          _ = try connection.run("INSERT INTO items VALUES (?, NULL)", [.text("item \(number)")])
        }
      })
    #expect(errors.allSatisfy { $0 == nil })
    let metrics = database.metrics
    #expect(metrics.batches == 2)
    #expect(metrics.mutations == 41)
    #expect(metrics.lastBatchSize == 40)
    #expect(metrics.maximumBatchSize == 40)
    #expect(metrics.commitNanosecondsTotal >= metrics.commitNanosecondsMaximum)
    #expect(metrics.commitNanosecondsMaximum > 0)
    #expect(try database.items().count == 40)
    database.close()
  }

  @Test("a batch is no larger than it may be")
  func batchMax() async throws {
    var fixture = fixture
    fixture.configuration.batchMax = 3
    let database = try fixture.open()
    _ = try await database.together(Array(repeating: { _ in }, count: 10))
    #expect(database.metrics.maximumBatchSize == 3)
    #expect(database.metrics.mutations == 11)
    #expect(database.metrics.batches == 5)
    database.close()
  }

  @Test("a mutation that fails in the middle of a batch takes back its own changes alone")
  func failureInside() async throws {
    let database = try fixture.open()
    let errors = try await database.together(
      (0..<9).map { number in
        { connection in
          _ = try connection.run("INSERT INTO items VALUES (?, NULL)", [.text("item \(number)")])
          _ = try connection.run("UPDATE counters SET value = value + 1")
          if number % 3 == 1 { throw Refused(number: number) }
        }
      })
    #expect(errors.map { ($0 as? Refused)?.number } == [nil, 1, nil, nil, 4, nil, nil, 7, nil])
    #expect(
      try database.items() == ["item 0", "item 2", "item 3", "item 5", "item 6", "item 8"])
    #expect(try counter(database) == 6)
    #expect(database.metrics.batches == 2)
    #expect(database.metrics.failedMutations == 3)
    database.close()
  }

  @Test("a mutation that fails alone leaves nothing, and its error arrives as it was thrown")
  func failureAlone() async throws {
    let database = try fixture.open()
    await #expect(throws: Refused(number: 1)) {
      try await database.write { connection in
        _ = try connection.run("UPDATE counters SET value = 5")
        throw Refused(number: 1)
      }
    }
    try await database.insert("a")
    let error = await #expect(throws: SQLiteError.self) { try await database.insert("a") }
    #expect(error?.isUniqueViolation == true)
    #expect(try counter(database) == 0)
    database.close()
  }

  @Test("a mutation that failed may use savepoints of its own")
  func nestedSavepoints() async throws {
    let database = try fixture.open()
    let errors = try await database.together([
      { connection in
        try connection.run("SAVEPOINT mutation")
        try connection.run("INSERT INTO items VALUES ('inner', NULL)")
        try connection.run("ROLLBACK TO mutation")
        try connection.run("RELEASE mutation")
        try connection.run("INSERT INTO items VALUES ('outer', NULL)")
      },
      { connection in
        try connection.run("SAVEPOINT mutation")
        try connection.run("INSERT INTO items VALUES ('lost', NULL)")
        throw Refused()
      },
      { _ = try $0.run("INSERT INTO items VALUES ('kept', NULL)") },
    ])
    #expect(errors.map { $0 == nil } == [true, false, true])
    #expect(try database.items() == ["kept", "outer"])
    database.close()
  }

  @Test("a deferred constraint fails the mutation that violates it, and no other")
  func deferredConstraint() async throws {
    let database = try fixture.open()
    let errors = try await database.together([
      { _ = try $0.run("INSERT INTO items VALUES ('a', NULL)") },
      { _ = try $0.run("INSERT INTO children VALUES (77)") },
      { _ = try $0.run("INSERT INTO items VALUES ('b', NULL)") },
    ])
    #expect(errors.map { ($0 as? SQLiteError)?.isForeignKeyViolation } == [nil, true, nil])
    #expect(try database.items() == ["a", "b"])
    database.close()
  }

  @Test("a mutation that ends the transaction fails, and its neighbours run again")
  func endedTransaction() async throws {
    let database = try fixture.open()
    let errors = try await database.together([
      { _ = try $0.run("INSERT INTO items VALUES ('a', NULL)") },
      { _ = try $0.run("ROLLBACK") },
      { _ = try $0.run("INSERT INTO items VALUES ('b', NULL)") },
    ])
    #expect(errors.map { $0 == nil } == [true, false, true])
    #expect(try database.items() == ["a", "b"])
    database.close()
  }

  @Test("a mutation past its deadline is interrupted, and its neighbours run again")
  func deadline() async throws {
    var fixture = fixture
    fixture.configuration.writeDeadlineSeconds = 0.2
    let database = try fixture.open()
    let errors = try await database.together([
      { _ = try $0.run("INSERT INTO items VALUES ('a', NULL)") },
      {
        _ = try $0.run(
          """
          WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
          INSERT INTO counters SELECT i + 1, 0 FROM n
          """)
      },
      { _ = try $0.run("INSERT INTO items VALUES ('b', NULL)") },
    ])
    #expect(errors.map { $0 as? DatabaseError } == [nil, .deadlineExceeded, nil])
    #expect(try database.items() == ["a", "b"])
    #expect(
      try database.read { try $0.first("SELECT count(*) FROM counters") { $0.integer(0) } } == 1)
    database.close()
  }

  @Test("eight clients with fifty increments each make four hundred")
  func increments() async throws {
    let database = try fixture.open()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<50 {
            try await database.write { connection in
              let value = try connection.first("SELECT value FROM counters WHERE id = 1") {
                $0.integer(0)
              }
              _ = try connection.run(
                "UPDATE counters SET value = ? WHERE id = 1", [.integer(((value ?? nil) ?? 0) + 1)])
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try counter(database) == 400)
    database.close()
  }

  @Test("a full queue refuses at once, and what waits is still done")
  func overload() async throws {
    var fixture = fixture
    fixture.configuration.queueDepthMax = 2
    let database = try fixture.open()
    let gate = Gate()
    async let first: Void = database.write { _ in gate.pass() }
    await gate.waitUntilReached()
    async let second: Void = database.insert("b")
    async let third: Void = database.insert("c")
    #expect(try await eventually { database.metrics.queueDepth == 2 })
    await #expect(throws: DatabaseError.overloaded) { try await database.insert("d") }
    gate.open()
    _ = try await (first, second, third)
    #expect(try database.items() == ["b", "c"])
    try await database.insert("e")
    database.close()
  }

  @Test("a cancelled caller's mutation still runs")
  func cancellation() async throws {
    let database = try fixture.open()
    let gate = Gate()
    async let first: Void = database.write { _ in gate.pass() }
    await gate.waitUntilReached()
    let caller = Task { try await database.insert("cancelled") }
    #expect(try await eventually { database.metrics.queueDepth == 1 })
    caller.cancel()
    gate.open()
    try await first
    try await caller.value
    #expect(try database.items() == ["cancelled"])
    database.close()
  }

  private func counter(_ database: Database) throws -> Int64? {
    try database.read { try $0.first("SELECT value FROM counters WHERE id = 1") { $0.integer(0) } }
      ?? nil
  }
}
