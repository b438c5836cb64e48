internal import Database
internal import JSON
internal import Synchronization
internal import Values
internal import WrapperClient

/// Whether requests can be served: the disk takes writes, and the tenants are known.
final class Readiness: Sendable {
  private let database: Database
  private let wrapper: Wrapper
  private let configuration: APIConfiguration
  private let time: TimeSource
  private let startedAt: UInt64

  /// The newest probe of the disk, and when it was.
  private let probe = Mutex<(at: UInt64, isWritable: Bool)?>(nil)
  /// A probe writes; it is repeated at most this often.
  private static let probeNanoseconds: UInt64 = 5_000_000_000

  init(
    database: Database, wrapper: Wrapper, configuration: APIConfiguration, time: TimeSource
  ) {
    self.database = database
    self.wrapper = wrapper
    self.configuration = configuration
    self.time = time
    startedAt = time.monotonicNanoseconds()
  }

  /// One look at everything.
  struct Report {
    let isWritable: Bool
    let hasDirectory: Bool
    let mode: SyncMode

    var isReady: Bool { isWritable && hasDirectory }

    var summary: JSONValue {
      [
        "status": isReady ? "ready" : "not_ready", "mode": .string(mode.rawValue),
        "database": isWritable ? "ok" : "not_writable",
        "directory": hasDirectory ? "ok" : "not_loaded",
      ]
    }
  }

  func report() -> Report {
    let tenants = wrapper.status
    // With tenants named by the configuration each of them must be known, from the Wrapper or from
    // the file. Else tenants are loaded when their first token comes, which takes a Wrapper that
    // answers: the embedded one does.
    let hasDirectory =
      configuration.servedTenants?.allSatisfy { wrapper.knows(tenantID: $0) }
      ?? (configuration.hasEmbeddedWrapper || wrapper.isInformed)
    return Report(
      isWritable: isWritable(), hasDirectory: hasDirectory,
      mode: tenants.map(\.mode).max() ?? .online)
  }

  func summary(version: String) -> JSONValue {
    let uptime = (time.monotonicNanoseconds() - startedAt) / 1_000_000_000
    return [
      "status": "ok", "version": .string(version), "timestamp": .string(time.now().rfc3339),
      "uptimeSeconds": .integer(uptime),
    ]
  }

  /// Everything in numbers; no tenant's and no user's name.
  func details(version: String, _ report: Report) -> JSONValue {
    let metrics = database.metrics
    let tenants = wrapper.status
    guard case .object(var details) = summary(version: version) else { return .null }
    details["status"] = report.isReady ? "ok" : "not_ready"
    details["mode"] = .string(report.mode.rawValue)
    details["database"] = [
      "status": report.isWritable ? "ok" : "not_writable",
      "bytes": .integer(metrics.databaseBytes), "walBytes": .integer(metrics.walBytes),
      "writerQueueDepth": .integer(metrics.queueDepth),
      "mutations": .integer(metrics.mutations), "commits": .integer(metrics.batches),
    ]
    details["wrapper"] = [
      "status": .string(report.mode.rawValue), "tenants": .integer(tenants.count),
      "tenantsNotOnline": .integer(tenants.count { $0.mode != .online }),
      "failuresInARow": .integer(tenants.map(\.failuresInRow).max() ?? 0),
      "stalenessSeconds": tenants.compactMap(\.lastSuccess).min().map { .age($0, at: time.now()) }
        ?? .null,
    ]
    let depths = tenants.map(\.outboxDepth)
    details["outbox"] = [
      "status": depths.contains(nil) ? "unknown" : "ok",
      "depth": .integer(depths.reduce(0) { $0 + ($1 ?? 0) }),
      "oldestPendingSeconds": .integer(
        tenants.compactMap(\.outboxOldest).min().map { oldest in
          max(0, (time.now().milliseconds - oldest.milliseconds) / 1000)
        } ?? 0),
      // Without the file the number is unknown, and the status above says so.
      "deadLetters": (try? wrapper.deadLetters()).map { .integer($0) } ?? .null,
    ]
    return .object(details)
  }

  private func isWritable() -> Bool {
    let last = probe.withLock { $0 }
    let now = time.monotonicNanoseconds()
    if let last, now < last.at + Self.probeNanoseconds { return last.isWritable }
    var isWritable = true
    do {
      try database.probe()
    } catch {
      isWritable = false
    }
    probe.withLock { [isWritable] in $0 = (now, isWritable) }
    return isWritable
  }
}
