/// A header field's value with its parameters: `attachment; filename="a.pdf"` (RFC 9110 section
/// 5.6.6).
public struct FieldParameters: Sendable {
  /// What stands before the first semicolon, in lower case: `attachment`, `text/plain`.
  public let value: String
  private var parameters: [(name: String, value: String)] = []

  /// Reads as much as can be understood.
  ///
  /// A backslash escapes quotation marks and itself only: some clients send paths of Windows as
  /// they are.
  public init(_ field: String) {
    var rest = Substring(field)
    value = Self.trimmed(Self.take(&rest, until: ";")).lowercased()
    while rest.popFirst() != nil {
      let name = Self.trimmed(Self.take(&rest, until: "=", or: ";")).lowercased()
      guard rest.first == "=" else { continue }
      rest.removeFirst()
      rest = rest.drop { $0 == " " || $0 == "\t" }
      var text: String
      if rest.first == "\"" {
        text = Self.takeQuoted(&rest)
        _ = Self.take(&rest, until: ";")
      } else {
        text = Self.trimmed(Self.take(&rest, until: ";"))
      }
      if !name.isEmpty, self[name] == nil { parameters.append((name, text)) }
    }
  }

  /// The first parameter of that name, in lower case.
  public subscript(name: String) -> String? {
    parameters.first { $0.name == name }?.value
  }

  private static func take(
    _ rest: inout Substring, until end: Character, or other: Character? = nil
  ) -> Substring {
    let part = rest.prefix { $0 != end && $0 != other }
    rest = rest[part.endIndex...]
    return part
  }

  private static func takeQuoted(_ rest: inout Substring) -> String {
    var text = ""
    rest.removeFirst()
    while let character = rest.popFirst(), character != "\"" {
      if character == "\\", let next = rest.first, next == "\"" || next == "\\" {
        rest.removeFirst()
        text.append(next)
      } else {
        text.append(character)
      }
    }
    return text
  }

  private static func trimmed(_ text: Substring) -> String {
    let start = text.drop { $0 == " " || $0 == "\t" }
    let end = start.lastIndex { $0 != " " && $0 != "\t" }
    return end.map { String(start[...$0]) } ?? ""
  }
}
