internal import Database
internal import HTTP
internal import JSON
internal import SQLite

/// One record as it is answered.
public struct RecordAnswer: Sendable {
  /// `{"data": …}`.
  public let body: [UInt8]
  /// The record's version.
  public let version: Int64
}

extension RecordStore {
  /// One live record.
  ///
  /// - Parameters:
  ///   - fields: The value of `fields=`, nil for all members.
  /// - Throws: 404 when there is none that `scope` reaches, 400 for an unknown field.
  public func read(
    _ resource: Resource, id: String, tenantID: String, scope: RecordScope, fields: String? = nil
  ) throws -> RecordAnswer {
    let predicate = scope.predicate(resource)
    let places = try fields.map { names throws(Problem) in try ListQuery.places(names, resource) }
    let layout = places.map(resource.layout(of:)) ?? resource.layout
    let version = resource.commonPlace("version")
    let answer = try database.read { connection in
      try connection.first(
        resource.selectOneSQL + predicate.sql, [.text(tenantID), .text(id)] + predicate.values
      ) { row in
        var writer = JSONWriter(capacity: 1024)
        writer.beginObject()
        writer.name("data")
        row.appendJSONObject(layout, to: &writer)
        writer.endObject()
        return RecordAnswer(body: writer.bytes, version: row.integer(version) ?? 0)
      }
    }
    guard let answer else { throw Problem.notFound(resource.description.entityType) }
    return answer
  }

  /// A page of live records: `{"data": […], "nextCursor": …}`.
  ///
  /// - Throws: 400 `invalid_cursor`; what the database throws.
  public func list(_ query: ListQuery, tenantID: String, scope: RecordScope) throws -> [UInt8] {
    let resource = query.resource
    var condition = SQLFragment(
      """
      FROM \(resource.description.table) AS t
      WHERE t.tenant_id = ? AND t.deleted_at IS NULL
      """, [.text(tenantID)])
    condition.append(scope.predicate(resource))
    for filter in query.filters { condition.append(filter) }

    var page = condition
    if let cursor = query.cursor {
      let keys = try Cursor.decode(
        cursor, binding: query.binding, count: query.sort.keys.count)
      page.append(query.sort.after(keys))
    }
    page.append(
      SQLFragment(" ORDER BY \(query.sort.sql) LIMIT ?", [.integer(Int64(query.limit + 1))]))
    if let number = query.page {
      page.append(SQLFragment(" OFFSET ?", [.integer(Int64((number - 1) * query.limit))]))
    }
    // The sort keys stand behind the columns, for the cursor.
    let keys = query.sort.keys.map(\.expression).joined(separator: ", ")
    page.sql = "SELECT \(resource.columns), \(keys) \(page.sql)"

    return try database.read { connection in
      var writer = JSONWriter(capacity: 512 * query.limit)
      writer.beginObject()
      let next = try Self.write(page, query, to: &writer, connection)
      writer.member("nextCursor", query.page == nil ? next : nil)
      if query.wantsCount || query.page != nil {
        let total = try connection.first("SELECT count(*) \(condition.sql)", condition.values) {
          $0.integer(0)
        }
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
    let resource = query.resource
    let layout = query.places.map(resource.layout(of:)) ?? resource.layout
    let keys = query.sort.keys
    var count = 0
    var next: String?
    var output = JSONWriter(capacity: 0)
    swap(&output, &writer)
    output.name("data")
    output.beginArray()
    try connection.forEachRow(page.sql, page.values) { row throws(SQLiteError) in
      count += 1
      guard count <= query.limit else { return }
      row.appendJSONObject(layout, to: &output)
      if count == query.limit {
        let values = keys.indices.map { index in
          let column = resource.fields.count + index
          return keys[index].field.type.holdsInteger
            ? row.integer(column).map(SQLiteValue.integer) ?? .null
            : SQLiteValue(row.text(column))
        }
        next = Cursor.encode(values, binding: query.binding)
      }
    }
    output.endArray()
    swap(&output, &writer)
    return count > query.limit ? next : nil
  }
}

extension Resource {
  /// A layout of the usual columns that shows only those at `places`.
  func layout(of places: [Int]) -> JSONRowLayout {
    JSONRowLayout(
      fields.indices.map { place in
        (fields[place].name, places.contains(place) ? fields[place].type.jsonKind : .skip)
      })
  }
}
