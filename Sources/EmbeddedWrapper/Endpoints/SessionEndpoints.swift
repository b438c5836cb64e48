internal import Cryptography
internal import HTTP
internal import JSON
internal import SQLite
internal import Values

/// Signing in, being recognised and signing out.
struct SessionEndpoints: Sendable {
  /// How long a session lives.
  static let sessionSeconds: Int64 = 12 * 60 * 60
  /// The bytes of a token, all random.
  static let tokenBytes = 32

  let directory: Directory

  func add(to router: inout Router<WrapperApplication.Endpoint>) {
    router.add(.post, "/auth/login", .init { request, _ in try await login(request) })
    router.add(.post, "/auth/validate", .init { request, _ in try validate(request) })
    router.add(.post, "/auth/logout", .init { request, _ in try await logout(request) })
  }

  private struct Account: Sendable {
    var tenantID: String
    var userID: String
    var name: String
    var passwordHash: String?
    var isActive: Bool
  }

  private func login(_ request: HTTPRequest) async throws -> HTTPResponse {
    let body = try request.jsonObject()
    guard let email = body["email"]?.string, let password = body["password"]?.string else {
      throw Problem(.validationFailed, "email and password are wanted.")
    }
    let account = try account(email: email)
    // An unknown address costs as much time as a wrong password, so that neither is told apart.
    let hash = account?.passwordHash ?? Self.nobodysHash
    guard let fits = await PasswordThreads.shared.verify(password, hash) else {
      throw Problem(.overloaded, "Too many sign in.", headers: ["Retry-After": "1"])
    }
    guard fits, let account, account.passwordHash != nil, account.isActive else {
      throw Problem(.unauthenticated, "The address or the password is wrong.")
    }
    return try await begin(account, email: email)
  }

  private func begin(_ account: Account, email: String) async throws -> HTTPResponse {
    let token = Base64.encodeURL(directory.random.bytes(Self.tokenBytes))
    let now = directory.time.now()
    let expiresAt = now.advanced(byMilliseconds: Self.sessionSeconds * 1000).rfc3339
    let values: [SQLiteValue] = [
      .text(account.tenantID), .blob(SHA256.hash(Array(token.utf8))), .text(directory.newID()),
      .text(account.userID), .text(now.rfc3339), .text(expiresAt),
    ]
    try await directory.write { connection in
      // Sessions that ended by themselves leave when the next one begins.
      try connection.run(
        "DELETE FROM directory_sessions WHERE tenant_id = ? AND expires_at < ?",
        [.text(account.tenantID), .text(now.rfc3339)])
      try connection.run(
        """
        INSERT INTO directory_sessions (
          tenant_id, token_hash, session_id, user_id, created_at, expires_at)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        values)
    }
    let answer: JSONValue = [
      "token": .string(token), "expiresAt": .string(expiresAt),
      "user": [
        "userId": .string(account.userID), "tenantId": .string(account.tenantID),
        "name": .string(account.name), "email": .string(email),
      ],
    ]
    return .json(answer.bytes)
  }

  private func validate(_ request: HTTPRequest) throws -> HTTPResponse {
    guard let token = try request.jsonObject()["token"]?.string else {
      throw Problem(.validationFailed, "token is wanted.")
    }
    let digest = SHA256.hash(Array(token.utf8))
    let now = directory.time.now().rfc3339
    let answer = try directory.look { connection in
      try connection.first(Self.selectSession, [.blob(digest)]) { row -> JSONValue in
        guard row.integer(4) == 1 else { return ["valid": false] }
        guard let expiresAt = row.text(3), expiresAt > now else {
          return ["valid": false, "reason": "expired"]
        }
        return [
          "valid": true, "userId": .string(row.text(1) ?? ""),
          "tenantId": .string(row.text(0) ?? ""), "sessionId": .string(row.text(2) ?? ""),
          "authenticationMethod": "password", "expiresAt": .string(expiresAt),
        ]
      }
    }
    return .json((answer ?? ["valid": false]).bytes)
  }

  private func logout(_ request: HTTPRequest) async throws -> HTTPResponse {
    guard let token = try request.jsonObject()["token"]?.string else {
      throw Problem(.validationFailed, "token is wanted.")
    }
    let digest = SHA256.hash(Array(token.utf8))
    try await directory.write { connection in
      let owner = try connection.first(Self.selectSession, [.blob(digest)]) { $0.text(0) }
      guard let tenantID = owner ?? nil else { return }
      try connection.run(
        "DELETE FROM directory_sessions WHERE tenant_id = ? AND token_hash = ?",
        [.text(tenantID), .blob(digest)])
    }
    return HTTPResponse(status: 204)
  }

  private func account(email: String) throws -> Account? {
    try directory.look { connection in
      try connection.first(Self.selectAccount, [.text(Folding.lowercased(email))]) { row in
        Account(
          tenantID: row.text(0) ?? "", userID: row.text(1) ?? "", name: row.text(2) ?? "",
          passwordHash: row.text(3), isActive: row.integer(4) == 1)
      }
    }
  }

  /// The hash of a password that nobody has, of the usual cost.
  private static let nobodysHash =
    PasswordHash.make(Hexadecimal.text(RandomSource.system.bytes(16)), random: .system) ?? ""

  private static let selectAccount = """
    SELECT tenant_id, user_id, name, password_hash, is_active
    FROM directory_users
    WHERE email_folded = ?
    """

  private static let selectSession = """
    SELECT s.tenant_id, s.user_id, s.session_id, s.expires_at, u.is_active
    FROM directory_sessions AS s
    JOIN directory_users AS u ON u.tenant_id = s.tenant_id AND u.user_id = s.user_id
    WHERE s.token_hash = ?
    """
}
