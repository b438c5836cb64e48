internal import Values

/// Where in a text, as it was written, the terms of a search stand.
enum SearchMarks {
  /// A hit.
  struct Mark {
    let range: Range<String.Index>
    /// The place of the term.
    let term: Int
  }

  /// Hits in one text; those after them are not marked.
  private static let marksMax = 40

  /// The words that a term begins.
  static func inText(_ text: String, _ terms: [SearchTerm]) -> [Mark] {
    let asked = terms.enumerated().flatMap { place, term in term.words.map { (place, $0) } }
    var marks: [Mark] = []
    var start: String.Index?
    let scalars = text.unicodeScalars
    func end(at index: String.Index) {
      guard let first = start else { return }
      start = nil
      let word = Folding.fold(String(text[first..<index]))
      if let match = asked.first(where: { word.hasPrefix($0.1) }) {
        marks.append(Mark(range: first..<index, term: match.0))
      }
    }
    var index = scalars.startIndex
    while index < scalars.endIndex, marks.count < marksMax {
      let scalar = scalars[index]
      if SearchWords.isWordScalar(scalar) {
        if start == nil { start = index }
      } else if start != nil, !SearchWords.isMark(scalar) {
        end(at: index)
      }
      index = scalars.index(after: index)
    }
    end(at: index)
    return marks
  }

  /// The digits of a phone number that a term means, with what stands between them.
  static func inPhone(_ text: String, _ terms: [SearchTerm]) -> [Mark] {
    let places = text.utf8.indices.filter {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text.utf8[$0])
    }
    let digits = String(decoding: places.map { text.utf8[$0] }, as: UTF8.self)
    let found = terms.enumerated().compactMap { place, term -> Mark? in
      for number in term.numbers {
        guard let range = digits.firstRange(of: number), !number.isEmpty else { continue }
        let first = digits.distance(from: digits.startIndex, to: range.lowerBound)
        let last = first + number.count - 1
        return Mark(range: places[first]..<text.utf8.index(after: places[last]), term: place)
      }
      return nil
    }
    return found.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }
}
