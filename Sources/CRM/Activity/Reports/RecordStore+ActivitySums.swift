internal import Database
internal import SQLite
public import Values

extension RecordStore {
  /// Compares a tenant's sums of activity with the log, and blocks with the sums they are made of.
  ///
  /// Sums before `since` stay as they are all there is. The memory it takes is that of eight days'
  /// sums at most.
  ///
  /// - Parameters:
  ///   - since: Where the log begins, when what was before it has been removed.
  ///   - differencesMax: How many differences are named.
  /// - Returns: The sums that differ; none when all is well.
  /// - Throws: what reading the database throws.
  public func verifyActivitySums(
    tenantID: String, since: Timestamp? = nil, differencesMax: Int = 100
  ) throws -> [ActivitySumDifference] {
    try database.read(deadlineSeconds: Limits.verificationSeconds) { connection in
      var check = ActivitySumCheck(
        tenantID: tenantID, since: since, differencesMax: differencesMax)
      try check.run(connection)
      return check.differences
    }
  }

  /// Makes a tenant's sums of activity anew from the log, a day in a transaction.
  ///
  /// May be called again when it was interrupted; until it has ended reports are slower and of some
  /// days as wrong as before.
  ///
  /// - Parameter since: Where the log begins, when what was before it has been removed: sums before
  ///   that stay.
  /// - Throws: what the database throws.
  public func rebuildActivitySums(tenantID: String, since: Timestamp? = nil) async throws {
    let tenant = SQLiteValue.text(tenantID)
    _ = try await database.write { connection in
      try connection.run(
        """
        INSERT OR REPLACE INTO activity_block_ends (tenant_id, usable_from, closed_until)
        VALUES (?1, ?2, ?2)
        """, [tenant, .integer(ActivityBlocks.beingRebuilt)])
    }
    var removed = 0
    repeat {
      removed = try await database.write { connection in
        try connection.run(
          """
          DELETE FROM activity_blocks
          WHERE (tenant_id, scope, id, span, bucket, unit_id, facet, value, entity_type) IN (
            SELECT tenant_id, scope, id, span, bucket, unit_id, facet, value, entity_type
            FROM activity_blocks WHERE tenant_id = ? LIMIT ?)
          """, [tenant, .integer(Self.blocksPerStep)])
      }
    } while removed == Self.blocksPerStep
    var place: Int64? = ActivitySumCheck.firstQuarter(since: since) ?? .min
    while let from = place {
      place = try await database.write { connection in
        try Self.rebuildDay(from: from, tenantID, connection)
      }
    }
    _ = try await database.write { connection in
      try connection.run("DELETE FROM activity_block_ends WHERE tenant_id = ?", [tenant])
    }
    try await closeActivityBlocks(tenantID: tenantID)
  }

  /// Blocks that one transaction removes at most, so that writers behind it do not wait.
  private static let blocksPerStep = 20_000

  /// Sums the first day from `place` on that has entries or sums.
  ///
  /// - Returns: Where the next day begins; nil when there is none.
  private static func rebuildDay(
    from place: Int64, _ tenantID: String, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Int64? {
    guard let from = try ActivitySumCheck.nextQuarter(from: place, tenantID, connection) else {
      return nil
    }
    let day = ActivitySumCheck.quartersPerDay
    let to = ActivityBlocks.start(of: from, span: day) + day
    try QuarterSums.sumAnew(from..<to, tenantID, in: connection)
    return to
  }
}
