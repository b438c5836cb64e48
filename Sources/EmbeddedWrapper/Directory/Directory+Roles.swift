internal import JSON
internal import SQLite
internal import Values

extension Directory {
  /// Adds a role.
  ///
  /// - Returns: its id, made when `id` is nil.
  @discardableResult
  public func createRole(
    tenantID: String, id: String? = nil, name: String, permissions: [String]
  ) async throws(DirectoryError) -> String {
    let role = RoleRecord(
      id: try Self.checkedID(id ?? newID()), name: try Self.checked(name, "name"),
      permissions: try Self.checkedGrants(permissions))
    let now = time.now()
    try await change { connection in
      try Self.requireTenant(tenantID, connection)
      try Self.insert(role, tenantID, now, connection)
    }
    return role.id
  }

  /// Gives a role another name or other grants.
  ///
  /// - Parameters:
  ///   - permissions: All grants, if they are to be others.
  ///   - granting: Grants that are added, where they are not held already.
  ///   - revoking: Grants that are taken away, where they are held.
  /// - Returns: the role as it is then.
  /// - Throws: ``DirectoryError/lastAdministrator`` and the like.
  @discardableResult
  public func updateRole(
    tenantID: String, id: String, name: String? = nil, permissions: [String]? = nil,
    granting: [String] = [], revoking: [String] = []
  ) async throws(DirectoryError) -> RoleRecord {
    let name = try name.map { name throws(DirectoryError) in try Self.checked(name, "name") }
    let now = time.now()
    return try await change { connection in
      guard let before = try Self.role(id, tenantID, connection) else {
        throw DirectoryError.notFound("role")
      }
      let grants = try Self.checkedGrants(
        (permissions ?? before.permissions).filter { !revoking.contains($0) } + granting)
      let after = RoleRecord(id: id, name: name ?? before.name, permissions: grants)
      let hadAdministrator = try Self.hasAdministrator(tenantID, connection)
      if after.name != before.name { try Self.requireFreeName(after, tenantID, connection) }
      try connection.run(
        "UPDATE directory_roles SET name = ?, permissions = ? WHERE tenant_id = ? AND role_id = ?",
        [.text(after.name), .text(Self.text(grants)), .text(tenantID), .text(id)])
      if hadAdministrator { try Self.requireAdministrator(tenantID, connection) }
      try Self.announce(.role(tenantID, after), at: now, connection)
      return after
    }
  }

  /// Gives a role other grants.
  public func setRolePermissions(
    tenantID: String, id: String, permissions: [String]
  ) async throws(DirectoryError) {
    try await updateRole(tenantID: tenantID, id: id, permissions: permissions)
  }

  /// Removes a role that nobody holds.
  ///
  /// - Returns: the role as it was.
  /// - Throws: ``DirectoryError/inUse`` while somebody holds it.
  @discardableResult
  public func deleteRole(
    tenantID: String, id: String
  ) async throws(DirectoryError) -> RoleRecord {
    let now = time.now()
    return try await change { connection in
      guard let role = try Self.role(id, tenantID, connection) else {
        throw DirectoryError.notFound("role")
      }
      let holder = try connection.first(
        "SELECT user_id FROM directory_user_roles WHERE tenant_id = ? AND role_id = ? LIMIT 1",
        [.text(tenantID), .text(id)]
      ) { _ in true }
      guard holder == nil else { throw DirectoryError.inUse }
      try connection.run(
        "DELETE FROM directory_roles WHERE tenant_id = ? AND role_id = ?",
        [.text(tenantID), .text(id)])
      try Self.announce(.role(tenantID, role, isDeleted: true), at: now, connection)
      return role
    }
  }

  /// The roles of a tenant, by id.
  public func roles(tenantID: String) throws(DirectoryError) -> [RoleRecord] {
    try look { connection in
      try connection.all(
        """
        SELECT role_id, name, permissions
        FROM directory_roles
        WHERE tenant_id = ?
        ORDER BY role_id
        """,
        [.text(tenantID)]
      ) { Self.role($0) }
    }
  }

