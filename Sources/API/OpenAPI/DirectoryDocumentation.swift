internal import HTTP
internal import JSON

/// What the document says of the endpoints that the embedded Wrapper is behind.
extension EndpointDocumentation {
  static func directory(_ action: DirectoryAction) -> Self {
    let schema: JSONValue = ["$ref": .string("#/components/schemas/\(action.subject.schema)")]
    let common = [400, 401, 403, 404, 406, 429, 503]
    var documentation = Self(
      operationID: id(action), tag: "directory", summary: action.summary,
      requestSchema: action.body.map { body(action, wanted: $0, schema) },
      answers: [answer(action, schema)],
      problems: action.isMutation ? common + [409, 412, 413, 415, 422, 507] : common)
    if action.isList {
      documentation.parameters = [
        .init(
          name: "limit", summary: "Entries on a page.",
          schema: ["type": "integer", "minimum": 1]),
        .init(
          name: "cursor", summary: "`nextCursor` of the page before.",
          schema: ["type": "string"]),
      ]
      if action.subject == .users {
        documentation.parameters += [
          .init(
            name: "active", summary: "Only people who may sign in, or only others.",
            schema: ["type": "boolean"]),
          .init(
            name: "q", summary: "A part of the name or address.", schema: ["type": "string"]),
        ]
      }
    }
    return documentation
  }

  static let setUp = Self(
    operationID: "set-up", tag: "sign-in",
    summary: "Makes the first tenant and its administrator, with the token that serve printed.",
    requestSchema: [
      "type": "object", "required": ["token", "tenantName", "name", "email", "password"],
      "properties": [
        "token": ["type": "string"], "tenantName": ["type": "string"],
        "name": ["type": "string"], "email": ["type": "string", "format": "email"],
        "password": ["type": "string", "format": "password", "minLength": 8],
      ],
    ],
    answers: [
      .init(status: 201, summary: "Signed in.", schema: Schemas.signedIn)
    ], problems: [400, 403, 406, 409, 413, 415, 422, 429, 503])

  static let changePassword = Self(
    operationID: "change-password", tag: "sign-in",
    summary: "Changes one's own password and ends one's other sessions.",
    requestSchema: [
      "type": "object", "required": ["currentPassword", "newPassword"],
      "properties": [
        "currentPassword": ["type": "string", "format": "password"],
        "newPassword": ["type": "string", "format": "password", "minLength": 8],
      ],
    ],
    answers: [
      .init(
        status: 200, summary: "What was done.",
        schema: SchemaPart.mutation(SchemaPart.object(["id": SchemaPart.text])))
    ],
    problems: [400, 401, 403, 406, 413, 415, 422, 429, 503, 507])

  private static func id(_ action: DirectoryAction) -> String {
    let object = action.isList ? action.subject.rawValue : action.subject.entityType
    let verb = action.isList ? "list" : action.verb
    // Where the same is done by two paths, one names it in the body.
    let way = action.method == .delete && action.body != nil ? "-by-body" : ""
    return "\(verb)-\(object)\(way)-in-directory"
  }

  private static func answer(_ action: DirectoryAction, _ schema: JSONValue) -> Answer {
    let status = action.verb == "create" ? 201 : 200
    guard action.isMutation else {
      let data: JSONValue = action.isList ? ["type": "array", "items": schema] : schema
      var members: [(String, JSONValue)] = [("data", data)]
      if action.isList { members.append(("nextCursor", ["type": ["string", "null"]])) }
      return .init(
        status: status, summary: action.isList ? "A page." : "As it is now.",
        schema: [
          "type": "object", "required": .array(members.map { .string($0.0) }),
          "properties": .object(JSONObject(members)),
        ], hasETag: !action.isList)
    }
    return .init(status: status, summary: "What was done.", schema: Schemas.envelope(data: schema))
  }

  private static func body(
    _ action: DirectoryAction, wanted: [String], _ schema: JSONValue
  ) -> JSONValue {
    if ["create", "update"].contains(action.verb) {
      var body: [(String, JSONValue)] = [("allOf", [schema])]
      if !wanted.isEmpty { body.append(("required", .array(wanted.map { .string($0) }))) }
      return .object(JSONObject(body))
    }
    let properties = wanted.map { name in
      (name, ["type": ["amount", "creditCost"].contains(name) ? "number" : "string"] as JSONValue)
    }
    return [
      "type": "object", "required": .array(wanted.map { .string($0) }),
      "properties": .object(JSONObject(properties)),
    ]
  }
}

extension Schemas {
  /// What signing in answers.
  static let signedIn: JSONValue = [
    "type": "object", "required": ["token", "expiresAt", "user"],
    "properties": [
      "token": ["type": "string"], "expiresAt": ["type": "string", "format": "date-time"],
      "user": ["type": "object"],
    ],
  ]

  /// The directory's things by name.
  static let directory: [(String, JSONValue)] = [
    (
      "DirectoryUser",
      object([
        ("id", text), ("email", text), ("name", text), ("title", optionalText),
        ("location", optionalText), ("unitId", optionalText), ("roleIds", texts),
        ("permissions", texts), ("isActive", ["type": "boolean"]),
        (
          "password",
          ["type": "string", "format": "password", "minLength": 8, "writeOnly": true]
        ),
        ("createdAt", ["type": "string", "format": "date-time", "readOnly": true]),
      ])
    ),
    ("DirectoryRole", object([("id", text), ("name", text), ("permissions", texts)])),
    (
      "DirectoryUnit",
      object([
        ("id", text), ("name", text),
        ("type", ["type": "string", "enum": ["organization", "department", "team"]]),
        ("parentId", optionalText),
      ])
    ),
    (
      "DirectoryCredits",
      object([
        ("available", amount), ("dailyUsage", amount), ("monthlyUsage", amount),
        ("planType", text), ("monthlyLimit", limit), ("dailyLimit", limit),
        ("overageAllowed", ["type": "boolean"]), ("featureLimits", ["type": "object"]),
        ("pricing", ["type": "object"]),
        (
          "operations",
          [
            "type": "array", "readOnly": true,
            "items": object([("operationCode", text), ("creditCost", amount)]),
          ]
        ),
      ])
    ),
  ]

  private static let text: JSONValue = ["type": "string"]
  private static let optionalText: JSONValue = ["type": ["string", "null"]]
  private static let texts: JSONValue = ["type": "array", "items": ["type": "string"]]
  private static let amount: JSONValue = ["type": "number"]
  private static let limit: JSONValue = ["type": ["number", "null"]]

  private static func object(_ properties: [(String, JSONValue)]) -> JSONValue {
    ["type": "object", "properties": .object(JSONObject(properties))]
  }
}
