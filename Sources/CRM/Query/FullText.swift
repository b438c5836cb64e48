internal import SQLite
internal import Values

/// Turns what a person types into a query of the full-text index (sqlite.org/fts5.html section 3).
enum FullText {
  /// Words in one query.
  static let wordsMax = 10

  /// The MATCH expression: every word must begin some word of the record.
  ///
  /// Nil when `text` has no letters or digits.
  static func match(_ text: String, tenantID: String) -> String? {
    let words = Folding.fold(text)
      .split { !$0.isLetter && !$0.isNumber }
      .prefix(wordsMax)
    guard !words.isEmpty else { return nil }
    // Only letters and digits are left, so nothing in a quoted word can end the quotation.
    let token = SearchDocument.tenantToken(tenantID)
    return "tenant_token : \"\(token)\" AND "
      + words.map { "{title body} : \"\($0)\" *" }.joined(separator: " AND ")
  }

  /// The condition that a row's document matches.
  static func condition(_ match: String, _ resource: Resource, tenantID: String) -> SQLFragment {
    SQLFragment(
      """
       AND t.id IN (
        SELECT d.entity_id FROM search_index AS i JOIN search_documents AS d ON d.n = i.rowid
        WHERE i.search_index MATCH ? AND d.tenant_id = ? AND d.entity_type = ?)
      """,
      [.text(match), .text(tenantID), .text(resource.description.entityType)])
  }
}
