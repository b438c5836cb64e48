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

  /// Replaces the tenant's plan and all costs.
  ///
  /// - Throws: ``DirectoryError/invalid(_:_:)`` for a negative cost or an operation that does not
  ///   begin with `crm.`, ``DirectoryError/notFound(_:)``.
  public func setCreditConfiguration(
    tenantID: String, _ plan: CreditPlan
  ) async throws(DirectoryError) {
    let planType = try Self.checked(plan.planType, "planType")
    for (operation, units) in plan.operations {
      guard operation.hasPrefix("crm."), (0...Self.amountUnitsMax).contains(units) else {
        throw .invalid("operations", "\(operation) is no crm operation with a cost from 0")
      }
    }
    try await change { connection in
      try Self.requireTenant(tenantID, connection)
      try connection.run(
        """
        UPDATE directory_credit_configs
        SET plan_type = ?, monthly_limit = ?, daily_limit = ?, overage_allowed = ?,
          feature_limits = ?, pricing = ?
        WHERE tenant_id = ?
        """,
        [
          .text(planType), SQLiteValue(plan.monthlyLimitUnits), SQLiteValue(plan.dailyLimitUnits),
          SQLiteValue(plan.overageAllowed), .text(JSONValue.object(plan.featureLimits).text),
          .text(JSONValue.object(plan.pricing).text), .text(tenantID),
        ])
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
    }
  }

  /// The tenant's plan and costs.
  public func creditConfiguration(
    tenantID: String
  ) throws(DirectoryError) -> CreditPlan? {
    try look { connection in
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
          featureLimits: Self.object(row.text(4)), pricing: Self.object(row.text(5)),
          operations: operations)
      }
    }
  }

  /// Adds credits to the tenant's account; a negative amount takes some away.
  public func topUp(tenantID: String, units: Int64) async throws(DirectoryError) {
    guard units.magnitude <= UInt64(Self.amountUnitsMax) else {
      throw .invalid("credits", "too much at once")
    }
    let changed = try await change { connection in
      try connection.run(
        "UPDATE directory_credit_accounts SET available = available + ? WHERE tenant_id = ?",
        [.integer(units), .text(tenantID)])
    }
    guard changed > 0 else { throw .notFound("tenant") }
  }

  /// What the tenant has, with the usage of today and of this month.
  public func creditAccount(tenantID: String) throws(DirectoryError) -> CreditAccountRecord? {
    let today = CreditDay(time.now())
    return try look { connection in
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
