internal import Synchronization
internal import Values

/// Decides when one tenant's activities are sent: when a batch is full, or after some seconds.
final class OutboxShipper: Sendable {
  private let tenantID: String
  private let account: CreditAccount
  private let environment: SyncEnvironment
  private let delivery: BatchDelivery
  private let complaints: Complaints
  private let alarm = Alarm()
  private let state: Mutex<State>
  private let loop = Mutex<Task<Void, Never>?>(nil)
  /// The reading that the database holds.
  private let storedReading = Mutex<CreditLedger.Reading?>(nil)

  private struct State {
    /// How many commits put rows into the outbox since it was last looked at.
    var queued: Int
    /// Whether the rows shall go without waiting for more.
    var isFlushWanted = false
    /// When rows that wait for others have waited long enough, on the monotonic clock.
    var flushSeconds: Double?
    /// When what failed is tried again, on the monotonic clock.
    var retrySeconds: Double?
    var isStopping = false
  }

  init(tenantID: String, queuedRows: Int, account: CreditAccount, environment: SyncEnvironment) {
    self.tenantID = tenantID
    self.account = account
    self.environment = environment
    delivery = BatchDelivery(tenantID: tenantID, account: account, environment: environment)
    complaints = Complaints(environment, tenantID: tenantID)
    state = Mutex(State(queued: queuedRows, isFlushWanted: queuedRows > 0))
  }

  /// What was sent since the process started.
  var tally: BatchDelivery.Tally { delivery.tally }

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

  /// Sends what waits now, also when an earlier failure would have it wait longer.
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
  /// New rows never shorten the pause after a failure: the Wrapper asked for it, or is not to be
  /// pressed. Word that it answers again does, and so does the end.
  ///
  /// - Returns: the time until the next round, unless the alarm rings; nil after the last one.
  func round() async -> Double? {
    let now = environment.time.monotonicSeconds
    let state = self.state.withLock { $0 }
    let isFlushWanted = state.isFlushWanted || state.isStopping
    if !isFlushWanted, let retry = state.retrySeconds, retry > now { return retry - now }
    let isDue =
      isFlushWanted || state.retrySeconds != nil
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
      state.retrySeconds = nil
      state.queued = 0
    }
    var isDue = true
    while !Task.isCancelled {
      switch await delivery.deliver(isDue: isDue) {
      case .idle(let waitingRows):
        state.withLock { $0.queued = max($0.queued, waitingRows) }
        return nil
      case .done:
        isDue = state.withLock { $0.isStopping || $0.isFlushWanted }
        // Requests go before the log's copy at the Wrapper, which has seconds.
        if !isDue, environment.outbox.isCrowded {
          await alarm.wait(seconds: Limits.crowdedPauseSeconds)
        }
      case .failed(let pause):
        let retry = environment.time.monotonicSeconds + pause
        state.withLock { $0.retrySeconds = retry }
        return pause
      }
    }
    return nil
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
