internal import Values

/// How full text cuts a text into words: runs of letters, digits and the marks that belong to them.
///
/// The index knows no other words, so documents and questions are both cut here.
enum SearchWords {
  /// Of a longer word the rest is not known.
  static let scalarsMax = 64

  /// A word of a folded text and the bytes it stands at.
  struct Word {
    let text: String
    let bytes: Range<Int>
  }

  /// The words of a text that has been folded.
  static func split(folded text: String) -> [Word] {
    let bytes = Array(text.utf8)
    var words: [Word] = []
    forEach(in: bytes) { place in
      let known = bytes[known(of: bytes[place])]
      words.append(Word(text: String(decoding: known, as: UTF8.self), bytes: place))
    }
    return words
  }

  /// Calls `body` with the place of each word of a text that has been folded.
  static func forEach(in bytes: [UInt8], _ body: (Range<Int>) -> Void) {
    var start: Int?
    var place = 0
    func end() {
      guard let first = start else { return }
      body(first..<place)
      start = nil
    }
    while place < bytes.count {
      let width = width(bytes[place])
      let isPart: Bool
      if width == 1 {
        isPart = isWordCharacter(bytes[place])
      } else {
        let scalar = scalar(bytes[place..<min(place + width, bytes.count)])
        // A mark alone is no word: some stand behind signs.
        isPart = isWordScalar(scalar) || start != nil && isMark(scalar)
      }
      if !isPart {
        end()
      } else if start == nil {
        start = place
      }
      place += width
    }
    place = bytes.count
    end()
  }

  /// The part of a word that is known, its whole unless it is very long.
  static func known(of word: ArraySlice<UInt8>) -> Range<Int> {
    guard word.count > scalarsMax else { return word.startIndex..<word.endIndex }
    var end = word.startIndex
    for _ in 0..<scalarsMax where end < word.endIndex { end += width(word[end]) }
    return word.startIndex..<min(end, word.endIndex)
  }

  /// A letter or a number.
  static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return isWordCharacter(UInt8(truncatingIfNeeded: scalar.value)) }
    return switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
      .decimalNumber, .letterNumber, .otherNumber:
      true
    default: false
    }
  }

  /// What belongs to the letter before it: vowel signs, accents that are written apart.
  static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: true
    default: false
    }
  }

  private static func isWordCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"):
      true
    default: false
    }
  }

  /// How many bytes the character that begins with `byte` has in UTF-8.
  private static func width(_ byte: UInt8) -> Int {
    switch byte {
    case ..<0x80: 1
    case ..<0xe0: 2
    case ..<0xf0: 3
    default: 4
    }
  }

  private static func scalar(_ bytes: ArraySlice<UInt8>) -> Unicode.Scalar {
    String(decoding: bytes, as: UTF8.self).unicodeScalars.first ?? " "
  }
}
