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
    let name = try Self.checked(user.name, "name")
    let email = try Self.checkedEmail(user.email)
    if let title = user.title { _ = try Self.checked(title, "title") }
    if let location = user.location { _ = try Self.checked(location, "location") }
    var hash: String?
    if let password { hash = try await hashed(password) }
    let storedHash = hash
    let now = time.now().rfc3339
    try await change { connection in
      try Self.requireTenant(tenantID, connection)
      if let unitID = user.unitID { try Self.requireUnit(unitID, tenantID, connection) }
      try connection.run(
        """
        INSERT INTO directory_users (
          tenant_id, user_id, email, email_folded, password_hash, name, title, location, unit_id,
          created_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          .text(tenantID), .text(id), .text(email), .text(Folding.lowercased(email)),
          SQLiteValue(storedHash), .text(name), SQLiteValue(user.title), SQLiteValue(user.location),
          SQLiteValue(user.unitID), .text(now),
        ])
      for roleID in user.roleIDs { try Self.grant(roleID, to: id, tenantID, connection) }
    }
    return id
  }

  /// Sets the password and ends every session that began with the old one.
  public func setPassword(
    tenantID: String, userID: String, password: String
  ) async throws(DirectoryError) {
    let hash = try await hashed(password)
    try await change { connection in
      try Self.requireUser(userID, tenantID, connection)
      try connection.run(
        "UPDATE directory_users SET password_hash = ? WHERE tenant_id = ? AND user_id = ?",
        [.text(hash), .text(tenantID), .text(userID)])
      try Self.endSessions(of: userID, tenantID, connection)
    }
  }

  /// Lets a user in again, or shuts the user out and ends every session.
  public func setActive(
    tenantID: String, userID: String, isActive: Bool
  ) async throws(DirectoryError) {
    try await change { connection in
      try Self.requireUser(userID, tenantID, connection)
      try connection.run(
        "UPDATE directory_users SET is_active = ? WHERE tenant_id = ? AND user_id = ?",
        [SQLiteValue(isActive), .text(tenantID), .text(userID)])
      if !isActive { try Self.endSessions(of: userID, tenantID, connection) }
    }
  }

  /// Moves a user to another unit, or out of any.
  public func moveUser(
    tenantID: String, userID: String, unitID: String?
  ) async throws(DirectoryError) {
    try await change { connection in
      try Self.requireUser(userID, tenantID, connection)
      if let unitID { try Self.requireUnit(unitID, tenantID, connection) }
      try connection.run(
        "UPDATE directory_users SET unit_id = ? WHERE tenant_id = ? AND user_id = ?",
        [SQLiteValue(unitID), .text(tenantID), .text(userID)])
    }
  }

  /// Everybody of a tenant, by id.
  public func users(tenantID: String) throws(DirectoryError) -> [UserRecord] {
    try look { connection in
      let roles = try Self.lists(Self.selectUserRoles, tenantID, connection)
      let permissions = try Self.lists(Self.selectUserPermissions, tenantID, connection)
      return try connection.all(Self.selectUsers, [.text(tenantID)]) { row in
        let id = row.text(0) ?? ""
        return UserRecord(
          id: id, tenantID: tenantID, email: row.text(1) ?? "", name: row.text(2) ?? "",
          title: row.text(3), location: row.text(4), unitID: row.text(5),
          isActive: row.integer(6) == 1, hasPassword: row.integer(7) == 1,
          roleIDs: roles[id] ?? [], permissions: permissions[id] ?? [])
      }
    }
  }

  /// Whether anybody exists in any tenant.
  public func hasUsers() throws(DirectoryError) -> Bool {
    try look { connection in
      try connection.first("SELECT tenant_id FROM directory_users LIMIT 1") { _ in true }
    } ?? false
  }

  static func requireUser(
    _ id: String, _ tenantID: String, _ connection: borrowing Connection
  ) throws {
    try require(
      "user", connection, "SELECT 1 FROM directory_users WHERE tenant_id = ? AND user_id = ?",
      [.text(tenantID), .text(id)])
  }

  private static func endSessions(
    of userID: String, _ tenantID: String, _ connection: borrowing Connection
  ) throws {
    try connection.run(
      "DELETE FROM directory_sessions WHERE tenant_id = ? AND user_id = ?",
      [.text(tenantID), .text(userID)])
  }

  private func hashed(_ password: String) async throws(DirectoryError) -> String {
    guard password.count >= Self.passwordCharactersMin,
      password.utf8.count <= PasswordHash.passwordBytesMax, !password.utf8.contains(0)
    else {
      throw .invalid(
        "password",
        "at least \(Self.passwordCharactersMin) characters and at most "
          + "\(PasswordHash.passwordBytesMax) bytes")
    }
    guard let hash = await PasswordThreads.shared.hash(password, random: random) else {
      throw .invalid("password", "the password could not be hashed")
    }
    return hash
  }

  private static func checkedEmail(_ email: String) throws(DirectoryError) -> String {
    let parts = email.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), email.count <= emailCharactersMax,
      !email.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7f })
    else { throw .invalid("email", "an address has one @ and no spaces") }
    return email
  }

  private static func lists(
    _ sql: String, _ tenantID: String, _ connection: borrowing Connection
  ) throws(SQLiteError) -> [String: [String]] {
    var lists: [String: [String]] = [:]
    try connection.forEachRow(sql, [.text(tenantID)]) { row in
      guard let userID = row.text(0), let value = row.text(1) else { return }
      lists[userID, default: []].append(value)
    }
    return lists
  }

  private static let selectUsers = """
    SELECT user_id, email, name, title, location, unit_id, is_active, password_hash IS NOT NULL
    FROM directory_users
    WHERE tenant_id = ?
    ORDER BY user_id
    """

  private static let selectUserRoles = """
    SELECT user_id, role_id FROM directory_user_roles WHERE tenant_id = ?
    ORDER BY user_id, role_id
    """

  private static let selectUserPermissions = """
    SELECT user_id, permission FROM directory_user_permissions WHERE tenant_id = ?
    ORDER BY user_id, permission
    """
}
