internal import Values

/// The rules of fields that hold text.
enum TextField {
  /// `text` as it is stored, or why it cannot be.
  static func checked(_ text: String, _ type: FieldType) throws(FieldIssue) -> String {
    if hasForbidden(text) {
      throw FieldIssue(
        "control_character", "control characters other than newline and tab are refused")
    }
    switch type {
    case .text(let charactersMax):
      try limit(text, characters: charactersMax)
    case .fileName:
      try limit(text, characters: Limits.nameCharactersMax)
      guard FileName.isWellFormed(text) else {
        throw FieldIssue("invalid_file_name", "a name without a path is wanted")
      }
    case .email:
      try limit(text, characters: Limits.emailCharactersMax)
      guard isEmail(text) else {
        throw FieldIssue("invalid_email", "an address like name@example.org is wanted")
      }
    case .phone:
      try limit(text, characters: Limits.phoneCharactersMax)
    case .choice(let words):
      guard words.contains(text) else {
        throw FieldIssue("invalid_choice", "one of \(words.joined(separator: ", ")) is wanted")
      }
    case .currency:
      guard CurrencyCodes.all.contains(text) else {
        throw FieldIssue("invalid_currency", "a code of ISO 4217 such as EUR is wanted")
      }
    case .timestamp:
      guard let timestamp = Timestamp(rfc3339: text) else {
        throw FieldIssue("invalid_timestamp", "a time like 2026-01-31T10:30:00.000Z is wanted")
      }
      return timestamp.rfc3339
    case .date:
      guard CalendarDay(text) != nil else {
        throw FieldIssue("invalid_date", "a day like 2026-01-31 is wanted")
      }
    case .identifier, .reference, .entity:
      guard UUIDv7.isWellFormed(text) else {
        throw FieldIssue("invalid_id", "a record's id is wanted")
      }
    case .externalID:
      try limit(text, characters: Limits.nameCharactersMax)
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
        throw FieldIssue("invalid_external_id", "the form is \"<system>:<id>\"")
      }
    case .user, .tenant:
      try limit(text, characters: Limits.nameCharactersMax)
    default:
      guard text.utf8.count <= Limits.textBytesMax else {
        throw FieldIssue("too_long", "at most \(Limits.textBytesMax) bytes")
      }
    }
    return text
  }

  /// Whether `text` has a character that is refused.
  ///
  /// Most texts have no byte that could begin one.
  static func hasForbidden(_ text: String) -> Bool {
    text.utf8.contains { $0 < 0x20 || $0 == 0x7f || $0 == 0xc2 }
      && text.unicodeScalars.contains(where: isForbidden)
  }

  static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
    (scalar.value < 0x20 && scalar != "\n" && scalar != "\t")
      || (0x7f..<0xa0).contains(scalar.value)
  }

  static func limit(_ text: String, characters: Int) throws(FieldIssue) {
    // Characters are code points, as JSON Schema's maxLength counts them. Counting walks the text;
    // most texts are short enough in bytes already.
    guard text.utf8.count <= characters || text.unicodeScalars.count <= characters else {
      throw FieldIssue("too_long", "at most \(characters) characters")
    }
  }

  /// One @, something before it, a domain of labels after it, no space.
  ///
  /// What the address can really receive only the mail system knows. Bytes are looked at, since
  /// characters would cost as much as all other checks of a record.
  private static func isEmail(_ text: String) -> Bool {
    let bytes = text.utf8
    guard let at = bytes.firstIndex(of: UInt8(ascii: "@")) else { return false }
    let (name, domain) = (bytes[..<at], bytes[bytes.index(after: at)...])
    let dot = UInt8(ascii: ".")
    guard (1...64).contains(name.count), name.first != dot, name.last != dot,
      bytes.allSatisfy(isAddressByte), !domain.contains(UInt8(ascii: "@")),
      bytes.allSatisfy({ $0 < 0x80 })
        || !text.unicodeScalars.contains(where: \.properties.isWhitespace)
    else { return false }
    let labels = domain.split(separator: dot, omittingEmptySubsequences: false)
    let hyphen = UInt8(ascii: "-")
    return labels.count >= 2
      && labels.allSatisfy { !$0.isEmpty && $0.first != hyphen && $0.last != hyphen }
  }

  private static func isAddressByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0...0x20, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "("), UInt8(ascii: ")"),
      UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ","), UInt8(ascii: ";"),
      UInt8(ascii: ":"), UInt8(ascii: "\\"), UInt8(ascii: "\""):
      false
    default: true
    }
  }
}
