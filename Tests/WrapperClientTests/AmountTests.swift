import JSON
import Testing

@testable import WrapperClient

/// Wrappers that reckon in binary fractions write numbers like `0.6000000000000001`.
@Suite struct AmountTests {
  @Test(
    "noise is rounded to the nearest unit, and more than noise to the safe side",
    arguments: [
      ("0.6000000000000001", Int64(6_000), Int64(6_000)),
      ("999.6999999999999", 9_997_000, 9_997_000), ("1e-17", 0, 0), ("-1e-17", 0, 0),
      ("0.12345", 1_234, 1_235), ("-0.12345", -1_235, -1_234), ("0.00001", 0, 1),
      ("60000.00006", 600_000_000, 600_000_001), ("2.5", 25_000, 25_000),
      ("100000000000.00000001", 1_000_000_000_000_000, 1_000_000_000_000_000),
    ])
  func rounding(text: String, down: Int64, up: Int64) {
    let number = JSONNumber(unchecked: text)
    #expect(number.units(scale: 4, rounding: .down) == down)
    #expect(number.units(scale: 4, rounding: .up) == up)
  }

  @Test(
    "what is no amount at all stays none", arguments: ["1e300", "1e400", "123456789012.123456"])
  func refused(text: String) {
    #expect(JSONNumber(unchecked: text).units(scale: 4, rounding: .up) == nil)
  }

  @Test("costs and limits are taken with noise in them")
  func configuration() throws {
    let truth = try Fixture.truth([
      .creditConfiguration: """
      {"monthlyLimit":1000.0000000000001,"dailyLimit":99.99996,"operations":[
        {"operationCode":"crm.a.b","creditCost":0.30000000000000004},
        {"operationCode":"crm.a.c","creditCost":0.00001}]}
      """
    ])
    #expect(truth.credits?.operations == ["crm.a.b": 3_000, "crm.a.c": 1])
    #expect(truth.credits?.monthlyLimitUnits == 10_000_000)
    #expect(truth.credits?.dailyLimitUnits == 999_999)
  }

  @Test("a balance is taken with noise in it")
  func balance() async throws {
    let still = try StillWorld()
    still.transport.play { _ in
      FakeTransport.answer(
        200,
        """
        {"available":999.6999999999999,"dailyUsage":0.30000000000000004,"monthlyUsage":0.00001}
        """)
    }
    let sync = still.syncs[0]
    #expect(await sync.account.nextReading()?.value(withinSeconds: 20) ?? false)
    #expect(sync.account.ledger.balance?.availableUnits == 9_997_000)
    #expect(sync.account.ledger.balance?.dailyUsageUnits == 3_000)
    #expect(sync.account.ledger.balance?.monthlyUsageUnits == 1)
  }
}
