internal import HTTP
internal import JSON
internal import Values

/// Administration of plan, costs and balance.
struct CreditEndpoints: Sendable {
  let directory: Directory

  func add(to router: inout Router<WrapperApplication.Endpoint>) {
    let credits = "/api/directory/credits"
    router.administer(.get, credits) { call in
      .data(try self.credits(call.tenantID))
    }
    router.administer(.patch, credits) { try await update($0) }
    router.administer(.post, "\(credits)/top-up") { try await topUp($0) }
    router.administer(.put, "\(credits)/operations/{code}") { try await setCost($0) }
    router.administer(.delete, "\(credits)/operations/{code}") { call in
      let operation = call.parameters["code"]
      try await call.change(.operation(operation), in: directory) { directory in
        try await directory.setOperationCost(
          tenantID: call.tenantID, operation: operation, units: nil)
      }
      return .data(Self.json(operation, units: nil))
    }
  }

  private func update(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    let tenantID = try call.tenantID
    var body = try call.body()
    var changes = CreditPlanChanges()
    changes.planType = body.optionalText("planType")
    changes.monthlyLimitUnits = body.nullableCredits("monthlyLimit")
    changes.dailyLimitUnits = body.nullableCredits("dailyLimit")
    changes.overageAllowed = body.optionalFlag("overageAllowed")
    changes.featureLimits = body.optionalObject("featureLimits")
    changes.pricing = body.optionalObject("pricing")
    try body.finish()
    _ = try await call.change(.credits, in: directory) { [changes] directory in
      try await directory.updateCreditPlan(tenantID: tenantID, changes)
    }
    return .data(try credits(tenantID))
  }

  private func topUp(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    let tenantID = try call.tenantID
    var body = try call.body()
    let units = body.credits("amount")
    let reason = body.optionalText("reason")
    try body.finish()
    guard units != 0 else { throw DirectoryError.invalid("amount", "an amount other than 0") }
    try await call.change(.credits, in: directory) { directory in
      try await directory.topUp(tenantID: tenantID, units: units, reason: reason)
    }
    return .data(try credits(tenantID))
  }

  private func setCost(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    let tenantID = try call.tenantID
    let operation = call.parameters["code"]
    var body = try call.body()
    let units = body.credits("creditCost")
    try body.finish()
    try await call.change(.operation(operation), in: directory) { directory in
      try await directory.setOperationCost(
        tenantID: tenantID, operation: operation, units: units)
    }
    return .data(Self.json(operation, units: units))
  }

  /// What one operation costs.
  static func json(_ operation: String, units: Int64?) -> JSONValue {
    ["operationCode": .string(operation), "creditCost": JSONValue(credits: units)]
  }

  private func credits(_ tenantID: String) throws -> JSONValue {
    let today = CreditDay(directory.time.now())
    let credits = try directory.look { connection in
      try Directory.credits(tenantID, today, connection)
    }
    guard let credits else { throw DirectoryError.notFound("tenant") }
    return credits
  }
}
