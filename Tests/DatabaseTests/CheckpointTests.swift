import Database
import SQLite
import Testing

@Suite struct CheckpointTests {
  // Kept by the suite's value, so that the folder lives as long as the test.
  private let fixture: Fixture

  init() throws {
    fixture = try Fixture()
  }

  @Test("a log past its size is moved after a batch and starts anew")
  func bySize() async throws {
    var fixture = fixture
    fixture.configuration.checkpointPages = 50
    fixture.configuration.idleSeconds = 1000
    let database = try fixture.open()
    for number in 0..<100 { try await database.insert("item \(number)", bytes: 20_000) }
    let metrics = database.metrics
    #expect(metrics.checkpoints >= 5)
    // 100 mutations of six pages and more went through a log of at most some sixty pages.
    #expect(metrics.walBytes < 100 * 4096)
    #expect(metrics.databaseBytes > 100 * 20_000)
    database.close()
  }

  @Test("an idle database empties its log")
  func whenIdle() async throws {
    var fixture = fixture
    fixture.configuration.idleSeconds = 0.05
    let database = try fixture.open()
    try await database.insert("a", bytes: 100_000)
    #expect(try await eventually { database.metrics.walBytes == 0 })
    try await database.insert("b")
    #expect(database.metrics.walBytes > 0 || database.metrics.checkpoints > 1)
    #expect(try database.items() == ["a", "b"])
    database.close()
  }

  @Test("a reader in the way holds up neither the writer nor the next attempt")
  func readerInTheWay() async throws {
    var fixture = fixture
    fixture.configuration.idleSeconds = 0.02
    let database = try fixture.open()
    let gate = Gate()
    try await database.insert("a")
    async let reading: Void = offPool {
      try database.read { connection in
        try connection.run("SELECT * FROM items")
        gate.pass()
      }
    }
    await gate.waitUntilReached()
    let start = ContinuousClock.now
    for number in 0..<20 { try await database.insert("item \(number)") }
    #expect(ContinuousClock.now - start < .seconds(4))
    #expect(database.metrics.walBytes > 0)
    gate.open()
    try await reading
    #expect(try await eventually { database.metrics.walBytes == 0 })
    #expect(try database.items().count == 21)
    database.close()
  }

  @Test("with checkpoints turned off the log only grows")
  func turnedOff() async throws {
    var fixture = fixture
    fixture.configuration.checkpointing = false
    fixture.configuration.checkpointPages = 1
    fixture.configuration.idleSeconds = 0.01
    let database = try fixture.open()
    // 1500 pages: SQLite's own checkpoints would have come at 1000.
    for number in 0..<30 { try await database.insert("item \(number)", bytes: 200_000) }
    #expect(database.metrics.checkpoints == 0)
    #expect(database.metrics.walBytes > 30 * 200_000)
    #expect(database.metrics.databaseBytes < 200_000)
    database.close()
  }
}
