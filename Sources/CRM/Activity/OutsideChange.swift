internal import Database
public import JSON
public import SQLite
internal import Values

/// A change that was made by another part of the system, outside the records kept here.
public struct OutsideChange: Sendable {
  /// The HTTP status of the answer.
  public var status: Int
  /// What kind of thing was changed: `user`, `role`, `unit`, `credits`.
  public var entityType: String
  /// Its id.
  public var entityID: String
  /// The thing as it is now.
  public var data: JSONValue
  /// What changed, by member: `{"from", "to"}`.
  public var changes: JSONObject
  /// Where a created thing is.
  public var location: String?

  /// A change made of its parts.
  public init(
    status: Int, entityType: String, entityID: String, data: JSONValue, changes: JSONObject,
    location: String? = nil
  ) {
    self.status = status
    self.entityType = entityType
    self.entityID = entityID
    self.data = data
    self.changes = changes
    self.location = location
  }
}

extension RecordStore {
  /// Logs a change that is made already, and answers for it as for every other mutation.
  ///
  /// - Throws: what the database throws; the change stands without its entry then.
  public func log(_ change: OutsideChange, _ mutation: Mutation) async throws -> MutationAnswer {
    try await log(mutation) { _ in change }
  }

  /// Makes a change of tables that are not kept here, in one transaction with the entry that tells
  /// of it, and answers for it as for every other mutation.
  ///
  /// - Parameters:
  ///   - mutation: Who makes it, and by which right.
  ///   - change: Makes it and says what it was; may run twice, like every body of the writer.
  /// - Throws: what `change` and the database throw.
  public func log(
    _ mutation: Mutation,
    _ change: @escaping @Sendable (borrowing Connection) throws -> OutsideChange
  ) async throws -> MutationAnswer {
    try await execute(mutation) { connection, _ in
      let change = try change(connection)
      var metadata = JSONObject()
      metadata["changes"] = .object(change.changes)
      return MutationOutcome(
        status: change.status, entityType: change.entityType, entityID: change.entityID,
        data: change.data.bytes, location: change.location, metadata: metadata)
    }
  }

  /// Logs that data leave the system, before the first byte of them does: operations end with
  /// `.export`.
  ///
  /// - Parameters:
  ///   - mutation: Who takes them, and by which right; it costs nothing.
  ///   - entityType: The kind of record.
  ///   - filters: The names of what they were filtered by, never values.
  ///   - metadata: What is told beside: the format, the bound.
  /// - Returns: the entry's id.
  /// - Throws: what the database throws; nothing may leave unrecorded then.
  public func logExport(
    _ mutation: Mutation, entityType: String, filters: [String], metadata: JSONObject = JSONObject()
  ) async throws -> String {
    var metadata = metadata
    if !filters.isEmpty { metadata["filters"] = .array(filters.map(JSONValue.string)) }
    var entry = entry(mutation, metadata: metadata, at: time.now())
    entry.entityType = entityType
    entry.creditUnits = 0
    let finished = entry
    try await database.write(seesDeferredRows: false) { [log] connection in
      try log.append(finished, in: connection)
    }
    activityWritten(mutation.caller.tenantID)
    return finished.id
  }
}
