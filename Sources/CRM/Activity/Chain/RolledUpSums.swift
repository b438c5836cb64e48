internal import Database
internal import SQLite

extension RecordStore {
  /// What the sums of a tenant's entries should be.
  private static let recomputed = """
    SELECT CAST(strftime('%s', timestamp) AS INTEGER) / 900, coalesce(unit_id, ''), user_id,
      operation, coalesce(entity_type, ''), count(*), sum(credit_units), max(timestamp)
    FROM crm_activities WHERE tenant_id = ?1 GROUP BY 1, 2, 3, 4, 5
    """

  private static let stored = """
    SELECT bucket, unit_id, user_id, operation, entity_type, entries, credit_units, latest
    FROM activity_rollups WHERE tenant_id = ?1
    """

  /// Compares the sums over a tenant's log with the log.
  ///
  /// - Returns: What differs, in words, the first of it; none when all is well.
  /// - Throws: what reading the database throws.
  public func verifySums(tenantID: String) throws -> [String] {
    try database.read(deadlineSeconds: Limits.verificationSeconds) { connection in
      try connection.all(
        """
        SELECT * FROM (
          SELECT 'is not what the log says' AS what, * FROM (\(Self.stored)
            EXCEPT \(Self.recomputed))
          UNION ALL
          SELECT 'is missing or other than the log says', * FROM (\(Self.recomputed)
            EXCEPT \(Self.stored))
        ) LIMIT \(Limits.differencesListedMax)
        """, [.text(tenantID)]
      ) { row in
        let key = (1...5).map { row.text($0) ?? "" }.joined(separator: " ")
        return "the sum \(key) \(row.text(0) ?? ""): \(row.integer(6) ?? 0) entries"
      }
    }
  }

  /// Adds up a tenant's log anew.
  ///
  /// - Throws: what the database throws.
  public func rebuildSums(tenantID: String) async throws {
    try await database.write { connection in
      try connection.run("DELETE FROM activity_rollups WHERE tenant_id = ?", [.text(tenantID)])
      try connection.run(
        """
        INSERT INTO activity_rollups (
          tenant_id, bucket, unit_id, user_id, operation, entity_type, entries, credit_units,
          latest)
        SELECT ?1, * FROM (\(Self.recomputed))
        """, [.text(tenantID)])
    }
  }
}
