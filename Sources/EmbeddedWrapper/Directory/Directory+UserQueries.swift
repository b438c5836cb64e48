internal import SQLite
internal import Values

/// Which users are wanted.
public struct UserQuery: Sendable {
  /// Only the active ones, or only the others.
  public var isActive: Bool?
  /// A text that the name or the address holds, case and accents aside.
  public var text: String?
  /// The id after which the page begins.
  public var after: String?
  /// How many of them are passed over.
  public var offset = 0
  /// The most users; nil for all.
  public var limit: Int?

  /// Everybody.
  public init() {}
}

extension Directory {
  /// Everybody of a tenant, or those who are asked for, by id.
  public func users(
    tenantID: String, _ query: UserQuery = UserQuery()
  ) throws(DirectoryError) -> [UserRecord] {
    try look { connection in try Self.users(tenantID, query, connection) }
  }

  /// How many of a tenant are asked for, wherever the page begins.
  func userCount(tenantID: String, _ query: UserQuery) throws(DirectoryError) -> Int {
    try look { connection in
      let count = try connection.first(
        """
        SELECT count(*)
        FROM directory_users
        WHERE tenant_id = ?1 AND (?2 IS NULL OR is_active = ?2)
          AND (?3 IS NULL OR instr(fold(name), ?3) > 0 OR instr(fold(email), ?3) > 0)
        """,
        [
          .text(tenantID), query.isActive.map { SQLiteValue($0) } ?? .null,
          SQLiteValue(query.text.map(Folding.fold)),
        ]
      ) { $0.integer(0) ?? 0 }
      return Int(count ?? 0)
    }
  }

  /// One user.
  public func user(tenantID: String, id: String) throws(DirectoryError) -> UserRecord? {
    try look { connection in try Self.user(id, tenantID, connection) }
  }

  /// Whether anybody exists in any tenant.
  public func hasUsers() throws(DirectoryError) -> Bool {
    try look { connection in try Self.hasUsers(connection) }
  }

  static func hasUsers(_ connection: borrowing Connection) throws -> Bool {
    try connection.first("SELECT tenant_id FROM directory_users LIMIT 1") { _ in true } ?? false
  }

  static func user(
    _ id: String, _ tenantID: String, _ connection: borrowing Connection
  ) throws -> UserRecord? {
    let row = try connection.first(selectUser, [.text(tenantID), .text(id)]) { UserRow($0) }
    guard let row else { return nil }
    let roles = try lists(selectUserRoles, tenantID, id, id, connection)
    let permissions = try lists(selectUserPermissions, tenantID, id, id, connection)
    return row.record(tenantID, roles: roles, permissions: permissions)
  }

  private static func users(
    _ tenantID: String, _ query: UserQuery, _ connection: borrowing Connection
  ) throws -> [UserRecord] {
    let rows = try connection.all(
      selectUsers,
      [
        .text(tenantID), .text(query.after ?? ""),
        query.isActive.map { SQLiteValue($0) } ?? .null, SQLiteValue(query.text.map(Folding.fold)),
        // A negative limit is none.
        .integer(query.limit ?? -1), .integer(query.offset),
      ]
    ) { UserRow($0) }
    guard let first = rows.first, let last = rows.last else { return [] }
    let roles = try lists(selectUserRoles, tenantID, first.id, last.id, connection)
    let permissions = try lists(selectUserPermissions, tenantID, first.id, last.id, connection)
    return rows.map { $0.record(tenantID, roles: roles, permissions: permissions) }
  }

  private static func lists(
    _ sql: String, _ tenantID: String, _ first: String, _ last: String,
    _ connection: borrowing Connection
  ) throws(SQLiteError) -> [String: [String]] {
    var lists: [String: [String]] = [:]
    try connection.forEachRow(
      sql, [.text(tenantID), .text(first), .text(last)]
    ) { row in
      guard let userID = row.text(0), let value = row.text(1) else { return }
      lists[userID, default: []].append(value)
    }
    return lists
  }

  private static let selectUser = """
    SELECT user_id, email, name, title, location, unit_id, is_active, password_hash IS NOT NULL,
      created_at
    FROM directory_users
    WHERE tenant_id = ? AND user_id = ?
    """

  private static let selectUsers = """
    SELECT user_id, email, name, title, location, unit_id, is_active, password_hash IS NOT NULL,
      created_at
    FROM directory_users
    WHERE tenant_id = ?1 AND user_id > ?2
      AND (?3 IS NULL OR is_active = ?3)
      AND (?4 IS NULL OR instr(fold(name), ?4) > 0 OR instr(fold(email), ?4) > 0)
    ORDER BY user_id
    LIMIT ?5 OFFSET ?6
    """

  private static let selectUserRoles = """
    SELECT user_id, role_id
    FROM directory_user_roles
    WHERE tenant_id = ? AND user_id BETWEEN ? AND ?
    ORDER BY user_id, role_id
    """

  private static let selectUserPermissions = """
    SELECT user_id, permission
    FROM directory_user_permissions
    WHERE tenant_id = ? AND user_id BETWEEN ? AND ?
    ORDER BY user_id, permission
    """
}

/// A row of `directory_users`, still without what other tables say.
private struct UserRow {
  let id: String
  let email: String
  let name: String
  let title: String?
  let location: String?
  let unitID: String?
  let isActive: Bool
  let hasPassword: Bool
  let createdAt: String

  init(_ row: borrowing Statement) {
    id = row.text(0) ?? ""
    email = row.text(1) ?? ""
    name = row.text(2) ?? ""
    title = row.text(3)
    location = row.text(4)
    unitID = row.text(5)
    isActive = row.integer(6) == 1
    hasPassword = row.integer(7) == 1
    createdAt = row.text(8) ?? ""
  }

  func record(
    _ tenantID: String, roles: [String: [String]], permissions: [String: [String]]
  ) -> UserRecord {
    UserRecord(
      id: id, tenantID: tenantID, email: email, name: name, title: title, location: location,
      unitID: unitID, isActive: isActive, hasPassword: hasPassword, roleIDs: roles[id] ?? [],
      permissions: permissions[id] ?? [], createdAt: createdAt)
  }
}
