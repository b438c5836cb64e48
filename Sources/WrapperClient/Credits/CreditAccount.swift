internal import Synchronization
internal import Values

/// A tenant's credits: the ledger, and the balance reads that everybody who waits shares.
final class CreditAccount: Sendable {
  /// How a balance read ended.
  enum ReadOutcome: Sendable {
    /// What the Wrapper said.
    case balance(available: Int64, dailyUsage: Int64, monthlyUsage: Int64)
    /// It said nothing usable; try again after so many seconds, or when backing off allows.
    case failed(retryAfterSeconds: Double?)
  }

  private struct State {
    var ledger: CreditLedger
    /// Those who arrived since the last read was sent: the next one is theirs.
    var waiting: Promise<Bool>?
    /// Runs while somebody waits.
    var reader: Task<Void, Never>?
    var lastSentSeconds = -Double.infinity
    var failures = 0
    /// No read is sent before this time: the Wrapper failed a moment ago.
    var closedUntilSeconds = -Double.infinity
    var isStopped = false
    /// How many are about to reserve.
    var visitors = 0
    /// Whether another account has taken or will take the tenant's place.
    var isRetired = false
  }

  private let state: Mutex<State>
  private let time: TimeSource
  private let random: RandomSource
  private let backoff: Backoff
  private let shipsActivities: Bool
  private let read: @Sendable () async -> ReadOutcome

  /// An account whose outbox holds `queuedUnits` from before and whose balance `read` asks for.
  ///
  /// Costs that are never shipped are never acknowledged, so they count only while reserved.
  init(
    queuedUnits: Int64, shipsActivities: Bool, backoff: Backoff, time: TimeSource,
    random: RandomSource,
    read: @escaping @Sendable () async -> ReadOutcome
  ) {
    state = Mutex(State(ledger: CreditLedger(queued: shipsActivities ? queuedUnits : 0)))
    self.shipsActivities = shipsActivities
    self.backoff = backoff
    self.time = time
    self.random = random
    self.read = read
  }

  /// The arithmetic as it stands.
  var ledger: CreditLedger { state.withLock { $0.ledger } }

  /// The read that will be sent next, which is newer than this call.
  ///
  /// - Returns: nil while the Wrapper is known not to answer.
  func nextReading() -> Promise<Bool>? {
    state.withLock { state in
      guard !state.isStopped, time.monotonicSeconds >= state.closedUntilSeconds else {
        return nil
      }
      if let waiting = state.waiting { return waiting }
      let promise = Promise<Bool>()
      state.waiting = promise
      if state.reader == nil { state.reader = Task { await self.serve() } }
      return promise
    }
  }

  /// Lets the next operation ask the Wrapper again, because it answered elsewhere.
  func reopen() {
    state.withLock { $0.closedUntilSeconds = -.infinity }
  }

  /// Ends the reads; who waits is told that there is no answer.
  func stop() {
    let (reader, waiting) = state.withLock { state -> (Task<Void, Never>?, Promise<Bool>?) in
      state.isStopped = true
      defer { state.waiting = nil }
      return (state.reader, state.waiting)
    }
    reader?.cancel()
    waiting?.fulfil(false)
  }

  /// Keeps the account in its place until ``leave()``.
  ///
  /// - Returns: false when another one has taken it already.
  func enter() -> Bool {
    state.withLock { state in
      guard !state.isRetired else { return false }
      state.visitors += 1
      return true
    }
  }

  /// Gives back one ``enter()``.
  func leave() {
    state.withLock { $0.visitors -= 1 }
  }

  /// Makes room for another account, when all that this one knows stands in the file too.
  ///
  /// - Returns: false while something is reserved, waits for the Wrapper or is read.
  func retire() -> Bool {
    state.withLock { state in
      let ledger = state.ledger
      guard state.visitors == 0, ledger.reserved == 0, ledger.acknowledged >= ledger.queued,
        state.reader == nil
      else { return false }
      state.isRetired = true
      return true
    }
  }

  /// Takes a balance that was stored before the process started.
  func restore(_ reading: CreditLedger.Reading) {
    state.withLock { state in
      if state.ledger.reading == nil { state.ledger.take(reading) }
    }
  }

  func reserve(
    _ units: Int64, limits: CreditConfiguration, isOffline: Bool
  ) throws(CreditRefusal) -> CreditReservation {
    try state.withLock { state throws(CreditRefusal) in
      try state.ledger.reserve(units, limits: limits)
    }
    return CreditReservation(units: units, isOffline: isOffline, account: self)
  }

  func reserveUnchecked(_ units: Int64, isOffline: Bool) -> CreditReservation {
    state.withLock { $0.ledger.reserveUnchecked(units) }
    return CreditReservation(units: units, isOffline: isOffline, account: self)
  }

  func commit(_ units: Int64) {
    state.withLock { state in
      if shipsActivities { state.ledger.commit(units) } else { state.ledger.release(units) }
    }
  }

  func release(_ units: Int64) {
    state.withLock { $0.ledger.release(units) }
  }

  func acknowledge(_ units: Int64) {
    state.withLock { $0.ledger.acknowledge(units) }
  }

  func discard(_ units: Int64) {
    state.withLock { $0.ledger.discard(units) }
  }

  /// Sends reads as long as somebody waits: one at a time, and spaced.
  private func serve() async {
    while true {
      let pause = state.withLock { state in
        state.lastSentSeconds + Limits.balanceReadSpacingSeconds - time.monotonicSeconds
      }
      if pause > 0 {
        // Cancelled only by stop(), which has told everybody already.
        try? await Task.sleep(for: .seconds(pause))
      }
      let (promise, acknowledged) = state.withLock { state -> (Promise<Bool>?, Int64) in
        defer { state.waiting = nil }
        if state.waiting == nil { state.reader = nil }
        state.lastSentSeconds = time.monotonicSeconds
        return (state.waiting, state.ledger.acknowledged)
      }
      guard let promise else { return }
      let outcome = await read()
      finish(outcome, sentAfter: acknowledged, promise)
    }
  }

  private func finish(
    _ outcome: ReadOutcome, sentAfter acknowledged: Int64, _ promise: Promise<Bool>
  ) {
    let late = state.withLock { state -> Promise<Bool>? in
      switch outcome {
      case .balance(let available, let dailyUsage, let monthlyUsage):
        state.failures = 0
        state.ledger.take(
          CreditLedger.Reading(
            available: available, dailyUsage: dailyUsage, monthlyUsage: monthlyUsage,
            readAt: time.now(), acknowledgedWhenSent: acknowledged))
        return nil
      case .failed(let retryAfterSeconds):
        state.failures += 1
        let pause =
          retryAfterSeconds ?? backoff.seconds(failures: state.failures, random: random)
        state.closedUntilSeconds = time.monotonicSeconds + pause
        // Who came meanwhile would only wait for the same failure.
        defer { state.waiting = nil }
        return state.waiting
      }
    }
    if case .balance = outcome { promise.fulfil(true) } else { promise.fulfil(false) }
    late?.fulfil(false)
  }
}
