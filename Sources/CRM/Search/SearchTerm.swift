internal import Values

/// One thing that a person looks for: a word, or a number in groups of digits.
struct SearchTerm: Sendable, Equatable {
  /// All of them, or their beginnings, must be there.
  let words: [String]
  /// Or a phone number must have an end that begins with one of these.
  let numbers: [String]

  /// Words in one question; those after them are not looked at.
  static let wordsMax = 10

  /// The terms of what a person typed; none when it has no letters and digits.
  static func terms(_ text: String) -> [SearchTerm] {
    let folded = Folding.fold(text)
    let bytes = Array(folded.utf8)
    let words = SearchWords.split(folded: folded).prefix(wordsMax)
    var terms: [SearchTerm] = []
    var rest = words[...]
    while let first = rest.first {
      var run = [first]
      rest.removeFirst()
      guard isNumber(first) else {
        terms.append(SearchTerm(words: [first.text], numbers: []))
        continue
      }
      // Groups of digits with nothing but the signs of phone numbers between them.
      while let next = rest.first, isNumber(next),
        bytes[run[run.count - 1].bytes.upperBound..<next.bytes.lowerBound]
          .allSatisfy(phoneSigns.contains)
      {
        run.append(next)
        rest.removeFirst()
      }
      let start = bytes[..<first.bytes.lowerBound].lastIndex { !phoneSigns.contains($0) }
      let number = bytes[(start.map { $0 + 1 } ?? 0)..<run[run.count - 1].bytes.upperBound]
      terms.append(
        SearchTerm(
          words: run.map(\.text),
          numbers: PhoneDigits.questions(String(decoding: number, as: UTF8.self))))
    }
    return terms
  }

  private static let phoneSigns = Set("+()-/. ".utf8)

  private static func isNumber(_ word: SearchWords.Word) -> Bool {
    word.text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }

  /// That the title has the term.
  func inTitle(isWhole: Bool) -> SearchExpression {
    .every(words.map { .word($0, in: [.title], isWhole: isWhole) })
  }

  /// That the document has the term.
  func anywhere(isWhole: Bool) -> SearchExpression {
    let words = SearchExpression.every(
      words.map { .word($0, in: [.title, .body], isWhole: isWhole) })
    guard !numbers.isEmpty else { return words }
    return .some([words] + numbers.map { .word($0, in: [.phone], isWhole: isWhole) })
  }
}

/// Documents that are equally good answers; among them the newest is first.
struct SearchRank: Sendable {
  let expression: SearchExpression
  let score: Double

  /// The ranks of documents that have all `terms`, the best first; no document is in two.
  ///
  /// All terms in the title are better than some of them, those better than none; whole words are
  /// better than beginnings.
  static func ranks(_ terms: [SearchTerm]) -> [SearchRank] {
    let wholeTitle = SearchExpression.every(terms.map { $0.inTitle(isWhole: true) })
    let title = SearchExpression.every(terms.map { $0.inTitle(isWhole: false) })
    let whole = SearchExpression.every(terms.map { $0.anywhere(isWhole: true) })
    let any = SearchExpression.every(terms.map { $0.anywhere(isWhole: false) })
    var ranks = [
      SearchRank(expression: wholeTitle, score: 1),
      SearchRank(expression: .excluding(title, wholeTitle), score: 0.8),
    ]
    guard terms.count > 1 else {
      return ranks + [
        SearchRank(expression: .excluding(whole, title), score: 0.4),
        SearchRank(expression: .excluding(any, .some([title, whole])), score: 0.2),
      ]
    }
    let partlyTitle = SearchExpression.some(terms.map { $0.inTitle(isWhole: false) })
    ranks += [
      SearchRank(expression: .excluding(.every([whole, partlyTitle]), title), score: 0.6),
      SearchRank(
        expression: .excluding(.every([any, partlyTitle]), .some([title, whole])), score: 0.5),
      SearchRank(expression: .excluding(whole, partlyTitle), score: 0.4),
      SearchRank(expression: .excluding(any, .some([partlyTitle, whole])), score: 0.2),
    ]
    return ranks
  }
}
