internal import CRM
internal import HTTP
internal import JSON
internal import Values
internal import WrapperClient

/// What the tenant may spend, what operations cost, and what was spent.
struct CreditRoutes: Sendable {
  let store: RecordStore
  let wrapper: Wrapper

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/api/credits", access: .signedIn, .credits,
        handler: .authorized { try await standing($0) }),
      Endpoint(
        .get, "/api/credits/costs", access: .signedIn, .creditCosts,
        handler: .authorized { try costs($0) }),
      Endpoint(
        .get, "/api/credits/costs/{operationCode}", access: .signedIn, .creditCost,
        handler: .authorized { try cost($0) }),
      Endpoint(
        .get, "/api/credits/transactions", access: .signedIn, .creditTransactions,
        handler: .authorized { try transactions($0) }),
    ]
  }

  private func standing(_ context: RequestContext) async throws -> HTTPResponse {
    _ = try context.queryValues([])
    let plan = context.directory.creditConfiguration
    let standing = await wrapper.creditStanding(tenantID: context.tenantID)
    let balance = standing.balance
    return .data([
      "balance": .credits(balance?.availableUnits),
      "available": .credits(standing.availableUnits),
      "dailyUsage": .credits(balance?.dailyUsageUnits),
      "monthlyUsage": .credits(balance?.monthlyUsageUnits),
      "dailyLimit": .credits(plan.dailyLimitUnits),
      "monthlyLimit": .credits(plan.monthlyLimitUnits),
      "overageAllowed": .bool(plan.overageAllowed), "planType": .string(plan.planType),
      "featureLimits": try features(plan.featureLimits, context.tenantID),
      "pricing": plan.pricing,
      "asOf": JSONValue(balance?.readAt.rfc3339), "isFresh": .bool(standing.isFresh),
    ])
  }

  /// Each limit, null where there is none, with what is used of it.
  private func features(_ limits: FeatureLimits, _ tenantID: String) throws -> JSONValue {
    let usage = try store.planUsage(tenantID: tenantID)
    func feature(_ limit: Int64?, _ feature: PlanFeature) -> JSONValue {
      ["limit": limit.map { .integer($0) } ?? .null, "used": .integer(usage[feature] ?? 0)]
    }
    return [
      "contacts": feature(limits.contacts, .contacts), "deals": feature(limits.deals, .deals),
      "emails": feature(limits.emails, .emails),
      "storage": feature(limits.storageBytes, .storage),
    ]
  }

  private func costs(_ context: RequestContext) throws -> HTTPResponse {
    let values = try context.queryValues(PageParameters.names)
    let list = MemoryList<(operation: String, units: Int64)>(
      name: "credit costs", key: { ($0.operation, "") },
      json: { Self.cost($0.operation, $0.units) })
    return try list.response(
      context.directory.creditConfiguration.operations.map { ($0.key, $0.value) }, values,
      tenantID: context.tenantID)
  }

  private func cost(_ context: RequestContext) throws -> HTTPResponse {
    _ = try context.queryValues([])
    let operation = context.parameters["operationCode"]
    guard let units = context.directory.creditConfiguration.operations[operation] else {
      throw Problem(.notFound, "No cost is set for this operation.")
    }
    return .data(Self.cost(operation, units))
  }

  private static func cost(_ operation: String, _ units: Int64) -> JSONValue {
    ["operationCode": .string(operation), "creditCost": .credits(units)]
  }

  private func transactions(_ context: RequestContext) throws -> HTTPResponse {
    let values = try context.queryValues(PageParameters.names + CreditTransactionQuery.names)
    let query = try CreditTransactionQuery(
      values, tenantID: context.tenantID, now: context.request.head.receivedAt)
    return .personal(
      try store.creditTransactions(query, tenantID: context.tenantID, reach: context.activityReach))
  }
}

extension RequestContext {
  /// Whose entries of the activity log the caller may see; one's own always.
  var activityReach: ActivityReach {
    let decision = directory.check(userID: session.userID, permission: "crm.activities.read")
    guard decision.isAllowed else { return .users([session.userID]) }
    switch decision.scope {
    case .tenant: return .tenant
    case .team: return .users(directory.teamMembers(of: session.userID))
    case .own: return .users([session.userID])
    }
  }
}
