internal import JSON
internal import SQLite

/// The newest entries of the activity log.
enum RecentActivity {
  /// How many.
  private static let entriesMax: Int64 = 10

  /// `[{"id", "timestamp", "userId", "userName", "operation", "entityType", "entityId"}]`, the
  /// newest first, without those on records that are private to another than `userID`.
  static func read(
    tenantID: String, reach: ActivityReach, seenBy userID: String?, in catalog: Catalog,
    _ connection: borrowing Connection
  ) throws(SQLiteError) -> JSONValue {
    let visible = privacy(userID, catalog)
    switch reach {
    case .tenant:
      return .array(try entries(tenantID, visible, connection).map(\.json))
    case .users(let ids):
      // User by user, each by the index: a search for any of them would walk through the whole log
      // where none of them has done anything for long.
      var newest: [Entry] = []
      for id in ids {
        var condition = SQLFragment(" AND a.user_id = ?", [.text(id)])
        condition.append(visible)
        if newest.count == entriesMax, let oldest = newest.last {
          condition.append(
            SQLFragment(
              " AND (a.timestamp, a.seq) > (?, ?)",
              [.text(oldest.timestamp), .integer(oldest.seq)]))
        }
        let more = try entries(tenantID, condition, connection)
        guard !more.isEmpty else { continue }
        newest = Array(
          (newest + more).sorted { ($0.timestamp, $0.seq) > ($1.timestamp, $1.seq) }
            .prefix(Int(entriesMax)))
      }
      return .array(newest.map(\.json))
    }
  }

  /// Leaves out entries on records that are private to others; nothing is to the server itself.
  private static func privacy(_ userID: String?, _ catalog: Catalog) -> SQLFragment {
    guard let userID else { return SQLFragment("") }
    let scope = RecordScope(userID: userID, reaching: .tenant)
    var condition = SQLFragment("")
    for resource in catalog.resources where resource.description.privacy != nil {
      // What is purged may have been private: whoever did something to it alone sees that. What
      // failed names the record too, but not its kind.
      let description = resource.description
      let visible = scope.privacy(resource)
      condition.append(
        SQLFragment(
          """
           AND (a.entity_type NOT IN (?, 'error') OR a.user_id = ?
            OR (a.entity_type = 'error' AND a.operation NOT GLOB ?)
            OR EXISTS (SELECT 1 FROM \(description.table) AS t
              WHERE t.tenant_id = a.tenant_id AND t.id = a.entity_id\(visible.sql)))
          """,
          [
            .text(description.entityType), .text(userID), .text(description.operation("*")),
          ] + visible.values))
    }
    return condition
  }

  /// The members of an entry, in the order of the columns.
  private static let names = [
    "id", "timestamp", "userId", "userName", "operation", "entityType", "entityId",
  ]

  private struct Entry {
    let timestamp: String
    let seq: Int64
    let json: JSONValue
  }

  private static func entries(
    _ tenantID: String, _ condition: SQLFragment, _ connection: borrowing Connection
  ) throws(SQLiteError) -> [Entry] {
    try connection.all(
      """
      SELECT a.id, a.timestamp, a.user_id, json_extract(a.user_context, '$.user.name'),
        a.operation, a.entity_type, a.entity_id, a.seq
      FROM crm_activities AS a WHERE a.tenant_id = ?\(condition.sql)
      ORDER BY a.timestamp DESC, a.seq DESC LIMIT ?
      """, [.text(tenantID)] + condition.values + [.integer(entriesMax)]
    ) { row in
      let texts = names.indices.map { row.text($0) }
      return Entry(
        timestamp: texts[1] ?? "", seq: row.integer(names.count) ?? 0,
        json: .object(
          JSONObject(
            names.enumerated().map { column, name in
              (name, texts[column].map(JSONValue.string) ?? .null)
            })))
    }
  }
}
