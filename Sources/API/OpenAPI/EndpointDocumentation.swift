internal import CRM
internal import HTTP
internal import JSON

/// What the published document says of an endpoint beside its method, path and permission.
struct EndpointDocumentation: Sendable {
  /// The name under which generated clients know it.
  var operationID: String
  let tag: String
  let summary: String
  /// Query parameters.
  var parameters: [Parameter] = []
  /// The schema of the body, nil when none is taken.
  var requestSchema: JSONValue?
  /// The media types of a body that is no JSON.
  var requestContent: JSONObject?
  /// Whether the request may come without a body.
  var isBodyOptional = false
  /// Status, meaning and schema of the answers that are no problems.
  var answers: [Answer]
  /// Statuses of problems that can happen.
  var problems: [Int] = []
  /// Header fields that mean something here; nil for those of every mutation.
  var headers: [String]?
  /// What the summary has no room for: who may ask for what.
  var remarks: String?

  struct Parameter: Sendable {
    let name: String
    let summary: String
    let schema: JSONValue
  }

  struct Answer: Sendable {
    let status: Int
    let summary: String
    /// Nil for an answer without a body.
    let schema: JSONValue?
    var hasETag = false
    /// Of the body.
    var mediaType = EndpointDocumentation.json
  }

  static let json = "application/json"

  /// Whether what it answers can be asked for as JSON.
  var answersJSON: Bool { answers.allSatisfy { $0.mediaType == Self.json } }
}

extension EndpointDocumentation {
  /// Problems of every endpoint that wants a token.
  static let common = [400, 401, 403, 406, 429, 503]
  /// Problems of every mutation.
  static let mutating = common + [402, 409, 412, 413, 415, 422, 507]

  static func list(_ resource: Resource) -> Self {
    let name = resource.description.name
    return Self(
      operationID: "list-\(name)", tag: name, summary: "Lists \(name).",
      parameters: [
        .init(
          name: "limit", summary: "Records on a page.",
          schema: [
            "type": "integer", "minimum": 1, "maximum": .integer(CRM.Limits.pageRecordsMax),
            "default": .integer(CRM.Limits.pageRecordsDefault),
          ]),
        .init(
          name: "cursor", summary: "`nextCursor` of the page before.", schema: ["type": "string"]),
        .init(
          name: "page", summary: "The number of the page, instead of a cursor.",
          schema: ["type": "integer", "minimum": 1]),
        .init(
          name: "pageSize", summary: "Records on a page, beside `page`.",
          schema: [
            "type": "integer", "minimum": 1, "maximum": .integer(CRM.Limits.pageRecordsMax),
          ]),
        .init(
          name: "sort", summary: "Fields to sort by, `-` for descending: `-updatedAt,id`.",
          schema: ["type": "string"]),
        .init(name: "fields", summary: "The members wanted.", schema: ["type": "string"]),
        expand(resource),
        .init(name: "count", summary: "Whether to add `total`.", schema: ["type": "boolean"]),
        .init(name: "q", summary: "Words to find.", schema: ["type": "string"]),
      ] + filters(resource),
      answers: [
        .init(
          status: 200, summary: "A page.",
          schema: [
            "type": "object", "required": ["data", "nextCursor"],
            "properties": [
              "data": ["type": "array", "items": Schemas.reference(resource)],
              "nextCursor": ["type": ["string", "null"]],
              "total": ["type": "integer"], "page": ["type": "integer"],
              "pageSize": ["type": "integer"],
            ],
          ])
      ], problems: common + [504])
  }

  static func read(_ resource: Resource) -> Self {
    Self(
      operationID: "read-\(resource.description.name)", tag: resource.description.name,
      summary: "Reads one \(resource.description.entityType).",
      parameters: [
        .init(name: "fields", summary: "The members wanted.", schema: ["type": "string"]),
        expand(resource),
      ],
      answers: [
        .init(
          status: 200, summary: "The record.",
          schema: [
            "type": "object", "required": ["data"],
            "properties": ["data": Schemas.reference(resource)],
          ], hasETag: true),
        .init(status: 304, summary: "The version that `If-None-Match` names.", schema: nil),
      ], problems: common + [404])
  }

  static func create(_ resource: Resource) -> Self {
    mutation(
      "create", "Creates a \(resource.description.entityType).", resource, status: 201,
      body: Schemas.createBody(resource))
  }

  static func replace(_ resource: Resource) -> Self {
    mutation(
      "replace", "Replaces a \(resource.description.entityType).", resource,
      body: Schemas.bodyReference(resource))
  }

  static func merge(_ resource: Resource) -> Self {
    mutation(
      "update", "Changes a \(resource.description.entityType) by JSON Merge Patch.", resource,
      body: Schemas.bodyReference(resource))
  }

