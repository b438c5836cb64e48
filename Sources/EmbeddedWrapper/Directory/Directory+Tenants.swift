public import JSON
internal import SQLite
internal import Values

extension Directory {
  /// Adds a tenant with an account of 0 credits and a plan without limits and costs.
  ///
  /// - Returns: its id, made when `id` is nil.
  /// - Throws: ``DirectoryError/duplicate(_:)`` when the id is taken.
  @discardableResult
  public func createTenant(
    id: String? = nil, name: String, branding: JSONObject = JSONObject(),
    features: JSONObject = JSONObject(), settings: JSONObject = JSONObject()
  ) async throws(DirectoryError) -> String {
    let id = try Self.checkedID(id ?? newID())
    let tenant = TenantRecord(
      id: id, name: try Self.checked(name, "name"), branding: branding, features: features,
      settings: settings)
    let now = time.now()
    try await change { connection in try Self.insert(tenant, now, connection) }
    return id
  }

  /// Changes a tenant's name and what describes it.
  ///
  /// - Returns: the tenant as it is then.
  @discardableResult
  public func updateTenant(
    id: String, _ changes: TenantChanges
  ) async throws(DirectoryError) -> TenantRecord {
    let name = try changes.name.map { name throws(DirectoryError) in
      try Self.checked(name, "name")
    }
    let now = time.now()
    return try await change { connection in
      guard let before = try Self.tenant(id, connection) else {
        throw DirectoryError.notFound("tenant")
      }
      let after = TenantRecord(
        id: id, name: name ?? before.name,
        branding: changes.branding.map { before.branding.merged(with: $0) } ?? before.branding,
        features: changes.features.map { before.features.merged(with: $0) } ?? before.features,
        settings: changes.settings.map { before.settings.merged(with: $0) } ?? before.settings)
      try connection.run(
        """
        UPDATE directory_tenants SET name = ?, branding = ?, features = ?, settings = ?
        WHERE tenant_id = ?
        """,
        [
          .text(after.name), .text(JSONValue.object(after.branding).text),
          .text(JSONValue.object(after.features).text),
          .text(JSONValue.object(after.settings).text), .text(id),
        ])
      try Self.announce(.tenant(id), at: now, connection)
      return after
    }
  }

  /// Every tenant, by id.
  public func tenants() throws(DirectoryError) -> [TenantRecord] {
    try look { connection in
      try connection.all(
        """
        SELECT tenant_id, name, branding, features, settings
        FROM directory_tenants
        ORDER BY tenant_id
        """
      ) { Self.tenant($0) }
    }
  }

  /// The tenant of that id.
  public func tenant(_ id: String) throws(DirectoryError) -> TenantRecord? {
    try look { connection in try Self.tenant(id, connection) }
  }

  static func insert(
    _ tenant: TenantRecord, _ now: Timestamp, _ connection: borrowing Connection
  ) throws {
    let today = CreditDay(now)
    try connection.run(
      """
      INSERT INTO directory_tenants (tenant_id, name, branding, features, settings, created_at)
      VALUES (?, ?, ?, ?, ?, ?)
      """,
      [
        .text(tenant.id), .text(tenant.name), .text(JSONValue.object(tenant.branding).text),
        .text(JSONValue.object(tenant.features).text),
        .text(JSONValue.object(tenant.settings).text), .text(now.rfc3339),
      ])
    try connection.run(
      "INSERT INTO directory_credit_configs (tenant_id, plan_type) VALUES (?, 'free')",
      [.text(tenant.id)])
    try connection.run(
      """
      INSERT INTO directory_credit_accounts (tenant_id, available, day, month)
      VALUES (?, 0, ?, ?)
      """,
      [.text(tenant.id), .text(today.day), .text(today.month)])
    try announce(.tenant(tenant.id), at: now, connection)
  }

  static func requireTenant(_ tenantID: String, _ connection: borrowing Connection) throws {
    try require(
      "tenant", connection, "SELECT 1 FROM directory_tenants WHERE tenant_id = ?",
      [.text(tenantID)])
  }

  static func tenant(
    _ id: String, _ connection: borrowing Connection
  ) throws -> TenantRecord? {
    try connection.first(
      """
      SELECT tenant_id, name, branding, features, settings
      FROM directory_tenants
      WHERE tenant_id = ?
      """,
      [.text(id)]
    ) { tenant($0) }
  }

  private static func tenant(_ row: borrowing Statement) -> TenantRecord {
    TenantRecord(
      id: row.text(0) ?? "", name: row.text(1) ?? "", branding: object(row.text(2)),
      features: object(row.text(3)), settings: object(row.text(4)))
  }
}
