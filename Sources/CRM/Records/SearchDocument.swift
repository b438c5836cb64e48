internal import Cryptography
internal import JSON
internal import SQLite
internal import Values

/// The words by which full text finds a record.
struct SearchDocument: Sendable {
  let title: String
  let body: String

  /// Gathers the searchable fields of `record`, folded.
  init(_ record: Record) {
    var title: [String] = []
    var body: [String] = []
    for (place, field) in record.resource.fields.enumerated() where field.isSearchable {
      guard let text = record.values[place].text else { continue }
      if field.isTitle { title.append(text) } else { body.append(text) }
      // A phone number is found by its digits, however it was written.
      if field.type == .phone { body.append(String(text.filter(\.isNumber))) }
    }
    if case .text(let tags) = record["tags"], tags != "[]",
      // The column holds what the server wrote; unreadable tags are merely not found.
      let words = try? JSONParser.parse(tags)
    {
      body += (words.array ?? []).compactMap(\.string)
    }
    self.title = Folding.fold(title.joined(separator: " "))
    self.body = Folding.fold(body.joined(separator: " "))
  }

  /// Puts the document of a new record into the index.
  func insert(for record: Record, in connection: borrowing Connection) throws(SQLiteError) {
    let token = SQLiteValue.text(Self.tenantToken(record["tenantId"].text ?? ""))
    try connection.run(
      """
      INSERT INTO search_documents (
        tenant_id, entity_type, entity_id, tenant_token, title, body)
      VALUES (?, ?, ?, ?, ?, ?)
      """, Self.identity(record) + [token, .text(title), .text(body)])
    try connection.run(
      "INSERT INTO search_index (rowid, tenant_token, title, body) VALUES (?, ?, ?, ?)",
      [.integer(connection.lastInsertRowID), token, .text(title), .text(body)])
  }

  /// Puts the document of a changed record into the index in place of the one that is there.
  func replace(for record: Record, in connection: borrowing Connection) throws(SQLiteError) {
    try Self.remove(for: record, in: connection)
    try insert(for: record, in: connection)
  }

  /// Takes the document of a record out of the index, which must be told what it holds
  /// (sqlite.org/fts5.html section 4.4.3).
  static func remove(for record: Record, in connection: borrowing Connection)
    throws(SQLiteError)
  {
    let stored = try connection.first(
      """
      DELETE FROM search_documents WHERE tenant_id = ? AND entity_type = ? AND entity_id = ?
      RETURNING n, tenant_token, title, body
      """, identity(record)
    ) { row -> [SQLiteValue] in
      [SQLiteValue(row.integer(0))] + (1...3).map { SQLiteValue(row.text($0)) }
    }
    guard let stored else { return }
    try connection.run(
      """
      INSERT INTO search_index (search_index, rowid, tenant_token, title, body)
      VALUES ('delete', ?, ?, ?, ?)
      """, stored)
  }

  private static func identity(_ record: Record) -> [SQLiteValue] {
    [record["tenantId"], .text(record.resource.description.entityType), record["id"]]
  }

  /// One word that stands for a tenant in every document and every MATCH: without it a query would
  /// walk through the hits of all tenants.
  static func tenantToken(_ tenantID: String) -> String {
    "t" + Hexadecimal.text(SHA256.hash(Array(tenantID.utf8)).prefix(8))
  }
}
