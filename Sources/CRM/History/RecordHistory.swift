internal import Database
public import HTTP
internal import JSON
internal import SQLite

/// Which part of a history is wanted.
public struct HistoryQuery: Sendable {
  /// The parameters that are read here.
  public static let names = ["limit", "cursor", "types"]

  let limit: Int
  let cursor: String?
  let kinds: [TimelineKind]
  let binding: String

  /// Reads the parameters out of `values`, by name; a cursor belongs to one record's history.
  ///
  /// - Throws: 400 `invalid_parameter` naming the parameter at fault.
  public init(
    _ values: [String: String], entityType: String, id: String, tenantID: String
  ) throws(Problem) {
    let page = try PageParameters(values)
    limit = page.limit
    cursor = page.cursor
    kinds = try values["types"].map(TimelineKind.parse) ?? TimelineKind.allCases
    binding = Cursor.binding(
      tenantID: tenantID, resource: "history",
      parts: [entityType, id, values["types"].map { "types=\($0)" } ?? ""])
  }
}

/// One entry of the activity log as a change of a record.
struct HistoryEntry: Sendable {
  let at: String
  let seq: Int64
  let activityID: String
  let by: String
  let byName: String?
  let operation: String
  /// `{field: {"from", "to"}}`, JSON.
  let changes: String
  let version: Int64?

  private static let selectSQL = """
    SELECT a.timestamp, a.seq, a.id, a.user_id, json_extract(a.user_context, '$.user.name'),
      a.operation, json_extract(a.metadata, '$.changes'), json_extract(a.metadata, '$.version')
    FROM crm_activities AS a
    WHERE a.tenant_id = ? AND +a.entity_type = ? AND a.entity_id = ?
      AND coalesce(json_extract(a.metadata, '$.changes'), '') <> '{}'
    """

  /// The newest entries of a record that meet `condition`; those that changed nothing are left out.
  static func newest(
    _ record: Record, _ condition: SQLFragment, limit: Int, in connection: borrowing Connection
  ) throws(SQLiteError) -> [HistoryEntry] {
    try connection.all(
      "\(selectSQL)\(condition.sql) ORDER BY a.timestamp DESC, a.seq DESC LIMIT ?",
      [
        record["tenantId"], .text(record.resource.description.entityType), record["id"],
      ] + condition.values + [.integer(limit)]
    ) { row in
      HistoryEntry(
        at: row.text(0) ?? "", seq: row.integer(1) ?? 0, activityID: row.text(2) ?? "",
        by: row.text(3) ?? "", byName: row.text(4), operation: row.text(5) ?? "",
        changes: row.text(6) ?? "{}", version: row.integer(7))
    }
  }

  /// The members that tell what was done, in an object that is open.
  func write(to writer: inout JSONWriter) {
    writer.member("operation", operation)
    writer.name("changes")
    writer.raw(changes.utf8)
    writer.member("activityId", activityID)
    if let version { writer.member("version", .integer(version)) }
  }
}

extension RecordStore {
  /// The changes of one record, newest first: `{"data": […], "nextCursor": …}`.
  ///
  /// - Throws: 404 unless `scope` reaches a live record of that id, 400 `invalid_cursor`; what the
  ///   database throws.
  public func history(
    _ resource: Resource, id: String, _ query: HistoryQuery, tenantID: String, scope: RecordScope
  ) throws -> [UInt8] {
    var condition = SQLFragment("")
    if let cursor = query.cursor {
      let keys = try Cursor.decode(cursor, binding: query.binding, count: 2)
      condition = SQLFragment(" AND (a.timestamp, a.seq) < (?, ?)", keys)
    }
    return try database.read { connection in
      let record = try live(resource, id: id, tenantID: tenantID, scope: scope, in: connection)
      let entries = try HistoryEntry.newest(
        record, condition, limit: query.limit + 1, in: connection)
      var writer = JSONWriter(capacity: 512 * query.limit)
      writer.beginObject()
      writer.name("data")
      writer.beginArray()
      for entry in entries.prefix(query.limit) {
        writer.beginObject()
        writer.member("at", entry.at)
        writer.member("by", entry.by)
        writer.member("byName", entry.byName)
        entry.write(to: &writer)
        writer.endObject()
      }
      writer.endArray()
      let last = entries.count > query.limit ? entries[query.limit - 1] : nil
      writer.member(
        "nextCursor",
        last.map { Cursor.encode([.text($0.at), .integer($0.seq)], binding: query.binding) })
      writer.endObject()
      return writer.bytes
    }
  }

  /// - Throws: 404 unless `scope` reaches a live record of that id.
  func live(
    _ resource: Resource, id: String, tenantID: String, scope: RecordScope,
    in connection: borrowing Connection
  ) throws -> Record {
    let predicate = scope.predicate(resource)
    let record = try connection.first(
      resource.selectOneSQL + predicate.sql, [.text(tenantID), .text(id)] + predicate.values
    ) { Record(resource, row: $0) }
    guard let record else { throw Problem.notFound(resource.description.entityType) }
    return record
  }
}
