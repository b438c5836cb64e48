internal import Database
internal import HTTP
internal import JSON
internal import SQLite
internal import Values

extension RecordStore {
  /// The stages a deal has been in, the first one first, with its time in each:
  /// `{"data": […], "nextCursor": …}`.
  ///
  /// - Throws: 404 when there is no such deal that `scope` reaches, 400 `invalid_cursor`; what the
  ///   database throws.
  public func stageHistory(
    of deals: Resource, id: String, _ page: PageParameters, tenantID: String, scope: RecordScope
  ) throws -> [UInt8] {
    let binding = Cursor.binding(tenantID: tenantID, resource: "deals/\(id)/stages", parts: [])
    var rows = SQLFragment(
      "FROM deal_stage_moves AS m WHERE m.tenant_id = ? AND m.deal_id = ?",
      [.text(tenantID), .text(id)])
    let all = rows
    if let cursor = page.cursor {
      rows.append(
        SQLFragment(" AND m.n > ?", try Cursor.decode(cursor, binding: binding, count: 1)))
    }
    rows.sql = """
      SELECT m.n, m.stage, m.pipeline_id, m.entered_at, m.left_at, m.moved_by, (
        SELECT p.stages FROM pipelines AS p
        WHERE p.tenant_id = m.tenant_id AND p.id = m.pipeline_id)
      \(rows.sql) ORDER BY m.n LIMIT ? OFFSET ?
      """
    rows.values += [.integer(page.limit + 1), .integer(page.offset)]
    let predicate = scope.predicate(deals)
    let now = time.now()
    var moves: [(n: Int64, json: JSONValue)] = []
    var total: Int64 = 0
    try database.read { connection in
      let deal = try connection.first(
        deals.selectOneSQL + predicate.sql, [.text(tenantID), .text(id)] + predicate.values
      ) { _ in true }
      guard deal != nil else { throw Problem.notFound("deal") }
      moves = try connection.all(rows.sql, rows.values) { ($0.integer(0) ?? 0, Self.move($0, now)) }
      if page.wantsCount || page.page != nil {
        let count = try connection.first("SELECT count(*) \(all.sql)", all.values) { $0.integer(0) }
        total = (count ?? 0) ?? 0
      }
    }
    let shown = moves.prefix(page.limit)
    var body = JSONObject([("data", .array(shown.map(\.json))), ("nextCursor", .null)])
    if page.page == nil, moves.count > shown.count, let last = shown.last {
      body["nextCursor"] = .string(Cursor.encode([.integer(last.n)], binding: binding))
    }
    if page.wantsCount || page.page != nil { body["total"] = .integer(total) }
    if let number = page.page {
      body["page"] = .integer(number)
      body["pageSize"] = .integer(page.limit)
    }
    return JSONValue.object(body).bytes
  }

  private static func move(_ row: borrowing Statement, _ now: Timestamp) -> JSONValue {
    let stage = row.text(1) ?? ""
    let left = row.text(4)
    let entered = row.text(3).flatMap(Timestamp.init(rfc3339:)) ?? now
    let end = left.flatMap(Timestamp.init(rfc3339:)) ?? now
    // A stage that has been taken out of its pipeline has no name any more.
    let name = Pipeline.stages(row.text(6)).first { $0.id == stage }?.name ?? stage
    return [
      "stage": .string(stage), "name": .string(name),
      "pipelineId": row.text(2).map(JSONValue.string) ?? .null,
      "enteredAt": .string(entered.rfc3339), "leftAt": left.map(JSONValue.string) ?? .null,
      "seconds": .integer(max(0, end.milliseconds - entered.milliseconds) / 1000),
      "by": row.text(5).map(JSONValue.string) ?? .null,
    ]
  }
}
