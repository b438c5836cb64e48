import Testing
import Values

@testable import WrapperClient

@Suite struct CreditAccountTests {
  private static func account(
    _ read: @escaping @Sendable () async -> CreditAccount.ReadOutcome
  ) -> CreditAccount {
    var configuration = WrapperConfiguration(baseURL: "", apiKey: "", version: "")
    configuration.backoffFirstSeconds = 30
    return CreditAccount(
      queuedUnits: 0, shipsActivities: true, backoff: Backoff(configuration), time: .system,
      random: .system, read: read)
  }

  @Test("a hundred operations at once cost few reads, and each rests on one sent after it came")
  func coalesced() async throws {
    let sent = Counter()
    let account = Self.account {
      sent.increment()
      return .balance(available: 1_000, dailyUsage: 0, monthlyUsage: 0)
    }
    let good = await withTaskGroup { group in
      for _ in 0..<100 {
        group.addTask {
          let before = sent.value
          let answer = await account.nextReading()?.value(withinSeconds: 5)
          return answer == true && sent.value > before
        }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(good == 100)
    #expect(sent.value <= 10)
  }

  @Test("who comes while a read is under way waits for the next one")
  func next() async throws {
    let gate = Promise<Bool>()
    let sent = Counter()
    let begun = Promise<Bool>()
    let account = Self.account {
      let number = sent.increment()
      if number == 1 {
        begun.fulfil(true)
        _ = await gate.value(withinSeconds: 10)
      }
      return .balance(available: Int64(number), dailyUsage: 0, monthlyUsage: 0)
    }
    let first = try #require(account.nextReading())
    #expect(await begun.value(withinSeconds: 10) == true)
    let second = try #require(account.nextReading())
    #expect(first !== second)
    gate.fulfil(true)
    #expect(await first.value(withinSeconds: 10) == true)
    #expect(await second.value(withinSeconds: 10) == true)
    #expect(account.ledger.reading?.available == 2)
  }

  @Test("after a failure nobody waits for the next one")
  func broken() async throws {
    let account = Self.account { .failed(retryAfterSeconds: nil) }
    #expect(await account.nextReading()?.value(withinSeconds: 5) == false)
    #expect(account.nextReading() == nil)
    account.reopen()
    #expect(account.nextReading() != nil)
  }

  @Test("a reservation that is dropped is released, and counts once")
  func reservations() throws {
    let account = Self.account { .failed(retryAfterSeconds: nil) }
    do {
      let kept = account.reserveUnchecked(5, isOffline: false)
      _ = account.reserveUnchecked(7, isOffline: false)
      kept.commit()
      kept.commit()
      kept.release()
    }
    #expect(account.ledger.reserved == 0)
    #expect(account.ledger.queued == 5)
  }

  @Test("what is not shipped counts only while it is reserved")
  func unshipped() {
    let account = CreditAccount(
      queuedUnits: 50, shipsActivities: false,
      backoff: Backoff(WrapperConfiguration(baseURL: "", apiKey: "", version: "")),
      time: .system, random: .system, read: { .failed(retryAfterSeconds: nil) })
    account.reserveUnchecked(5, isOffline: false).commit()
    #expect(account.ledger.queued == 0)
    #expect(account.ledger.reserved == 0)
  }

  @Test("the stored balance holds everything that the outbox no longer does")
  func stored() throws {
    var ledger = CreditLedger(queued: 30)
    ledger.take(
      CreditLedger.Reading(
        available: 1_000, dailyUsage: 10, monthlyUsage: 20,
        readAt: Timestamp(milliseconds: 5), acknowledgedWhenSent: 0))
    ledger.acknowledge(10)
    let stored = try #require(BalanceRead.stored(ledger, acknowledging: 5))
    let reading = try #require(BalanceRead.stored(stored))
    #expect(reading.available == 985)
    #expect(reading.dailyUsage == 25)
    #expect(reading.monthlyUsage == 35)
    // What remains in the outbox is subtracted after the restart, as before it.
    var restarted = CreditLedger(queued: 15)
    restarted.take(reading)
    #expect(restarted.available == 970)
  }
}
