internal import Cryptography
public import HTTP
internal import JSON
public import SQLite
internal import Values

/// The opaque text by which a client asks for the next page: the keys of the last row it saw, and
/// what the list was, so that a cursor of another list is refused.
public enum Cursor {
  /// A short name for a tenant's list with its filters and order.
  public static func binding(tenantID: String, resource: String, parts: [String]) -> String {
    let text = ([tenantID, resource] + parts).joined(separator: "\u{0}")
    return Hexadecimal.text(SHA256.hash(Array(text.utf8)).prefix(8))
  }

  /// The cursor behind the row whose keys are `values`.
  public static func encode(_ values: [SQLiteValue], binding: String) -> String {
    let parts: [JSONValue] = values.map { value in
      switch value {
      case .integer(let integer): .integer(integer)
      case .text(let text): .string(text)
      // The shortest text that reads as the same number; JSON knows no infinity.
      case .real(let real): .array([.string("\(real)")])
      case .null, .blob: .null
      }
    }
    return Base64.encodeURL(JSONValue.array([.string(binding)] + parts).bytes)
  }

  /// The keys in `text`.
  ///
  /// - Throws: 400 `invalid_cursor` for a cursor of another list or no cursor at all.
  public static func decode(_ text: String, binding: String, count: Int) throws(Problem)
    -> [SQLiteValue]
  {
    guard text.utf8.count <= 8192, let bytes = Base64.decodeURL(text),
      // What is wrong with a text that we did not make helps nobody.
      let parts = (try? JSONParser.parse(bytes))?.array,
      parts.count == count + 1, parts[0] == .string(binding)
    else {
      throw Problem(
        .invalidCursor,
        "The cursor does not belong to this list: use it with the filters and the order it came "
          + "from.",
        issues: [
          .init(
            pointer: "", code: "invalid_cursor", detail: "cursor does not belong to this list",
            place: QueryPlace(parameter: "cursor"))
        ])
    }
    return parts.dropFirst().map { part in
      if let integer = part.integer { return .integer(integer) }
      if let real = part.array?.first?.string.flatMap(Double.init) { return .real(real) }
      return SQLiteValue(part.string)
    }
  }
}
