internal import CRM
internal import JSON

/// JSON Schemas (draft 2020-12, as OpenAPI 3.1 wants them) of what a description describes.
enum Schemas {
  /// All named schemas of the document.
  static func all(_ catalog: Catalog) -> JSONObject {
    var schemas = JSONObject([("Problem", problem)] + directory)
    for resource in catalog.resources {
      schemas[name(resource)] = record(resource)
      schemas["\(name(resource))Body"] = body(resource)
    }
    return schemas
  }

  static func reference(_ resource: Resource) -> JSONValue { reference(name(resource)) }

  static func bodyReference(_ resource: Resource) -> JSONValue {
    reference("\(name(resource))Body")
  }

  /// The body of a create: the members, or the members in the resource's envelope.
  static func createBody(_ resource: Resource) -> JSONValue {
    guard let envelope = resource.description.bodyEnvelope else { return bodyReference(resource) }
    return [
      "anyOf": [
        bodyReference(resource),
        .object(
          JSONObject([
            ("type", "object"), ("required", .array([.string(envelope)])),
            (
              "properties",
              .object(
                JSONObject([("userId", ["type": "string"]), (envelope, bodyReference(resource))]))
            ),
          ])),
      ]
    ]
  }

  /// The answer to every mutation.
  static func envelope(_ resource: Resource) -> JSONValue {
    envelope(data: reference(resource), idMember: resource.description.createdIDMember)
  }

  /// The answer to every mutation, around whatever was changed.
  static func envelope(data: JSONValue, idMember: String? = nil) -> JSONValue {
    var properties = JSONObject([
      ("success", ["const": true]), ("data", data),
      ("activityId", ["type": "string"]), ("creditsDeducted", ["type": "number"]),
      (
        "userContext",
        [
          "type": "object",
          "properties": [
            "user": ["type": "string"], "department": ["type": "string"],
            "entityPath": ["type": "string"],
          ],
        ]
      ),
    ])
    if let member = idMember {
      properties[member] = ["type": "string", "format": "uuid"]
    }
    return [
      "type": "object",
      "required": ["success", "data", "activityId", "creditsDeducted", "userContext"],
      "properties": .object(properties),
    ]
  }

  private static let problem: JSONValue = [
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "requestId", "error"],
    "properties": [
      "type": ["type": "string"], "title": ["type": "string"], "status": ["type": "integer"],
      "detail": ["type": "string"], "instance": ["type": "string"], "code": ["type": "string"],
      "requestId": ["type": "string"], "error": ["type": "string"],
      "errors": [
        "type": "array",
        "items": [
          "type": "object",
          "properties": [
            "pointer": ["type": "string"], "code": ["type": "string"],
            "detail": ["type": "string"],
            "parameter": [
              "type": "string", "description": "The query parameter at fault.",
            ],
            "token": ["type": "string", "description": "The piece of it that is at fault."],
            "position": [
              "type": "integer",
              "description":
                "How many characters of the query string, as it was sent, stand before the token.",
            ],
          ],
        ],
      ],
    ],
  ]

  private static func record(_ resource: Resource) -> JSONValue {
    [
      "type": "object", "description": .string(resource.description.summary),
      "properties": properties(resource.fields),
    ]
  }

  /// What a client may send.
  ///
  /// Members that only the server sets may be repeated in a change.
  private static func body(_ resource: Resource) -> JSONValue {
    [
      "type": "object", "additionalProperties": false,
      "description": .string(resource.description.summary),
      "properties": properties(resource.fields),
    ]
  }

  /// The body of a verb: what it takes beside what it sets.
  static func verbBody(_ verb: ResourceDescription.Verb, _ resource: Resource) -> JSONValue {
    [
      "type": "object", "additionalProperties": false,
      "properties": properties(verb.takes.compactMap(resource.field)),
    ]
  }

  private static func properties(_ fields: [Field]) -> JSONValue {
    .object(JSONObject(fields.map { ($0.name, schema($0)) }))
  }

  private static func schema(_ field: Field) -> JSONValue {
    var schema = type(field)
    schema["description"] = .string(field.summary)
    if field.access == .server { schema["readOnly"] = true }
    if case .value(let value) = field.initial { schema["default"] = value }
    return .object(schema)
  }

  private static func type(_ field: Field) -> JSONObject {
    func text(_ members: (String, JSONValue)...) -> JSONObject {
      JSONObject([("type", field.isRequired ? "string" : ["string", "null"])] + members)
    }
    switch field.type {
    case .text(let charactersMax): return text(("maxLength", .integer(charactersMax)))
    case .fileName:
      return text(
        ("maxLength", .integer(CRM.Limits.nameCharactersMax)), ("pattern", "^[^/\\\\]*$"))
    case .longText: return text(("maxLength", .integer(CRM.Limits.textBytesMax)))
    case .email:
      return text(("format", "email"), ("maxLength", .integer(CRM.Limits.emailCharactersMax)))
    case .phone: return text(("maxLength", .integer(CRM.Limits.phoneCharactersMax)))
    case .choice(let words):
      return text(("enum", .array(words.map(JSONValue.string) + (field.isRequired ? [] : [.null]))))
    case .integer: return JSONObject([("type", "integer")])
    case .decimal(let scale):
      return JSONObject([
        ("type", ["number", "null"]), ("multipleOf", .decimal(units: 1, scale: scale)),
      ])
    case .flag: return JSONObject([("type", "boolean")])
    case .date: return text(("format", "date"))
    case .currency: return text(("pattern", "^[A-Z]{3}$"))
    case .timestamp: return text(("format", "date-time"))
    case .identifier, .reference, .entity: return text(("format", "uuid"))
    case .tenant, .user: return text()
    case .externalID: return text(("pattern", "^[^:]+:.+$"))
    case .tags:
      return JSONObject([
        ("type", "array"),
        (
          "items",
          ["type": "string", "maxLength": .integer(CRM.Limits.tagCharactersMax)]
        ),
        ("maxItems", .integer(CRM.Limits.tagsMax)),
      ])
    case .object: return JSONObject([("type", "object")])
    case .address:
      return JSONObject([("type", "object"), ("additionalProperties", ["type": "string"])])
    case .stages: return stages
    case .texts: return JSONObject([("type", "array"), ("items", ["type": "string"])])
    case .json: return JSONObject()
    }
  }

  private static let stages = JSONObject([
    ("type", "array"),
    (
      "items",
      [
        "type": "object", "required": ["name"],
        "properties": [
          "id": ["type": "string"], "name": ["type": "string"],
          "probability": ["type": "integer", "minimum": 0, "maximum": 100],
          "kind": ["enum": ["open", "won", "lost"]],
        ],
      ]
    ),
    ("maxItems", .integer(CRM.Limits.stagesMax)),
  ])

  private static func name(_ resource: Resource) -> String {
    resource.description.entityType.prefix(1).uppercased()
      + resource.description.entityType.dropFirst()
  }

  private static func reference(_ name: String) -> JSONValue {
    ["$ref": .string("#/components/schemas/\(name)")]
  }
}
