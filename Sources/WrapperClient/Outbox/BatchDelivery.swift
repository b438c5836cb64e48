internal import JSON
internal import Synchronization
internal import Values

/// Takes one tenant's batches to the Wrapper, one at a time.
///
/// A batch is opened in the file before it is sent and keeps its rows and its key until there is an
/// answer, over restarts too: a repetition after a lost answer is the same batch and is counted
/// once. One that is refused for good is sent again by halves until the entry at fault stands
/// alone; that one goes to the dead letters and the backup file, and the others go on.
final class BatchDelivery: Sendable {
  /// How a delivery ended.
  enum Outcome: Sendable {
    /// Nothing is due; so many rows wait.
    case idle(waitingRows: Int)
    /// The file has moved on: look for the next batch.
    case done
    /// The batch stays; try again after so many seconds.
    case failed(pauseSeconds: Double)
  }

  /// An answer after which sending the same again is pointless.
  struct Refusal: Sendable {
    var status: Int
    /// In the Wrapper's words where it gave any.
    var reason: String
  }

  private enum Answer {
    case accepted
    case refused(Refusal)
    case failed(reason: String, pauseSeconds: Double?)
  }

  /// What was sent since the process started.
  struct Tally: Sendable {
    var shippedEntries = 0
    var successes = 0
    var failures = 0
  }

  private struct State {
    /// How many rows the next batch may have: fewer while an entry at fault is looked for.
    var rowsMax: Int
    /// The batch that the file knows as opened already.
    var following: OutboxStore.Batch?
    var failuresInRow = 0
    var tally = Tally()
  }

  private let tenantID: String
  private let account: CreditAccount
  private let environment: SyncEnvironment
  private let complaints: Complaints
  private let backup: DeadLetterFile
  private let state: Mutex<State>

  init(tenantID: String, account: CreditAccount, environment: SyncEnvironment) {
    self.tenantID = tenantID
    self.account = account
    self.environment = environment
    complaints = Complaints(environment, tenantID: tenantID)
    backup = DeadLetterFile(databasePath: environment.outbox.databasePath, tenantID: tenantID)
    state = Mutex(State(rowsMax: environment.configuration.activityBufferSize))
  }

  var tally: Tally { state.withLock { $0.tally } }

  /// Sends the oldest rows: what was opened before, whatever there is when `isDue`, else only as
  /// many as make a whole batch.
  func deliver(isDue: Bool) async -> Outcome {
    let batch: OutboxStore.Batch
    do {
      switch try await nextBatch(isDue: isDue) {
      case .ready(let ready): batch = ready
      case .waiting(let rows): return .idle(waitingRows: rows)
      }
    } catch {
      return failed("reading the outbox: \(error)", nil)
    }
    guard batch.entries > 0 else { return await acknowledge(batch, isDue: isDue) }
    switch await send(batch) {
    case .accepted: return await acknowledge(batch, isDue: isDue)
    case .refused(let refusal) where batch.rows > 1: return await split(batch, refusal)
    case .refused(let refusal): return await bury(batch, refusal)
    case .failed(let reason, let pause): return failed(reason, pause)
    }
  }

  private enum Next {
    case ready(OutboxStore.Batch)
    case waiting(rows: Int)
  }

  private func nextBatch(isDue: Bool) async throws -> Next {
    let (following, rowsMax) = state.withLock { state in
      defer { state.following = nil }
      return (state.following, state.rowsMax)
    }
    if let following { return .ready(following) }
    if let opened = try environment.outbox.openedBatch(tenantID: tenantID) {
      return .ready(opened)
    }
    guard
      let batch = try environment.outbox.nextBatch(tenantID: tenantID, rowsMax: rowsMax)
    else { return .waiting(rows: 0) }
    // What is left of a refused batch has waited its time.
    let isDue = isDue || rowsMax < environment.configuration.activityBufferSize
    guard isDue || isFull(batch, rowsMax) else { return .waiting(rows: batch.rows) }
    try await environment.outbox.open(batch, tenantID: tenantID)
    return .ready(batch)
  }

  private func isFull(_ batch: OutboxStore.Batch, _ rowsMax: Int) -> Bool {
    batch.rows >= rowsMax || batch.body.count >= Limits.batchBytesWanted
  }

  private func send(_ batch: OutboxStore.Batch) async -> Answer {
    var call = WrapperCall.post("/api/activities/batch", batch.body)
    call.tenantID = tenantID
    call.idempotencyKey = batch.key
    let answer: WrapperAnswer
    switch await environment.transport.send(call) {
    case .success(let received): answer = received
    case .failure(let failure): return .failed(reason: failure.reason, pauseSeconds: nil)
    }
    if (200..<300).contains(answer.status) { return judge(answer, sent: batch.entries) }
    let failure = FetchFailure(answer)
    let isFinal =
      (400..<500).contains(answer.status) && ![401, 403, 408, 429].contains(answer.status)
    if isFinal {
      return .refused(Refusal(status: answer.status, reason: Self.reason(answer)))
    }
    let pause =
      failure.isKeyRefused ? environment.backoff.maxSeconds : failure.retryAfterSeconds
    return .failed(reason: failure.reason, pauseSeconds: pause)
  }

