internal import JSON
internal import SQLite
internal import Values

/// The day and the month, in UTC, for which usage is counted.
struct CreditDay: Sendable, Hashable {
  let day: String
  let month: String

  init(_ now: Timestamp) {
    day = now.day.text
    month = String(day.prefix(7))
  }
}

extension Directory {
  /// The largest amount that is put in or charged as one, in 1/10,000 credit.
  static let amountUnitsMax: Int64 = 100_000_000_000_000
  /// The most that an account holds, or owes, in 1/10,000 credit.
  static let balanceUnitsMax: Int64 = 1_000_000_000_000_000_000

  /// Replaces the tenant's plan and all costs.
  ///
  /// - Throws: ``DirectoryError/invalid(_:_:)`` for a negative cost or an operation that does not
  ///   begin with `crm.`, ``DirectoryError/notFound(_:)``.
  public func setCreditConfiguration(
    tenantID: String, _ plan: CreditPlan
  ) async throws(DirectoryError) {
    try Self.check(plan)
    for (operation, units) in plan.operations { try Self.checkCost(operation, units) }
    let now = time.now()
    try await change { connection in
      try Self.requireTenant(tenantID, connection)
      try Self.replacePlan(by: plan, tenantID, now, connection)
    }
  }

  /// Changes the plan around the costs.
  ///
  /// - Returns: the plan as it is then.
  @discardableResult
  public func updateCreditPlan(
    tenantID: String, _ changes: CreditPlanChanges
  ) async throws(DirectoryError) -> CreditPlan {
    let now = time.now()
    return try await change { connection in
      guard var plan = try Self.creditPlan(tenantID, connection) else {
        throw DirectoryError.notFound("tenant")
      }
      plan.planType = changes.planType ?? plan.planType
      plan.monthlyLimitUnits = changes.monthlyLimitUnits.applied(to: plan.monthlyLimitUnits)
      plan.dailyLimitUnits = changes.dailyLimitUnits.applied(to: plan.dailyLimitUnits)
      plan.overageAllowed = changes.overageAllowed ?? plan.overageAllowed
      if let limits = changes.featureLimits {
        plan.featureLimits = plan.featureLimits.merged(with: limits)
      }
      if let pricing = changes.pricing { plan.pricing = plan.pricing.merged(with: pricing) }
      try Self.check(plan)
      try Self.update(plan, tenantID, connection)
      try Self.announce(.creditPlan(tenantID), at: now, connection)
      return plan
    }
  }

  /// Sets what an operation costs; nil units take its cost away.
  ///
  /// - Throws: ``DirectoryError/notFound(_:)`` for a cost that is to go and is not there.
  public func setOperationCost(
    tenantID: String, operation: String, units: Int64?
  ) async throws(DirectoryError) {
    try Self.checkCost(operation, units ?? 0)
    let now = time.now()
    try await change { connection in
      try Self.requireTenant(tenantID, connection)
      if let units {
        try connection.run(
          """
          INSERT INTO directory_operation_costs (tenant_id, operation, credit_units)
          VALUES (?, ?, ?)
          ON CONFLICT (tenant_id, operation) DO UPDATE SET credit_units = excluded.credit_units
          """,
          [.text(tenantID), .text(operation), .integer(units)])
      } else {
        let deleted = try connection.run(
          "DELETE FROM directory_operation_costs WHERE tenant_id = ? AND operation = ?",
          [.text(tenantID), .text(operation)])
        guard deleted > 0 else { throw DirectoryError.notFound("operation cost") }
      }
      try Self.announce(.operationCost(tenantID, operation, units: units), at: now, connection)
    }
  }

  /// The tenant's plan and costs.
  public func creditConfiguration(
    tenantID: String
  ) throws(DirectoryError) -> CreditPlan? {
    try look { connection in try Self.creditPlan(tenantID, connection) }
  }

  /// Adds credits to the tenant's account; a negative amount takes some away.
  ///
  /// - Parameter reason: What it is for, which the feed tells.
  public func topUp(
    tenantID: String, units: Int64, reason: String? = nil
  ) async throws(DirectoryError) {
    guard units.magnitude <= UInt64(Self.amountUnitsMax) else {
      throw .invalid("amount", "too much at once")
    }
    let reason = try reason.map { reason throws(DirectoryError) in
      try Self.checked(reason, "reason")
    }
    let now = time.now()
    try await change { connection in
      let changed = try connection.run(
        """
        UPDATE directory_credit_accounts SET available = available + ?2
        WHERE tenant_id = ?1 AND abs(available + ?2) <= ?3
        """,
        [.text(tenantID), .integer(units), .integer(Self.balanceUnitsMax)])
      if changed == 0 {
        try Self.requireTenant(tenantID, connection)
        throw DirectoryError.invalid("amount", "the account cannot hold so much")
      }
      try Self.announce(.creditPlan(tenantID, reason: reason), at: now, connection)
    }
  }

  /// What the tenant has, with the usage of today and of this month.
  public func creditAccount(tenantID: String) throws(DirectoryError) -> CreditAccountRecord? {
    let today = CreditDay(time.now())
    return try look { connection in try Self.creditAccount(tenantID, today, connection) }
  }

