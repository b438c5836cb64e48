internal import SQLite
internal import Values

/// The log of changes for those who follow them, written in the transaction of the change.
enum ChangeLog {
  /// Notes that `record` was changed.
  ///
  /// - Parameters:
  ///   - before: The record as it was, nil for a new one.
  ///   - privateTo: The user who alone is told of it; nil for all who may read the record.
  static func append(
    _ action: String, _ record: Record, before: Record?, privateTo: String? = nil,
    by userID: String, at now: Timestamp, in connection: borrowing Connection
  ) throws(SQLiteError) {
    try connection.run(
      """
      INSERT INTO change_log (
        tenant_id, entity_type, entity_id, action, version, owner_id, old_owner_id, private_to,
        old_private_to, user_id, changed_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        record["tenantId"], .text(record.resource.description.entityType), record["id"],
        .text(action), record["version"], record["ownerId"], before?["ownerId"] ?? .null,
        SQLiteValue(privateTo ?? record.privateTo), SQLiteValue(before?.privateTo), .text(userID),
        .text(now.rfc3339),
      ])
  }
}
