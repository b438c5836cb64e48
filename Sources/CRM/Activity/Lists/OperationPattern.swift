internal import SQLite

/// An operation, or several by a name with `*` for any characters: `crm.leads.*`, `*.failed`.
struct OperationPattern: Sendable, Equatable {
  /// The text as it was given.
  let text: String

  /// Whether it means one operation only.
  var isExact: Bool { !text.contains("*") }

  /// What all names begin with that it can mean.
  private var prefix: String { String(text.prefix { $0 != "*" }) }

  /// The same as SQLite's GLOB takes it, where `?` and `[` are no wildcards
  /// (sqlite.org/lang_expr.html#glob).
  private var glob: String {
    text.reduce(into: "") { glob, character in
      glob += "?[".contains(character) ? "[\(character)]" : String(character)
    }
  }

  /// Whether it means `operation`.
  func means(_ operation: String) -> Bool {
    let parts = text.split(separator: "*", omittingEmptySubsequences: false)
    guard let first = parts.first, let last = parts.last, parts.count > 1 else {
      return operation == text
    }
    guard operation.hasPrefix(first) else { return false }
    var rest = operation.dropFirst(first.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let found = rest.firstRange(of: part) else { return false }
      rest = rest[found.upperBound...]
    }
    return rest.hasSuffix(last)
  }

  /// The condition on a row `a`, beginning with AND.
  var condition: SQLFragment {
    isExact
      ? SQLFragment(" AND a.operation = ?", [.text(text)])
      : SQLFragment(" AND +a.operation GLOB ?", [.text(glob)])
  }

  /// The operations of the tenant's log that it means; nil where there are more than `max`.
  ///
  /// Goes from one name to the next in the index, however many entries bear it.
  func operations(
    tenantID: String, max: Int, in connection: borrowing Connection
  ) throws(SQLiteError) -> [String]? {
    if isExact { return [text] }
    let names = try connection.all(
      """
      WITH RECURSIVE names (operation) AS (
        SELECT min(a.operation) FROM crm_activities AS a
        WHERE a.tenant_id = ?1 AND a.operation >= ?2 AND a.operation < ?3
        UNION ALL
        SELECT (
          SELECT min(a.operation) FROM crm_activities AS a
          WHERE a.tenant_id = ?1 AND a.operation > n.operation AND a.operation < ?3)
        FROM names AS n WHERE n.operation IS NOT NULL
      )
      SELECT operation, operation GLOB ?4 FROM names WHERE operation IS NOT NULL LIMIT ?5
      """,
      [
        .text(tenantID), .text(prefix), .text(prefix + "\u{10FFFF}"), .text(glob),
        .integer(Int64(Self.lookedAtMax)),
      ]
    ) { (name: $0.text(0) ?? "", isMeant: $0.integer(1) == 1) }
    let meant = names.filter(\.isMeant).map(\.name)
    return names.count == Self.lookedAtMax || meant.count > max ? nil : meant
  }

  /// How many names are looked at; other applications may invent as many as they like.
  private static let lookedAtMax = 1000
}