  /// Takes `units` from the account and counts them as used now; usage of another day or month
  /// begins anew.
  static func deduct(
    _ units: Int64, _ tenantID: String, _ today: CreditDay, _ connection: borrowing Connection
  ) throws {
    try connection.run(
      """
      UPDATE directory_credit_accounts
      SET available = available - ?2,
        daily_usage = iif(day = ?3, daily_usage, 0) + ?2, day = ?3,
        monthly_usage = iif(month = ?4, monthly_usage, 0) + ?2, month = ?4
      WHERE tenant_id = ?1
      """,
      [.text(tenantID), .integer(units), .text(today.day), .text(today.month)])
  }
}

// Inside a transaction.
extension Directory {
  private static func creditAccount(
    _ tenantID: String, _ today: CreditDay, _ connection: borrowing Connection
  ) throws -> CreditAccountRecord? {
    try connection.first(
      """
      SELECT available, iif(day = ?2, daily_usage, 0), iif(month = ?3, monthly_usage, 0)
      FROM directory_credit_accounts
      WHERE tenant_id = ?1
      """,
      [.text(tenantID), .text(today.day), .text(today.month)]
    ) { row in
      CreditAccountRecord(
        availableUnits: row.integer(0) ?? 0, dailyUsageUnits: row.integer(1) ?? 0,
        monthlyUsageUnits: row.integer(2) ?? 0)
    }
  }

  /// Balance, usage, plan and costs in one; nil without the tenant.
  static func credits(
    _ tenantID: String, _ today: CreditDay, _ connection: borrowing Connection
  ) throws -> JSONValue? {
    guard let account = try creditAccount(tenantID, today, connection),
      let plan = try creditPlan(tenantID, connection)
    else { return nil }
    let members = (account.document.members + plan.document.members).map { ($0.name, $0.value) }
    return .object(JSONObject(members))
  }

  static func replacePlan(
    by plan: CreditPlan, _ tenantID: String, _ now: Timestamp, _ connection: borrowing Connection
  ) throws {
    try update(plan, tenantID, connection)
    try connection.run(
      "DELETE FROM directory_operation_costs WHERE tenant_id = ?", [.text(tenantID)])
    for (operation, units) in plan.operations {
      try connection.run(
        """
        INSERT INTO directory_operation_costs (tenant_id, operation, credit_units)
        VALUES (?, ?, ?)
        """,
        [.text(tenantID), .text(operation), .integer(units)])
    }
    try announce(.creditPlan(tenantID), at: now, connection)
  }

  private static func update(
    _ plan: CreditPlan, _ tenantID: String, _ connection: borrowing Connection
  ) throws {
    try connection.run(
      """
      UPDATE directory_credit_configs
      SET plan_type = ?, monthly_limit = ?, daily_limit = ?, overage_allowed = ?,
        feature_limits = ?, pricing = ?
      WHERE tenant_id = ?
      """,
      [
        .text(plan.planType), SQLiteValue(plan.monthlyLimitUnits),
        SQLiteValue(plan.dailyLimitUnits), SQLiteValue(plan.overageAllowed),
        .text(JSONValue.object(plan.featureLimits).text),
        .text(JSONValue.object(plan.pricing).text), .text(tenantID),
      ])
  }

  static func creditPlan(
    _ tenantID: String, _ connection: borrowing Connection
  ) throws -> CreditPlan? {
    var operations: [String: Int64] = [:]
    try connection.forEachRow(
      "SELECT operation, credit_units FROM directory_operation_costs WHERE tenant_id = ?",
      [.text(tenantID)]
    ) { row in
      if let operation = row.text(0) { operations[operation] = row.integer(1) ?? 0 }
    }
    return try connection.first(
      """
      SELECT plan_type, monthly_limit, daily_limit, overage_allowed, feature_limits, pricing
      FROM directory_credit_configs
      WHERE tenant_id = ?
      """,
      [.text(tenantID)]
    ) { row in
      CreditPlan(
        planType: row.text(0) ?? "", monthlyLimitUnits: row.integer(1),
        dailyLimitUnits: row.integer(2), overageAllowed: row.integer(3) == 1,
        featureLimits: object(row.text(4)), pricing: object(row.text(5)),
        operations: operations)
    }
  }

  private static func check(_ plan: CreditPlan) throws(DirectoryError) {
    _ = try checked(plan.planType, "planType")
    for (name, units) in [
      ("monthlyLimit", plan.monthlyLimitUnits), ("dailyLimit", plan.dailyLimitUnits),
    ] {
      guard (0...amountUnitsMax).contains(units ?? 0) else {
        throw .invalid(name, "a limit is a number of credits from 0, or null for none")
      }
    }
    for limit in plan.featureLimits.members { try checkLimit(limit.name, limit.value) }
  }

  /// Looks whether a limit is one that a client takes: one refused there would keep all of the
  /// plan from it.
  private static func checkLimit(_ name: String, _ value: JSONValue) throws(DirectoryError) {
    let field = "featureLimits/\(name)"
    let isCount = (value.integer ?? -1) >= 0
    switch name {
    case "contacts", "deals", "emails":
      guard isCount else { throw .invalid(field, "a whole number from 0, or null for none") }
    case "storage":
      guard isCount || value.string.flatMap(StorageSize.bytes) != nil else {
        throw .invalid(field, "a number of bytes, a size such as 5GB, or null for none")
      }
    default:
      throw .invalid("featureLimits", "there are contacts, deals, emails and storage")
    }
  }

  private static func checkCost(_ operation: String, _ units: Int64) throws(DirectoryError) {
    _ = try checked(operation, "operationCode")
    guard operation.hasPrefix("crm."), (0...amountUnitsMax).contains(units) else {
      throw .invalid("operations", "\(operation) is no crm operation with a cost from 0")
    }
  }
}
