import JSON
import Values

@testable import WrapperClient

/// A ledger between a Wrapper and spenders, all of it a model but the ledger itself.
///
/// Every step is one thing that can happen next: a read is sent, judged or heard; an operation is
/// reserved, written or given up; a batch is sent, counted, refused, heard or its answer lost; the
/// process crashes. Any order of them is possible in the program too.
struct CreditModel {
  /// An entry in the outbox.
  private struct Entry {
    var id: Int
    var units: Int64
    var isPoison: Bool
  }

  private enum Batch {
    case sent([Entry])
    /// The Wrapper has judged it; what it said is under way.
    case accepted([Entry])
    case refused([Entry])
  }

  private struct Read {
    var acknowledgedWhenSent: Int64
    var answer: (available: Int64, used: Int64)?
  }

  static let balance: Int64 = 1_000
  let limits: CreditConfiguration
  private let random: SeededRandom
  private(set) var ledger = CreditLedger(queued: 0)

  // What the file holds.
  private var outbox: [Entry] = []
  private var storedReading: CreditLedger.Reading?

  // What the Wrapper holds.
  private(set) var available = CreditModel.balance
  private var counted: Set<Int> = []

  // What is under way, and is lost in a crash.
  private var reads: [Read] = []
  private var reserved: [Int64] = []
  /// Written, but the ledger has not heard of it.
  private var written: [Int64] = []
  private var batch: Batch?
  private var rowsMax = 4

  private var nextID = 0
  /// What was written and will be charged, in all.
  private(set) var spent: Int64 = 0

  init(seed: UInt64, daily: Int64? = nil, monthly: Int64? = nil) {
    random = SeededRandom(seed)
    limits = CreditConfiguration(
      planType: "p", monthlyLimitUnits: monthly, dailyLimitUnits: daily, overageAllowed: false,
      featureLimits: CreditConfiguration.empty.featureLimits, pricing: .null, operations: [:])
  }

  /// The most that may ever be spent.
  var bound: Int64 {
    [Self.balance, limits.dailyLimitUnits, limits.monthlyLimitUnits].compactMap { $0 }.min() ?? 0
  }

  /// What is spent, or may be by operations that were allowed.
  ///
  /// Entries that the Wrapper will refuse are never charged, but are credits all the same until it
  /// has done so.
  var committed: Int64 { spent + reserved.reduce(0, +) }

  /// Lets one of the things happen that can happen next.
  mutating func step() {
    switch random.below(13) {
    case 0: reads.append(Read(acknowledgedWhenSent: ledger.acknowledged))
    case 1: judgeRead()
    case 2: hearRead()
    case 3, 4, 5: reserve(Int64(random.below(60) + 1))
    case 6, 7: finishOperation()
    case 8: hearWritten()
    case 9: sendBatch()
    case 10: judgeBatch()
    case 11: hearBatch()
    default: if random.below(40) == 0 { crash() } else { loseAnswer() }
    }
  }

  /// Lets everything that is under way come to its end, with a read after it.
  mutating func settle() {
    for units in reserved { ledger.release(units) }
    reserved = []
    while !written.isEmpty { hearWritten() }
    while !outbox.isEmpty || batch != nil {
      sendBatch()
      judgeBatch()
      hearBatch()
    }
    reads = [Read(acknowledgedWhenSent: ledger.acknowledged)]
    judgeRead()
    hearRead()
  }

  private mutating func judgeRead() {
    guard let index = reads.firstIndex(where: { $0.answer == nil }) else { return }
    reads[index].answer = (available, Self.balance - available)
  }

  /// Answers may overtake each other here, which a single connection would not allow.
  private mutating func hearRead() {
    let answered = reads.indices.filter { reads[$0].answer != nil }
    guard !answered.isEmpty else { return }
    let read = reads.remove(at: answered[random.below(answered.count)])
    guard let answer = read.answer else { return }
    ledger.take(
      CreditLedger.Reading(
        available: answer.available, dailyUsage: answer.used, monthlyUsage: answer.used,
        readAt: Timestamp(milliseconds: 0), acknowledgedWhenSent: read.acknowledgedWhenSent))
  }

  private mutating func reserve(_ units: Int64) {
    do {
      try ledger.reserve(units, limits: limits)
      reserved.append(units)
    } catch {
      // A refusal is an answer like another.
    }
  }

  private mutating func finishOperation() {
    guard !reserved.isEmpty else { return }
    let units = reserved.remove(at: random.below(reserved.count))
    guard random.below(4) > 0 else { return ledger.release(units) }
    nextID += 1
    outbox.append(Entry(id: nextID, units: units, isPoison: random.below(12) == 0))
    written.append(units)
    spent += units
  }

  private mutating func hearWritten() {
    guard !written.isEmpty else { return }
    ledger.commit(written.removeFirst())
  }

  private mutating func sendBatch() {
    guard batch == nil, !outbox.isEmpty else { return }
    batch = .sent(Array(outbox.prefix(rowsMax)))
  }

  private mutating func judgeBatch() {
    guard case .sent(let entries)? = batch else { return }
    guard entries.allSatisfy({ !$0.isPoison }) else {
      batch = .refused(entries)
      return
    }
    for entry in entries where counted.insert(entry.id).inserted { available -= entry.units }
    batch = .accepted(entries)
  }

  private mutating func hearBatch() {
    switch batch {
    case .accepted(let entries)?:
      let units = entries.reduce(0) { $0 + $1.units }
      storedReading =
        BalanceRead.stored(ledger, acknowledging: units).flatMap { BalanceRead.stored($0) }
        ?? storedReading
      outbox.removeFirst(entries.count)
      ledger.acknowledge(units)
      rowsMax = min(4, rowsMax * 2)
    case .refused(let entries)? where entries.count > 1:
      rowsMax = entries.count / 2
    case .refused(let entries)?:
      let units = entries.reduce(0) { $0 + $1.units }
      outbox.removeFirst()
      ledger.discard(units)
      spent -= units
    case .sent?, nil: return
    }
    batch = nil
  }

  /// The batch stays in the outbox and is sent again, whatever the Wrapper made of it.
  private mutating func loseAnswer() {
    batch = nil
  }

  /// What was in memory is gone; the ledger begins with what the file holds.
  private mutating func crash() {
    reads = []
    reserved = []
    written = []
    batch = nil
    rowsMax = 4
    ledger = CreditLedger(queued: outbox.reduce(0) { $0 + $1.units })
    if let storedReading { ledger.take(storedReading) }
  }
}
