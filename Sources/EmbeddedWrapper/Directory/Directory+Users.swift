internal import Cryptography
internal import SQLite
internal import Values

extension Directory {
  /// The longest address, in characters.
  static let emailCharactersMax = 254
  /// The shortest password, in characters.
  public static let passwordCharactersMin = 8

  /// Adds a person, who can sign in only once a password is set.
  ///
  /// - Returns: the user's id.
  /// - Throws: ``DirectoryError/duplicate(_:)`` when somebody, of whatever tenant, has the address.
  @discardableResult
  public func createUser(
    tenantID: String, _ user: NewUser, password: String? = nil
  ) async throws(DirectoryError) -> String {
    let id = try Self.checkedID(user.id ?? newID())
    try Self.check(user)
    var hash: String?
    if let password { hash = try await hashed(password) }
    let storedHash = hash
    let now = time.now()
    try await change { connection in
      try Self.requireTenant(tenantID, connection)
      try Self.insert(user, id: id, passwordHash: storedHash, tenantID, now, connection)
    }
    return id
  }

  /// Changes what is known of a user; shutting one out ends every session.
  ///
  /// - Returns: the user as they are then.
  /// - Throws: ``DirectoryError/lastAdministrator`` when nobody else could administer,
  ///   ``DirectoryError/notFound(_:)``, ``DirectoryError/duplicate(_:)``,
  ///   ``DirectoryError/invalid(_:_:)``.
  @discardableResult
  public func updateUser(
    tenantID: String, userID: String, _ changes: UserChanges
  ) async throws(DirectoryError) -> UserRecord {
    try Self.check(changes)
    return try await changeUser(tenantID, userID) { before, connection in
      let unitID = changes.unitID.applied(to: before.unitID)
      if let unitID { try Self.requireUnit(unitID, tenantID, connection) }
      let email = changes.email ?? before.email
      let isActive = changes.isActive ?? before.isActive
      try connection.run(
        """
        UPDATE directory_users
        SET email = ?, email_folded = ?, name = ?, title = ?, location = ?, unit_id = ?,
          is_active = ?
        WHERE tenant_id = ? AND user_id = ?
        """,
        [
          .text(email), .text(Folding.lowercased(email)), .text(changes.name ?? before.name),
          SQLiteValue(changes.title.applied(to: before.title)),
          SQLiteValue(changes.location.applied(to: before.location)), SQLiteValue(unitID),
          SQLiteValue(isActive), .text(tenantID), .text(userID),
        ])
      if let roleIDs = changes.roleIDs {
        try Self.replaceRoles(of: userID, by: roleIDs, tenantID, connection)
      }
      if let permissions = changes.permissions {
        try Self.replacePermissions(of: userID, by: permissions, tenantID, connection)
      }
      if !isActive { try Self.endSessions(of: userID, tenantID, connection) }
    }
  }

  /// Lets a user in again, or shuts the user out and ends every session.
  public func setActive(
    tenantID: String, userID: String, isActive: Bool
  ) async throws(DirectoryError) {
    var changes = UserChanges()
    changes.isActive = isActive
    try await updateUser(tenantID: tenantID, userID: userID, changes)
  }

  /// Moves a user to another unit, or out of any.
  public func moveUser(
    tenantID: String, userID: String, unitID: String?
  ) async throws(DirectoryError) {
    var changes = UserChanges()
    changes.unitID = .set(unitID)
    try await updateUser(tenantID: tenantID, userID: userID, changes)
  }

  /// Replaces the grants that a user holds beside those of the roles.
  public func setPermissions(
    tenantID: String, userID: String, permissions: [String]
  ) async throws(DirectoryError) {
    var changes = UserChanges()
    changes.permissions = permissions
    try await updateUser(tenantID: tenantID, userID: userID, changes)
  }

  /// Adds to the grants that a user holds beside those of the roles, and takes from them.
  ///
  /// - Returns: the user as they are then.
  @discardableResult
  public func changePermissions(
    tenantID: String, userID: String, granting: [String] = [], revoking: [String] = []
  ) async throws(DirectoryError) -> UserRecord {
    try await changeUser(tenantID, userID) { before, connection in
      let kept = before.permissions.filter { !revoking.contains($0) }
      try Self.replacePermissions(of: userID, by: kept + granting, tenantID, connection)
    }
  }

  /// Gives a role to a user; giving it again changes nothing.
  ///
  /// - Returns: the user as they are then.
  @discardableResult
  public func grantRole(
    tenantID: String, userID: String, roleID: String
  ) async throws(DirectoryError) -> UserRecord {
    try await changeUser(tenantID, userID) { _, connection in
      try Self.grant(roleID, to: userID, tenantID, connection)
    }
  }

  /// Takes a role from a user; taking what is not held changes nothing.
  ///
  /// - Returns: the user as they are then.
  @discardableResult
  public func revokeRole(
    tenantID: String, userID: String, roleID: String
  ) async throws(DirectoryError) -> UserRecord {
    try await changeUser(tenantID, userID) { _, connection in
      try connection.run(
        """
        DELETE FROM directory_user_roles WHERE tenant_id = ? AND user_id = ? AND role_id = ?
        """,
        [.text(tenantID), .text(userID), .text(roleID)])
    }
  }

