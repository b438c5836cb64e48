internal import CRM
internal import JSON

// What the published document says of batches, upserts and histories.
extension EndpointDocumentation {
  static let batch = Self(
    operationID: "batch", tag: "batch",
    summary: "Makes several changes in one transaction: all or none.",
    requestSchema: SchemaPart.object([
      "operations": [
        "type": "array", "minItems": 1, "maxItems": .integer(CRM.Limits.batchOperationsMax),
        "items": SchemaPart.object(
          [
            "method": ["enum": ["POST", "PUT", "PATCH", "DELETE"]], "path": SchemaPart.text,
            "body": [:],
            "headers": [
              "type": "object",
              "properties": [
                "If-Match": SchemaPart.text, "If-None-Match": SchemaPart.text,
                "X-Reason": SchemaPart.text,
              ],
            ],
          ], optional: ["body", "headers"]),
      ]
    ]),
    answers: [
      .init(
        status: 200, summary: "What each of them was answered.",
        schema: SchemaPart.data(
          SchemaPart.array(
            SchemaPart.object(["status": SchemaPart.integer, "body": SchemaPart.anyObject]))))
    ],
    problems: mutating + [404, 405], headers: ["Idempotency-Key", "X-Reason"],
    remarks: """
      Each operation is authorised, charged and logged as if it were sent alone. A text that is \
      `$0.id`, as a segment of a path or anywhere in a body, stands for the id of the record of \
      the first operation, `$1.id` for that of the second: only earlier ones can be named. When \
      one fails, the answer is its problem with `index`, its place from 0, and nothing is written. \
      No batches within, no files, no reading.
      """)

  static func upsert(_ resource: Resource, _ field: Field) -> Self {
    let description = resource.description
    return Self(
      operationID: "upsert-\(description.name)-by-\(field.name)", tag: description.name,
      summary: "Replaces the \(description.entityType) of this \(field.name), or creates it.",
      requestSchema: Schemas.bodyReference(resource),
      answers: [
        .init(
          status: 200, summary: "It was there and is replaced.",
          schema: Schemas.envelope(resource), hasETag: true),
        .init(
          status: 201, summary: "It is created.", schema: Schemas.envelope(resource),
          hasETag: true),
      ],
      problems: mutating, headers: ["If-Match", "If-None-Match", "X-Reason"],
      remarks: """
        Needs `\(description.operation("create"))` where there is none yet, \
        `\(description.operation("update"))` where there is one. The body need not repeat \
        \(field.name). `If-None-Match: *` only creates, `If-Match` only replaces.
        """)
  }

  private static let changes: KeyValuePairs<String, JSONValue> = [
    "at": SchemaPart.time, "by": SchemaPart.text, "byName": SchemaPart.optionalText,
    "operation": SchemaPart.text, "changes": SchemaPart.anyObject, "activityId": SchemaPart.text,
    "version": SchemaPart.integer,
  ]

  private static func page(_ items: JSONValue) -> JSONValue {
    SchemaPart.object(["data": SchemaPart.array(items), "nextCursor": SchemaPart.optionalText])
  }

  private static let pageParameters = Parameter.paging.filter {
    ["limit", "cursor"].contains($0.name)
  }

  static let recordHistory = question(
    "history-of-record", tag: "history", "Tells how the members of a record changed, newest first.",
    remarks: "Needs the permission to read the record. `changes` is `{field: {from, to}}`.",
    parameters: pageParameters, answer: "A page.",
    page(SchemaPart.object(changes, optional: ["version"])), problems: [404])

  static func timeline(_ resource: Resource) -> Self {
    let kinds = TimelineKind.allCases.map { JSONValue.string($0.rawValue) }
    return question(
      "history-of-\(resource.description.name)", tag: resource.description.name,
      "Tells what happened around a \(resource.description.entityType), newest first.",
      remarks: """
        Of each kind only what the caller may read. `data` is the record; of a `stage_change` \
        `{dealId, title, pipelineId, from, to, secondsInStage}`, of a `change` \
        `{operation, changes, activityId, version}`.
        """,
      parameters: pageParameters + [
        .init(
          name: "types", summary: "The kinds wanted, separated by commas.",
          schema: SchemaPart.text)
      ],
      answer: "A page.",
      page(
        SchemaPart.object([
          "kind": .object(JSONObject([("enum", .array(kinds))])), "id": SchemaPart.text,
          "at": SchemaPart.time, "by": SchemaPart.text, "byName": SchemaPart.optionalText,
          "summary": SchemaPart.text, "data": SchemaPart.anyObject,
        ])), problems: [404])
  }
}
