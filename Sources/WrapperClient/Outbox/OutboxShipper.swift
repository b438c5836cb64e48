internal import Cryptography
internal import Synchronization
internal import Values

/// Sends one tenant's activities to the Wrapper: in order, each batch until it is acknowledged.
final class OutboxShipper: Sendable {
  private let tenantID: String
  private let account: CreditAccount
  private let environment: SyncEnvironment
  private let complaints: Complaints
  private let alarm = Alarm()
  private let state: Mutex<State>
  private let loop = Mutex<Task<Void, Never>?>(nil)
  /// The reading that the database holds.
  private let storedReading = Mutex<CreditLedger.Reading?>(nil)

  private struct State {
    /// How many commits put rows into the outbox since it was last empty.
    var queued: Int
    /// Whether the rows shall go without waiting for more.
    var isFlushWanted = false
    /// When rows that wait for others have waited long enough, on the monotonic clock.
    var flushSeconds: Double?
    /// The end of a batch that was sent without an answer: its repetition must be the same.
    var unansweredLastRow: Int64?
    var failures = 0
    var isStopping = false
  }

  /// How sending a batch ended.
  private enum Outcome {
    /// Nothing waits any more.
    case empty
    /// The batch is acknowledged and gone.
    case shipped
    /// It stays; try again after so many seconds.
    case failed(pauseSeconds: Double)
  }

  init(tenantID: String, queuedRows: Int, account: CreditAccount, environment: SyncEnvironment) {
    self.tenantID = tenantID
    self.account = account
    self.environment = environment
    complaints = Complaints(environment, tenantID: tenantID)
    state = Mutex(State(queued: queuedRows, isFlushWanted: queuedRows > 0))
  }

  func start() {
    guard environment.configuration.shipsActivities else { return }
    loop.withLock { loop in
      if loop == nil { loop = Task { await self.run() } }
    }
  }

  /// A commit put at least one row into the outbox.
  func rowsQueued() {
    let queued = state.withLock { state in
      state.queued += 1
      return state.queued
    }
    // The first begins the wait for others; the last that fits ends it.
    if queued == 1 || queued == environment.configuration.activityBufferSize { alarm.ring() }
  }

  /// Sends what waits now.
  func flush() {
    state.withLock { $0.isFlushWanted = true }
    alarm.ring()
  }

  /// Sends what waits once more and ends; the caller bounds the time by cancelling.
  func stop() async {
    let isFirst = state.withLock { state in
      defer { state.isStopping = true }
      return !state.isStopping
    }
    guard isFirst, let loop = loop.withLock({ $0 }) else { return }
    alarm.ring()
    await withTaskCancellationHandler {
      await loop.value
    } onCancel: {
      loop.cancel()
    }
  }

  private func run() async {
    while !Task.isCancelled, let pause = await round() {
      if pause > 0 { await alarm.wait(seconds: pause) }
    }
    await storeBalance()
  }

  /// Sends what is due, or keeps the balance when nothing waits.
  ///
  /// - Returns: the time until the next round, unless the alarm rings; nil after the last one.
  func round() async -> Double? {
    let now = environment.time.monotonicSeconds
    let state = self.state.withLock { $0 }
    let isDue =
      state.isFlushWanted || state.isStopping
      || state.queued >= environment.configuration.activityBufferSize
    if state.queued == 0, !isDue {
      await storeBalance()
      return Limits.balanceStoringSeconds
    }
    if !isDue, (state.flushSeconds ?? .infinity) > now {
      // The first row begins the wait for others, which ends for all of them at once.
      let end = state.flushSeconds ?? now + environment.configuration.activityFlushSeconds
      self.state.withLock { $0.flushSeconds = end }
      return end - now
    }
    let pause = await shipAll()
    return self.state.withLock { $0.isStopping } ? nil : pause ?? 0
  }

