internal import Database
internal import HTTP
internal import JSON
internal import SQLite

extension RecordStore {
  /// What a user was reminded of and has neither dismissed nor done, newest first:
  /// `{"data": […], "nextCursor": …}`.
  ///
  /// Tasks that the user may not read any more are left out.
  ///
  /// - Throws: 400 `invalid_cursor`; what the database throws.
  public func reminders(of caller: Caller, _ page: PageParameters) throws -> [UInt8] {
    let binding = Cursor.binding(
      tenantID: caller.tenantID, resource: "reminders", parts: [caller.userID])
    var rows = SQLFragment(
      """
      FROM reminders AS r JOIN tasks AS t ON t.tenant_id = r.tenant_id AND t.id = r.task_id
      WHERE r.tenant_id = ? AND r.user_id = ? AND t.deleted_at IS NULL
        AND t.status IN ('open', 'in_progress')
      """, [.text(caller.tenantID), .text(caller.userID)])
    if let tasks = catalog.resource(entityType: "task"),
      let scope = caller.scope(tasks.description.operation("read"))
    {
      rows.append(scope.predicate(tasks))
    } else {
      rows.append(SQLFragment(" AND 0"))
    }
    let all = rows
    if let cursor = page.cursor {
      let keys = try Cursor.decode(cursor, binding: binding, count: 2)
      rows.append(SQLFragment(" AND (r.fired_at, r.id) < (?, ?)", keys))
    }
    rows.sql = """
      SELECT r.id, r.task_id, t.title, t.priority, t.due_at, t.entity_type, t.entity_id,
        r.remind_at, r.fired_at
      \(rows.sql) ORDER BY r.fired_at DESC, r.id DESC LIMIT ? OFFSET ?
      """
    rows.values += [.integer(page.limit + 1), .integer(page.offset)]
    return try database.read { connection in
      var writer = JSONWriter(capacity: 256 * page.limit)
      writer.beginObject()
      writer.name("data")
      writer.beginArray()
      var count = 0
      var next: String?
      try connection.forEachRow(rows.sql, rows.values) { row in
        count += 1
        guard count <= page.limit else { return }
        row.appendJSONObject(Self.reminderLayout, to: &writer)
        if count == page.limit {
          next = Cursor.encode(
            [SQLiteValue(row.text(8)), SQLiteValue(row.text(0))], binding: binding)
        }
      }
      writer.endArray()
      writer.member("nextCursor", page.page == nil && count > page.limit ? next : nil)
      if page.wantsCount || page.page != nil {
        let total = try connection.first("SELECT count(*) \(all.sql)", all.values) {
          $0.integer(0)
        }
        writer.member("total", .integer((total ?? 0) ?? 0))
      }
      if let number = page.page {
        writer.member("page", .integer(number))
        writer.member("pageSize", .integer(page.limit))
      }
      writer.endObject()
      return writer.bytes
    }
  }

  private static let reminderLayout = JSONRowLayout([
    ("id", .text), ("taskId", .text), ("title", .text), ("priority", .text), ("dueAt", .text),
    ("entityType", .text), ("entityId", .text), ("remindAt", .text), ("firedAt", .text),
  ])

  /// Takes a reminder out of its user's list; the task stays as it is.
  ///
  /// Making the change throws 404 when the user has no such reminder.
  public func prepareDismissal(ofReminder id: String, _ mutation: Mutation) -> PreparedChange {
    let key: [SQLiteValue] = [
      .text(mutation.caller.tenantID), .text(id), .text(mutation.caller.userID),
    ]
    let condition = "FROM reminders WHERE tenant_id = ? AND id = ? AND user_id = ?"
    return PreparedChange(mutation: mutation, entityID: id) { connection, _, _ in
      let exists = try connection.first("SELECT 1 \(condition)", key) { _ in true }
      guard exists != nil else { throw Problem.notFound("reminder") }
    } run: { connection, _, _ in
      let taskID = try connection.first("DELETE \(condition) RETURNING task_id", key) {
        $0.text(0) ?? ""
      }
      guard let taskID else { throw Problem.notFound("reminder") }
      return MutationOutcome(
        status: 200, entityType: "reminder", entityID: id,
        data: JSONValue.object(JSONObject([("id", .string(id))])).bytes,
        metadata: JSONObject([("taskId", .string(taskID))]))
    }
  }
}
