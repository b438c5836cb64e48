internal import CRM
internal import JSON

/// The small pieces that schemas of answers are made of.
enum SchemaPart {
  static let text: JSONValue = ["type": "string"]
  static let optionalText: JSONValue = ["type": ["string", "null"]]
  static let flag: JSONValue = ["type": "boolean"]
  static let integer: JSONValue = ["type": "integer"]
  static let optionalInteger: JSONValue = ["type": ["integer", "null"]]
  static let number: JSONValue = ["type": "number"]
  static let optionalNumber: JSONValue = ["type": ["number", "null"]]
  static let time: JSONValue = ["type": "string", "format": "date-time"]
  static let optionalTime: JSONValue = ["type": ["string", "null"], "format": "date-time"]
  static let anyObject: JSONValue = ["type": "object"]

  /// An object all of whose members are always there, unless they are among `optional`.
  static func object(
    _ members: KeyValuePairs<String, JSONValue>, optional: Set<String> = []
  ) -> JSONValue {
    [
      "type": "object",
      "required": .array(
        members.map(\.key).filter { !optional.contains($0) }.map(JSONValue.string)),
      "properties": .object(JSONObject(members.map { ($0.key, $0.value) })),
    ]
  }

  static func array(_ items: JSONValue) -> JSONValue { ["type": "array", "items": items] }

  /// `{"data": …}`.
  static func data(_ schema: JSONValue) -> JSONValue { object(["data": schema]) }

  /// `{"data": […], "nextCursor": …}`.
  static func list(_ element: JSONValue) -> JSONValue {
    object(
      [
        "data": array(element), "nextCursor": optionalText, "total": integer, "page": integer,
        "pageSize": integer,
      ], optional: ["total", "page", "pageSize"])
  }

  /// A role or another thing with an id and a name.
  static let named = object(["id": text, "name": text])

  static let profile: KeyValuePairs<String, JSONValue> = [
    "id": text, "name": optionalText, "email": optionalText, "title": optionalText,
    "department": optionalText, "departmentId": optionalText, "organizationId": optionalText,
    "location": optionalText, "isActive": flag,
  ]

  static let organization = object([
    "organizationId": optionalText, "organizationName": optionalText,
    "departmentId": optionalText, "departmentName": optionalText, "parentEntityId": optionalText,
    "entityPath": text,
  ])
}

extension EndpointDocumentation.Parameter {
  /// The parameters by which a part of a list is asked for.
  static let paging: [Self] = [
    .init(
      name: "limit", summary: "Elements on a page.",
      schema: [
        "type": "integer", "minimum": 1, "maximum": .integer(CRM.Limits.pageRecordsMax),
        "default": .integer(CRM.Limits.pageRecordsDefault),
      ]),
    .init(name: "cursor", summary: "`nextCursor` of the page before.", schema: SchemaPart.text),
    .init(
      name: "page", summary: "The number of the page, instead of a cursor.",
      schema: ["type": "integer", "minimum": 1]),
    .init(
      name: "pageSize", summary: "Elements on a page, beside `page`.",
      schema: ["type": "integer", "minimum": 1, "maximum": .integer(CRM.Limits.pageRecordsMax)]),
    .init(name: "count", summary: "Whether to add `total`.", schema: SchemaPart.flag),
  ]
}

extension EndpointDocumentation {
  /// A question that changes nothing and that every user of the tenant may ask, as far as
  /// `remarks` say nothing else.
  static func question(
    _ operationID: String, tag: String, _ summary: String, remarks: String? = nil,
    parameters: [Parameter] = [], answer: String, _ schema: JSONValue, problems: [Int] = []
  ) -> Self {
    Self(
      operationID: operationID, tag: tag, summary: summary, parameters: parameters,
      answers: [.init(status: 200, summary: answer, schema: schema)],
      problems: common + problems, remarks: remarks)
  }
}
