import JSON
import TestSupport

extension TestResponse {
  /// The member `data`.
  var data: JSONValue { json["data"] ?? .null }

  /// The stable code of a problem.
  var code: String? { json["code"]?.string }

  /// The members at fault, as `/pointer code`.
  var issues: [String] {
    (json["errors"]?.array ?? []).map { issue in
      "\(issue["pointer"]?.string ?? "?") \(issue["code"]?.string ?? "?")"
    }
  }

  /// One member of every record of a list.
  func all(_ member: String) -> [JSONValue] {
    (data.array ?? []).map { $0[member] ?? .null }
  }

  /// One textual member of every record of a list.
  func texts(_ member: String) -> [String] { all(member).compactMap(\.string) }
}

extension JSONValue {
  /// The record's id.
  var id: String { self["id"]?.string ?? "" }

  /// The record's version.
  var version: Int64 { self["version"]?.integer ?? 0 }

  /// The object with another value of one member; nil removes it.
  func with(_ member: String, _ value: JSONValue?) -> JSONValue {
    var object = object ?? JSONObject()
    object[member] = value
    return .object(object)
  }
}

/// Text as a query string carries it.
func encoded(_ text: String) -> String {
  text.utf8.map { byte in
    let isPlain =
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    let digits = String(byte, radix: 16, uppercase: true)
    return isPlain
      ? String(UnicodeScalar(byte)) : "%" + (digits.count == 1 ? "0" : "") + digits
  }.joined()
}
