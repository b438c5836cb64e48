public import Values

/// How the shipping of one tenant's activities stands.
public struct OutboxMetrics: Sendable {
  /// Entries that wait for the Wrapper.
  public let depth: Int
  /// Since when the oldest of them waits.
  public let oldest: Timestamp?
  /// For how long the oldest has waited; 0 when nothing waits.
  public let oldestPendingSeconds: Double
  /// Entries that the Wrapper refused for good.
  public let deadLetters: Int
  /// Activities that were ever logged.
  public let loggedTotal: Int64
  /// Entries that were acknowledged since the process started.
  public let shippedTotal: Int
  /// The part of the calls since the process started that failed, from 0 to 1.
  public let errorRate: Double
  /// How many entries make a batch.
  public let batchEntries: Int
  /// How long an entry waits for others.
  public let flushSeconds: Double

  init(
    _ counts: OutboxStore.Counts, _ tally: BatchDelivery.Tally, now: Timestamp,
    _ configuration: WrapperConfiguration
  ) {
    depth = counts.depth
    oldest = counts.oldest
    oldestPendingSeconds =
      counts.oldest.map { max(0, Double(now.milliseconds - $0.milliseconds) / 1000) } ?? 0
    deadLetters = counts.deadLetters
    loggedTotal = counts.logged
    shippedTotal = tally.shippedEntries
    let calls = tally.successes + tally.failures
    errorRate = calls == 0 ? 0 : Double(tally.failures) / Double(calls)
    batchEntries = configuration.activityBufferSize
    flushSeconds = configuration.activityFlushSeconds
  }
}

extension Wrapper {
  /// How the shipping of the tenant's activities stands.
  ///
  /// - Throws: when the file cannot be read.
  public func outboxMetrics(tenantID: String) throws -> OutboxMetrics {
    OutboxMetrics(
      try environment.outbox.counts(tenantID: tenantID),
      tenants[tenantID]?.shipper.tally ?? BatchDelivery.Tally(), now: environment.time.now(),
      environment.configuration)
  }

  /// How many of the tenant's entries the Wrapper refused for good.
  ///
  /// - Throws: when the file cannot be read.
  public func deadLetters(tenantID: String) throws -> Int {
    try environment.outbox.counts(tenantID: tenantID).deadLetters
  }

  /// The same over all tenants.
  public func deadLetters() throws -> Int {
    try environment.outbox.deadLetters().values.reduce(0, +)
  }
}
