internal import JSON
internal import SQLite

/// A page of the activity log on its way into an answer.
public struct ActivityRows: Sendable {
  /// The entries, JSON objects with commas between them.
  var elements: [UInt8] = []
  /// How many.
  public private(set) var count = 0
  /// Time and place in the chain of the last of them.
  private(set) var lastKeys: [SQLiteValue] = []
  /// Whether further entries follow.
  public private(set) var hasMore = false
  /// How many there are on all pages, where that was asked.
  var total: Int64?

  /// Reads the rows of `statement` that `page` asks for; those columns come first that tell the
  /// order.
  static func read(
    _ statement: ActivityStatement, _ columns: SQLFragment, _ layout: JSONRowLayout,
    _ page: PageParameters, after keys: [SQLiteValue]?, isDescending: Bool = true,
    in connection: borrowing Connection
  ) throws(SQLiteError) -> ActivityRows {
    var rows = ActivityRows()
    let select = statement.page(
      columns, after: keys, isDescending: isDescending, limit: page.limit + 1,
      offset: page.offset)
    var output = JSONWriter(capacity: 1024 * page.limit)
    output.beginArray()
    try connection.forEachRow(select.sql, select.values) { row throws(SQLiteError) in
      guard rows.count < page.limit else { return rows.hasMore = true }
      row.appendJSONObject(layout, to: &output)
      rows.count += 1
      rows.lastKeys = [row.value(0), row.value(1)]
    }
    output.endArray()
    rows.elements = Array(output.bytes.dropFirst().dropLast())
    if page.wantsCount || page.page != nil {
      let count = statement.count
      rows.total = try connection.first(count.sql, count.values) { $0.integer(0) ?? 0 } ?? 0
    }
    return rows
  }

  /// `{"data": […], "nextCursor": …}` with what the page asks for beside.
  ///
  /// - Parameters:
  ///   - further: Entries that follow those of the rows.
  ///   - members: Further members of the answer.
  func body(
    _ page: PageParameters, nextCursor: String?, further: [JSONObject] = [],
    members: JSONObject = JSONObject()
  ) -> [UInt8] {
    var writer = JSONWriter(capacity: elements.count + 256)
    writer.beginObject()
    writer.name("data")
    writer.beginArray()
    if !elements.isEmpty { writer.raw(elements) }
    for entry in further { writer.value(.object(entry)) }
    writer.endArray()
    writer.member("nextCursor", page.page == nil ? nextCursor : nil)
    if let total { writer.member("total", .integer(total)) }
    if let number = page.page {
      writer.member("page", .integer(number))
      writer.member("pageSize", .integer(page.limit))
    }
    for member in members.members { writer.member(member.name, member.value) }
    writer.endObject()
    return writer.bytes
  }
}
