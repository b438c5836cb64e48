internal import JSON
internal import SQLite

/// An entry of the activity log as it is stored, and the one place that says what it is in JSON.
enum StoredActivity {
  /// The members of an entry that tell of persons or at length; `includeDetails=false` drops them.
  static let detailNames: Set<String> = ["userContext", "permissions", "metadata", "compliance"]

  /// Each member with its column, in the order of the answer.
  private static let members: [(name: String, column: String, kind: JSONRowLayout.Kind)] = [
    ("id", "a.id", .text), ("tenantId", "a.tenant_id", .text), ("userId", "a.user_id", .text),
    ("operation", "a.operation", .text), ("entityId", "a.entity_id", .text),
    ("entityType", "a.entity_type", .text),
    ("creditCost", "a.credit_units", .decimal(scale: 4)), ("timestamp", "a.timestamp", .text),
    ("sessionId", "a.session_id", .text), ("userContext", "a.user_context", .json),
    ("permissions", "a.permissions", .json), ("metadata", "a.metadata", .json),
    ("compliance", "a.compliance", .json), ("source", "a.source", .text),
    ("receivedAt", "a.received_at", .text),
  ]

  /// The names of all members, in order.
  static let names = members.map(\.name)

  /// What each member is in JSON, in the same order.
  static let kinds = members.map { (name: $0.name, kind: $0.kind) }

  /// How many columns stand before those of the members: the keys that entries are sorted by.
  static let keyCount = 2

  /// The columns of row `a`: the time, the place in the chain, then those of all members.
  ///
  /// - Parameters:
  ///   - viewerID: Who looks; nil for the server itself, from which nothing is private.
  ///   - catalog: The resources, some of which have records that are private.
  static func columns(seenBy viewerID: String?, in catalog: Catalog) -> SQLFragment {
    var columns = SQLFragment("a.timestamp, a.seq")
    for member in members {
      columns.append(SQLFragment(", "))
      columns.append(
        member.name == "metadata"
          ? metadata(seenBy: viewerID, in: catalog) : SQLFragment(member.column))
    }
    return columns
  }

  /// What becomes of those columns, of which only the members in `names` are shown.
  static func layout(of names: Set<String>) -> JSONRowLayout {
    JSONRowLayout(
      [("time", .skip), ("seq", .skip)]
        + members.map { ($0.name, names.contains($0.name) ? $0.kind : .skip) })
  }

  /// All members.
  static let layout = layout(of: Set(names))

  /// The metadata, less what it tells of a record that is private to another than the viewer, or
  /// may have been before it was purged.
  static func metadata(seenBy viewerID: String?, in catalog: Catalog) -> SQLFragment {
    guard let viewerID else { return SQLFragment("a.metadata") }
    let scope = RecordScope(userID: viewerID, reaching: .tenant)
    var column = SQLFragment("a.metadata")
    for resource in catalog.resources where resource.description.privacy != nil {
      let visible = scope.privacy(resource)
      column = SQLFragment(
        """
        CASE WHEN a.entity_type = ? AND a.user_id <> ? AND NOT EXISTS (
          SELECT 1 FROM \(resource.description.table) AS t
          WHERE t.tenant_id = a.tenant_id AND t.id = a.entity_id\(visible.sql))
        THEN json_set(json_remove(a.metadata, '$.changes'), '$.private', json('true'))
        ELSE \(column.sql) END
        """,
        [.text(resource.description.entityType), .text(viewerID)] + visible.values
          + column.values)
    }
    return column
  }
}
