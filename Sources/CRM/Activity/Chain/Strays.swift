public import SQLite

/// Finds an entry that is not at its place in the chain: one whose tenant or place was changed.
///
/// Its stored hashes still say behind which entry it belongs.
struct Strays {
  let tenantID: String
  let chain: ChainVerifier.Chain

  /// Where an entry was found.
  struct Found {
    let id: String
    let column: String
    let reason: String
  }

  /// Looks for the entry `seq`, which follows `previous`; nil when it is nowhere near.
  func find(
    _ seq: Int64, after previous: [UInt8], _ connection: borrowing Connection
  ) throws(SQLiteError) -> Found? {
    let displaced = try connection.all(
      """
      SELECT \(StoredEntry.selected) FROM crm_activities AS a
      WHERE a.tenant_id = ? AND (a.seq > ? OR a.seq <= ?) LIMIT ?
      """,
      [
        .text(tenantID), .integer(chain.seq), .integer(chain.removedSeq),
        .integer(Limits.straysMax),
      ]
    ) { StoredEntry(row: $0) }
    if let entry = displaced.first(where: { $0.follows(previous) }) {
      return Found(id: entry.id, column: "seq", reason: "says \(entry.seq)")
    }
    for other in try LogTenants.all(connection).prefix(Int(Limits.straysMax))
    where other != tenantID {
      let entry = try connection.first(
        """
        SELECT \(StoredEntry.selected) FROM crm_activities AS a
        WHERE a.tenant_id = ? AND a.seq = ?
        """, [.text(other), .integer(seq)]
      ) { StoredEntry(row: $0) }
      if let entry, entry.follows(previous) {
        return Found(id: entry.id, column: "tenant_id", reason: "says \(other)")
      }
    }
    return nil
  }
}

/// The tenants of whom there is a log.
public enum LogTenants {
  /// Every tenant that has a chain or entries, in order; entries without a chain are a fault that
  /// somebody should see.
  ///
  /// Goes from one tenant of the index to the next.
  ///
  /// - Throws: what SQLite says.
  public static func all(_ connection: borrowing Connection) throws(SQLiteError) -> [String] {
    try connection.all(
      """
      WITH RECURSIVE logged (tenant_id) AS (
        SELECT min(tenant_id) FROM crm_activities
        UNION ALL
        SELECT (SELECT min(a.tenant_id) FROM crm_activities AS a
          WHERE a.tenant_id > logged.tenant_id)
        FROM logged WHERE logged.tenant_id IS NOT NULL
      )
      SELECT tenant_id FROM logged WHERE tenant_id IS NOT NULL
      UNION SELECT tenant_id FROM activity_chains ORDER BY 1
      """
    ) { $0.text(0) ?? "" }
  }
}