  /// Takes a success as one for the whole batch, also when it counts fewer entries than were sent.
  ///
  /// A Wrapper that knew some of them already may count only the new ones, and nothing says which
  /// of them it would want again. The log tells of it.
  private func judge(_ answer: WrapperAnswer, sent: Int) -> Answer {
    if answer.body.isEmpty { return .accepted }
    // Whatever is wrong with the text, it is not the Wrapper's word: a proxy's page, perhaps.
    guard let value = try? JSONParser.parse(answer.body), value.object != nil else {
      return .failed(reason: "the answer is no JSON object", pauseSeconds: nil)
    }
    if case .number(let number)? = value["accepted"], let accepted = number.units(scale: 0),
      accepted < sent
    {
      complaints.warn(
        "a smaller count", "the Wrapper counted \(accepted) of \(sent) activities as accepted")
    }
    return .accepted
  }

  private static func reason(_ answer: WrapperAnswer) -> String {
    // A refusal without a word of its own is told by its status.
    let value = try? JSONParser.parse(answer.body)
    let words = value?["detail"]?.string ?? value?["error"]?.string ?? value?["message"]?.string
    return String((words ?? "status \(answer.status)").prefix(Limits.refusalCharactersMax))
  }

  /// The Wrapper has the batch: only now it leaves the outbox, and its cost the sum.
  private func acknowledge(_ batch: OutboxStore.Batch, isDue: Bool) async -> Outcome {
    let bufferSize = environment.configuration.activityBufferSize
    let (rowsMax, isDue) = state.withLock { state in
      let isRemainder = state.rowsMax < bufferSize
      // What was made small by a refusal grows again while batches are accepted.
      state.rowsMax = min(bufferSize, state.rowsMax * 2)
      return (state.rowsMax, isDue || isRemainder)
    }
    let balance = BalanceRead.stored(account.ledger, acknowledging: batch.units)
    do {
      var following = try environment.outbox.nextBatch(
        tenantID: tenantID, after: batch.lastRow, rowsMax: rowsMax)
      if let next = following, !isDue, !isFull(next, rowsMax) { following = nil }
      try await environment.outbox.remove(
        batch, tenantID: tenantID, balance: balance, following: following)
      account.acknowledge(batch.units)
      state.withLock { [following] state in
        state.following = following
        state.failuresInRow = 0
        state.tally.shippedEntries += batch.entries
        state.tally.successes += 1
      }
      return .done
    } catch {
      // The repetition does no harm: the Wrapper knows the batch by its key.
      return failed("removing acknowledged rows: \(error)", nil)
    }
  }

  /// Opens the first half in place of the refused batch, which was not counted and never will be.
  private func split(_ batch: OutboxStore.Batch, _ refusal: Refusal) async -> Outcome {
    environment.log(
      .debug, "tenant \(tenantID): \(batch.rows) activities are refused: \(refusal.reason)")
    let half = batch.rows / 2
    do {
      guard
        let first = try environment.outbox.nextBatch(
          tenantID: tenantID, after: batch.firstRow - 1, rowsMax: half)
      else { return .done }
      try await environment.outbox.open(first, tenantID: tenantID)
      state.withLock { state in
        state.rowsMax = half
        state.following = first
        state.failuresInRow = 0
        state.tally.failures += 1
      }
      return .done
    } catch {
      return failed("splitting a refused batch: \(error)", nil)
    }
  }

  /// Puts the one entry aside.
  ///
  /// First the file, then the table and the outbox in one transaction: after a crash in between the
  /// entry is refused once more and stands in the file twice, rather than nowhere.
  private func bury(_ batch: OutboxStore.Batch, _ refusal: Refusal) async -> Outcome {
    let now = environment.time.now()
    do {
      try backup.append(batch, refusal, at: now)
      try await environment.outbox.bury(batch, tenantID: tenantID, refusal, at: now)
    } catch {
      return failed("keeping a refused activity: \(error)", nil)
    }
    account.discard(batch.units)
    state.withLock { state in
      state.failuresInRow = 0
      state.tally.failures += 1
    }
    complaints.alarm(
      "a dead letter",
      "an activity was refused for good (\(refusal.reason)); it stands in \(backup.path)")
    return .done
  }

  private func failed(_ reason: String, _ pauseSeconds: Double?) -> Outcome {
    complaints.warn("shipping activities", reason)
    let failures = state.withLock { state in
      state.failuresInRow += 1
      state.tally.failures += 1
      return state.failuresInRow
    }
    return .failed(
      pauseSeconds: max(
        pauseSeconds ?? 0,
        environment.backoff.seconds(failures: failures, random: environment.random)))
  }
}
