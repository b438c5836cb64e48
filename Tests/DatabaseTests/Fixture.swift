import Database
import Dispatch
import Foundation
import SQLite
import Synchronization

/// A database with one counter and one list, in a folder of its own.
struct Fixture {
  static let migrations = [
    Migration(
      number: 1, name: "initial",
      sql: """
        CREATE TABLE counters (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT;
        INSERT INTO counters VALUES (1, 0);
        CREATE TABLE items (id TEXT PRIMARY KEY, body BLOB) STRICT, WITHOUT ROWID;
        CREATE TABLE parents (id INTEGER PRIMARY KEY) STRICT;
        CREATE TABLE children (
          parent INTEGER NOT NULL REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED
        ) STRICT;
        """)
  ]

  let folder: TemporaryFolder
  var configuration: DatabaseConfiguration

  init() throws {
    folder = try TemporaryFolder()
    configuration = DatabaseConfiguration(
      path: folder.path("test.db"), migrations: Self.migrations)
  }

  func open() throws -> Database { try Database(configuration) }
}

/// Keeps the writer busy until it is opened, so that a batch forms behind it.
final class Gate: Sendable {
  private let isOpen = DispatchSemaphore(value: 0)
  private let isReached = DispatchSemaphore(value: 0)

  /// Called on the writer's thread.
  func pass() {
    isReached.signal()
    isOpen.wait()
    isOpen.signal()
  }

  func open() { isOpen.signal() }

  /// Waits, off the concurrency pool, until the writer stands at the gate.
  func waitUntilReached() async {
    await offPool { self.isReached.wait() }
  }
}

/// Runs blocking work on a thread of its own: the concurrency pool has two, and libdispatch adds
/// one a second at most.
func offPool<T: Sendable, Failure: Error>(
  _ work: @escaping @Sendable () throws(Failure) -> T
) async throws(Failure) -> T {
  let result: Result<T, Failure> = await withCheckedContinuation { continuation in
    Thread.detachNewThread {
      continuation.resume(returning: Result { () throws(Failure) in try work() })
    }
  }
  return try result.get()
}

/// Waits until a condition holds; false when ten seconds went by.
func eventually(_ condition: @Sendable () throws -> Bool) async throws -> Bool {
  let deadline = ContinuousClock.now + .seconds(10)
  while ContinuousClock.now < deadline {
    if try condition() { return true }
    try await Task.sleep(for: .milliseconds(5))
  }
  return false
}

extension Database {
  /// Inserts an item of the given size.
  func insert(_ id: String, bytes: Int = 1) async throws {
    try await write { connection in
      _ = try connection.run(
        "INSERT INTO items VALUES (?, ?)", [.text(id), .blob([UInt8](repeating: 1, count: bytes))])
    }
  }

  /// The ids of all items in order.
  func items() throws -> [String] {
    try read { try $0.all("SELECT id FROM items ORDER BY id") { $0.text(0) ?? "" } }
  }

  /// Runs `mutations` in one batch: they wait while the writer stands at a gate.
  func together(
    seesDeferredRows: Bool = true,
    _ mutations: [@Sendable (borrowing Connection) throws -> Void]
  ) async throws -> [(any Error)?] {
    let gate = Gate()
    async let first: Void = write { _ in gate.pass() }
    await gate.waitUntilReached()
    let errors = try await withThrowingTaskGroup(of: (Int, (any Error)?).self) { group in
      for (index, mutation) in mutations.enumerated() {
        group.addTask {
          do {
            try await self.write(seesDeferredRows: seesDeferredRows, mutation)
            return (index, nil)
          } catch {
            return (index, error)
          }
        }
        // One after the other, so that their order is that of the list.
        let isQueued = try await eventually { self.metrics.queueDepth == index + 1 }
        precondition(isQueued, "the mutation waits behind the gate")
      }
      gate.open()
      var errors = [(any Error)?](repeating: nil, count: mutations.count)
      for try await (index, error) in group { errors[index] = error }
      return errors
    }
    try await first
    return errors
  }
}
