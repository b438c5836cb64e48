import Database
import EmbeddedWrapper
import JSON
import Synchronization
import TestSupport
import Values

/// An embedded Wrapper with a file of its own and a clock that a test moves.
final class EmbeddedWorld: Sendable {
  let folder: TemporaryFolder
  let database: Database
  let wrapper: EmbeddedWrapper
  let client: TestClient
  private let clock: SharedClock

  var directory: Directory { wrapper.directory }

  /// Starts it; `configure` may change how it is served before.
  init(configure: (inout EmbeddedWrapperConfiguration) -> Void = { _ in }) throws {
    folder = try TemporaryFolder()
    database = try Database(DatabaseConfiguration(path: folder.file("crm.db")))
    let clock = SharedClock()
    var configuration = EmbeddedWrapperConfiguration()
    configure(&configuration)
    wrapper = EmbeddedWrapper(
      database: database, configuration: configuration, apiKey: "secret",
      time: TimeSource(
        now: { Timestamp(milliseconds: clock.milliseconds.withLock { $0 }) },
        monotonicNanoseconds: {
          TimeSource.system.monotonicNanoseconds() + clock.passedNanoseconds
        }))
    self.clock = clock
    client = TestClient(
      port: try wrapper.start(),
      host: configuration.address == "0.0.0.0" ? "127.0.0.1" : configuration.address)
  }

  func advance(hours: Int64) { advance(seconds: hours * 3600) }

  func advance(seconds: Int64) {
    clock.milliseconds.withLock { $0 += seconds * 1000 }
  }

  func stop() async {
    await wrapper.stop()
    database.close()
  }

  func send(
    _ method: String, _ path: String, key: String = "secret", tenantID: String? = nil,
    headers: [(String, String)] = [], _ body: JSONValue? = nil
  ) async throws -> TestResponse {
    var all = headers + [("Authorization", "Bearer \(key)")]
    if let tenantID { all.append(("X-Tenant-Id", tenantID)) }
    if body != nil { all.append(("Content-Type", "application/json")) }
    return try await client.send(method, path, headers: all, body: body?.bytes)
  }
}

/// Two hours before a month ends, until a test moves on.
private final class SharedClock: Sendable {
  private static let start = Timestamp(rfc3339: "2026-01-31T22:00:00Z")?.milliseconds ?? 0

  let milliseconds = Mutex<Int64>(start)

  /// By how much a test has moved on.
  var passedNanoseconds: UInt64 {
    UInt64(max(0, milliseconds.withLock { $0 } - Self.start)) * 1_000_000
  }
}
