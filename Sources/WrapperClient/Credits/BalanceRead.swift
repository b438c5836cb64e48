internal import HTTP
internal import JSON
internal import Values

/// Asks for a tenant's balance, and keeps the last one in the database.
struct BalanceRead: Sendable {
  let tenantID: String
  let environment: SyncEnvironment

  private struct Amounts {
    var available: Int64
    var dailyUsage: Int64
    var monthlyUsage: Int64
  }

  /// Reads the balance in the time that a request may wait.
  func read() async -> CreditAccount.ReadOutcome {
    let path = "/api/billing/credits/\(PercentEncoding.encode(tenantID))"
    var call = WrapperCall(path: path, tenantID: tenantID)
    call.seconds = environment.configuration.requestSeconds
    guard case .success(let answer) = await environment.transport.send(call) else {
      return .failed(retryAfterSeconds: nil)
    }
    guard answer.status == 200 else {
      let failure = FetchFailure(answer)
      return .failed(
        retryAfterSeconds: failure.isKeyRefused
          ? environment.backoff.maxSeconds : failure.retryAfterSeconds)
    }
    guard let amounts = Self.amounts(answer.body, tenantID: tenantID) else {
      environment.log(.debug, "tenant \(tenantID): a balance could not be read")
      return .failed(retryAfterSeconds: nil)
    }
    return .balance(
      available: amounts.available, dailyUsage: amounts.dailyUsage,
      monthlyUsage: amounts.monthlyUsage)
  }

  /// The balance as it is stored: what remains once everything acknowledged by now is counted.
  ///
  /// After a restart only the outbox is subtracted from it, so what was acknowledged since the
  /// reading was sent must be inside.
  static func stored(
    _ ledger: CreditLedger, acknowledging units: Int64
  ) -> SnapshotStore.Stored? {
    guard let reading = ledger.reading else { return nil }
    let counted = ledger.acknowledged + units - reading.acknowledgedWhenSent
    let body: JSONValue = [
      "available": .decimal(units: reading.available - counted, scale: 4),
      "dailyUsage": .decimal(units: reading.dailyUsage + counted, scale: 4),
      "monthlyUsage": .decimal(units: reading.monthlyUsage + counted, scale: 4),
    ]
    return SnapshotStore.Stored(etag: nil, body: body.bytes, fetchedAt: reading.readAt)
  }

  /// Reads what ``stored(_:acknowledging:)`` made.
  static func stored(_ stored: SnapshotStore.Stored) -> CreditLedger.Reading? {
    amounts(stored.body, tenantID: "").map { amounts in
      CreditLedger.Reading(
        available: amounts.available, dailyUsage: amounts.dailyUsage,
        monthlyUsage: amounts.monthlyUsage, readAt: stored.fetchedAt, acknowledgedWhenSent: 0)
    }
  }

  private static func amounts(_ body: [UInt8], tenantID: String) -> Amounts? {
    // Whatever is wrong with the text, it is no balance.
    guard let value = try? JSONParser.parse(body), value.object != nil else { return nil }
    if let named = value["tenantId"], !named.isNull, named.string != tenantID { return nil }
    func amount(_ name: String, _ rounding: AmountRounding) -> Int64? {
      guard case .number(let number)? = value[name],
        let units = number.units(scale: 4, rounding: rounding),
        units.magnitude <= UInt64(Limits.amountUnitsMax)
      else { return nil }
      return units
    }
    guard let available = amount("available", .down), let daily = amount("dailyUsage", .up),
      let monthly = amount("monthlyUsage", .up)
    else { return nil }
    return Amounts(available: available, dailyUsage: daily, monthlyUsage: monthly)
  }
}
