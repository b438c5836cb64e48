import JSON
import TestSupport

/// A resource as `GET /api/schema` describes it, and records made from that alone.
struct DescribedResource: Sendable {
  /// The description.
  let json: JSONValue

  var name: String { json["name"]?.string ?? "" }
  var entityType: String { json["entityType"]?.string ?? "" }
  var path: String { json["paths"]?.array?.first?.string ?? "" }
  var fields: [DescribedField] { (json["fields"]?.array ?? []).map { DescribedField(json: $0) } }

  /// The fields that a client sets.
  var writable: [DescribedField] { fields.filter { !$0.has("readOnly") } }

  /// A text of its own that a client may change at will.
  var changeable: DescribedField? {
    writable.first {
      ["text", "longText"].contains($0.type) && !$0.has("unique")
        && RecordSamples.special["\(entityType).\($0.name)"] == nil
    }
  }

  /// Every resource whose records are created by a POST to its path.
  static func all(_ server: TestServer) async throws -> [DescribedResource] {
    let schema = try await server.send("GET", "/api/schema")
    let document = try await server.client.send("GET", "/openapi.json").json
    return (schema.data["resources"]?.array ?? []).map { DescribedResource(json: $0) }
      .filter { document["paths"]?[$0.path]?["post"] != nil }
  }
}

/// A field as `GET /api/schema` describes it.
struct DescribedField: Sendable {
  let json: JSONValue

  var name: String { json["name"]?.string ?? "" }
  var type: String { json["type"]?.string ?? "" }
  var operators: [String] { (json["operators"]?.array ?? []).compactMap(\.string) }
  var options: [String] { (json["options"]?.array ?? []).compactMap(\.string) }

  /// Whether a flag of the description is set.
  func has(_ flag: String) -> Bool { json[flag] == true }
}

/// Bodies of records, made from descriptions; what they refer to is created on the way.
struct RecordSamples {
  let server: TestServer
  let resources: [DescribedResource]
  /// Who creates what is referred to.
  var user = "ada"

  /// Values that no description of a field gives away; null where there is none to be sent.
  static let special: [String: JSONValue] = [
    "deal.stage": "qualified", "deal.closedAt": .null, "deal.lostReason": .null,
    "segment.filter": "q=word",
    "custom_field.options": .null, "pipeline.name": "Way",
  ]

  /// What a create must have; `number` tells samples from each other.
  func least(_ resource: DescribedResource, _ number: Int) async throws -> JSONObject {
    var body = JSONObject()
    for field in resource.writable
    where field.has("required") && field.json["default"] == nil {
      body[field.name] = try await value(field, of: resource, number)
    }
    for rule in resource.json["rules"]?.array ?? [] {
      guard let name = rule["anyOf"]?.array?.first?.string,
        let field = resource.writable.first(where: { $0.name == name })
      else { continue }
      body[name] = try await value(field, of: resource, number)
    }
    return body
  }

  /// Every member that a client may set.
  func full(_ resource: DescribedResource, _ number: Int) async throws -> JSONObject {
    var body = JSONObject()
    for field in resource.writable {
      let value = try await value(field, of: resource, number)
      if value != .null { body[field.name] = value }
    }
    return body
  }

  /// Creates a record of that type and gives its data.
  func create(_ entityType: String, _ number: Int) async throws -> JSONValue {
    guard let resource = resources.first(where: { $0.entityType == entityType }) else {
      throw TestServer.Unexpected(answer: "nothing describes \(entityType)")
    }
    let body = try await least(resource, number)
    return try await create(resource, body)
  }

  func create(_ resource: DescribedResource, _ body: JSONObject) async throws -> JSONValue {
    let answer = try await server.send("POST", resource.path, as: user, .object(body))
    guard answer.status == 201 else {
      throw TestServer.Unexpected(answer: "\(resource.name): \(answer.status) \(answer.text)")
    }
    return answer.data
  }

  private func value(_ field: DescribedField, of resource: DescribedResource, _ number: Int)
    async throws -> JSONValue
  {
    if let value = Self.special["\(resource.entityType).\(field.name)"] { return value }
    let word = JSONValue.string("word\(number)")
    switch field.type {
    case "email": return .string("word\(number)@example.org")
    case "phone": return .string("+33 1 23 45 \(number)")
    case "choice":
      let options = field.options
      return .string(field.name == "entityType" ? "contact" : options.first ?? "")
    case "integer": return .integer(number)
    case "decimal": return .decimal(units: Int64(number) * 10 + 5, scale: 1)
    case "boolean": return true
    case "currency": return "EUR"
    case "timestamp": return "2026-01-31T10:30:00.000Z"
    case "date": return "2026-01-31"
    case "user": return .string(user)
    case "externalId": return .string("test:\(resource.name)\(number)")
    case "tags": return [word]
    case "texts": return [word]
    case "object", "address": return ["city": word]
    case "stages": return [["name": "New"], ["name": "Qualified"]]
    case "reference":
      return try await create(field.json["references"]?.string ?? "contact", number)["id"] ?? .null
    default: return word
    }
  }
}
