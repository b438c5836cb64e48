public import Database
public import HTTP
internal import JSON
internal import SQLite
public import Values

/// Reads and changes records of every resource, each change together with its log entry.
public final class RecordStore: Sendable {
  /// The resources that are served.
  public let catalog: Catalog
  let database: Database
  let time: TimeSource
  let random: RandomSource
  let log: ActivityLog
  private let activityWritten: @Sendable (_ tenantID: String) -> Void

  /// A store over an open database.
  ///
  /// - Parameters:
  ///   - database: The file.
  ///   - catalog: The resources to serve.
  ///   - time: The clock of records and entries.
  ///   - random: Where ids and salts come from.
  ///   - activityWritten: Told after each commit that brought an entry, so that it can be shipped.
  /// - Throws: what reading the database throws.
  public init(
    _ database: Database, catalog: Catalog, time: TimeSource = .system,
    random: RandomSource = .system,
    activityWritten: @escaping @Sendable (_ tenantID: String) -> Void
  ) throws {
    self.database = database
    self.catalog = catalog
    self.time = time
    self.random = random
    self.activityWritten = activityWritten
    log = try ActivityLog(database)
  }

  /// The answer to an earlier POST with the same key, if it was executed.
  ///
  /// - Throws: 422 `idempotency_key_reused` when its body was another.
  public func replay(_ key: IdempotencyKey, for caller: Caller) throws -> MutationAnswer? {
    try database.read { connection in
      try key.answer(for: caller, at: time.now(), in: connection)
    }
  }

  /// Runs `change` in the writer's transaction, with the entry that tells of it.
  func execute(
    _ mutation: Mutation,
    _ change: @escaping @Sendable (borrowing Connection, Timestamp) throws -> MutationOutcome
  ) async throws -> MutationAnswer {
    let salt = random.bytes(16)
    let answer = try await database.write { [self] connection in
      let now = time.now()
      if let answer = try mutation.idempotencyKey?.answer(
        for: mutation.caller, at: now, in: connection)
      {
        return answer
      }
      let outcome = try change(connection, now)
      let entry = entry(mutation, outcome, salt: salt, at: now)
      try log.append(entry, in: connection)
      for further in outcome.further {
        try log.append(self.entry(mutation, further, at: now), in: connection)
      }
      let answer = MutationAnswer(
        status: outcome.status, body: outcome.envelope(mutation, activityID: entry.id),
        etag: outcome.version.map { "\"\($0)\"" }, location: outcome.location)
      try mutation.idempotencyKey?.store(answer, for: mutation.caller, at: now, in: connection)
      return answer
    }
    if !answer.isReplay { activityWritten(mutation.caller.tenantID) }
    return answer
  }

  /// Logs that `operation` was refused or failed: who, what and why, no values of the body.
  ///
  /// - Throws: what the database throws; the refusal itself stands without its entry then.
  public func logFailure(
    of mutation: Mutation, entityID: String?, problem: Problem
  ) async throws {
    let now = time.now()
    var metadata: [(String, JSONValue)] = [
      ("error", .string(problem.detail)), ("code", .string(problem.code.name)),
    ]
    if !problem.issues.isEmpty {
      metadata.append(("fields", .array(problem.issues.map { .string($0.pointer) })))
    }
    var entry = entry(mutation, metadata: JSONObject(metadata), at: now)
    entry.operation = "\(mutation.operation).failed"
    entry.entityType = "error"
    entry.entityID = entityID
    entry.creditUnits = 0
    let finished = entry
    try await database.write { [log] connection in try log.append(finished, in: connection) }
    activityWritten(mutation.caller.tenantID)
  }

  private func entry(
    _ mutation: Mutation, _ outcome: MutationOutcome, salt: [UInt8], at now: Timestamp
  ) -> ActivityEntry {
    var entry = entry(mutation, metadata: outcome.metadata, salt: salt, at: now)
    entry.entityID = outcome.entityID
    entry.entityType = outcome.entityType
    return entry
  }

  /// The entry of a record that changed because another did: free, and pointing at its cause.
  private func entry(
    _ mutation: Mutation, _ further: MutationOutcome.FurtherChange, at now: Timestamp
  ) -> ActivityEntry {
    let metadata = JSONObject([
      ("changes", .object(further.changes)), ("cause", .string(mutation.operation)),
    ])
    var entry = entry(mutation, metadata: metadata, at: now)
    entry.operation = further.operation
    entry.entityID = further.entityID
    entry.entityType = further.entityType
    entry.creditUnits = 0
    return entry
  }

  private func entry(
    _ mutation: Mutation, metadata: JSONObject, salt: [UInt8]? = nil, at now: Timestamp
  ) -> ActivityEntry {
    let caller = mutation.caller
    var metadata = metadata
    if let reason = caller.reason { metadata["reason"] = .string(reason) }
    if let other = caller.impersonatedBy { metadata["impersonatedBy"] = .string(other) }
    if mutation.isOffline { metadata["offline"] = true }
    return ActivityEntry(
      id: log.nextID(userID: caller.userID, at: now), tenantID: caller.tenantID,
      userID: caller.userID, operation: mutation.operation, creditUnits: mutation.creditUnits,
      timestamp: now, sessionID: caller.sessionID, unitID: caller.unitID,
      unitPath: caller.unitPath, userContext: caller.userContext,
      permissions: mutation.permissions, metadata: JSONValue.object(metadata).text,
      compliance: caller.compliance, salt: salt ?? random.bytes(16))
  }
}
