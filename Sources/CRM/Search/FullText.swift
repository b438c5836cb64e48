internal import JSON
internal import SQLite

/// What the parameter `q` of a list asks for.
struct FullText: Sendable {
  private let expression: SearchExpression

  /// So many documents at most are gathered before the list is read.
  ///
  /// Of what more documents have, a page is sooner found by walking through the list in its order
  /// and looking at each document.
  static let gatheredMax = 2000
  /// Among so many documents that nearly fit, fewer than this mean that few do.
  private static let fewMax = 50

  /// Nil when `text` has neither letters nor digits.
  init?(_ text: String) {
    let terms = SearchTerm.terms(text)
    guard !terms.isEmpty else { return nil }
    expression = .every(terms.map { $0.anywhere(isWhole: false) })
  }

  /// A condition of a list.
  struct Condition {
    /// It begins with AND.
    let sql: SQLFragment
    /// Whether few records are left, by their ids.
    let isNarrow: Bool
  }

  /// The condition that a row `t` has what is asked for.
  func condition(
    _ resource: Resource, tenantID: String, scope: RecordScope, in connection: borrowing Connection
  ) throws(SQLiteError) -> Condition {
    let index = Index(resource, tenantID: tenantID, scope: scope, expression)
    if let ids = try index.identifiers(in: connection) {
      let list = JSONValue.array(ids.map(JSONValue.string)).text
      return Condition(
        sql: SQLFragment(" AND t.id IN (SELECT value FROM json_each(?))", [.text(list)]),
        isNarrow: true)
    }
    let condition = expression.condition(index.letters)
    let probe = SQLFragment(
      """
       AND EXISTS (
        SELECT 1 FROM search_documents AS d
        WHERE d.tenant_id = ? AND d.entity_type = ? AND d.entity_id = t.id AND \(condition.sql))
      """,
      [.text(tenantID), .text(resource.description.entityType)] + condition.values)
    return Condition(sql: probe, isNarrow: false)
  }

  /// The statement that counts the records, of all that `scope` reaches, which have what is asked
  /// for.
  func count(_ resource: Resource, tenantID: String, scope: RecordScope) -> SQLFragment {
    let index = Index(resource, tenantID: tenantID, scope: scope, expression)
    return SQLFragment(
      "SELECT count(*) FROM search_index WHERE search_index MATCH ?", [.text(index.match())])
  }

  /// The full-text index as far as one list goes.
  private struct Index {
    let tenantID: String
    let letters: String
    private let reach: String
    private let expression: SearchExpression

    init(
      _ resource: Resource, tenantID: String, scope: RecordScope, _ expression: SearchExpression
    ) {
      let reach = SearchReach(tenantID: tenantID)
      self.tenantID = tenantID
      self.expression = expression
      letters = reach.letters
      self.reach = reach.match([(resource, scope)])
    }

    func match(coarsely: Bool = false) -> String {
      "\(reach) AND \(expression.match(letters, coarsely: coarsely))"
    }

    /// The ids of the records that fit; nil when they are too many.
    func identifiers(in connection: borrowing Connection) throws(SQLiteError) -> [String]? {
      if expression.isListed { return try gathered(in: connection) }
      let condition = expression.condition(letters)
      var count = 0
      var ids: [String] = []
      try connection.forEachRow(
        """
        SELECT d.entity_id, \(condition.sql)
        FROM (SELECT rowid AS n FROM search_index WHERE search_index MATCH ? LIMIT ?) AS c
        CROSS JOIN search_documents AS d ON d.n = c.n
        WHERE d.tenant_id = ?
        """,
        condition.values + [
          .text(match(coarsely: true)), .integer(Int64(gatheredMax)), .text(tenantID),
        ]
      ) { row in
        count += 1
        if row.integer(1) == 1 { ids.append(row.text(0) ?? "") }
      }
      if count < gatheredMax { return ids }
      return ids.count < fewMax ? try gathered(in: connection) : nil
    }

    private func gathered(in connection: borrowing Connection) throws(SQLiteError) -> [String]? {
      let ids = try connection.all(
        """
        SELECT d.entity_id
        FROM search_index AS i CROSS JOIN search_documents AS d ON d.n = i.rowid
        WHERE i.search_index MATCH ? AND d.tenant_id = ? LIMIT ?
        """, [.text(match()), .text(tenantID), .integer(Int64(gatheredMax))]
      ) { $0.text(0) ?? "" }
      return ids.count < gatheredMax ? ids : nil
    }
  }
}
