internal import Cryptography
internal import HTTP
internal import JSON
internal import SQLite
internal import Values

/// Signing in, being recognised, another password, and the end of sessions.
struct SessionEndpoints: Sendable {
  let directory: Directory
  private let throttle: SignInThrottle

  init(directory: Directory) {
    self.directory = directory
    throttle = SignInThrottle(time: directory.time)
  }

  func add(to router: inout Router<WrapperApplication.Endpoint>) {
    router.add(.post, "/auth/login", .init { request, _ in try await login(request) })
    router.add(.post, "/auth/validate", .init { request, _ in try validate(request) })
    router.add(.post, "/auth/logout", .init { request, _ in try await logout(request) })
    router.administer(.post, "/auth/password") { try await setPassword($0) }
    router.administer(.post, "/auth/sessions/end") { try await end($0) }
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
    let fits = try await verify(
      password, account?.passwordHash, email: email, address: Self.address(request.head))
    guard fits, let account, account.isActive, let hash = account.passwordHash else {
      throw Self.refusal(account)
    }
    let session = directory.newSession(tenantID: account.tenantID, userID: account.userID)
    guard try await directory.begin(session, passwordHash: hash) else {
      throw Self.refusal(account)
    }
    return .json(session.document(name: account.name, email: email).bytes)
  }

  /// 401, with whose account it was for who holds the key: its log tells of it, its client is told
  /// nothing.
  private static func refusal(_ account: Account?) -> Problem {
    var members = JSONObject()
    if let account {
      members["tenantId"] = .string(account.tenantID)
      members["userId"] = .string(account.userID)
    }
    return Problem(
      .unauthenticated, "The address or the password is wrong.", members: members)
  }

  private func validate(_ request: HTTPRequest) throws -> HTTPResponse {
    guard let token = try request.jsonObject()["token"]?.string else {
      throw Problem(.validationFailed, "token is wanted.")
    }
    let answer: JSONValue
    if let session = try directory.session(token: token), session.isActive {
      answer =
        session.expiresAt > directory.time.now().rfc3339
        ? [
          "valid": true, "userId": .string(session.userID),
          "tenantId": .string(session.tenantID), "sessionId": .string(session.id),
          "authenticationMethod": "password", "expiresAt": .string(session.expiresAt),
        ] : ["valid": false, "reason": "expired"]
    } else {
      answer = ["valid": false]
    }
    return .json(answer.bytes)
  }

  private func logout(_ request: HTTPRequest) async throws -> HTTPResponse {
    guard let token = try request.jsonObject()["token"]?.string else {
      throw Problem(.validationFailed, "token is wanted.")
    }
    try await directory.endSession(token: token)
    return HTTPResponse(status: 204)
  }

  /// Another password for the one who is signed in; it ends every session but this one.
  private func setPassword(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    var body = try call.body()
    let token = body.text("token")
    let current = body.text("currentPassword")
    let new = body.text("newPassword")
    try body.finish()
    guard let session = try directory.session(token: token), session.isActive,
      session.expiresAt > directory.time.now().rfc3339
    else { throw Problem(.unauthenticated, "The token is not valid.") }
    let fits = try await verify(
      current, session.passwordHash, email: session.email,
      address: Self.address(call.request.head))
    guard fits else {
      throw Problem(.insufficientPermissions, "The current password is wrong.")
    }
    do {
      try await call.change(
        .user(session.userID), of: session.tenantID, in: directory
      ) { directory in
        try await directory.setPassword(
          tenantID: session.tenantID, userID: session.userID, password: new,
          exceptTokenHash: Directory.tokenHash(token))
      }
    } catch DirectoryError.invalid(_, let reason) {
      throw DirectoryError.invalid("newPassword", reason)
    }
    return .done
  }

  private func end(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    let tenantID = try call.tenantID
    var body = try call.body()
    let sessionID = body.text("sessionId")
    try body.finish()
    try await directory.endSession(tenantID: tenantID, id: sessionID)
    return .done
  }

  /// Whether the password is the one of the hash; false for an account without one.
  ///
  /// - Throws: 429 after too many failures, 503 when too many wait.
  private func verify(
    _ password: String, _ hash: String?, email: String, address: String?
  ) async throws(Problem) -> Bool {
    let attempt = try throttle.begin(account: email, address: address)
    // An unknown address costs as much time as a wrong password, so that neither is told apart.
    let fits = await PasswordThreads.shared.verify(password, hash ?? Self.nobodysHash)
    guard let fits else {
      throttle.end(attempt, .untried)
      throw Problem(.overloaded, "Too many sign in.", headers: ["Retry-After": "1"])
    }
    throttle.end(attempt, fits && hash != nil ? .succeeded : .failed)
    return fits && hash != nil
  }

  /// From where somebody signs in: whom the API names, else the caller, unless it is on this
  /// machine, as the API itself usually is.
  private static func address(_ head: HTTPRequestHead) -> String? {
    if let forwarded = head.headers["X-Forwarded-For"],
      let last = forwarded.split(separator: ",").last
    {
      return String(last.filter { $0 != " " }.prefix(64))
    }
    let peer = head.remoteAddress
    return peer == "::1" || peer.hasPrefix("127.") ? nil : peer
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
}

extension NewSession {
  /// The answer to the one who signed in.
  func document(name: String, email: String) -> JSONValue {
    [
      "token": .string(token), "expiresAt": .string(expiresAt.rfc3339),
      "user": [
        "userId": .string(userID), "tenantId": .string(tenantID), "name": .string(name),
        "email": .string(email),
      ],
    ]
  }
}
