internal import SQLite
internal import Values

/// The log of changes for those who follow them, and the documents of the full-text index: both
/// written in the transaction of the change.
enum ChangeLog {
  /// Notes that `record` was changed; `before` is the record as it was, nil for a new one.
  static func append(
    _ action: String, _ record: Record, before: Record?, by userID: String, at now: Timestamp,
    in connection: borrowing Connection
  ) throws(SQLiteError) {
    try connection.run(
      """
      INSERT INTO change_log (
        tenant_id, entity_type, entity_id, action, version, owner_id, old_owner_id, user_id,
        changed_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        record["tenantId"], .text(record.resource.description.entityType), record["id"],
        .text(action), record["version"], record["ownerId"], before?["ownerId"] ?? .null,
        .text(userID), .text(now.rfc3339),
      ])
  }
}
