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
    let elsewhere = try connection.all(
      """
      \(LogTenants.walk)
      SELECT \(StoredEntry.selected) FROM logged
      JOIN crm_activities AS a ON a.tenant_id = logged.tenant_id AND a.seq = ?
      LIMIT ?
      """, [.integer(seq), .integer(Limits.straysMax)]
    ) { StoredEntry(row: $0) }
    if let entry = elsewhere.first(where: { $0.follows(previous) && $0.was(of: tenantID) }) {
      return Found(id: entry.id, column: "tenant_id", reason: "says \(entry.tenantID)")
    }
    return nil
  }
}

/// The tenants of whom there is a log.
public enum LogTenants {
  /// Goes from one tenant of the index to the next.
  static let walk = """
    WITH RECURSIVE logged (tenant_id) AS (
      SELECT min(tenant_id) FROM crm_activities
      UNION ALL
      SELECT (SELECT min(a.tenant_id) FROM crm_activities AS a
        WHERE a.tenant_id > logged.tenant_id)
      FROM logged WHERE logged.tenant_id IS NOT NULL
    )
    """

  /// Every tenant that has a chain or entries, in order; entries without a chain are a fault that
  /// somebody should see.
  ///
  /// - Throws: what SQLite says.
  public static func all(_ connection: borrowing Connection) throws(SQLiteError) -> [String] {
    try connection.all(
      """
      \(walk)
      SELECT tenant_id FROM logged WHERE tenant_id IS NOT NULL
      UNION SELECT tenant_id FROM activity_chains ORDER BY 1
      """
    ) { $0.text(0) ?? "" }
  }
}
