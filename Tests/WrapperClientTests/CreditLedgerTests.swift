import JSON
import Testing
import Values

@testable import WrapperClient

@Suite struct CreditLedgerTests {
  private static func plan(daily: Int64? = nil, monthly: Int64? = nil, overage: Bool = false)
    -> CreditConfiguration
  {
    CreditConfiguration(
      planType: "p", monthlyLimitUnits: monthly, dailyLimitUnits: daily, overageAllowed: overage,
      featureLimits: CreditConfiguration.empty.featureLimits, pricing: .null, operations: [:])
  }

  private static func reading(_ available: Int64, used: Int64 = 0, sentAt: Int64 = 0)
    -> CreditLedger.Reading
  {
    CreditLedger.Reading(
      available: available, dailyUsage: used, monthlyUsage: used,
      readAt: Timestamp(milliseconds: 0), acknowledgedWhenSent: sentAt)
  }

  @Test("nothing is decided before a balance was read, unless overage is allowed")
  func unread() throws {
    var ledger = CreditLedger(queued: 0)
    #expect(throws: CreditRefusal.unavailable) { try ledger.reserve(1, limits: Self.plan()) }
    try ledger.reserve(1, limits: Self.plan(overage: true))
    #expect(ledger.reserved == 1)
  }

  @Test("limits count what is reserved and what is not acknowledged")
  func limits() throws {
    var ledger = CreditLedger(queued: 10)
    ledger.take(Self.reading(1_000, used: 50))
    try ledger.reserve(20, limits: Self.plan(daily: 100))
    #expect(
      throws: CreditRefusal.limitExceeded(which: .daily, limitUnits: 100, usedUnits: 80)
    ) { try ledger.reserve(21, limits: Self.plan(daily: 100)) }
    #expect(
      throws: CreditRefusal.limitExceeded(which: .monthly, limitUnits: 90, usedUnits: 80)
    ) { try ledger.reserve(11, limits: Self.plan(daily: 100, monthly: 90)) }
    #expect(
      throws: CreditRefusal.insufficient(availableUnits: 970, requiredUnits: 971)
    ) { try ledger.reserve(971, limits: Self.plan()) }
    ledger.release(20)
    try ledger.reserve(40, limits: Self.plan(daily: 100))
  }

  @Test("an older reading does not replace a newer one")
  func order() {
    var ledger = CreditLedger(queued: 0)
    ledger.take(Self.reading(5, sentAt: 10))
    ledger.take(Self.reading(500, sentAt: 9))
    #expect(ledger.reading?.available == 5)
  }

  /// A model of the Wrapper and of everything that can happen between it and the ledger, in any
  /// order: reads that overtake charges, charges whose word is late, operations that fail.
  @Test("no interleaving ever spends a credit twice", arguments: UInt64(1)...40)
  func neverOverspends(seed: UInt64) {
    let random = SeededRandom(seed)
    var ledger = CreditLedger(queued: 0)
    var wrapper = Int64(1_000)
    var reserved: [Int64] = []
    var outbox: [Int64] = []
    /// Charged by the Wrapper, but its answer has not arrived.
    var unheard: [Int64] = []
    /// Reads under way: what had been acknowledged when sent, and the answer once there is one.
    var reads: [(sent: Int64, answer: Int64?)] = []
    var committed: Int64 = 0
    for _ in 0..<4_000 {
      switch random.below(8) {
      case 0:
        reads.append((ledger.acknowledged, nil))
      case 1:
        guard let index = reads.firstIndex(where: { $0.answer == nil }) else { continue }
        reads[index].answer = wrapper
      case 2:
        guard let index = reads.firstIndex(where: { $0.answer != nil }),
          let answer = reads[index].answer
        else { continue }
        ledger.take(Self.reading(answer, sentAt: reads[index].sent))
        reads.remove(at: index)
      case 3, 4:
        let units = Int64(random.below(60) + 1)
        do {
          try ledger.reserve(units, limits: Self.plan())
          reserved.append(units)
        } catch {}
      case 5:
        guard !reserved.isEmpty else { continue }
        let units = reserved.remove(at: random.below(reserved.count))
        if random.below(4) == 0 {
          ledger.release(units)
        } else {
          ledger.commit(units)
          outbox.append(units)
          committed += units
        }
      case 6:
        guard !outbox.isEmpty else { continue }
        let units = outbox.removeFirst()
        wrapper -= units
        unheard.append(units)
      default:
        guard !unheard.isEmpty else { continue }
        ledger.acknowledge(unheard.removeFirst())
      }
      #expect(committed + reserved.reduce(0, +) <= 1_000)
      #expect(wrapper >= 0)
    }
  }
}