  /// Changes one user, tells of it, and refuses what would leave nobody to administer.
  private func changeUser(
    _ tenantID: String, _ userID: String,
    _ body: @escaping @Sendable (UserRecord, borrowing Connection) throws -> Void
  ) async throws(DirectoryError) -> UserRecord {
    let now = time.now()
    return try await change { connection in
      let before = try Self.requireUser(userID, tenantID, connection)
      let hadAdministrator = try Self.hasAdministrator(tenantID, connection)
      try body(before, connection)
      if hadAdministrator { try Self.requireAdministrator(tenantID, connection) }
      let after = try Self.requireUser(userID, tenantID, connection)
      if after != before { try Self.announce(after, at: now, connection) }
      return after
    }
  }
}

// Inside a transaction.
extension Directory {
  /// Adds a user whose fields were checked.
  static func insert(
    _ user: NewUser, id: String, passwordHash: String?, _ tenantID: String, _ now: Timestamp,
    _ connection: borrowing Connection
  ) throws {
    if let unitID = user.unitID { try requireUnit(unitID, tenantID, connection) }
    try connection.run(
      """
      INSERT INTO directory_users (
        tenant_id, user_id, email, email_folded, password_hash, name, title, location, unit_id,
        created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        .text(tenantID), .text(id), .text(user.email), .text(Folding.lowercased(user.email)),
        SQLiteValue(passwordHash), .text(user.name), SQLiteValue(user.title),
        SQLiteValue(user.location), SQLiteValue(user.unitID), .text(now.rfc3339),
      ])
    try replaceRoles(of: id, by: user.roleIDs, tenantID, connection)
    try replacePermissions(of: id, by: user.permissions, tenantID, connection)
    try announce(try requireUser(id, tenantID, connection), at: now, connection)
  }

  /// The user.
  ///
  /// - Throws: ``DirectoryError/notFound(_:)``.
  @discardableResult
  static func requireUser(
    _ id: String, _ tenantID: String, _ connection: borrowing Connection
  ) throws -> UserRecord {
    guard let user = try user(id, tenantID, connection) else {
      throw DirectoryError.notFound("user")
    }
    return user
  }

  /// Ends the user's sessions, but for the one with the token of the given hash.
  static func endSessions(
    of userID: String, _ tenantID: String, exceptTokenHash: [UInt8] = [],
    _ connection: borrowing Connection
  ) throws {
    try connection.run(
      """
      DELETE FROM directory_sessions WHERE tenant_id = ? AND user_id = ? AND token_hash <> ?
      """,
      [.text(tenantID), .text(userID), .blob(exceptTokenHash)])
  }

  private static func announce(
    _ user: UserRecord, at now: Timestamp, _ connection: borrowing Connection
  ) throws {
    let units = Units(try units(user.tenantID, connection))
    try announce(.user(user, units), at: now, connection)
  }

  private static func grant(
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

  private static func replaceRoles(
    of userID: String, by roleIDs: [String], _ tenantID: String,
    _ connection: borrowing Connection
  ) throws {
    try connection.run(
      "DELETE FROM directory_user_roles WHERE tenant_id = ? AND user_id = ?",
      [.text(tenantID), .text(userID)])
    for roleID in roleIDs { try grant(roleID, to: userID, tenantID, connection) }
  }

  private static func replacePermissions(
    of userID: String, by permissions: [String], _ tenantID: String,
    _ connection: borrowing Connection
  ) throws {
    let permissions = try checkedGrants(permissions)
    try connection.run(
      "DELETE FROM directory_user_permissions WHERE tenant_id = ? AND user_id = ?",
      [.text(tenantID), .text(userID)])
    for permission in permissions {
      try connection.run(
        """
        INSERT INTO directory_user_permissions (tenant_id, user_id, permission) VALUES (?, ?, ?)
        """,
        [.text(tenantID), .text(userID), .text(permission)])
    }
  }
}

// What may stand in a field.
extension Directory {
  static func check(_ user: NewUser) throws(DirectoryError) {
    _ = try checked(user.name, "name")
    try checkEmail(user.email)
    if let title = user.title { _ = try checked(title, "title") }
    if let location = user.location { _ = try checked(location, "location") }
    _ = try checkedGrants(user.permissions)
  }

  private static func check(_ changes: UserChanges) throws(DirectoryError) {
    if let name = changes.name { _ = try checked(name, "name") }
    if let email = changes.email { try checkEmail(email) }
    if case .set(let title?) = changes.title { _ = try checked(title, "title") }
    if case .set(let location?) = changes.location { _ = try checked(location, "location") }
    if let permissions = changes.permissions { _ = try checkedGrants(permissions) }
  }

  private static func checkEmail(_ email: String) throws(DirectoryError) {
    let parts = email.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), email.count <= emailCharactersMax,
      !email.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7f })
    else { throw .invalid("email", "an address has one @ and no spaces") }
  }
}
