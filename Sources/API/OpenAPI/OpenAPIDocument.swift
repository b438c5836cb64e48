internal import CRM
internal import HTTP
internal import JSON

/// The published description of the API (spec.openapis.org/oas/v3.1.0), made from the endpoints and
/// the resources that are really served.
enum OpenAPIDocument {
  /// `GET /openapi.json`, which describes `endpoints`.
  static func endpoint(_ endpoints: [Endpoint], _ catalog: Catalog, version: String) -> Endpoint {
    let bytes = document(endpoints, catalog, version: version).bytes
    return Endpoint(
      .get, "/openapi.json", access: .open,
      EndpointDocumentation(
        operationID: "openapi", tag: "description", summary: "This document.",
        answers: [.init(status: 200, summary: "The document.", schema: ["type": "object"])]),
      handler: .open { _, _ in .json(bytes) })
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
    if let remarks = documentation.remarks { operation["description"] = .string(remarks) }
    if let permission = endpoint.operation {
      operation["description"] = .string("Needs the permission `\(permission)`.")
      operation["x-permission"] = .string(permission)
    }
    let parameters =
      pathParameters(endpoint) + headers(endpoint) + documentation.parameters.map(query)
    if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
    if let schema = documentation.requestSchema {
      operation["requestBody"] = [
        "required": true, "content": ["application/json": ["schema": schema]],
      ]
    }
    operation["responses"] = .object(responses(documentation))
    return .object(operation)
  }

  /// Ids are unique in a document; a second path of a resource adds its own name.
  private static func operationID(_ endpoint: Endpoint) -> String {
    let id = endpoint.documentation.operationID
    let collection = endpoint.pattern.split(separator: "/").dropFirst().first ?? ""
    return endpoint.pattern.hasPrefix("/api/") && !id.hasSuffix(collection)
      ? "\(id)-at-\(collection)" : id
  }

  private static func responses(_ documentation: EndpointDocumentation) -> JSONObject {
    var responses = JSONObject()
    for answer in documentation.answers {
      var response = JSONObject([("description", .string(answer.summary))])
      if answer.hasETag { response["headers"] = ["ETag": ["schema": ["type": "string"]]] }
      if let schema = answer.schema {
        response["content"] = .object(JSONObject([(answer.mediaType, ["schema": schema])]))
      }
      responses[String(answer.status)] = .object(response)
    }
    for status in Set(documentation.problems).sorted() {
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
    guard endpoint.isMutation else { return [] }
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
