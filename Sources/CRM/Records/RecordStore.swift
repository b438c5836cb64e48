public import Database
public import HTTP
internal import JSON
internal import SQLite
internal import Synchronization
public import Values

/// Reads and changes records of every resource, each change together with its log entry.
public final class RecordStore: Sendable {
  /// The resources that are served.
  public let catalog: Catalog
  let database: Database
  let time: TimeSource
  let random: RandomSource
  let log: ActivityLog
  let contents: FileContents
  /// The custom fields that tenants have defined.
  let definitions = CustomFieldCache()
  let reminderAlarm = ReminderAlarm()
  let buffer = ActivityBuffer()
  /// Tenants, each with a resource, whose starting records are known to be there.
  private let started = Mutex<Set<String>>([])
  let activityWritten: @Sendable (_ tenantID: String) -> Void

  /// A store over an open database.
  ///
  /// - Parameters:
  ///   - database: The file.
  ///   - catalog: The resources to serve.
  ///   - time: The clock of records and entries.
  ///   - random: Where ids and salts come from.
  ///   - checkpointEntries: After how many entries of a tenant its log is signed; at least 2.
  ///   - activityWritten: Told after each commit that brought an entry, so that it can be shipped.
  /// - Throws: what reading the database throws.
  public init(
    _ database: Database, catalog: Catalog, time: TimeSource = .system,
    random: RandomSource = .system, checkpointEntries: Int64 = Limits.checkpointEntries,
    activityWritten: @escaping @Sendable (_ tenantID: String) -> Void
  ) throws {
    self.database = database
    self.catalog = catalog
    self.time = time
    self.random = random
    self.activityWritten = activityWritten
    contents = FileContents(database, time: time, random: random)
    log = try ActivityLog(database, checkpointEntries: checkpointEntries)
  }

  /// The answer to an earlier POST with the same key, if it was executed.
  ///
  /// - Throws: 422 `idempotency_key_reused` when its body was another.
  public func replay(_ key: IdempotencyKey, for caller: Caller) throws -> MutationAnswer? {
    try database.read { connection in
      try key.answer(for: caller, at: time.now(), in: connection)
    }
  }

  /// Tells that a commit brought an entry.
  func activityWasWritten(tenantID: String) { activityWritten(tenantID) }

  func hasStarted(_ name: String) -> Bool { started.withLock { $0.contains(name) } }

  func noteStart(_ name: String) {
    started.withLock { names in
      // Forgetting costs one look into the file each.
      if names.count >= Limits.startedMax { names.removeAll() }
      names.insert(name)
    }
  }

  /// Runs `change` in the writer's transaction, with the entry that tells of it.
  func execute(
    _ mutation: Mutation,
    _ change: @escaping @Sendable (borrowing Connection, Timestamp) throws -> MutationOutcome
  ) async throws -> MutationAnswer {
    try await answer(mutation.caller, mutation.idempotencyKey) { connection, now in
      try self.make(mutation, at: now, in: connection, change)
    }
  }

  /// Runs `work` in the writer's transaction, unless an earlier request with the same key was
  /// executed.
  func answer(
    _ caller: Caller, _ key: IdempotencyKey?,
    _ work: @escaping @Sendable (borrowing Connection, Timestamp) throws -> MutationAnswer
  ) async throws -> MutationAnswer {
    do {
      let (answer, hasPurgedFiles) = try await database.write(seesDeferredRows: false) {
        [time, contents] connection in
        let now = time.now()
        if let answer = try key?.answer(for: caller, at: now, in: connection) {
          return (answer, false)
        }
        let answer = try work(connection, now)
        try key?.store(answer, for: caller, at: now, in: connection)
        return (answer, contents.takePurgeNote())
      }
      if hasPurgedFiles { await contents.clearAway(tenantID: caller.tenantID) }
      if !answer.isReplay { activityWritten(caller.tenantID) }
      return answer
    } catch let mismatch as VersionMismatch {
      throw try problem(mismatch)
    }
  }

  /// Makes one change with the entries that tell of it.
  func make(
    _ mutation: Mutation, at now: Timestamp, in connection: borrowing Connection,
    _ change: (borrowing Connection, Timestamp) throws -> MutationOutcome
  ) throws -> MutationAnswer {
    let outcome = try change(connection, now)
    let made = outcome.mutation ?? mutation
    guard outcome.mutation == nil || made.creditUnits <= mutation.reservedUnits else {
      throw CostlierThanReserved()
    }
    let entry = entry(made, outcome, at: now)
    try log.append(entry, in: connection)
    for further in outcome.further {
      try log.append(self.entry(made, further, at: now), in: connection)
    }
    return MutationAnswer(
      status: outcome.status, body: outcome.envelope(made, activityID: entry.id),
      etag: outcome.version.map { "\"\($0)\"" }, location: outcome.location,
      creditUnits: made.creditUnits, entityID: outcome.entityID)
  }

  /// Logs that `operation` was refused or failed: who, what and why, no values of the body.
  ///
  /// - Throws: what the database throws; the refusal itself stands without its entry then.
  public func logFailure(
    of mutation: Mutation, entityID: String?, problem: Problem
  ) async throws {
    let entry = failure(of: mutation, entityID: entityID, problem: problem)
    try await database.write(seesDeferredRows: false) { [log] connection in
      try log.append(entry, in: connection)
    }
    activityWritten(mutation.caller.tenantID)
  }

  /// The entry of what was refused or failed.
  func failure(of mutation: Mutation, entityID: String?, problem: Problem) -> ActivityEntry {
    var metadata: [(String, JSONValue)] = [
      ("error", .string(problem.detail)), ("code", .string(problem.code.name)),
    ]
    if !problem.issues.isEmpty {
      metadata.append(("fields", .array(problem.issues.map { .string($0.pointer) })))
    }
    var entry = entry(mutation, metadata: JSONObject(metadata), at: time.now())
    entry.operation = "\(mutation.operation).failed"
    entry.entityType = "error"
    entry.entityID = entityID
    entry.creditUnits = 0
    return entry
  }

  private func entry(
    _ mutation: Mutation, _ outcome: MutationOutcome, at now: Timestamp
  ) -> ActivityEntry {
    var metadata = outcome.metadata
    if let version = outcome.version { metadata["version"] = .integer(version) }
    var entry = entry(mutation, metadata: metadata, at: now)
    entry.entityID = outcome.entityID
    entry.entityType = outcome.entityType
    return entry
  }

  /// The entry of a record that was made or changed because another was: free, and pointing at its
  /// cause.
  private func entry(
    _ mutation: Mutation, _ further: MutationOutcome.FurtherChange, at now: Timestamp
  ) -> ActivityEntry {
    var metadata = further.metadata
    metadata["cause"] = .string(mutation.operation)
    if let version = further.version { metadata["version"] = .integer(version) }
    var entry = entry(mutation, metadata: metadata, at: now)
    entry.operation = further.operation
    entry.entityID = further.entityID
    entry.entityType = further.entityType
    entry.creditUnits = 0
    return entry
  }

  /// An entry of what the caller does, with the whole context.
  func entry(
    _ mutation: Mutation, metadata: JSONObject, at now: Timestamp
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
      compliance: caller.compliance, salt: random.bytes(16))
  }
}