  static func insert(
    _ role: RoleRecord, _ tenantID: String, _ now: Timestamp, _ connection: borrowing Connection
  ) throws {
    let count = try connection.first(
      "SELECT count(*) FROM directory_roles WHERE tenant_id = ?", [.text(tenantID)]
    ) { $0.integer(0) ?? 0 }
    guard (count ?? 0) < Limits.rolesMax else {
      throw DirectoryError.invalid("id", "a tenant has at most \(Limits.rolesMax) roles")
    }
    try requireFreeName(role, tenantID, connection)
    try connection.run(
      "INSERT INTO directory_roles (tenant_id, role_id, name, permissions) VALUES (?, ?, ?, ?)",
      [.text(tenantID), .text(role.id), .text(role.name), .text(text(role.permissions))])
    try announce(.role(tenantID, role), at: now, connection)
  }

  /// Throws when another role bears the name, by which people know roles.
  private static func requireFreeName(
    _ role: RoleRecord, _ tenantID: String, _ connection: borrowing Connection
  ) throws {
    let name = Folding.lowercased(role.name)
    var isTaken = false
    try connection.forEachRow(
      "SELECT name FROM directory_roles WHERE tenant_id = ? AND role_id <> ?",
      [.text(tenantID), .text(role.id)]
    ) { row in
      if Folding.lowercased(row.text(0) ?? "") == name { isTaken = true }
    }
    guard !isTaken else { throw DirectoryError.duplicate("name") }
  }

  /// Grants are kept in whatever form, as a remote Wrapper's would be; only their length and their
  /// number count.
  ///
  /// Each stands once.
  static func checkedGrants(_ grants: [String]) throws(DirectoryError) -> [String] {
    var seen: Set<String> = []
    let grants = grants.filter { seen.insert($0).inserted }
    guard grants.count <= Limits.grantsMax else {
      throw .invalid("permissions", "at most \(Limits.grantsMax) grants")
    }
    for grant in grants { _ = try checked(grant, "permissions") }
    return grants
  }

  static func role(
    _ id: String, _ tenantID: String, _ connection: borrowing Connection
  ) throws -> RoleRecord? {
    try connection.first(
      """
      SELECT role_id, name, permissions FROM directory_roles WHERE tenant_id = ? AND role_id = ?
      """,
      [.text(tenantID), .text(id)]
    ) { role($0) }
  }

  private static func role(_ row: borrowing Statement) -> RoleRecord {
    // What stands in the column was written from an array of texts.
    let grants = row.text(2).flatMap { try? JSONParser.parse($0) }?.array ?? []
    return RoleRecord(
      id: row.text(0) ?? "", name: row.text(1) ?? "", permissions: grants.compactMap(\.string))
  }

  private static func text(_ grants: [String]) -> String {
    JSONValue.array(grants.map { .string($0) }).text
  }
}

// Who may administer.
extension Directory {
  /// Whether any active user holds `*` or `crm.admin`, by a role or directly.
  static func hasAdministrator(
    _ tenantID: String, _ connection: borrowing Connection
  ) throws -> Bool {
    try connection.first(selectAdministrator, [.text(tenantID)]) { _ in true } ?? false
  }

  /// Throws when nobody may administer the tenant: a tenant that had somebody keeps somebody, since
  /// nobody could mend it over the API any more.
  static func requireAdministrator(
    _ tenantID: String, _ connection: borrowing Connection
  ) throws {
    guard try hasAdministrator(tenantID, connection) else {
      throw DirectoryError.lastAdministrator
    }
  }

  private static let selectAdministrator = """
    SELECT u.user_id
    FROM directory_users AS u
    WHERE u.tenant_id = ?1 AND u.is_active = 1 AND (
      EXISTS (
        SELECT 1
        FROM directory_user_permissions AS p
        WHERE p.tenant_id = u.tenant_id AND p.user_id = u.user_id
          AND p.permission IN ('*', 'crm.admin')
      ) OR EXISTS (
        SELECT 1
        FROM directory_user_roles AS h
        JOIN directory_roles AS r ON r.tenant_id = h.tenant_id AND r.role_id = h.role_id
        JOIN json_each(r.permissions) AS g
        WHERE h.tenant_id = u.tenant_id AND h.user_id = u.user_id
          AND g.value IN ('*', 'crm.admin')
      ))
    LIMIT 1
    """
}
