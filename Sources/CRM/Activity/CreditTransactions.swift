internal import Database
public import HTTP
internal import JSON
internal import SQLite
public import Values

/// Whose entries a list of the activity log shows.
public enum ActivityReach: Sendable, Equatable {
  /// Those of everybody in the tenant.
  case tenant
  /// Those of these users.
  case users([String])
}

/// Which of the entries that cost something are wanted.
public struct CreditTransactionQuery: Sendable {
  /// The parameters that are read here, beside those of ``PageParameters``.
  public static let names = ["since", "until", "userId", "operation"]

  let page: PageParameters
  let conditions: SQLFragment
  let binding: String

  /// Reads the parameters out of `values`, by name.
  ///
  /// - Throws: 400 `invalid_parameter` naming the parameter at fault.
  public init(_ values: [String: String], tenantID: String, now: Timestamp) throws(Problem) {
    page = try PageParameters(values)
    var conditions = SQLFragment("")
    if let since = values["since"] {
      let moment = try PeriodBound.parse(since, "since", now: now)
      conditions.append(SQLFragment(" AND a.timestamp >= ?", [.text(moment.rfc3339)]))
    }
    if let until = values["until"] {
      let moment = try PeriodBound.parse(until, "until", now: now)
      conditions.append(SQLFragment(" AND a.timestamp < ?", [.text(moment.rfc3339)]))
    }
    if let userID = values["userId"] {
      conditions.append(SQLFragment(" AND a.user_id = ?", [.text(userID)]))
    }
    if let operation = values["operation"] {
      conditions.append(Self.operation(operation))
    }
    self.conditions = conditions
    binding = Cursor.binding(
      tenantID: tenantID, resource: "credit transactions",
      parts: Self.names.compactMap { name in values[name].map { "\(name)=\($0)" } })
  }

  /// `crm.leads.create`, or `crm.leads.*` for all that begins so.
  private static func operation(_ text: String) -> SQLFragment {
    guard text.hasSuffix("*") else { return SQLFragment(" AND a.operation = ?", [.text(text)]) }
    let prefix = String(text.dropLast())
    return SQLFragment(
      " AND a.operation >= ? AND a.operation < ?", [.text(prefix), .text(prefix + "\u{10FFFF}")])
  }
}

extension RecordStore {
  /// The entries that cost something, newest first: `{"data": […], "nextCursor": …}`.
  ///
  /// - Throws: 400 `invalid_cursor`; what the database throws.
  public func creditTransactions(
    _ query: CreditTransactionQuery, tenantID: String, reach: ActivityReach
  ) throws -> [UInt8] {
    var condition = SQLFragment(
      "FROM crm_activities AS a WHERE a.tenant_id = ? AND a.credit_units > 0", [.text(tenantID)])
    if case .users(let ids) = reach {
      let list = JSONValue.array(ids.map(JSONValue.string)).text
      condition.append(
        SQLFragment(" AND a.user_id IN (SELECT value FROM json_each(?))", [.text(list)]))
    }
    condition.append(query.conditions)
    var rows = condition
    if let cursor = query.page.cursor {
      let keys = try Cursor.decode(cursor, binding: query.binding, count: 2)
      rows.append(SQLFragment(" AND (a.timestamp, a.id) < (?, ?)", keys))
    }
    rows.sql = """
      SELECT a.id, a.timestamp, a.user_id, json_extract(a.user_context, '$.user.name'),
        a.operation, a.entity_type, a.entity_id, a.credit_units, a.session_id
      \(rows.sql)
      ORDER BY a.timestamp DESC, a.id DESC LIMIT ? OFFSET ?
      """
    rows.values += [.integer(query.page.limit + 1), .integer(query.page.offset)]
    return try database.read { connection in
      var writer = JSONWriter(capacity: 256 * query.page.limit)
      writer.beginObject()
      let next = try Self.write(rows, query, to: &writer, connection)
      writer.member("nextCursor", query.page.page == nil ? next : nil)
      if query.page.wantsCount || query.page.page != nil {
        let total = try connection.first(
          "SELECT count(*) \(condition.sql)", condition.values
        ) { $0.integer(0) }
        writer.member("total", .integer((total ?? 0) ?? 0))
      }
      if let number = query.page.page {
        writer.member("page", .integer(number))
        writer.member("pageSize", .integer(query.page.limit))
      }
      writer.endObject()
      return writer.bytes
    }
  }

  /// Writes `"data": […]`; gives the cursor of the next page, nil when this is the last.
  private static func write(
    _ rows: SQLFragment, _ query: CreditTransactionQuery, to writer: inout JSONWriter,
    _ connection: borrowing Connection
  ) throws(SQLiteError) -> String? {
    var count = 0
    var next: String?
    var output = JSONWriter(capacity: 0)
    swap(&output, &writer)
    output.name("data")
    output.beginArray()
    try connection.forEachRow(rows.sql, rows.values) { row throws(SQLiteError) in
      count += 1
      guard count <= query.page.limit else { return }
      row.appendJSONObject(transactionLayout, to: &output)
      if count == query.page.limit {
        next = Cursor.encode(
          [SQLiteValue(row.text(1)), SQLiteValue(row.text(0))], binding: query.binding)
      }
    }
    output.endArray()
    swap(&output, &writer)
    return count > query.page.limit ? next : nil
  }

  private static let transactionLayout = JSONRowLayout([
    ("id", .text), ("timestamp", .text), ("userId", .text), ("userName", .text),
    ("operation", .text), ("entityType", .text), ("entityId", .text),
    ("creditCost", .decimal(scale: 4)), ("sessionId", .text),
  ])
}
