import Database
import Foundation
import SQLite
import Testing

@Suite struct OpeningTests {
  // Kept by the suite's value, so that the folder lives as long as the test.
  private let fixture: Fixture

  init() throws {
    fixture = try Fixture()
  }

  @Test("a second opener is refused with the holder's process id, by any name of the file")
  func locked() throws {
    let database = try fixture.open()
    let expected = DatabaseError.locked(pid: ProcessInfo.processInfo.processIdentifier)
    #expect(throws: expected) { try fixture.open() }
    let link = fixture.folder.path("link.db")
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: fixture.configuration.path)
    #expect(throws: expected) {
      try Database(DatabaseConfiguration(path: link, migrations: Fixture.migrations))
    }
    database.close()
    try fixture.open().close()
  }

  @Test("another process that holds the lock keeps this one off, until it is gone")
  func lockedByProcess() async throws {
    let lock = fixture.configuration.path + ".lock"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
    // `flock` locks the file as the server does, and says so by making another file.
    let mark = fixture.folder.path("held")
    process.arguments = [lock, "sh", "-c", "echo $$ > '\(lock)'; touch '\(mark)'; read line"]
    let input = Pipe()
    process.standardInput = input
    try process.run()
    #expect(try await eventually { FileManager.default.fileExists(atPath: mark) })
    let error = #expect(throws: DatabaseError.self) { try fixture.open() }
    guard case .locked(let pid?) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(pid > 0)
    try input.fileHandleForWriting.close()
    await offPool { process.waitUntilExit() }
    try fixture.open().close()
  }

  @Test("a folder that does not exist, a folder as file, and a text are refused")
  func unusable() throws {
    let folder = fixture.folder
    #expect(throws: DatabaseError.self) {
      try Database(DatabaseConfiguration(path: folder.path("missing/a.db")))
    }
    try FileManager.default.createDirectory(
      atPath: folder.path("folder.db"), withIntermediateDirectories: false)
    #expect(throws: DatabaseError.self) {
      try Database(DatabaseConfiguration(path: folder.path("folder.db")))
    }
    let text = folder.path("text.db")
    try Data(String(repeating: "no database ", count: 100).utf8)
      .write(to: URL(fileURLWithPath: text))
    #expect(throws: DatabaseError.corrupt) { try Database(DatabaseConfiguration(path: text)) }
    // The lock was let go again.
    #expect(throws: DatabaseError.corrupt) { try Database(DatabaseConfiguration(path: text)) }
  }

  @Test("a closed database refuses, and closing again is nothing")
  func closed() async throws {
    let database = try fixture.open()
    try await database.insert("a")
    database.close()
    database.close()
    await #expect(throws: DatabaseError.closed) { try await database.insert("b") }
    #expect(throws: DatabaseError.closed) { try database.items() }
    #expect(throws: DatabaseError.closed) { try database.probe() }
  }

  @Test("closing runs what is queued, empties the log and leaves one file")
  func closingDrains() async throws {
    let database = try fixture.open()
    let gate = Gate()
    async let first: Void = database.write { _ in gate.pass() }
    await gate.waitUntilReached()
    async let second: Void = database.insert("queued")
    #expect(try await eventually { database.metrics.queueDepth == 1 })
    async let closing: Void = offPool { database.close() }
    gate.open()
    _ = try await (first, second)
    await closing
    #expect(!FileManager.default.fileExists(atPath: fixture.configuration.path + "-wal"))
    let again = try fixture.open()
    #expect(try again.items() == ["queued"])
    again.close()
  }

  @Test("a database that is dropped without closing ends its writer and lets the lock go")
  func dropped() async throws {
    do {
      let database = try fixture.open()
      try await database.insert("a")
    }
    let isFree = try await eventually {
      guard let database = try? fixture.open() else { return false }  // Still locked: asked again.
      database.close()
      return true
    }
    #expect(isFree)
  }

  @Test("what was answered is there after the log is all that is left of a crash")
  func crash() async throws {
    var fixture = fixture
    fixture.configuration.checkpointing = false
    let database = try fixture.open()
    for number in 0..<20 { try await database.insert("item \(number)") }
    // A copy of the files at this moment is what a killed process leaves.
    let copy = fixture.folder.path("copy.db")
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(
        atPath: fixture.configuration.path + suffix, toPath: copy + suffix)
    }
    let recovered = try Database(
      DatabaseConfiguration(path: copy, migrations: Fixture.migrations))
    #expect(try recovered.items().count == 20)
    recovered.close()
    database.close()
    // Without checkpoints of our own the log stays for the program that moves it.
    #expect(FileManager.default.fileExists(atPath: fixture.configuration.path + "-wal"))
  }

  @Test("a probe writes and reads, and says when it cannot")
  func probe() async throws {
    var fixture = fixture
    fixture.configuration.readDeadlineSeconds = 0.1
    let database = try fixture.open()
    try database.probe()
    try database.probe()
    let gate = Gate()
    async let first: Void = database.write { _ in gate.pass() }
    await gate.waitUntilReached()
    await #expect(throws: DatabaseError.overloaded) {
      try await offPool { try database.probe() }
    }
    gate.open()
    try await first
    database.close()
  }
}
