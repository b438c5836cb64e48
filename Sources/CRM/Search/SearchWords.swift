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
    var start: Int?
    var place = 0
    func end() {
      guard let first = start else { return }
      words.append(Word(text: word(bytes[first..<place]), bytes: first..<place))
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
    return words
  }

  /// The words of any text.
  static func split(_ text: String) -> [String] {
    split(folded: Folding.fold(text)).map(\.text)
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

  private static func word(_ bytes: ArraySlice<UInt8>) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    guard bytes.count > scalarsMax else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.prefix(scalarsMax)))
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
