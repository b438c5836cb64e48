/// What a file is called.
enum FileName {
  /// The name of a file for which none was given.
  static let fallback = "file"

  /// A name that can be shown and saved: no path, no control characters, within
  /// ``Limits/nameCharactersMax``; of a longer one the extension stays.
  static func cleaned(_ name: String?) -> String {
    let last = (name ?? "").unicodeScalars.split(whereSeparator: isSeparator).last ?? [][...]
    let scalars = last.filter { !TextField.isForbidden($0) && !isInvisible($0) }
    let text = trimmed(String(String.UnicodeScalarView(scalars)))
    guard !text.isEmpty, text != ".", text != ".." else { return fallback }
    return shortened(text)
  }

  /// Whether a name given by a client is one.
  static func isWellFormed(_ name: String) -> Bool {
    name != "." && name != ".." && !name.unicodeScalars.contains(where: isSeparator)
  }

  private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "/" || scalar == "\\"
  }

  /// Line ends, tabs, and the marks that turn the direction of text, with which `exe.txt` can be
  /// made to look like `txt.exe`.
  private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x00..<0x20, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff, 0xfffd: true
    default: false
    }
  }

  private static func trimmed(_ text: String) -> String {
    let start = text.drop(while: \.isWhitespace)
    return String(start.reversed().drop(while: \.isWhitespace).reversed())
  }

  private static func shortened(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard scalars.count > Limits.nameCharactersMax else { return text }
    let dot = scalars.lastIndex(of: ".").flatMap {
      (2...extensionCharactersMax).contains(scalars.distance(from: $0, to: scalars.endIndex))
        ? $0 : nil
    }
    let end = dot.map { scalars[$0...] } ?? scalars[scalars.endIndex...]
    return String(scalars.prefix(Limits.nameCharactersMax - end.count)) + String(end)
  }

  /// The longest extension that is kept, with its dot.
  private static let extensionCharactersMax = 16
}

/// What a file is said to hold (RFC 9110 section 8.3).
enum MediaType {
  /// Of which nothing is known.
  static let unknown = "application/octet-stream"

  /// The type if it is one, else that of unknown bytes.
  static func cleaned(_ type: String?) -> String {
    guard let type, type.utf8.count <= Limits.mediaTypeCharactersMax,
      type.wholeMatch(of: /[A-Za-z0-9!#$&^_.+\-]+\/[A-Za-z0-9!#$&^_.+\-]+ *(;[ -~]*)?/) != nil
    else { return unknown }
    return type
  }
}
