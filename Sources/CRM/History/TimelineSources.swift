internal import Database
internal import JSON
internal import SQLite
internal import Values

/// Finds the parts of one record's timeline, each cut to what the caller may read.
struct TimelineSources {
  let record: Record
  let caller: Caller
  let catalog: Catalog
  let position: TimelinePosition?
  /// How many items of each kind are wanted at most.
  let limit: Int

  /// The newest items of `kind` behind the position.
  func items(_ kind: TimelineKind, in connection: borrowing Connection) throws(SQLiteError)
    -> [TimelineItem]
  {
    switch kind {
    case .interaction, .note, .task, .deal, .file: try records(kind, in: connection)
    case .stageChange: try stageChanges(in: connection)
    case .change: try changes(in: connection)
    }
  }

  /// The resource of `entityType` with the scope in which the caller may read it.
  private func readable(_ entityType: String) -> (resource: Resource, scope: RecordScope)? {
    guard let resource = catalog.resource(entityType: entityType),
      let scope = caller.scope(resource.description.operation("read"))
    else { return nil }
    return (resource, scope)
  }

  /// The condition that a row `t` hangs from the record or refers to it; nil when it cannot.
  private func link(_ resource: Resource) -> SQLFragment? {
    let entityType = record.resource.description.entityType
    var conditions: [SQLFragment] = []
    for field in resource.fields {
      switch field.type {
      case .entity:
        conditions.append(
          SQLFragment(
            "(t.entity_type = ? AND t.entity_id = ?)", [.text(entityType), record["id"]]))
      case .reference(entityType):
        conditions.append(SQLFragment("t.\(field.column) = ?", [record["id"]]))
      default:
        break
      }
    }
    guard !conditions.isEmpty else { return nil }
    return SQLFragment(
      " AND (\(conditions.map(\.sql).joined(separator: " OR ")))", conditions.flatMap(\.values))
  }

  private func records(
    _ kind: TimelineKind, in connection: borrowing Connection
  ) throws(SQLiteError) -> [TimelineItem] {
    guard let (resource, scope) = readable(kind.rawValue), var condition = link(resource) else {
      return []
    }
    let moments = resource.description.happensAt.compactMap(resource.field).map { "t.\($0.column)" }
    let at = moments.isEmpty ? "t.created_at" : "coalesce(\(moments.joined(separator: ", ")))"
    condition.append(scope.predicate(resource))
    if let position { condition.append(position.condition(kind, at: at, key: "t.id")) }
    let column = resource.fields.count
    return try connection.all(
      """
      SELECT \(resource.columns), \(at) FROM \(resource.description.table) AS t
      WHERE t.tenant_id = ? AND t.deleted_at IS NULL\(condition.sql)
      ORDER BY \(at) DESC, t.id DESC LIMIT ?
      """, [record["tenantId"]] + condition.values + [.integer(limit)]
    ) { row in
      let found = Record(resource, row: row)
      return TimelineItem(
        kind: kind, key: found["id"], id: found.id, at: row.text(column) ?? "",
        by: found.createdBy, summary: found.summary, data: found.encoded)
    }
  }

  /// The moves of the record's deals, or of the record where it is one, from stage to stage.
  private func stageChanges(in connection: borrowing Connection) throws(SQLiteError)
    -> [TimelineItem]
  {
    guard let (deals, scope) = readable(TimelineKind.deal.rawValue) else { return [] }
    var condition: SQLFragment
    if record.resource === deals {
      condition = SQLFragment(" AND t.id = ?", [record["id"]])
    } else if let link = link(deals) {
      condition = link
    } else {
      return []
    }
    condition.append(scope.predicate(deals))
    if let position {
      condition.append(position.condition(.stageChange, at: "m.entered_at", key: "m.n"))
    }
    return try connection.all(
      """
      SELECT m.n, m.entered_at, m.moved_by, t.title, m.deal_id, p.pipeline_id, m.pipeline_id,
        p.stage, m.stage, p.entered_at
      FROM deals AS t
      JOIN deal_stage_moves AS m ON m.tenant_id = t.tenant_id AND m.deal_id = t.id
      JOIN deal_stage_moves AS p ON p.n = (
        SELECT max(q.n) FROM deal_stage_moves AS q
        WHERE q.tenant_id = m.tenant_id AND q.deal_id = m.deal_id AND q.n < m.n)
      WHERE t.tenant_id = ? AND t.deleted_at IS NULL\(condition.sql)
      ORDER BY m.entered_at DESC, m.n DESC LIMIT ?
      """, [record["tenantId"]] + condition.values + [.integer(limit)]
    ) { row in Self.stageChange(row) }
  }

