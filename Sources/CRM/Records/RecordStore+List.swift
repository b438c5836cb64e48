internal import Database
internal import HTTP
internal import JSON
internal import SQLite

extension RecordStore {
  /// A page of live records: `{"data": […], "nextCursor": …}`.
  ///
  /// - Parameters:
  ///   - related: What of that which `expand=` names the caller may see.
  /// - Throws: 400 `invalid_cursor`; what the database throws.
  public func list(
    _ query: ListQuery, tenantID: String, scope: RecordScope, related: RelatedAccess = .none
  ) throws -> [UInt8] {
    let keys = try query.cursor.map { cursor throws(Problem) in
      try Cursor.decode(cursor, binding: query.binding, count: query.sort.keys.count)
    }
    return try database.read { connection in
      let statement = try ListStatement(query, tenantID: tenantID, scope: scope, in: connection)
      var writer = JSONWriter(capacity: 512 * query.limit)
      writer.beginObject()
      let page = statement.page(after: keys)
      let next =
        query.expansions.isEmpty
        ? try Self.write(page, query, to: &writer, connection)
        : try writeExpanded(
          page, query, tenantID: tenantID, related, to: &writer, connection)
      writer.member("nextCursor", query.page == nil ? next : nil)
      if query.isCounted {
        let count = statement.count
        let total = try connection.first(count.sql, count.values) { $0.integer(0) }
        writer.member("total", .integer((total ?? 0) ?? 0))
      }
      if let number = query.page {
        writer.member("page", .integer(number))
        writer.member("pageSize", .integer(query.limit))
      }
      writer.endObject()
      return writer.bytes
    }
  }

  /// Writes `"data": […]`; gives the cursor of the next page, nil when this is the last.
  private static func write(
    _ page: SQLFragment, _ query: ListQuery, to writer: inout JSONWriter,
    _ connection: borrowing Connection
  ) throws(SQLiteError) -> String? {
    let layout = query.places.map(query.resource.layout(of:)) ?? query.resource.layout
    var output = JSONWriter(capacity: 0)
    swap(&output, &writer)
    output.name("data")
    output.beginArray()
    let next = try forEachRow(of: page, query, connection) { row in
      row.appendJSONObject(layout, to: &output)
    }
    output.endArray()
    swap(&output, &writer)
    return next
  }

  /// The same, with what the records refer to.
  private func writeExpanded(
    _ page: SQLFragment, _ query: ListQuery, tenantID: String, _ related: RelatedAccess,
    to writer: inout JSONWriter, _ connection: borrowing Connection
  ) throws(SQLiteError) -> String? {
    var rows = ExpandedRows(query.resource, places: query.places, query.expansions)
    let next = try Self.forEachRow(of: page, query, connection) { rows.append($0) }
    writer.name("data")
    writer.beginArray()
    try rows.write(to: &writer, tenantID: tenantID, related, catalog, in: connection)
    writer.endArray()
    return next
  }

  /// Calls `body` with each row of the page; gives the cursor of the next one, nil when this is
  /// the last.
  private static func forEachRow(
    of page: SQLFragment, _ query: ListQuery, _ connection: borrowing Connection,
    _ body: (borrowing Statement) -> Void
  ) throws(SQLiteError) -> String? {
    var count = 0
    var next: String?
    try connection.forEachRow(page.sql, page.values) { row throws(SQLiteError) in
      count += 1
      guard count <= query.limit else { return }
      body(row)
      if count == query.limit { next = query.cursor(behind: row) }
    }
    return count > query.limit ? next : nil
  }
}

extension ListQuery {
  /// The cursor of the page behind `row`, in which the sort keys follow the resource's columns.
  func cursor(behind row: borrowing Statement) -> String {
    let columns = resource.fields.count
    let keys = sort.keys.indices.map { row.value(columns + $0) }
    return Cursor.encode(keys, binding: binding)
  }
}
