import Database
import EmbeddedWrapper
import Foundation
import HTTPServer
import SQLite
import Synchronization
import TestSupport
import Values

@testable import WrapperClient

/// A database of its own, and what a client needs to work against some Wrapper.
final class ClientWorld: Sendable {
  let folder: TemporaryFolder
  let database: Database
  let clock = ManualClock()
  private let messages = Mutex<[String]>([])

  init() throws {
    folder = try TemporaryFolder()
    database = try Database(DatabaseConfiguration(path: folder.file("crm.db")))
  }

  deinit { database.close() }

  /// What the client logged.
  var log: [String] { messages.withLock { $0 } }

  /// The machine's clocks, moved ahead by as much as the manual clock was.
  var hybridTime: TimeSource {
    let start = clock.now.milliseconds
    return TimeSource(
      now: {
        TimeSource.system.now().advanced(
          byMilliseconds: self.clock.now.milliseconds - start)
      },
      monotonicNanoseconds: {
        TimeSource.system.monotonicNanoseconds()
          + UInt64(self.clock.now.milliseconds - start) * 1_000_000
      })
  }

  /// A client with short pauses, of the Wrapper on `port`.
  func client(
    port: UInt16, apiKey: String = "key", time: TimeSource = .system,
    _ adjust: (inout WrapperConfiguration) -> Void = { _ in }
  ) -> Wrapper {
    var configuration = WrapperConfiguration(
      baseURL: "http://127.0.0.1:\(port)", apiKey: apiKey, version: "test")
    configuration.pollSeconds = 0.05
    configuration.activityFlushSeconds = 0.05
    configuration.backoffFirstSeconds = 0.02
    configuration.backoffMaxSeconds = 0.1
    // A machine that is busy with other tests must not look like a Wrapper that is away.
    configuration.requestSeconds = 15
    adjust(&configuration)
    return Wrapper(
      configuration, database: database, time: time, random: .system,
      log: { level, text in self.messages.withLock { $0.append("\(level): \(text)") } })
  }

  /// Puts an activity and its outbox row into the file, as the CRM's transaction does.
  func queue(_ id: String, tenantID: String = "t1", units: Int64, seq: Int64) async throws {
    try await database.write { connection in
      try Self.insert(id, tenantID, units: units, seq: seq, connection)
    }
  }

  private static func insert(
    _ id: String, _ tenantID: String, units: Int64, seq: Int64,
    _ connection: borrowing Connection
  ) throws(SQLiteError) {
    try connection.run(
      """
      INSERT INTO crm_activities (
        id, tenant_id, user_id, operation, entity_id, entity_type, credit_cost, timestamp,
        session_id, user_context, permissions, metadata, compliance, seq, credit_units,
        core_hash, personal_hash, hash)
      VALUES (?, ?, 'u1', 'crm.leads.create', 'l1', 'lead', 5, '2026-01-31T10:00:00.000Z',
        's1', '{"entityPath":"One → Una"}', '{}', '{"leadTitle":"Big"}', NULL, ?, ?, x'', x'',
        x'')
      """,
      [.text(id), .text(tenantID), .integer(seq), .integer(units)])
    try connection.run(
      """
      INSERT INTO activity_outbox (tenant_id, activity_id, credit_units, queued_at)
      VALUES (?, ?, ?, '2026-01-31T10:00:00.000Z')
      """,
      [.text(tenantID), .text(id), .integer(units)])
  }

  /// The same for many at once, `a1` to `a<count>`.
  func queue(count: Int64, tenantID: String = "t1", units: Int64) async throws {
    try await database.write { connection in
      for number in 1...count {
        try Self.insert("a\(number)", tenantID, units: units, seq: number, connection)
      }
    }
  }

  /// How many rows wait.
  func outboxDepth() -> Int {
    let counted = try? database.read { connection in
      try connection.first("SELECT COUNT(*) FROM activity_outbox") { $0.integer(0) }
    }
    return Int((counted ?? nil) ?? -1)
  }
}

/// Runs `body` against a scripted Wrapper, and stops it afterwards.
func withScript(
  _ body: (ScriptedWrapper, UInt16) async throws -> Void
) async throws {
  let script = ScriptedWrapper()
  var configuration = HTTPServerConfiguration()
  configuration.threads = 1
  let server = HTTPServer(configuration: configuration, application: script)
  let port = try server.start()
  do {
    try await body(script, port)
  } catch {
    await server.stop(graceSeconds: 0.2)
    throw error
  }
  await server.stop(graceSeconds: 0.2)
}

/// Waits until `condition` holds, for something that tells nobody when it changes.
func eventuallyTrue(_ condition: @Sendable () async -> Bool) async -> Bool {
  let clock = ContinuousClock()
  let deadline = clock.now + .seconds(20)
  while await !condition() {
    guard clock.now < deadline else { return false }
    // A test that is cancelled runs into the deadline.
    try? await Task.sleep(for: .milliseconds(5))
  }
  return true
}
