internal import Cryptography
internal import SQLite
internal import Values

/// Whom and what the first run makes.
struct FirstRun: Sendable {
  var token: String
  /// The tenant's id; made of its name when nil.
  var tenantID: String?
  var tenantName: String
  var name: String
  var email: String
  var password: String
}

extension Directory {
  /// How long a setup token lives.
  public static let setupTokenMinutes: Int64 = 30
  /// The bytes of a setup token, all random.
  private static let setupTokenBytes = 16

  /// A fresh one-time token for the first run, good for ``setupTokenMinutes``; one that was made
  /// before is worth nothing any more.
  ///
  /// - Returns: nil once anybody exists.
  public func makeSetupToken() async throws(DirectoryError) -> String? {
    let token = Base64.encodeURL(random.bytes(Self.setupTokenBytes))
    let expiresAt = time.now().advanced(byMilliseconds: Self.setupTokenMinutes * 60_000).rfc3339
    return try await write { connection in
      try connection.run("DELETE FROM directory_setup_tokens")
      guard try !Self.hasUsers(connection) else { return nil }
      try connection.run(
        "INSERT INTO directory_setup_tokens (id, token_hash, expires_at) VALUES (1, ?, ?)",
        [.blob(Self.tokenHash(token)), .text(expiresAt)])
      return token
    }
  }

  /// Makes the first tenant, with an organisation, the standard roles and an administrator who is
  /// signed in, once.
  ///
  /// The tenant's plan stands in nobody's way: no operation costs anything, nothing is limited,
  /// and should costs be set later, there is a balance, which may be exceeded.
  ///
  /// - Throws: ``DirectoryError/alreadySetUp`` once anybody exists,
  ///   ``DirectoryError/wrongSetupToken``, ``DirectoryError/invalid(_:_:)``,
  ///   ``DirectoryError/duplicate(_:)`` for a given tenant's id that is taken.
  func setUp(_ run: FirstRun) async throws(DirectoryError) -> NewSession {
    let now = time.now()
    try look { connection in try Self.checkSetup(run.token, now, connection) }
    let user = NewUser(
      email: run.email, name: run.name, unitID: Self.organizationID,
      roleIDs: [StandardRoles.administratorID])
    _ = try Self.checked(run.tenantName, "tenantName")
    if let tenantID = run.tenantID { _ = try Self.checkedID(tenantID, "tenantId") }
    try Self.check(user)
    let hash = try await hashed(run.password)
    let userID = newID()
    // Which tenant it will be is known inside the transaction only.
    let blank = newSession(tenantID: "", userID: userID)
    return try await change { connection in
      // Once more: another one may have come first.
      try Self.checkSetup(run.token, now, connection)
      let tenantID = try run.tenantID ?? Self.freeTenantID(run.tenantName, connection)
      try Self.insertCompany(
        TenantRecord(id: tenantID, name: run.tenantName), now, connection)
      try Self.insert(user, id: userID, passwordHash: hash, tenantID, now, connection)
      let session = NewSession(
        tenantID: tenantID, userID: userID, id: blank.id, token: blank.token,
        createdAt: blank.createdAt, expiresAt: blank.expiresAt)
      try Self.insert(session, connection)
      try connection.run("DELETE FROM directory_setup_tokens")
      return session
    }
  }

  private static func checkSetup(
    _ token: String, _ now: Timestamp, _ connection: borrowing Connection
  ) throws {
    guard try !hasUsers(connection) else { throw DirectoryError.alreadySetUp }
    let expected = try connection.first(
      "SELECT token_hash FROM directory_setup_tokens WHERE id = 1 AND expires_at > ?",
      [.text(now.rfc3339)]
    ) { $0.blob(0) }
    guard let expected = expected ?? nil, ConstantTime.areEqual(tokenHash(token), expected) else {
      throw DirectoryError.wrongSetupToken
    }
  }

  /// The slug of the name, with a number behind it where there is such a tenant already.
  private static func freeTenantID(
    _ name: String, _ connection: borrowing Connection
  ) throws -> String {
    let slug = slug(name)
    for number in 1...Limits.tenantNumberMax {
      let id = number == 1 ? slug : "\(slug)-\(number)"
      let taken = try connection.first(
        "SELECT tenant_id FROM directory_tenants WHERE tenant_id = ?", [.text(id)]
      ) { _ in true }
      if taken == nil { return id }
    }
    throw DirectoryError.duplicate("tenantId")
  }

  /// The name's letters and digits without accents, and a dash for whatever stands between them.
  static func slug(_ name: String) -> String {
    let words = Folding.fold(name).split { character in
      !(character.isASCII && (character.isLetter || character.isNumber))
    }
    let slug = words.joined(separator: "-").prefix(slugCharactersMax)
    // A name in another script has none of them.
    return slug.isEmpty ? "company" : String(slug)
  }

  private static let slugCharactersMax = 48
}
