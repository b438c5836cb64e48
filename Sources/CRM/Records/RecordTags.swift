internal import JSON
internal import SQLite
internal import Values

/// The tags of live records in a table of their own, by which lists find and count them.
enum RecordTags {
  /// Notes a change; the parameters are those of ``Consequences/note(from:to:document:in:)``.
  static func note(
    from before: Record?, to after: Record?, in connection: borrowing Connection
  ) throws(SQLiteError) {
    let (old, new) = (column(before), column(after))
    guard old != new, let record = after ?? before else { return }
    let (oldTags, newTags) = (tags(old), tags(new))
    let kept = Set(newTags.map(Folding.fold))
    for tag in oldTags where !kept.contains(Folding.fold(tag)) {
      try connection.run(
        """
        DELETE FROM record_tags
        WHERE tenant_id = ? AND entity_type = ? AND tag_folded = ? AND entity_id = ?
        """, key(record, tag))
    }
    for tag in newTags where !oldTags.contains(tag) {
      try connection.run(
        """
        INSERT OR REPLACE INTO record_tags (tenant_id, entity_type, tag_folded, entity_id, tag)
        VALUES (?, ?, ?, ?, ?)
        """, key(record, tag) + [.text(tag)])
    }
  }

  /// The tags of a column.
  static func tags(_ text: String) -> [String] {
    guard text != "[]" else { return [] }
    // The server wrote the column; what another program may have put there has no tags.
    let json = try? JSONParser.parse(text)
    return (json?.array ?? []).compactMap(\.string)
  }

  private static func column(_ record: Record?) -> String { record?["tags"].text ?? "[]" }

  private static func key(_ record: Record, _ tag: String) -> [SQLiteValue] {
    [
      record["tenantId"], .text(record.resource.description.entityType),
      .text(Folding.fold(tag)), record["id"],
    ]
  }
}
