internal import Database
internal import HTTP
internal import JSON
internal import SQLite
internal import Values

/// What a tenant's plan may limit.
public enum PlanFeature: String, Sendable, CaseIterable {
  /// Contacts outside the trash.
  case contacts
  /// Deals outside the trash.
  case deals
  /// Outbound e-mail interactions of a calendar month.
  case emails
  /// Bytes of files.
  case storage
}

/// Which records of a resource count against a limit of the plan; those in the trash never do.
public struct PlanCount: Sendable {
  /// The limit they count against.
  public let feature: PlanFeature
  /// Members, by name, and the text that they must have for a record to count; none for all.
  public let conditions: [(field: String, value: String)]
  /// Whether the limit is per calendar month, in UTC, of the records' creation.
  public let isMonthly: Bool
  /// The member, a whole number, that says how much a record counts; nil for one each.
  public let amountField: String?

  /// Every record counts that meets the conditions, as long as it exists.
  public init(
    _ feature: PlanFeature, conditions: [(field: String, value: String)] = [],
    isMonthly: Bool = false, amountField: String? = nil
  ) {
    self.feature = feature
    self.conditions = conditions
    self.isMonthly = isMonthly
    self.amountField = amountField
  }
}

/// Keeps the counts of what plans limit, and refuses what would pass a limit.
///
/// Both belong into the transaction of the change: there is one writer, so nobody comes between.
enum PlanUsage {
  /// One of a tenant's counts.
  private struct Slot: Equatable {
    let feature: PlanFeature
    let period: String
  }

  /// What a record adds to a count.
  private struct Share: Equatable {
    let slot: Slot
    let amount: Int64

    init?(_ record: Record?) {
      guard let record, let count = record.resource.description.planCount,
        count.conditions.allSatisfy({ record[$0.field].text == $0.value })
      else { return nil }
      slot = Slot(
        feature: count.feature,
        // `2026-01` of an RFC 3339 time.
        period: count.isMonthly ? String((record["createdAt"].text ?? "").prefix(7)) : "")
      amount = count.amountField.map { record[$0].integer ?? 0 } ?? 1
    }
  }

  /// - Parameters:
  ///   - before: The live record as it is; nil for one that does not exist or lies in the trash.
  ///   - after: The live record as it shall be.
  /// - Throws: 402 `plan_limit_exceeded` when it would be one too many.
  static func check(
    from before: Record?, to after: Record?, _ mutation: Mutation,
    in connection: borrowing Connection
  ) throws {
    guard let share = Share(after) else { return }
    let before = Share(before)
    let had = before?.slot == share.slot ? before?.amount ?? 0 : 0
    try check(share.amount - had, more: share.slot, mutation, in: connection)
  }

  /// - Throws: 402 `plan_limit_exceeded` when there is no room for `amount` more of a feature that
  ///   is not counted by month.
  static func check(
    _ amount: Int64, more feature: PlanFeature, _ mutation: Mutation,
    in connection: borrowing Connection
  ) throws {
    try check(amount, more: Slot(feature: feature, period: ""), mutation, in: connection)
  }

  private static func check(
    _ amount: Int64, more slot: Slot, _ mutation: Mutation, in connection: borrowing Connection
  ) throws {
    guard amount > 0, let limit = mutation.planLimits[slot.feature] else { return }
    let used =
      try connection.first(
        "SELECT used FROM plan_usage WHERE tenant_id = ? AND feature = ? AND period = ?",
        key(slot, mutation.caller.tenantID)
      ) { $0.integer(0) ?? 0 } ?? 0
    guard used > limit - amount else { return }
    throw Problem(
      .planLimitExceeded, "The plan's limit on \(slot.feature.rawValue) is reached.",
      members: JSONObject([
        ("limit", .integer(limit)), ("used", .integer(used)),
        ("feature", .string(slot.feature.rawValue)),
      ]))
  }

  /// Notes a change that was made; the parameters are those of ``check(from:to:_:in:)``.
  static func note(
    from before: Record?, to after: Record?, tenantID: String,
    in connection: borrowing Connection
  ) throws(SQLiteError) {
    let (old, new) = (Share(before), Share(after))
    guard old != new else { return }
    if let old { try add(-old.amount, to: old.slot, tenantID, connection) }
    if let new { try add(new.amount, to: new.slot, tenantID, connection) }
  }

  private static func add(
    _ amount: Int64, to slot: Slot, _ tenantID: String, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    try connection.run(
      """
      INSERT INTO plan_usage (tenant_id, feature, period, used) VALUES (?, ?, ?, ?)
      ON CONFLICT (tenant_id, feature, period) DO UPDATE SET used = used + excluded.used
      """, key(slot, tenantID) + [.integer(amount)])
  }

  private static func key(_ slot: Slot, _ tenantID: String) -> [SQLiteValue] {
    [.text(tenantID), .text(slot.feature.rawValue), .text(slot.period)]
  }
}

extension RecordStore {
  /// How much the tenant uses of what its plan may limit; e-mails are those of the present month.
  ///
  /// - Throws: what reading the database throws.
  public func planUsage(tenantID: String) throws -> [PlanFeature: Int64] {
    let month = String(time.now().rfc3339.prefix(7))
    var usage: [PlanFeature: Int64] = [:]
    try database.read { connection in
      try connection.forEachRow(
        """
        SELECT feature, used FROM plan_usage WHERE tenant_id = ? AND period IN ('', ?)
        """, [.text(tenantID), .text(month)]
      ) { row in
        guard let feature = row.text(0).flatMap(PlanFeature.init) else { return }
        usage[feature] = row.integer(1) ?? 0
      }
    }
    return usage
  }
}
