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
}
