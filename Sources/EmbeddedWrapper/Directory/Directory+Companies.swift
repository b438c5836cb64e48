public import JSON
internal import SQLite
internal import Values

extension Directory {
  /// Adds a tenant that people can work in: with an organisation, the standard roles and a plan
  /// that stands in nobody's way.
  ///
  /// - Returns: its id, made when `id` is nil.
  /// - Throws: ``DirectoryError/duplicate(_:)`` when the id is taken.
  @discardableResult
  public func createCompany(
    id: String? = nil, name: String, branding: JSONObject = JSONObject(),
    features: JSONObject = JSONObject(), settings: JSONObject = JSONObject()
  ) async throws(DirectoryError) -> String {
    let tenant = TenantRecord(
      id: try Self.checkedID(id ?? newID()), name: try Self.checked(name, "name"),
      branding: branding, features: features, settings: settings)
    let now = time.now()
    try await change { connection in try Self.insertCompany(tenant, now, connection) }
    return tenant.id
  }

  /// Adds the tenant: no operation costs anything, nothing is limited, and should costs be set
  /// later, there is a balance, which may be exceeded.
  static func insertCompany(
    _ tenant: TenantRecord, _ now: Timestamp, _ connection: borrowing Connection
  ) throws {
    let id = tenant.id
    try insert(tenant, now, connection)
    try replacePlan(
      by: CreditPlan(planType: "unlimited", overageAllowed: true), id, now, connection)
    try connection.run(
      "UPDATE directory_credit_accounts SET available = ? WHERE tenant_id = ?",
      [.integer(firstBalanceUnits), .text(id)])
    try insert(
      UnitRecord(
        id: Self.organizationID, parentID: nil, type: .organization, name: tenant.name),
      id, now, connection)
    for role in StandardRoles.all { try insert(role, id, now, connection) }
  }

  /// The unit that stands for the company itself, to which its first person belongs.
  static let organizationID = "organization"

  /// A million credits.
  private static let firstBalanceUnits: Int64 = 1_000_000 * 10_000
}
