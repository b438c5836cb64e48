internal import Database
public import JSON
public import SQLite

extension RecordStore {
  /// Does something that changes no record, in one transaction with the entry that tells of it.
  ///
  /// - Parameters:
  ///   - mutation: Who does it, and by which right.
  ///   - entityType: The kind of what it is done to.
  ///   - entityID: The id of that.
  ///   - data: What the answer shows.
  ///   - metadata: What the entry tells beside.
  ///   - change: Does it; may run twice, like every body of the writer.
  /// - Throws: what `change` and the database throw.
  public func perform(
    _ mutation: Mutation, entityType: String, entityID: String, data: JSONValue,
    metadata: JSONObject = JSONObject(),
    _ change: @escaping @Sendable (borrowing Connection) throws -> Void
  ) async throws -> MutationAnswer {
    let data = data.bytes
    return try await execute(mutation) { connection, _ in
      try change(connection)
      return MutationOutcome(
        status: 200, entityType: entityType, entityID: entityID, data: data, metadata: metadata)
    }
  }
}
