internal import SQLite

/// What a document must hold, in two languages: FTS5's and, for a document at hand, SQL's.
indirect enum SearchExpression: Sendable {
  /// A column of documents.
  enum Column: String, Sendable {
    case title, body, phone

    /// Stands before each word of the column, behind the tenant's letters.
    ///
    /// So the columns have words of their own: what only the title shall have is not looked for
    /// among all documents whose text has it. It is no hexadecimal digit, and so no word is like
    /// one of the column `reach`.
    var letter: String {
      switch self {
      case .title: "t"
      case .body: "x"
      case .phone: "n"
      }
    }
  }

  /// A word, or a word that begins so, in one of the columns.
  case word(String, in: [Column], isWhole: Bool)
  case every([SearchExpression])
  case some([SearchExpression])
  case excluding(SearchExpression, SearchExpression)

  /// Letters of the longest beginnings that the index keeps lists of.
  ///
  /// For a longer one FTS5 gathers every document of every word that begins so before it gives the
  /// first.
  static let listedScalarsMax = 3

  /// The MATCH expression (sqlite.org/fts5.html section 3).
  ///
  /// - Parameters:
  ///   - letters: Those that begin each word of the tenant.
  ///   - coarsely: Whether to ask only for what the index answers without gathering: for more than
  ///     is wanted, never for less.
  func match(_ letters: String, coarsely: Bool = false) -> String {
    switch self {
    case .word(let word, let columns, let isWhole):
      let asked =
        coarsely && !isWhole
        ? String(String.UnicodeScalarView(word.unicodeScalars.prefix(Self.listedScalarsMax)))
        : word
      // A word has letters, digits and marks alone, so nothing in it can end the quotation.
      return Self.joined(
        columns.map { "\"\(letters)\($0.letter)\(asked)\"\(isWhole ? "" : " *")" }, by: " OR ")
    case .every(let parts):
      return Self.joined(parts.map { $0.match(letters, coarsely: coarsely) }, by: " AND ")
    case .some(let parts):
      return Self.joined(parts.map { $0.match(letters, coarsely: coarsely) }, by: " OR ")
    case .excluding(let wanted, let unwanted):
      // The beginnings of unwanted words are those of wanted ones as well.
      let match = wanted.match(letters, coarsely: coarsely)
      return coarsely ? match : "(\(match) NOT \(unwanted.match(letters)))"
    }
  }

  /// The condition on a row `d` of search_documents.
  func condition(_ letters: String) -> SQLFragment {
    switch self {
    case .word(let word, let columns, let isWhole):
      let found = columns.map { column in
        SQLFragment(
          "instr(d.\(column.rawValue), ?) > 0",
          [.text(" \(letters)\(column.letter)\(word)\(isWhole ? " " : "")")])
      }
      return Self.joined(found, by: " OR ")
    case .every(let parts):
      return Self.joined(parts.map { $0.condition(letters) }, by: " AND ")
    case .some(let parts):
      return Self.joined(parts.map { $0.condition(letters) }, by: " OR ")
    case .excluding(let wanted, let unwanted):
      let (wanted, unwanted) = (wanted.condition(letters), unwanted.condition(letters))
      return SQLFragment(
        "(\(wanted.sql) AND NOT \(unwanted.sql))", wanted.values + unwanted.values)
    }
  }

  /// Whether the index answers the MATCH expression without gathering first.
  var isListed: Bool {
    switch self {
    case .word(let word, _, let isWhole):
      isWhole || word.unicodeScalars.count <= Self.listedScalarsMax
    case .every(let parts), .some(let parts): parts.allSatisfy(\.isListed)
    case .excluding(let wanted, let unwanted): wanted.isListed && unwanted.isListed
    }
  }

  private static func joined(_ parts: [String], by sign: String) -> String {
    parts.count == 1 ? parts[0] : "(\(parts.joined(separator: sign)))"
  }

  private static func joined(_ parts: [SQLFragment], by sign: String) -> SQLFragment {
    SQLFragment(joined(parts.map(\.sql), by: sign), parts.flatMap(\.values))
  }
}
