internal import Cryptography
internal import SQLite
internal import Values

/// A session at the moment it begins: the only time that its token is there.
struct NewSession: Sendable {
  let tenantID: String
  let userID: String
  let id: String
  let token: String
  let createdAt: Timestamp
  let expiresAt: Timestamp
}

/// A session as its token finds it.
struct SessionRecord: Sendable {
  let tenantID: String
  let userID: String
  let id: String
  let expiresAt: String
  let email: String
  let passwordHash: String?
  let isActive: Bool

  fileprivate init(_ row: borrowing Statement) {
    tenantID = row.text(0) ?? ""
    userID = row.text(1) ?? ""
    id = row.text(2) ?? ""
    expiresAt = row.text(3) ?? ""
    email = row.text(4) ?? ""
    passwordHash = row.text(5)
    isActive = row.integer(6) == 1
  }
}

extension Directory {
  /// How long a session lives.
  static let sessionSeconds: Int64 = 12 * 60 * 60
  /// The bytes of a token, all random.
  static let tokenBytes = 32

  /// A session that is still to be stored.
  func newSession(tenantID: String, userID: String) -> NewSession {
    let now = time.now()
    return NewSession(
      tenantID: tenantID, userID: userID, id: newID(),
      token: Base64.encodeURL(random.bytes(Self.tokenBytes)), createdAt: now,
      expiresAt: now.advanced(byMilliseconds: Self.sessionSeconds * 1000))
  }

  /// Stores a session, unless the password is another one by now or the user is shut out.
  ///
  /// - Returns: whether it was stored.
  func begin(_ session: NewSession, passwordHash: String) async throws(DirectoryError) -> Bool {
    try await write { connection in
      let mayBegin = try connection.first(
        """
        SELECT is_active = 1 AND password_hash = ?3
        FROM directory_users
        WHERE tenant_id = ?1 AND user_id = ?2
        """,
        [.text(session.tenantID), .text(session.userID), .text(passwordHash)]
      ) { $0.integer(0) == 1 }
      guard mayBegin == true else { return false }
      try Self.insert(session, connection)
      return true
    }
  }

  /// The session of a token, expired or not.
  func session(token: String) throws(DirectoryError) -> SessionRecord? {
    try look { connection in
      try connection.first(Self.selectSession, [.blob(Self.tokenHash(token))]) {
        SessionRecord($0)
      }
    }
  }

  /// Ends the session of a token, if there is one.
  func endSession(token: String) async throws(DirectoryError) {
    let hash = Self.tokenHash(token)
    try await write { connection in
      let owner = try connection.first(Self.selectSession, [.blob(hash)]) { $0.text(0) }
      guard let tenantID = owner ?? nil else { return }
      try connection.run(
        "DELETE FROM directory_sessions WHERE tenant_id = ? AND token_hash = ?",
        [.text(tenantID), .blob(hash)])
    }
  }

  /// Ends the session of the given id.
  ///
  /// - Throws: ``DirectoryError/notFound(_:)``.
  func endSession(tenantID: String, id: String) async throws(DirectoryError) {
    let ended = try await write { connection in
      try connection.run(
        "DELETE FROM directory_sessions WHERE tenant_id = ? AND session_id = ?",
        [.text(tenantID), .text(id)])
    }
    guard ended > 0 else { throw .notFound("session") }
  }

  /// What is kept of a token.
  static func tokenHash(_ token: String) -> [UInt8] { SHA256.hash(Array(token.utf8)) }

  static func insert(_ session: NewSession, _ connection: borrowing Connection) throws {
    // Sessions that ended by themselves leave when the next one begins.
    try connection.run(
      "DELETE FROM directory_sessions WHERE tenant_id = ? AND expires_at < ?",
      [.text(session.tenantID), .text(session.createdAt.rfc3339)])
    try connection.run(
      """
      DELETE FROM directory_sessions
      WHERE tenant_id = ?1 AND user_id = ?2 AND token_hash IN (
        SELECT token_hash
        FROM directory_sessions
        WHERE tenant_id = ?1 AND user_id = ?2
        ORDER BY created_at DESC, token_hash
        LIMIT -1 OFFSET ?3
      )
      """,
      [
        .text(session.tenantID), .text(session.userID), .integer(Limits.sessionsPerUserMax - 1),
      ])
    try connection.run(
      """
      INSERT INTO directory_sessions (
        tenant_id, token_hash, session_id, user_id, created_at, expires_at)
      VALUES (?, ?, ?, ?, ?, ?)
      """,
      [
        .text(session.tenantID), .blob(tokenHash(session.token)), .text(session.id),
        .text(session.userID), .text(session.createdAt.rfc3339),
        .text(session.expiresAt.rfc3339),
      ])
  }

  private static let selectSession = """
    SELECT s.tenant_id, s.user_id, s.session_id, s.expires_at, u.email, u.password_hash,
      u.is_active
    FROM directory_sessions AS s
    JOIN directory_users AS u ON u.tenant_id = s.tenant_id AND u.user_id = s.user_id
    WHERE s.token_hash = ?
    """
}
