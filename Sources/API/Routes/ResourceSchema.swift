internal import CRM
internal import JSON

/// A resource's description as `GET /api/schema` shows it.
enum ResourceSchema {
  /// All that is the same for every caller.
  static func json(_ resource: Resource) -> JSONObject {
    let description = resource.description
    return JSONObject([
      ("name", .string(description.name)), ("entityType", .string(description.entityType)),
      ("paths", texts(description.paths)), ("summary", .string(description.summary)),
      ("title", texts(resource.fields.filter(\.isTitle).map(\.name))),
      ("fields", .array(resource.fields.map(json))),
      (
        "rules",
        .array(
          description.rules.map {
            ["anyOf": texts($0.anyOf), "detail": .string($0.detail)]
          })
      ),
      ("hangsFrom", texts(description.hangsFrom)),
      (
        "verbs",
        .array(
          description.verbs.map {
            [
              "name": .string($0.name), "summary": .string($0.summary), "takes": texts($0.takes),
            ]
          })
      ),
      (
        "conditions",
        .array(
          description.namedConditions.map {
            ["name": .string($0.name), "summary": .string($0.summary)]
          })
      ),
      (
        "private",
        description.privacy.map { .object(JSONObject([($0.field, .string($0.value))])) } ?? .null
      ),
      ("planLimit", JSONValue(description.planCount?.feature.rawValue)),
    ])
  }

  /// One field: what it holds, and what can be done with it.
  private static func json(_ field: Field) -> JSONValue {
    var json = JSONObject([
      ("name", .string(field.name)), ("type", .string(name(of: field.type))),
      ("summary", .string(field.summary)), ("required", .bool(field.isRequired)),
      ("readOnly", .bool(field.access == .server)), ("unique", .bool(field.isUnique)),
      ("title", .bool(field.isTitle)), ("searchable", .bool(field.isSearchable)),
      ("personal", .bool(field.isPersonal)), ("filterable", .bool(!field.operators.isEmpty)),
      ("sortable", .bool(field.isSortable)), ("operators", texts(field.operators)),
    ])
    if let other = field.uniqueWithin { json["uniqueWithin"] = .string(other) }
    if case .value(let value) = field.initial { json["default"] = value }
    for (name, value) in bounds(of: field) { json[name] = value }
    return .object(json)
  }

  /// A custom field, likewise.
  static func json(_ definition: CustomFieldDefinition) -> JSONValue {
    [
      "key": .string(definition.key), "label": .string(definition.label),
      "type": .string(definition.kind.rawValue), "required": .bool(definition.isRequired),
      "options": texts(definition.options), "default": definition.initial ?? .null,
      "operators": texts(definition.operators),
    ]
  }

  /// What can be done to records, each with the permission that it needs.
  static func actions(on resource: Resource) -> [(action: String, permission: String)] {
    let description = resource.description
    let actions = ["create", "read", "update", "delete", "purge"] + description.verbs.map(\.name)
    return actions.map { ($0, description.operation($0)) }
      // Who may put something into the trash may take it out.
      + [("restore", description.operation("delete"))]
  }

  /// Bounds that are the same everywhere.
  static let limits: JSONValue = [
    "tagsMax": .integer(CRM.Limits.tagsMax),
    "tagCharactersMax": .integer(CRM.Limits.tagCharactersMax),
    "textBytesMax": .integer(CRM.Limits.textBytesMax),
    "pageRecordsMax": .integer(CRM.Limits.pageRecordsMax),
    "customFieldsMax": .integer(CRM.Limits.customFieldsMax),
    "stagesMax": .integer(CRM.Limits.stagesMax),
  ]

  private static func name(of type: FieldType) -> String {
    switch type {
    case .text: "text"
    case .longText: "longText"
    case .fileName: "text"
    case .email: "email"
    case .phone: "phone"
    case .choice: "choice"
    case .integer: "integer"
    case .decimal: "decimal"
    case .flag: "boolean"
    case .currency: "currency"
    case .timestamp: "timestamp"
    case .date: "date"
    case .identifier: "id"
    case .tenant: "tenant"
    case .user: "user"
    case .reference, .entity: "reference"
    case .externalID: "externalId"
    case .tags: "tags"
    case .object: "object"
    case .address: "address"
    case .stages: "stages"
    case .texts: "texts"
    case .json: "json"
    }
  }

  /// What bounds a field's values, beyond their type.
  private static func bounds(of field: Field) -> [(String, JSONValue)] {
    switch field.type {
    case .text(let charactersMax): [("maxLength", .integer(charactersMax))]
    case .email: [("maxLength", .integer(CRM.Limits.emailCharactersMax))]
    case .phone: [("maxLength", .integer(CRM.Limits.phoneCharactersMax))]
    case .externalID: [("maxLength", .integer(CRM.Limits.nameCharactersMax))]
    case .longText, .object, .address, .json: [("maxBytes", .integer(CRM.Limits.textBytesMax))]
    case .choice(let words): [("options", texts(words))]
    case .integer: field.least == .min ? [] : [("minimum", .integer(field.least))]
    case .decimal(let scale):
      [
        ("decimals", .integer(scale)),
        ("digits", .integer(CRM.Limits.decimalDigitsMax)),
      ]
    case .reference(let entityType): [("references", .string(entityType))]
    case .entity: [("referencesBy", "entityType")]
    default: []
    }
  }

  private static func texts(_ texts: [String]) -> JSONValue {
    .array(texts.map(JSONValue.string))
  }
}
