internal import Database
internal import JSON
internal import SQLite
internal import Values

extension RecordStore {
  /// Removes entries of the activity log that are older than `days`, a sealed segment at a time.
  ///
  /// A segment ends at a checkpoint. It goes as a whole, when all of its entries are older and none
  /// of them waits to be shipped; in the same transaction its last hash is kept, so that the rest
  /// verifies, the sums are those of what is left, and an entry tells what was removed.
  ///
  /// - Returns: How many entries were removed.
  /// - Throws: what the database throws; what was removed until then stays removed.
  @discardableResult
  public func removeExpiredActivities(days: Int) async throws -> Int64 {
    let limit = time.now().advanced(byMilliseconds: -Int64(days) * 86_400_000)
    let tenants = try database.read { connection in
      try connection.all("SELECT tenant_id FROM activity_chains") { $0.text(0) ?? "" }
    }
    var count: Int64 = 0
    for tenantID in tenants {
      // Looked at by a reader first: mostly there is nothing, and the writer has other work.
      while try database.read({ try ActivityRemoval(tenantID, before: limit, $0) }) != nil {
        let removed = try await database.write { [self] connection in
          try removeSegment(tenantID, before: limit, days: days, connection)
        }
        guard let removed else { break }
        count += removed
        activityWasWritten(tenantID: tenantID)
        if Task.isCancelled { return count }
      }
    }
    return count
  }

  /// - Returns: How many entries it had; nil when there is no segment to remove.
  private func removeSegment(
    _ tenantID: String, before limit: Timestamp, days: Int, _ connection: borrowing Connection
  ) throws -> Int64? {
    guard let removal = try ActivityRemoval(tenantID, before: limit, connection) else { return nil }
    try removal.run(connection)
    let mutation = Mutation(
      caller: .system(tenantID: tenantID), operation: ActivityRemoval.operation, scope: .server,
      permissions: "{}")
    _ = try make(mutation, at: time.now(), in: connection) { _, _ in
      MutationOutcome(
        status: 200, entityType: "activity", entityID: "\(removal.through)", data: [],
        metadata: JSONObject([
          ("afterSeq", .integer(removal.after)), ("throughSeq", .integer(removal.through)),
          ("entries", .integer(removal.entries)),
          ("head", .string(Hexadecimal.text(removal.head))), ("oldest", .string(removal.oldest)),
          ("newest", .string(removal.newest)), ("days", .integer(days)),
        ]))
    }
    return removal.entries
  }
}
