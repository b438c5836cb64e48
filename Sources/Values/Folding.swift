internal import Foundation

/// Text without case and accents, for sorting, comparing and finding.
///
/// The result is stored in columns and in the full-text index, so it depends on nothing but the
/// text: no locale, no setting. A change of these rules needs a migration that folds anew.
public enum Folding {
  /// The text in lower case with accents removed: `Éric Straße` becomes `eric strasse`.
  ///
  /// The text is decomposed (Unicode NFD), combining diacritical marks are dropped, letters that
  /// carry their accent as a stroke or a ligature are spelled out (`ø` o, `ł` l, `æ` ae), the rest
  /// is lower-cased and composed again (NFC). Marks that carry meaning of their own (Devanagari
  /// vowels, kana voicing, Thai tones) stay.
  public static func fold(_ text: String) -> String {
    if isASCII(text) { return text.lowercased() }
    var folded = String.UnicodeScalarView()
    for scalar in text.decomposedStringWithCanonicalMapping.unicodeScalars
    where !isDiacritic(scalar) {
      for lower in scalar.properties.lowercaseMapping.unicodeScalars {
        if let spelling = spellings[lower] {
          folded.append(contentsOf: spelling.unicodeScalars)
        } else if !isDiacritic(lower) {
          folded.append(lower)
        }
      }
    }
    return String(folded).precomposedStringWithCanonicalMapping
  }

  /// The text in lower case with accents kept, composed (NFC): for e-mail addresses.
  public static func lowercased(_ text: String) -> String {
    if isASCII(text) { return text.lowercased() }
    return text.lowercased().precomposedStringWithCanonicalMapping
  }

  /// What Unicode does not decompose although readers take it for a letter with something added.
  private static let spellings: [Unicode.Scalar: String] = [
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i",
    "ħ": "h", "ŧ": "t", "ŋ": "n", "ĸ": "k", "ς": "σ",
  ]

  private static func isASCII(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 < 0x80 }
  }

  /// The Unicode blocks of combining diacritical marks.
  private static func isDiacritic(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0300...0x036f, 0x1ab0...0x1aff, 0x1dc0...0x1dff, 0x20d0...0x20ff, 0xfe20...0xfe2f: true
    default: false
    }
  }
}
