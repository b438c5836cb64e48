internal import JSON
internal import SQLite

extension Directory {
  /// Adds a role.
  ///
  /// - Returns: its id, made when `id` is nil.
  @discardableResult
  public func createRole(
    tenantID: String, id: String? = nil, name: String, permissions: [String]
  ) async throws(DirectoryError) -> String {
    let id = try Self.checkedID(id ?? newID())
    let name = try Self.checked(name, "name")
    let grants = try Self.checkedGrants(permissions)
    try await change { connection in
      try Self.requireTenant(tenantID, connection)
      try connection.run(
        "INSERT INTO directory_roles (tenant_id, role_id, name, permissions) VALUES (?, ?, ?, ?)",
        [.text(tenantID), .text(id), .text(name), .text(grants)])
    }
    return id
  }

  /// Gives a role other grants.
  public func setRolePermissions(
    tenantID: String, id: String, permissions: [String]
  ) async throws(DirectoryError) {
    let grants = try Self.checkedGrants(permissions)
    let changed = try await change { connection in
      try connection.run(
        "UPDATE directory_roles SET permissions = ? WHERE tenant_id = ? AND role_id = ?",
        [.text(grants), .text(tenantID), .text(id)])
    }
    guard changed > 0 else { throw .notFound("role") }
  }

  /// Removes a role and takes it from everybody who holds it.
  public func deleteRole(tenantID: String, id: String) async throws(DirectoryError) {
    let changed = try await change { connection in
      try connection.run(
        "DELETE FROM directory_roles WHERE tenant_id = ? AND role_id = ?",
        [.text(tenantID), .text(id)])
    }
    guard changed > 0 else { throw .notFound("role") }
  }

  /// Gives a role to a user; giving it again changes nothing.
  public func grantRole(
    tenantID: String, userID: String, roleID: String
  ) async throws(DirectoryError) {
    try await change { connection in
      try Self.requireUser(userID, tenantID, connection)
      try Self.grant(roleID, to: userID, tenantID, connection)
    }
  }

  /// Takes a role from a user; taking what is not held changes nothing.
  public func revokeRole(
    tenantID: String, userID: String, roleID: String
  ) async throws(DirectoryError) {
    try await change { connection in
      try Self.requireUser(userID, tenantID, connection)
      try connection.run(
        """
        DELETE FROM directory_user_roles WHERE tenant_id = ? AND user_id = ? AND role_id = ?
        """,
        [.text(tenantID), .text(userID), .text(roleID)])
    }
  }

  /// Replaces the grants that a user holds beside those of the roles.
  public func setPermissions(
    tenantID: String, userID: String, permissions: [String]
  ) async throws(DirectoryError) {
    _ = try Self.checkedGrants(permissions)
    try await change { connection in
      try Self.requireUser(userID, tenantID, connection)
      try connection.run(
        "DELETE FROM directory_user_permissions WHERE tenant_id = ? AND user_id = ?",
        [.text(tenantID), .text(userID)])
      for permission in permissions {
        try connection.run(
          """
          INSERT OR IGNORE INTO directory_user_permissions (tenant_id, user_id, permission)
          VALUES (?, ?, ?)
          """,
          [.text(tenantID), .text(userID), .text(permission)])
      }
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
      ) { row in
        // What stands in the column was written from an array of texts.
        let grants = row.text(2).flatMap { try? JSONParser.parse($0) }?.array ?? []
        return RoleRecord(
          id: row.text(0) ?? "", name: row.text(1) ?? "",
          permissions: grants.compactMap(\.string))
      }
    }
  }

  static func grant(
    _ roleID: String, to userID: String, _ tenantID: String, _ connection: borrowing Connection
  ) throws {
    try require(
      "role", connection, "SELECT 1 FROM directory_roles WHERE tenant_id = ? AND role_id = ?",
      [.text(tenantID), .text(roleID)])
    try connection.run(
      """
      INSERT OR IGNORE INTO directory_user_roles (tenant_id, user_id, role_id) VALUES (?, ?, ?)
      """,
      [.text(tenantID), .text(userID), .text(roleID)])
  }

  /// Grants are kept in whatever form, as a remote Wrapper's would be; only their length counts.
  private static func checkedGrants(_ grants: [String]) throws(DirectoryError) -> String {
    for grant in grants { _ = try checked(grant, "permissions") }
    return JSONValue.array(grants.map { .string($0) }).text
  }
}
