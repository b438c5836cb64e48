internal import SQLite
internal import Values

/// What a record that was found looks like in a list of such: what it is called, and where in it
/// the words stand.
enum SearchSnippet {
  /// Characters of a title that is made of the beginning of a text.
  private static let titleCharactersMax = 80
  /// Characters of one passage.
  private static let passageCharactersMax = 160
  /// Characters before the first hit of a passage.
  private static let leadCharactersMax = 40
  /// Passages in one snippet.
  private static let passagesMax = 3

  /// What the record is called: its title, or the first words of it.
  static func title(of record: Record) -> String {
    let texts = texts(of: record)
    guard let first = texts.first else { return "" }
    if first.isTitle { return first.text }
    let line = first.text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    guard line.count > titleCharactersMax else { return line }
    let beginning = line.prefix(titleCharactersMax)
    let end = beginning.lastIndex(where: \.isWhitespace) ?? beginning.endIndex
    return "\(beginning[..<end])…"
  }

  /// The passages where the terms stand, as HTML: each hit between `<mark>` and `</mark>`.
  static func html(of record: Record, _ terms: [SearchTerm]) -> String {
    let passages = texts(of: record).map { Passage($0, terms) }
    var wanted = Set(terms.indices)
    var chosen: [Int] = []
    while chosen.count < passagesMax {
      let rest = passages.indices.filter { !chosen.contains($0) }
      let best = rest.max { one, other in
        let (a, b) = (
          passages[one].terms.intersection(wanted).count,
          passages[other].terms.intersection(wanted).count
        )
        // Of equals the first.
        return a != b ? a < b : one > other
      }
      guard let best, !passages[best].terms.isDisjoint(with: wanted) else { break }
      chosen.append(best)
      wanted.subtract(passages[best].terms)
    }
    if chosen.isEmpty, let first = passages.first { return first.html }
    return chosen.sorted().map { passages[$0].html }.joined(separator: " … ")
  }

  /// A text of a record.
  struct SearchedText {
    let text: String
    var isTitle = false
    var isPhone = false
  }

  /// The texts by which a record is found, its title first.
  private static func texts(of record: Record) -> [SearchedText] {
    var titles: [String] = []
    var texts: [SearchedText] = []
    for (place, field) in record.resource.fields.enumerated() where field.isSearchable {
      guard let text = record.values[place].text, !text.isEmpty else { continue }
      if field.isTitle {
        titles.append(text)
      } else {
        texts.append(SearchedText(text: text, isPhone: field.type == .phone))
      }
    }
    texts += RecordTags.tags(record["tags"].text ?? "[]").map { SearchedText(text: $0) }
    guard !titles.isEmpty else { return texts }
    return [SearchedText(text: titles.joined(separator: " "), isTitle: true)] + texts
  }

  /// The part of a text where terms stand.
  private struct Passage {
    let html: String
    /// The places of the terms in it.
    let terms: Set<Int>

    init(_ searched: SearchedText, _ asked: [SearchTerm]) {
      let marks =
        searched.isPhone
        ? SearchMarks.inPhone(searched.text, asked) : SearchMarks.inText(searched.text, asked)
      terms = Set(marks.map(\.term))
      html = Self.html(searched.text, marks)
    }

    /// The text around the first mark, escaped.
    private static func html(_ text: String, _ marks: [SearchMarks.Mark]) -> String {
      let first = marks.first?.range.lowerBound ?? text.startIndex
      var start =
        text.index(first, offsetBy: -leadCharactersMax, limitedBy: text.startIndex)
        ?? text.startIndex
      if start > text.startIndex,
        let space = text[start..<first].firstIndex(where: \.isWhitespace)
      {
        start = text.index(after: space)
      }
      let end =
        text.index(start, offsetBy: passageCharactersMax, limitedBy: text.endIndex)
        ?? text.endIndex
      var html = start > text.startIndex ? "…" : ""
      var place = start
      for mark in marks where mark.range.lowerBound >= place && mark.range.lowerBound < end {
        html += escaped(text[place..<mark.range.lowerBound])
        html += "<mark>\(escaped(text[mark.range]))</mark>"
        place = mark.range.upperBound
      }
      if place < end { html += escaped(text[place..<end]) }
      return max(place, end) < text.endIndex ? html + "…" : html
    }
  }

  /// Text as HTML; lines run on.
  private static func escaped(_ text: Substring) -> String {
    var html = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": html += "&amp;"
      case "<": html += "&lt;"
      case ">": html += "&gt;"
      case "\"": html += "&quot;"
      case "'": html += "&#39;"
      case "\n", "\r", "\t": html += " "
      default: html.unicodeScalars.append(scalar)
      }
    }
    return html
  }
}
