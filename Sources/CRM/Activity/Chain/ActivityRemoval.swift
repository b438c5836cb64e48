internal import SQLite
internal import Values

/// A sealed segment of a tenant's log that retention may remove: from behind the last one to a
/// checkpoint.
struct ActivityRemoval {
  /// The operation of the entry that tells of it.
  static let operation = "crm.activities.retention"

  let tenantID: String
  /// Behind which entry it begins, and which is its last.
  let after: Int64
  let through: Int64
  /// The hash of its last entry, signed.
  let head: [UInt8]
  let entries: Int64
  /// Of its entries.
  let oldest: String
  let newest: String

  /// The oldest segment of the log; nil when there is none, when it holds an entry that is not
  /// older than `limit` or not shipped yet, or when it is not what was signed.
  init?(
    _ tenantID: String, before limit: Timestamp, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    let sealed = try connection.first(
      """
      SELECT chain.removed_seq, c.seq, c.head FROM activity_chains AS chain
      JOIN activity_checkpoints AS c ON c.tenant_id = chain.tenant_id
        AND c.seq > chain.removed_seq AND c.seq < chain.seq
      WHERE chain.tenant_id = ? ORDER BY c.seq LIMIT 1
      """, [.text(tenantID)]
    ) { (after: $0.integer(0) ?? 0, through: $0.integer(1) ?? 0, head: $0.blob(2) ?? []) }
    guard let sealed else { return nil }
    let content = try connection.first(
      """
      SELECT count(*), min(timestamp), max(timestamp),
        (SELECT hash FROM crm_activities WHERE tenant_id = ?1 AND seq = ?3)
      FROM crm_activities WHERE tenant_id = ?1 AND seq > ?2 AND seq <= ?3
      """, [.text(tenantID), .integer(sealed.after), .integer(sealed.through)]
    ) { row in
      (
        count: row.integer(0) ?? 0, oldest: row.text(1) ?? "", newest: row.text(2) ?? "",
        head: row.blob(3)
      )
    }
    // What is not as it was signed is evidence, and stays.
    guard let content, content.count == sealed.through - sealed.after,
      content.head == sealed.head, content.newest < limit.rfc3339,
      try !Self.isWaiting(tenantID, through: sealed.through, connection)
    else { return nil }
    self.tenantID = tenantID
    (after, through, head) = sealed
    (entries, oldest, newest) = (content.count, content.oldest, content.newest)
  }

  /// Whether an entry up to `seq` waits to be shipped; the outbox has the order of the chain.
  private static func isWaiting(
    _ tenantID: String, through seq: Int64, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Bool {
    let first = try connection.first(
      """
      SELECT a.seq FROM activity_outbox AS o
      JOIN crm_activities AS a ON a.id = o.activity_id AND a.tenant_id = o.tenant_id
      WHERE o.tenant_id = ? ORDER BY o.n LIMIT 1
      """, [.text(tenantID)]
    ) { $0.integer(0) ?? 0 }
    return first.map { $0 <= seq } ?? false
  }

  /// Removes the entries, takes them out of the sums and notes where the log begins now.
  func run(_ connection: borrowing Connection) throws(SQLiteError) {
    let segment: [SQLiteValue] = [.text(tenantID), .integer(after), .integer(through)]
    let sums = try RemovedSums(tenantID: tenantID, after: after, through: through, connection)
    try connection.run(
      "INSERT INTO activity_exemptions (tenant_id, reason) VALUES (?, 'retention')",
      [.text(tenantID)])
    try connection.run(
      "DELETE FROM crm_activities WHERE tenant_id = ? AND seq > ? AND seq <= ?", segment)
    try connection.run("DELETE FROM activity_exemptions WHERE tenant_id = ?", [.text(tenantID)])
    try sums.subtract(connection)
    try connection.run(
      "UPDATE activity_chains SET removed_seq = ?, removed_head = ? WHERE tenant_id = ?",
      [.integer(through), .blob(head), .text(tenantID)])
  }
}