  /// Sends what is due, and after it as many full batches as wait; what is less than one waits for
  /// its time, since a call costs the same for one entry and for a hundred.
  ///
  /// - Returns: the time to wait after a failure, nil when nothing waits any more.
  private func shipAll() async -> Double? {
    state.withLock { state in
      state.isFlushWanted = false
      state.flushSeconds = nil
      state.queued = 0
    }
    var isDue = true
    while !Task.isCancelled {
      switch await shipBatch(isDue: isDue) {
      case .empty: return nil
      case .shipped:
        isDue = state.withLock { $0.isStopping || $0.isFlushWanted }
        // Requests go before the log's copy at the Wrapper, which has seconds.
        if !isDue, environment.outbox.isCrowded {
          await alarm.wait(seconds: Limits.crowdedPauseSeconds)
        }
      case .failed(let pause):
        // Something still waits, and the next attempt shall not wait for more.
        state.withLock { $0.isFlushWanted = true }
        return pause
      }
    }
    return nil
  }

  private func shipBatch(isDue: Bool) async -> Outcome {
    let lastRow = state.withLock { $0.unansweredLastRow }
    let batch: OutboxStore.Batch?
    do {
      batch = try environment.outbox.nextBatch(
        tenantID: tenantID, rowsMax: environment.configuration.activityBufferSize,
        lastRow: lastRow)
    } catch {
      return failed("reading the outbox: \(error)", nil)
    }
    guard let batch else {
      // A repetition whose rows are gone leaves the later rows to be looked at.
      guard lastRow != nil else { return .empty }
      state.withLock { $0.unansweredLastRow = nil }
      return .shipped
    }
    let isFull = batch.rows >= environment.configuration.activityBufferSize
    if !isDue, !isFull, lastRow == nil, batch.body.count < Limits.batchBytesWanted {
      state.withLock { $0.queued = max($0.queued, batch.rows) }
      return .empty
    }
    state.withLock { $0.unansweredLastRow = batch.lastRow }
    if !batch.activityIDs.isEmpty, let failure = await send(batch) { return failure }
    return await acknowledge(batch)
  }

  private func send(_ batch: OutboxStore.Batch) async -> Outcome? {
    var call = WrapperCall.post("/api/activities/batch", batch.body)
    call.tenantID = tenantID
    call.idempotencyKey = Hexadecimal.text(
      SHA256.hash(Array(batch.activityIDs.joined(separator: "\n").utf8)))
    switch await environment.transport.send(call) {
    case .success(let answer) where (200..<300).contains(answer.status): return nil
    case .success(let answer):
      let failure = FetchFailure(answer)
      let pause = failure.isKeyRefused ? environment.backoff.maxSeconds : nil
      return failed(failure.reason, pause ?? failure.retryAfterSeconds)
    case .failure(let failure): return failed(failure.reason, nil)
    }
  }

  /// The Wrapper has the batch: only now it leaves the outbox, and its cost the sum.
  private func acknowledge(_ batch: OutboxStore.Batch) async -> Outcome {
    let balance = BalanceRead.stored(account.ledger, acknowledging: batch.units)
    do {
      try await environment.outbox.remove(batch, tenantID: tenantID, balance: balance)
    } catch {
      // The repetition does no harm: the Wrapper knows the batch by its key.
      return failed("removing acknowledged rows: \(error)", nil)
    }
    account.acknowledge(batch.units)
    state.withLock { state in
      state.unansweredLastRow = nil
      state.failures = 0
    }
    return .shipped
  }

  private func failed(_ reason: String, _ pauseSeconds: Double?) -> Outcome {
    complaints.warn("shipping activities", reason)
    let failures = state.withLock { state in
      state.failures += 1
      return state.failures
    }
    return .failed(
      pauseSeconds: max(
        pauseSeconds ?? 0,
        environment.backoff.seconds(failures: failures, random: environment.random)))
  }

  /// Keeps a newer reading, so that a start without the Wrapper knows it.
  ///
  /// Only this loop writes it: what the loop acknowledged is then exactly what the stored figure
  /// must contain.
  private func storeBalance() async {
    let ledger = account.ledger
    guard let reading = ledger.reading, reading != storedReading.withLock({ $0 }),
      let balance = BalanceRead.stored(ledger, acknowledging: 0)
    else { return }
    do {
      try await environment.snapshots.save(
        tenantID: tenantID, kind: SnapshotStore.balanceKind, balance)
      storedReading.withLock { $0 = reading }
    } catch {
      complaints.warn("storing the balance", "\(error)")
    }
  }
}
