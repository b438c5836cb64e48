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
  public var conditions: [(field: String, value: String)] = []
  /// Whether the limit is per calendar month, in UTC, of the records' creation.
  public var isMonthly = false

  /// Every record counts, as long as it exists.
  public init(_ feature: PlanFeature) {
    self.feature = feature
  }
}

/// Keeps the counts of what plans limit, and refuses what would pass a limit.
///
/// Both belong into the transaction of the change: there is one writer, so nobody comes between.
enum PlanUsage {
  /// The count that a record is part of.
  private struct Slot: Equatable {
    let feature: PlanFeature
    let period: String

    init?(_ record: Record?) {
      guard let record, let count = record.resource.description.planCount,
        count.conditions.allSatisfy({ record[$0.field].text == $0.value })
      else { return nil }
      feature = count.feature
      // `2026-01` of an RFC 3339 time.
      period = count.isMonthly ? String((record["createdAt"].text ?? "").prefix(7)) : ""
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
    guard let slot = Slot(after), slot != Slot(before),
      let limit = mutation.planLimits[slot.feature]
    else { return }
    let used =
      try connection.first(
        "SELECT used FROM plan_usage WHERE tenant_id = ? AND feature = ? AND period = ?",
        key(slot, mutation.caller.tenantID)
      ) { $0.integer(0) ?? 0 } ?? 0
    guard used >= limit else { return }
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
    let (old, new) = (Slot(before), Slot(after))
    guard old != new else { return }
    if let old { try add(-1, to: old, tenantID, connection) }
    if let new { try add(1, to: new, tenantID, connection) }
  }

  /// Whether the stored record, which may lie in the trash, counts.
  static func isLive(
    _ record: Record, in connection: borrowing Connection
  ) throws(SQLiteError) -> Bool {
    guard Slot(record) != nil else { return false }
    return try connection.first(
      """
      SELECT 1 FROM \(record.resource.description.table)
      WHERE tenant_id = ? AND id = ? AND deleted_at IS NULL
      """, [record["tenantId"], record["id"]]
    ) { _ in true } ?? false
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
