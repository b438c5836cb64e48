internal import Database
internal import SQLite
internal import Values

/// A change that is ready to be made: alone or in one transaction with others.
public struct PreparedChange: Sendable {
  /// Who makes it, by which right, at what cost.
  public var mutation: Mutation
  /// The id of the record that it creates or changes; nil where there is none.
  public let entityID: String?
  /// Finds out without writing whether it would be refused.
  let check: @Sendable (borrowing Connection, Timestamp, Mutation) throws -> Void
  /// Makes it, inside the writer's transaction.
  let run: @Sendable (borrowing Connection, Timestamp, Mutation) throws -> MutationOutcome

  init(
    mutation: Mutation, entityID: String?,
    check: @escaping @Sendable (borrowing Connection, Timestamp, Mutation) throws -> Void,
    run: @escaping @Sendable (borrowing Connection, Timestamp, Mutation) throws -> MutationOutcome
  ) {
    self.mutation = mutation
    self.entityID = entityID
    self.check = check
    self.run = run
  }
}

extension RecordStore {
  /// Finds out whether `change` would be refused, without writing.
  ///
  /// - Throws: the same as ``execute(_:)``.
  public func check(_ change: PreparedChange) throws {
    do {
      try database.read { connection in
        try change.check(connection, time.now(), change.mutation)
      }
    } catch let mismatch as VersionMismatch {
      throw try problem(mismatch)
    }
  }

  /// Makes a change together with its entry, in one transaction.
  ///
  /// - Throws: ``HTTP/Problem`` 402, 403, 404, 409, 412, 422; what the database throws.
  public func execute(_ change: PreparedChange) async throws -> MutationAnswer {
    try await execute(change.mutation) { connection, now in
      try change.run(connection, now, change.mutation)
    }
  }
}
