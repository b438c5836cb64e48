internal import Database
public import HTTP
internal import JSON
internal import SQLite
internal import Values

// What each user's page remembers: JSON by key, nobody else's business.
extension RecordStore {
  /// All preferences of a user, by key.
  ///
  /// - Throws: what the database throws.
  public func preferences(tenantID: String, userID: String) throws -> [UInt8] {
    try database.read { connection in
      var writer = JSONWriter(capacity: 4096)
      writer.beginObject()
      try connection.forEachRow(
        "SELECT key, value FROM preferences WHERE tenant_id = ? AND user_id = ? ORDER BY key",
        [.text(tenantID), .text(userID)]
      ) { row in
        writer.name(row.text(0) ?? "")
        writer.raw((row.text(1) ?? "null").utf8)
      }
      writer.endObject()
      return writer.bytes
    }
  }

  /// One preference of a user, JSON.
  ///
  /// - Throws: 404 when there is none of that key; what the database throws.
  public func preference(_ key: String, tenantID: String, userID: String) throws -> [UInt8] {
    let value = try database.read { connection in
      try Self.preference(key, tenantID: tenantID, userID: userID, in: connection)
    }
    guard let value else { throw Problem.notFound(Self.preferenceType) }
    return Array(value.utf8)
  }

  /// Sets a preference of the caller: 201 for a new one.
  ///
  /// - Throws: 400 for a body that is no JSON, 422 for a key or a value that cannot be kept.
  public func prepareSetting(_ key: String, to body: [UInt8], _ mutation: Mutation) throws(Problem)
    -> PreparedChange
  {
    guard Self.isPreferenceKey(key) else {
      throw RecordBody.validation([
        .init(
          pointer: "", code: "invalid_key",
          detail: """
            a key is of 1 to \(Limits.preferenceKeyCharactersMax) letters, digits, dots, hyphens \
            and underscores
            """)
      ])
    }
    let value = try Self.preferenceValue(body)
    return PreparedChange(mutation: mutation, entityID: key) { connection, _, mutation in
      _ = try Self.checkPreference(key, mutation.caller, in: connection)
    } run: { connection, now, mutation in
      let caller = mutation.caller
      let isNew = try Self.checkPreference(key, caller, in: connection)
      try connection.run(
        """
        INSERT OR REPLACE INTO preferences (tenant_id, user_id, key, value, updated_at)
        VALUES (?, ?, ?, ?, ?)
        """,
        [
          .text(caller.tenantID), .text(caller.userID), .text(key), .text(value.text),
          .text(now.rfc3339),
        ])
      // The value is the user's own: others may read the log.
      return MutationOutcome(
        status: isNew ? 201 : 200, entityType: Self.preferenceType, entityID: key,
        data: value.bytes, location: isNew ? "/api/preferences/\(key)" : nil)
    }
  }

  /// Removes a preference of the caller; the answer shows the value that it had.
  public func prepareUnsetting(_ key: String, _ mutation: Mutation) -> PreparedChange {
    @Sendable func value(_ caller: Caller, _ connection: borrowing Connection) throws -> String {
      let value = try Self.preference(
        key, tenantID: caller.tenantID, userID: caller.userID, in: connection)
      guard let value else { throw Problem.notFound(Self.preferenceType) }
      return value
    }
    return PreparedChange(mutation: mutation, entityID: key) { connection, _, mutation in
      _ = try value(mutation.caller, connection)
    } run: { connection, _, mutation in
      let caller = mutation.caller
      let value = try value(caller, connection)
      try connection.run(
        "DELETE FROM preferences WHERE tenant_id = ? AND user_id = ? AND key = ?",
        [.text(caller.tenantID), .text(caller.userID), .text(key)])
      return MutationOutcome(
        status: 200, entityType: Self.preferenceType, entityID: key, data: Array(value.utf8))
    }
  }

  private static let preferenceType = "preference"

  private static func preference(
    _ key: String, tenantID: String, userID: String, in connection: borrowing Connection
  ) throws(SQLiteError) -> String? {
    try connection.first(
      "SELECT value FROM preferences WHERE tenant_id = ? AND user_id = ? AND key = ?",
      [.text(tenantID), .text(userID), .text(key)]
    ) { $0.text(0) ?? "null" }
  }

  private static func isPreferenceKey(_ key: String) -> Bool {
    (1...Limits.preferenceKeyCharactersMax).contains(key.utf8.count)
      && key.wholeMatch(of: /[A-Za-z0-9._-]+/) != nil
  }

  private static func preferenceValue(_ body: [UInt8]) throws(Problem) -> JSONValue {
    let value = try RecordBody.json(body)
    do throws(FieldIssue) {
      return try StructuredField.any(value)
    } catch {
      throw RecordBody.validation([.init(pointer: "", code: error.code, detail: error.detail)])
    }
  }

  /// Whether the preference would be a new one.
  ///
  /// - Throws: 422 when the caller has as many as a user may have.
  private static func checkPreference(
    _ key: String, _ caller: Caller, in connection: borrowing Connection
  ) throws -> Bool {
    let stored = try preference(
      key, tenantID: caller.tenantID, userID: caller.userID, in: connection)
    guard stored == nil else { return false }
    let count =
      try connection.first(
        "SELECT count(*) FROM preferences WHERE tenant_id = ? AND user_id = ?",
        [.text(caller.tenantID), .text(caller.userID)]
      ) { $0.integer(0) ?? 0 } ?? 0
    guard count < Int64(Limits.preferencesMax) else {
      throw RecordBody.validation([
        .init(
          pointer: "", code: "too_many",
          detail: "a user has at most \(Limits.preferencesMax) preferences")
      ])
    }
    return true
  }
}
