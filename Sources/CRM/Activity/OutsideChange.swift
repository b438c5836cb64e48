public import JSON

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
    let data = change.data.bytes
    return try await execute(mutation) { _, _ in
      var metadata = JSONObject()
      metadata["changes"] = .object(change.changes)
      return MutationOutcome(
        status: change.status, entityType: change.entityType, entityID: change.entityID,
        data: data, location: change.location, metadata: metadata)
    }
  }
}
