internal import CRM
internal import HTTP
internal import JSON
internal import Synchronization

/// The published description of the API (spec.openapis.org/oas/v3.1.0), made from the endpoints and
/// the resources that are really served.
enum OpenAPIDocument {
  /// `GET /openapi.json`, which describes `endpoints`.
  static func endpoint(_ endpoints: [Endpoint], _ catalog: Catalog, version: String) -> Endpoint {
    let bytes = MadeOnce {
      // It tells of itself too.
      let all = endpoints + [endpoint { [] }]
      return document(all, catalog, version: version).bytes
    }
    return endpoint { bytes.value }
  }

  private static func endpoint(answering bytes: @escaping @Sendable () -> [UInt8]) -> Endpoint {
    Endpoint(
      .get, "/openapi.json", access: .open,
      EndpointDocumentation(
        operationID: "openapi", tag: "description", summary: "This document.",
        answers: [.init(status: 200, summary: "The document.", schema: ["type": "object"])],
        problems: [406]),
      handler: .open { _, _ in .json(bytes()) })
  }

  /// Bytes that are made when they are first asked for: the document is the larger part of what a
  /// start would do, and most servers are never asked for it.
  private final class MadeOnce: Sendable {
    private let bytes = Mutex<[UInt8]?>(nil)
    private let make: @Sendable () -> [UInt8]

    init(_ make: @escaping @Sendable () -> [UInt8]) { self.make = make }

    var value: [UInt8] {
      bytes.withLock { bytes in
        if let bytes { return bytes }
        let made = make()
        bytes = made
        return made
      }
    }
  }

  /// The whole document.
  static func document(_ endpoints: [Endpoint], _ catalog: Catalog, version: String) -> JSONValue {
    var paths = JSONObject()
    for endpoint in endpoints {
      let path = endpoint.pattern.replacing(":uuid}", with: "}")
      var item = paths[path]?.object ?? JSONObject()
      item[endpoint.method.rawValue.lowercased()] = operation(endpoint)
      paths[path] = .object(item)
    }
    return [
      "openapi": "3.1.0",
      "info": [
        "title": "Cardfile", "version": .string(version),
        "summary": "A CRM server in one binary and one SQLite file.",
        "license": ["name": "MIT", "identifier": "MIT"],
      ],
      "paths": .object(paths),
      "components": [
        "schemas": .object(Schemas.all(catalog)),
        "securitySchemes": ["bearer": ["type": "http", "scheme": "bearer"]],
      ],
    ]
  }

  private static func operation(_ endpoint: Endpoint) -> JSONValue {
    let documentation = endpoint.documentation
    var operation = JSONObject([
      (
        "operationId",
        .string(operationID(endpoint))
      ),
      ("tags", [.string(documentation.tag)]),
      ("summary", .string(documentation.summary)),
    ])
    if case .open = endpoint.access {} else { operation["security"] = [["bearer": []]] }
    let needed = endpoint.operation.map { "Needs the permission `\($0)`." }
    let remarks = [needed, documentation.remarks].compactMap(\.self)
    if !remarks.isEmpty { operation["description"] = .string(remarks.joined(separator: " ")) }
    if let permission = endpoint.operation { operation["x-permission"] = .string(permission) }
    let parameters =
      pathParameters(endpoint) + headers(endpoint) + documentation.parameters.map(query)
    if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
    if let content = documentation.requestContent {
      operation["requestBody"] = ["required": true, "content": .object(content)]
    } else if let schema = documentation.requestSchema {
      operation["requestBody"] = [
        "required": .bool(!documentation.isBodyOptional),
        "content": ["application/json": ["schema": schema]],
      ]
    }
    operation["responses"] = .object(responses(endpoint))
    return .object(operation)
  }

  /// Ids are unique in a document; a second path of a resource adds its own name.
  private static func operationID(_ endpoint: Endpoint) -> String {
    let id = endpoint.documentation.operationID
    let collection = endpoint.pattern.split(separator: "/").dropFirst().first ?? ""
    return endpoint.pattern.hasPrefix("/api/") && !id.hasSuffix(collection)
      ? "\(id)-at-\(collection)" : id
  }

  private static func responses(_ endpoint: Endpoint) -> JSONObject {
    var responses = JSONObject()
    for answer in endpoint.documentation.answers {
      var response = JSONObject([("description", .string(answer.summary))])
      if answer.hasETag { response["headers"] = ["ETag": ["schema": ["type": "string"]]] }
      if let schema = answer.schema {
        // One status may be answered in several forms.
        var content = responses[String(answer.status)]?["content"]?.object ?? JSONObject()
        content[answer.mediaType] = ["schema": schema]
        response["content"] = .object(content)
      }
      responses[String(answer.status)] = .object(response)
    }
    var problems = Set(endpoint.documentation.problems)
    // What a path names may be missing, and a body that nobody wants may be too large all the same.
    if endpoint.pattern.contains("{") { problems.insert(404) }
    if endpoint.method != .get { problems.insert(413) }
    for status in problems.sorted() {
      responses[String(status)] = [
        "description": "A problem.",
        "content": [
          "application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]
        ],
      ]
    }
    return responses
  }

  private static func pathParameters(_ endpoint: Endpoint) -> [JSONValue] {
    endpoint.pattern.matches(of: /\{([A-Za-z]+)(:uuid)?\}/).map { match in
      [
        "name": .string(String(match.1)), "in": "path", "required": true,
        "schema": match.2 == nil ? ["type": "string"] : ["type": "string", "format": "uuid"],
      ]
    }
  }

  private static func headers(_ endpoint: Endpoint) -> [JSONValue] {
    guard endpoint.isMutation || endpoint.documentation.headers != nil else { return [] }
    let names =
      endpoint.documentation.headers
      ?? (endpoint.method == .post ? ["Idempotency-Key"] : ["If-Match"]) + ["X-Reason"]
    return names.map { ["name": .string($0), "in": "header", "schema": ["type": "string"]] }
  }

  private static func query(_ parameter: EndpointDocumentation.Parameter) -> JSONValue {
    [
      "name": .string(parameter.name), "in": "query",
      "description": .string(parameter.summary), "schema": parameter.schema,
    ]
  }
}
