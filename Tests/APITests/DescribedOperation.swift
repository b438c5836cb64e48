import JSON

/// One method of one path, as `/openapi.json` describes it.
struct DescribedOperation: Sendable {
  let method: String
  let path: String
  let json: JSONValue
  /// The document's schemas by name.
  let schemas: JSONValue

  var name: String { "\(method) \(path)" }

  /// The names of the parameters that stand at `place`: `path`, `query` or `header`.
  func parameters(in place: String) -> [String] {
    (json["parameters"]?.array ?? []).filter { $0["in"] == .string(place) }
      .compactMap { $0["name"]?.string }
  }

  /// The last parts of the path that are no parameters: what the operation is about.
  var words: [String] {
    path.split(separator: "/").filter { !$0.hasPrefix("{") }.map(String.init)
  }

  /// The path with values for its parameters, encoded; `other` for those that have none.
  func path(_ values: [String: String], other: String = "x") -> String {
    path.replacing(/\{([A-Za-z]+)\}/) { match in
      encoded(values[String(match.1)] ?? other)
    }
  }

  /// The schema of a body of JSON.
  var bodySchema: JSONValue? {
    json["requestBody"]?["content"]?["application/json"]?["schema"]
  }

  /// The media types of an answer of that status; nil when none is described.
  func mediaTypes(_ status: Int) -> [String]? {
    json["responses"]?["\(status)"].map { $0["content"]?.object?.names ?? [] }
  }

  /// Every operation of a document.
  static func all(_ document: JSONValue) -> [DescribedOperation] {
    (document["paths"]?.object?.members ?? []).flatMap { path in
      (path.value.object?.members ?? []).map { operation in
        DescribedOperation(
          method: operation.name.uppercased(), path: path.name, json: operation.value,
          schemas: document["components"]?["schemas"] ?? .null)
      }
    }
  }

  /// The schema itself where this one refers to another, or is put together from others.
  func resolved(_ schema: JSONValue) -> JSONValue {
    if let name = schema["$ref"]?.string?.split(separator: "/").last {
      return resolved(schemas[String(name)] ?? .null)
    }
    if let first = schema["anyOf"]?.array?.first { return resolved(first) }
    guard let parts = schema["allOf"]?.array else { return schema }
    var whole = JSONObject()
    for part in parts + [schema.with("allOf", nil)] {
      for member in resolved(part).object?.members ?? [] { whole[member.name] = member.value }
    }
    return .object(whole)
  }

  /// A value that a schema takes: of an object what is required, of a list one element.
  func sample(_ schema: JSONValue) -> JSONValue {
    let schema = resolved(schema)
    if let value = schema["const"] ?? schema["enum"]?.array?.first { return value }
    var types = schema["type"]?.array?.compactMap(\.string) ?? []
    if let type = schema["type"]?.string { types = [type] }
    switch types.first ?? "object" {
    case "string":
      switch schema["format"]?.string {
      case "email": return "word@example.org"
      case "uuid": return "0190a0b0-0000-7000-8000-000000000000"
      case "date": return "2026-01-31"
      case "date-time": return "2026-01-31T10:30:00.000Z"
      case "password": return "correct horse battery"
      default: return "word"
      }
    case "integer", "number": return 1
    case "boolean": return true
    case "array": return .array([sample(schema["items"] ?? .null)])
    default:
      let required = (schema["required"]?.array ?? []).compactMap(\.string)
      return .object(
        JSONObject(required.map { ($0, sample(schema["properties"]?[$0] ?? .null)) }))
    }
  }
}