  static func delete(_ resource: Resource) -> Self {
    var documentation = mutation(
      "delete", "Moves a \(resource.description.entityType) to the trash.", resource)
    documentation.parameters = [
      .init(
        name: "purge", summary: "Remove for good, with the permission for that.",
        schema: ["type": "boolean"])
    ]
    return documentation
  }

  static func restore(_ resource: Resource) -> Self {
    mutation(
      "restore", "Takes a \(resource.description.entityType) out of the trash.", resource)
  }

  static func verb(_ verb: ResourceDescription.Verb, _ resource: Resource) -> Self {
    var documentation = mutation(
      verb.name, verb.summary, resource, body: Schemas.verbBody(verb, resource))
    documentation.isBodyOptional = true
    return documentation
  }

  private static func mutation(
    _ verb: String, _ summary: String, _ resource: Resource, status: Int = 200,
    body: JSONValue? = nil
  ) -> Self {
    Self(
      operationID: "\(verb)-\(resource.description.name)", tag: resource.description.name,
      summary: summary, requestSchema: body,
      answers: [
        .init(
          status: status, summary: "What was done.", schema: Schemas.envelope(resource),
          hasETag: true)
      ],
      problems: mutating + (verb == "create" ? [] : [404]))
  }

  static let signInMethods = Self(
    operationID: "sign-in-methods", tag: "sign-in", summary: "What a sign-in page may offer.",
    answers: [
      .init(
        status: 200, summary: "The methods.",
        schema: ["type": "object", "properties": ["data": ["type": "object"]]])
    ], problems: [400, 406])

  static let login = Self(
    operationID: "login", tag: "sign-in", summary: "Gives a token for a password.",
    requestSchema: [
      "type": "object", "required": ["email", "password"],
      "properties": [
        "email": ["type": "string"], "password": ["type": "string", "format": "password"],
      ],
    ],
    answers: [
      .init(status: 200, summary: "The token.", schema: Schemas.signedIn)
    ], problems: [400, 401, 406, 413, 415, 422, 429, 503])

  static let logout = Self(
    operationID: "logout", tag: "sign-in", summary: "Ends the token's session.",
    answers: [.init(status: 200, summary: "What was done.", schema: SchemaPart.endedSession)],
    problems: common + [507])

  static func health(_ summary: String) -> Self {
    let name = summary.lowercased().filter { $0.isLetter || $0 == " " }
      .replacing(" ", with: "-")
    return Self(
      operationID: name, tag: "health", summary: summary,
      answers: [
        .init(status: 200, summary: "Yes.", schema: ["type": "object"]),
        .init(status: 503, summary: "No.", schema: ["type": "object"]),
      ], problems: [406])
  }

  static let metrics = Self(
    operationID: "metrics", tag: "health", summary: "The server in numbers, for Prometheus.",
    answers: [
      .init(
        status: 200, summary: "The numbers.", schema: ["type": "string"], mediaType: "text/plain")
    ], problems: [401])

  private static func expand(_ resource: Resource) -> Parameter {
    let names = resource.fields.compactMap(\.expansion).joined(separator: ", ")
    return Parameter(
      name: "expand", summary: "What to embed, of: \(names).", schema: ["type": "string"])
  }

  static func tags(_ resource: Resource) -> Self {
    Self(
      operationID: "list-tags-\(resource.description.name)", tag: resource.description.name,
      summary: "Lists the tags of \(resource.description.name), the most frequent first.",
      answers: [
        .init(
          status: 200, summary: "The tags.",
          schema: SchemaPart.data(
            SchemaPart.array(
              SchemaPart.object(["tag": SchemaPart.text, "count": SchemaPart.integer]))))
      ], problems: common + [504])
  }

  static func changeTags(_ verb: String, _ resource: Resource) -> Self {
    mutation(
      "\(verb)-tags",
      verb == "add" ? "Adds tags; those that are there stay." : "Takes tags away.", resource,
      body: [
        "type": "object", "required": ["tags"], "additionalProperties": false,
        "properties": [
          "tags": ["type": "array", "items": ["type": "string"]],
          "userId": ["type": "string"],
        ],
      ])
  }

  /// One parameter for each field and condition that lists can be filtered by.
  private static func filters(_ resource: Resource) -> [Parameter] {
    let conditions = resource.description.namedConditions.map {
      Parameter(name: $0.name, summary: $0.summary, schema: ["type": "boolean"])
    }
    return conditions
      + resource.fields.compactMap { field in
        guard field.name != "tenantId", field.isFilterable else { return nil }
        return Parameter(
          name: field.name,
          summary: "\(field.summary) Also `\(field.name)[op]`.", schema: ["type": "string"])
      }
  }
}
