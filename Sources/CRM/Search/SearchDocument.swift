internal import SQLite
internal import Values

/// The words by which full text finds a record, and those of the users who may find it.
struct SearchDocument: Sendable {
  /// The form of documents; another number lets them all be made anew when the server starts.
  static let format: Int64 = 1

  let reach: String
  let title: String
  let body: String
  let phone: String

  /// Gathers the words of the searchable fields of `record`, each word once.
  init(_ record: Record) {
    let reach = SearchReach(tenantID: record["tenantId"].text ?? "")
    var title = Words(letters: reach.letters + Column.title.letter)
    var body = Words(letters: reach.letters + Column.body.letter)
    var phone = Words(letters: reach.letters + Column.phone.letter)
    for (place, field) in record.resource.fields.enumerated()
    where field.isSearchable && field.isTitle {
      guard let text = record.values[place].text else { continue }
      title.add(wordsOf: text)
    }
    body.known = title.known
    for (place, field) in record.resource.fields.enumerated()
    where field.isSearchable && !field.isTitle {
      guard let text = record.values[place].text else { continue }
      if field.type == .phone {
        for end in PhoneDigits.ends(text) { phone.add(Array(end.utf8)[...]) }
      } else {
        body.add(wordsOf: text)
      }
    }
    for tag in RecordTags.tags(record["tags"].text ?? "[]") { body.add(wordsOf: tag) }
    self.reach = reach.words(record).joined(separator: " ")
    self.title = title.column
    self.body = body.column
    self.phone = phone.column
  }

  private typealias Column = SearchExpression.Column

  /// The words of one column, each once.
  private struct Words {
    private let letters: [UInt8]
    var known = KnownWords()
    private var bytes: [UInt8] = []

    init(letters: String) { self.letters = Array(letters.utf8) }

    mutating func add(wordsOf text: String) {
      let folded = Array(Folding.fold(text).utf8)
      SearchWords.forEach(in: folded) { place in
        add(folded[SearchWords.known(of: folded[place])])
      }
    }

    mutating func add(_ word: ArraySlice<UInt8>) {
      guard known.insert(word) else { return }
      bytes.append(UInt8(ascii: " "))
      bytes += letters
      bytes += word
    }

    /// A space stands before and behind each word, so that one can be looked for in the column.
    var column: String {
      bytes.isEmpty ? "" : String(decoding: bytes + [UInt8(ascii: " ")], as: UTF8.self)
    }
  }

  /// Words that stand in a document already.
  ///
  /// Most records have a dozen, through which looking is quicker than hashing.
  private struct KnownWords {
    private static let listedMax = 32

    private var listed: [ArraySlice<UInt8>] = []
    private var hashed: Set<ArraySlice<UInt8>> = []

    /// - Returns: false when it was known.
    mutating func insert(_ word: ArraySlice<UInt8>) -> Bool {
      guard listed.count == Self.listedMax else {
        guard !listed.contains(word) else { return false }
        listed.append(word)
        return true
      }
      if hashed.isEmpty { hashed = Set(listed) }
      return hashed.insert(word).inserted
    }
  }

  /// Keeps the index in step with a change; the parameters are those of
  /// ``Consequences/note(from:to:document:in:)``.
  static func note(
    from before: Record?, to after: Record?, document: SearchDocument?,
    in connection: borrowing Connection
  ) throws(SQLiteError) {
    guard let resource = (after ?? before)?.resource, resource.isSearchable else { return }
    if let before, let after {
      let isSame = resource.searchedPlaces.allSatisfy { before.values[$0] == after.values[$0] }
      if isSame { return }
    }
    if let before { try remove(for: before, in: connection) }
    if let after { try (document ?? SearchDocument(after)).insert(for: after, in: connection) }
  }

  var columns: [SQLiteValue] { [.text(reach), .text(title), .text(body), .text(phone)] }

  /// The columns of stored documents by the records' ids, of one kind, in the order of the ids.
  static func stored(
    _ entityType: String, _ tenantID: String, after id: String, _ connection: borrowing Connection
  ) throws(SQLiteError) -> [String: [SQLiteValue]] {
    let rows = try connection.all(
      """
      SELECT entity_id, reach, title, body, phone FROM search_documents
      WHERE tenant_id = ? AND entity_type = ? AND entity_id > ? ORDER BY entity_id LIMIT ?
      """, [.text(tenantID), .text(entityType), .text(id), .integer(Limits.verifiedPerStep)]
    ) { row in (row.text(0) ?? "", (1...4).map { SQLiteValue(row.text($0)) }) }
    return Dictionary(rows) { first, _ in first }
  }

  /// Puts the document of a record into the index.
  func insert(for record: Record, in connection: borrowing Connection) throws(SQLiteError) {
    try connection.run(
      """
      INSERT INTO search_documents (
        tenant_id, entity_type, entity_id, reach, title, body, phone)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      """, Self.identity(record) + columns)
    try connection.run(
      "INSERT INTO search_index (rowid, reach, title, body, phone) VALUES (?, ?, ?, ?, ?)",
      [.integer(connection.lastInsertRowID)] + columns)
  }

  /// Takes the document of a record out of the index, which must be told what it holds
  /// (sqlite.org/fts5.html section 4.4.3).
  private static func remove(for record: Record, in connection: borrowing Connection)
    throws(SQLiteError)
  {
    let stored = try connection.first(
      """
      DELETE FROM search_documents WHERE tenant_id = ? AND entity_type = ? AND entity_id = ?
      RETURNING n, reach, title, body, phone
      """, identity(record)
    ) { row -> [SQLiteValue] in
      [SQLiteValue(row.integer(0))] + (1...4).map { SQLiteValue(row.text($0)) }
    }
    guard let stored else { return }
    try connection.run(
      """
      INSERT INTO search_index (search_index, rowid, reach, title, body, phone)
      VALUES ('delete', ?, ?, ?, ?, ?)
      """, stored)
  }

  private static func identity(_ record: Record) -> [SQLiteValue] {
    [record["tenantId"], .text(record.resource.description.entityType), record["id"]]
  }
}
