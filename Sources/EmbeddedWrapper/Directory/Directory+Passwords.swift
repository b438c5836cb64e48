internal import Cryptography
internal import Database
internal import SQLite

extension Directory {
  /// Sets the password and ends every session that began with the old one.
  public func setPassword(
    tenantID: String, userID: String, password: String
  ) async throws(DirectoryError) {
    try await setPassword(
      tenantID: tenantID, userID: userID, password: password, exceptTokenHash: [])
  }

  /// Sets the password and ends every session but the one with the token of the given hash.
  func setPassword(
    tenantID: String, userID: String, password: String, exceptTokenHash: [UInt8]
  ) async throws(DirectoryError) {
    let hash = try await hashed(password)
    try await write { connection in
      let changed = try connection.run(
        "UPDATE directory_users SET password_hash = ? WHERE tenant_id = ? AND user_id = ?",
        [.text(hash), .text(tenantID), .text(userID)])
      guard changed > 0 else { throw DirectoryError.notFound("user") }
      try Self.endSessions(
        of: userID, tenantID, exceptTokenHash: exceptTokenHash, connection)
    }
  }

  /// The hash of a password that may be set.
  ///
  /// - Throws: ``DirectoryError/invalid(_:_:)`` with the reason, ``DirectoryError/database(_:)``
  ///   `overloaded` when too many wait.
  func hashed(_ password: String) async throws(DirectoryError) -> String {
    guard password.count >= Self.passwordCharactersMin,
      password.utf8.count <= PasswordHash.passwordBytesMax, !password.utf8.contains(0)
    else {
      throw .invalid(
        "password",
        "at least \(Self.passwordCharactersMin) characters and at most "
          + "\(PasswordHash.passwordBytesMax) bytes")
    }
    guard let hash = await PasswordThreads.shared.hash(password, random: random) else {
      throw .database(.overloaded)
    }
    return hash
  }
}
