import Database
import Foundation
import SQLite
import Testing
import Values

@Suite struct ReadTests {
  // Kept by the suite's value, so that the folder lives as long as the test.
  private let fixture: Fixture

  init() throws {
    fixture = try Fixture()
  }

  @Test("all statements of a read see one snapshot")
  func snapshot() async throws {
    let database = try fixture.open()
    let gate = Gate()
    async let counts = offPool {
      try database.read { connection in
        let before = try connection.first("SELECT count(*) FROM items") { $0.integer(0) }
        gate.pass()
        let after = try connection.first("SELECT count(*) FROM items") { $0.integer(0) }
        return [before ?? nil, after ?? nil]
      }
    }
    await gate.waitUntilReached()
    try await database.insert("between")
    #expect(try database.items() == ["between"])
    gate.open()
    #expect(try await counts == [0, 0])
    database.close()
  }

  @Test("what was answered is what the next read sees")
  func readYourWrites() async throws {
    let database = try fixture.open()
    for number in 0..<100 {
      try await database.insert(String(format: "%03d", number))
      #expect(try database.items().count == number + 1)
    }
    database.close()
  }

  @Test("a runaway read ends at its deadline, and the reader works afterwards")
  func deadline() throws {
    var fixture = fixture
    fixture.configuration.readerCount = 1
    let database = try fixture.open()
    let start = TimeSource.system.monotonicNanoseconds()
    #expect(throws: DatabaseError.deadlineExceeded) {
      try database.read(deadlineSeconds: 0.1) { connection in
        try connection.run(
          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n")
      }
    }
    #expect(TimeSource.system.monotonicNanoseconds() - start < 3_000_000_000)
    #expect(try database.items() == [])
    database.close()
  }

  @Test("a read cannot write, and its error leaves no transaction behind")
  func refusesWrites() throws {
    var fixture = fixture
    fixture.configuration.readerCount = 1
    let database = try fixture.open()
    let error = #expect(throws: SQLiteError.self) {
      try database.read { try $0.run("DELETE FROM items") }
    }
    #expect(error?.isReadOnly == true)
    #expect(try database.items() == [])
    #expect(throws: CancellationError.self) { try database.read { _ in throw CancellationError() } }
    #expect(try database.items() == [])
    #expect(database.metrics.readersInUse == 0)
    database.close()
  }

  @Test("when every reader is at work the next one waits, but not for ever")
  func poolExhausted() async throws {
    var fixture = fixture
    fixture.configuration.readerCount = 2
    let database = try fixture.open()
    let gates = [Gate(), Gate()]
    async let first: Void = offPool { try database.read { _ in gates[0].pass() } }
    async let second: Void = offPool { try database.read { _ in gates[1].pass() } }
    for gate in gates { await gate.waitUntilReached() }
    #expect(database.metrics.readersInUse == 2)
    #expect(throws: DatabaseError.overloaded) {
      try database.read(deadlineSeconds: 0.05) { _ in }
    }
    async let patient = offPool { try database.items() }
    gates[0].open()
    #expect(try await patient == [])
    gates[1].open()
    _ = try await (first, second)
    database.close()
  }

  @Test("many threads read while one writes, and each sees whole transactions")
  func manyReaders() async throws {
    let database = try fixture.open()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for _ in 0..<200 {
          try await database.write { connection in
            _ = try connection.run("UPDATE counters SET value = value + 1")
            _ = try connection.run("INSERT INTO parents DEFAULT VALUES")
          }
        }
      }
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<200 {
            let pair = try database.read { connection in
              try [
                connection.first("SELECT value FROM counters") { $0.integer(0) },
                connection.first("SELECT count(*) FROM parents") { $0.integer(0) },
              ]
            }
            #expect(pair[0] == pair[1])
          }
        }
      }
      try await group.waitForAll()
    }
    database.close()
  }
}
