internal import Database
internal import HTTP
public import JSON
internal import SQLite
internal import Values

extension RecordStore {
  /// Rows that one housekeeping transaction removes at most, so that writers behind it do not wait.
  private static let rowsPerStep = 500

  /// Forgets what is kept for a time only: idempotency answers, the change log, records that
  /// have been in the trash for `trashDays`, and bytes of files that are gone or never came whole.
  ///
  /// Every record that leaves the trash has its entry in the activity log, by the user `system`.
  ///
  /// - Throws: what the database throws; what was done until then stays done.
  public func forgetExpired(trashDays: Int) async throws {
    let now = time.now()
    try await removeInSteps(
      """
      DELETE FROM idempotency_answers WHERE (tenant_id, user_id, method, path, key) IN (
        SELECT tenant_id, user_id, method, path, key FROM idempotency_answers
        WHERE created_at <= ? LIMIT ?)
      """, before: IdempotencyKey.oldest(at: now))
    try await removeInSteps(
      """
      DELETE FROM change_log WHERE changed_at <= ?1 AND seq IN (
        SELECT seq FROM change_log ORDER BY seq LIMIT ?2)
      """,
      before: now.advanced(byMilliseconds: -Limits.changeLogMilliseconds).rfc3339)
    let oldest = now.advanced(byMilliseconds: -Int64(trashDays) * 86_400_000)
    let tenants = try database.read { connection in
      try connection.all("SELECT tenant_id FROM activity_chains") { $0.text(0) ?? "" }
    }
    for tenantID in tenants {
      for resource in catalog.resources {
        while try await emptyTrash(of: resource, tenantID: tenantID, before: oldest) {}
      }
      try await contents.removeUnused(tenantID: tenantID)
    }
  }

  private func removeInSteps(_ sql: String, before moment: String) async throws {
    var removed = 0
    repeat {
      removed = try await database.write { connection in
        try connection.run(sql, [.text(moment), .integer(Int64(Self.rowsPerStep))])
      }
    } while removed == Self.rowsPerStep
  }

  /// Removes some records.
  ///
  /// - Returns: Whether there may be more of them.
  private func emptyTrash(of resource: Resource, tenantID: String, before moment: Timestamp)
    async throws -> Bool
  {
    let ids = try database.read { connection in
      try connection.all(
        """
        SELECT id FROM \(resource.description.table)
        WHERE tenant_id = ? AND deleted_at < ? LIMIT ?
        """,
        [.text(tenantID), .text(moment.rfc3339), .integer(Int64(Self.rowsPerStep))]
      ) { $0.text(0) ?? "" }
    }
    for id in ids {
      let operation = resource.description.operation("purge")
      do {
        _ = try await execute(
          prepare(
            .expire(before: moment), resource, id: id,
            Mutation(
              caller: .system(tenantID: tenantID), operation: operation, scope: .server,
              permissions: "{}")))
      } catch let problem as Problem where problem.code == .notFound {
        // Somebody took it out of the trash, or away, since the list was made.
        continue
      }
    }
    return ids.count == Self.rowsPerStep
  }
}

extension Caller {
  /// Under which the server itself acts.
  static let systemUserID = "system"

  /// The server itself, acting for nobody.
  static func system(tenantID: String) -> Caller {
    var caller = outside(
      tenantID: tenantID, userID: systemUserID, name: "Cardfile", entityPath: "Cardfile",
      sessionID: systemUserID,
      compliance: [
        "ipAddress": "unknown", "userAgent": "unknown", "location": "unknown",
        "authenticationMethod": "system",
      ])
    caller.scope = { _ in .server }
    return caller
  }

  /// Somebody of whom the tenant's directory says nothing.
  ///
  /// - Parameters:
  ///   - tenantID: Whose log tells of it.
  ///   - userID: The name in the log.
  ///   - name: The name that people read.
  ///   - entityPath: What stands for the place in the organisation.
  ///   - sessionID: The session.
  ///   - compliance: From where and how.
  ///   - reason: Why.
  public static func outside(
    tenantID: String, userID: String, name: String, entityPath: String, sessionID: String,
    compliance: JSONValue, reason: String? = nil
  ) -> Caller {
    let context: JSONValue = [
      "user": ["id": .string(userID), "name": .string(name)], "department": "Unknown",
      "hierarchy": [:], "entityPath": .string(entityPath),
    ]
    return Caller(
      tenantID: tenantID, userID: userID, sessionID: sessionID, displayName: name,
      department: "Unknown", entityPath: entityPath, unitID: nil, unitPath: nil,
      userContext: context.text, compliance: compliance.text, reason: reason, currency: "EUR",
      scope: { _ in nil }, isUser: { _ in false })
  }
}
