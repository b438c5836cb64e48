internal import Database
public import HTTP
internal import SQLite
public import Values

/// Which of the entries that cost something are wanted.
public struct CreditTransactionQuery: Sendable {
  /// The parameters that are read here, beside those of ``PageParameters``.
  public static let names = ["since", "until", "userId", "operation"]

  let page: PageParameters
  let filter: ActivityFilter
  let binding: String

  /// Reads the parameters out of `values`, by name.
  ///
  /// - Throws: 400 `invalid_parameter` naming the parameter at fault.
  public init(_ values: [String: String], tenantID: String, now: Timestamp) throws(Problem) {
    page = try PageParameters(values)
    filter = try ActivityFilter(values, now: now) { _ in [] }
    binding = Cursor.binding(
      tenantID: tenantID, resource: "credit transactions", parts: filter.parts)
  }
}

extension RecordStore {
  /// The entries that cost something, newest first: `{"data": […], "nextCursor": …}`.
  ///
  /// - Throws: 400 `invalid_cursor`; what the database throws.
  public func creditTransactions(
    _ query: CreditTransactionQuery, tenantID: String, reach: ActivityReach
  ) throws -> [UInt8] {
    let keys = try query.page.cursor.map { cursor throws(Problem) in
      try Cursor.decode(cursor, binding: query.binding, count: 2)
    }
    return try database.read { connection in
      let statement = try ActivityStatement(
        query.filter, tenantID: tenantID, reach: reach,
        further: SQLFragment(" AND a.credit_units > 0"), in: connection)
      let rows = try ActivityRows.read(
        statement, SQLFragment(Self.transactionColumns), Self.transactionLayout, query.page,
        after: keys, in: connection)
      return rows.body(
        query.page,
        nextCursor: rows.hasMore ? Cursor.encode(rows.lastKeys, binding: query.binding) : nil)
    }
  }

  private static let transactionColumns = """
    a.timestamp, a.seq, a.id, a.timestamp, a.user_id,
    json_extract(a.user_context, '$.user.name'), a.operation, a.entity_type, a.entity_id,
    a.credit_units, a.session_id
    """

  private static let transactionLayout = JSONRowLayout([
    ("time", .skip), ("seq", .skip), ("id", .text), ("timestamp", .text), ("userId", .text),
    ("userName", .text), ("operation", .text), ("entityType", .text), ("entityId", .text),
    ("creditCost", .decimal(scale: 4)), ("sessionId", .text),
  ])
}
