internal import JSON
internal import SQLite

extension SearchedTenant {
  /// Documents of a question that are all looked at, whoever may find them.
  private static let fewMax = 500

  /// All documents that have `terms`, in order; nil when too many have them.
  ///
  /// The index then answers once, and neither once for each rank nor for every user of a scope.
  func fewHits(
    _ terms: [SearchTerm], _ ranks: [SearchRank], in connection: borrowing Connection
  ) throws(SQLiteError) -> [SearchHit]? {
    guard let reachable = reach.condition(resources) else { return nil }
    let anywhere = SearchExpression.every(terms.map { $0.anywhere(isWhole: false) })
    let numbers = try connection.all(
      "SELECT rowid FROM search_index WHERE search_index MATCH ? LIMIT ?",
      [.text(anywhere.match(reach.letters)), .integer(Int64(Self.fewMax))]
    ) { $0.integer(0) ?? 0 }
    guard numbers.count < Self.fewMax else { return nil }
    guard !numbers.isEmpty else { return [] }
    // Who is in the first rank that fits is in no other.
    var rank = SQLFragment("CASE")
    for (number, candidate) in ranks.enumerated().dropLast() {
      let condition = candidate.expression.wanted.condition(reach.letters)
      rank.append(SQLFragment(" WHEN \(condition.sql) THEN \(number)", condition.values))
    }
    rank.sql += " ELSE \(ranks.count - 1) END"
    return try connection.all(
      """
      SELECT \(rank.sql), d.n, d.entity_type, d.entity_id
      FROM json_each(?) AS j CROSS JOIN search_documents AS d ON d.n = j.value
      WHERE d.tenant_id = ? AND \(reachable.sql)
      ORDER BY 1, 2 DESC
      """,
      rank.values + [
        .text(JSONValue.array(numbers.map { .integer($0) }).text), .text(tenantID),
      ] + reachable.values
    ) { row in
      let number = Int(row.integer(0) ?? 0)
      return SearchHit(
        place: SearchPlace(rank: number, document: row.integer(1) ?? 0),
        score: ranks[number].score, entityType: row.text(2) ?? "", entityID: row.text(3) ?? "")
    }
  }
}

extension SearchExpression {
  /// The expression without what it leaves to ranks before it.
  fileprivate var wanted: SearchExpression {
    if case .excluding(let wanted, _) = self { wanted } else { self }
  }
}