  private static func stageChange(_ row: borrowing Statement) -> TimelineItem {
    let number = row.integer(0) ?? 0
    let (at, title) = (row.text(1) ?? "", row.text(3) ?? "")
    let (from, to) = (row.text(7) ?? "", row.text(8) ?? "")
    var data = JSONObject([
      ("dealId", .string(row.text(4) ?? "")), ("title", .string(title)),
      ("pipelineId", .string(row.text(6) ?? "")), ("from", .string(from)), ("to", .string(to)),
    ])
    if row.text(5) != row.text(6) { data["fromPipelineId"] = .string(row.text(5) ?? "") }
    if let left = Timestamp(rfc3339: at), let entered = row.text(9).flatMap(Timestamp.init) {
      data["secondsInStage"] = .decimal(
        units: left.milliseconds - entered.milliseconds, scale: 3)
    }
    return TimelineItem(
      kind: .stageChange, key: .integer(number), id: "\(row.text(4) ?? ""):\(number)", at: at,
      by: row.text(2) ?? "", summary: "\(title): \(from) → \(to)",
      data: JSONValue.object(data).bytes)
  }

  private func changes(in connection: borrowing Connection) throws(SQLiteError) -> [TimelineItem] {
    let condition =
      position.map { $0.condition(.change, at: "a.timestamp", key: "a.seq") } ?? SQLFragment("")
    return try HistoryEntry.newest(record, condition, limit: limit, in: connection).map { entry in
      var writer = JSONWriter(capacity: 512)
      writer.beginObject()
      entry.write(to: &writer)
      writer.endObject()
      return TimelineItem(
        kind: .change, key: .integer(entry.seq), id: entry.activityID, at: entry.at, by: entry.by,
        summary: Self.summary(entry), data: writer.bytes)
    }
  }

  /// What was done in words: the operation's last part, and the members that it changed.
  private static func summary(_ entry: HistoryEntry) -> String {
    let action = entry.operation.split(separator: ".").last.map(String.init) ?? entry.operation
    // The server wrote it; what an erasure has left of it names no members.
    let changes = (try? JSONParser.parse(entry.changes))?.object ?? JSONObject()
    guard !changes.isEmpty else { return action }
    let text = "\(action): \(changes.names.joined(separator: ", "))"
    return String(text.prefix(Limits.summaryCharactersMax))
  }
}

extension RecordStore {
  /// What happened around a record, newest first: `{"data": […], "nextCursor": …}`.
  ///
  /// - Parameters:
  ///   - name: The name of a user.
  /// - Throws: 404 unless `scope` reaches a live record of that id, 400 `invalid_cursor`; what the
  ///   database throws.
  public func timeline(
    _ resource: Resource, id: String, _ query: HistoryQuery, caller: Caller, scope: RecordScope,
    name: (_ userID: String) -> String?
  ) throws -> [UInt8] {
    let position = try query.cursor.map { cursor in
      TimelinePosition(try Cursor.decode(cursor, binding: query.binding, count: 3))
    }
    var items = try database.read { connection in
      let record = try live(
        resource, id: id, tenantID: caller.tenantID, scope: scope, in: connection)
      let sources = TimelineSources(
        record: record, caller: caller, catalog: catalog, position: position,
        limit: query.limit + 1)
      var items: [TimelineItem] = []
      for kind in query.kinds { items += try sources.items(kind, in: connection) }
      return items
    }
    items.sort { $0.precedes($1) }
    var writer = JSONWriter(capacity: 512 * query.limit)
    writer.beginObject()
    writer.name("data")
    writer.beginArray()
    for item in items.prefix(query.limit) { item.write(to: &writer, name: name(item.by)) }
    writer.endArray()
    let last = items.count > query.limit ? items[query.limit - 1] : nil
    writer.member(
      "nextCursor",
      last.map {
        Cursor.encode(
          [.text($0.at), .integer($0.kind.rank), $0.key], binding: query.binding)
      })
    writer.endObject()
    return writer.bytes
  }
}
