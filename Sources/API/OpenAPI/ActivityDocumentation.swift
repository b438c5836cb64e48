internal import CRM
internal import JSON

// What the published document says of the activity log.
extension EndpointDocumentation {
  static let activities = question(
    "list-activities", tag: "activities", "Lists the entries of the activity log, newest first.",
    remarks: """
      One's own; with `crm.activities.read` those that its scope reaches: `:team` those of the \
      users of one's unit and the units below it. A `departmentId` means the unit and those that \
      are below it today. In `operation`, `*` stands for any characters.
      """,
    parameters: Parameter.paging + Parameter.activityFilters + [
      .init(
        name: "sort", summary: "`-timestamp` or `timestamp`.",
        schema: ["type": "string", "enum": ["-timestamp", "timestamp"]]),
      .init(name: "fields", summary: "The members wanted.", schema: SchemaPart.text),
      .init(
        name: "includeDetails",
        summary: "Whether userContext, permissions, metadata and compliance are wanted.",
        schema: ["type": "boolean", "default": true]),
    ],
    answer: "A page.",
    SchemaPart.object(
      [
        "data": SchemaPart.array(activityEntry(optional: Set(activityMembers.map(\.key)))),
        "nextCursor": SchemaPart.optionalText, "total": SchemaPart.integer,
        "page": SchemaPart.integer, "pageSize": SchemaPart.integer,
        "isIncomplete": SchemaPart.flag,
      ], optional: ["total", "page", "pageSize", "isIncomplete"]), problems: [504])

  static let activity = question(
    "read-activity", tag: "activities", "Reads one entry of the activity log.",
    remarks: "An entry that the caller may not see is 404.",
    answer: "The entry.", SchemaPart.data(activityEntry()), problems: [404])

  static let postActivity = Self(
    operationID: "post-activity", tag: "activities",
    summary: "Logs what another application did.",
    requestSchema: draft,
    answers: [
      .init(
        status: 201, summary: "The entry.", schema: Schemas.envelope(data: activityEntry()))
    ],
    problems: mutating, headers: ["Idempotency-Key", "X-Reason"], remarks: postRemarks)

  static let postActivities = Self(
    operationID: "post-activities", tag: "activities",
    summary: "Logs several things that another application did: all or none.",
    requestSchema: SchemaPart.object([
      "activities": [
        "type": "array", "minItems": 1,
        "maxItems": .integer(CRM.Limits.activitiesPerBatchMax), "items": draft,
      ]
    ]),
    answers: [
      .init(
        status: 201, summary: "The ids, in the order of the entries.",
        schema: Schemas.envelope(
          data: SchemaPart.array(
            SchemaPart.object([
              "id": SchemaPart.text, "timestamp": SchemaPart.time,
              "creditCost": SchemaPart.number,
            ]))))
    ],
    problems: mutating, headers: ["Idempotency-Key", "X-Reason"],
    remarks: "\(postRemarks) `index` in a refusal is the place of the entry at fault, from 0.")

  private static let postRemarks = """
    The entry is the caller's and bears `source: "api"`. Operations that begin with `crm.` are \
    ours. `timestamp` may be up to 24 hours from now; when the entry came stays in `receivedAt`. \
    A `creditCost` needs `crm.credits.charge` and is spent like that of every operation.
    """

  private static let draft: JSONValue = .object(
    JSONObject(
      (SchemaPart.object(
        [
          "operation": ["type": "string", "minLength": 1, "maxLength": 255],
          "userId": SchemaPart.optionalText, "entityType": SchemaPart.optionalText,
          "entityId": SchemaPart.optionalText,
          "creditCost": ["type": ["number", "null"], "minimum": 0, "multipleOf": 0.0001],
          "timestamp": SchemaPart.optionalTime, "sessionId": SchemaPart.optionalText,
          "metadata": optionalObject,
        ],
        optional: [
          "userId", "entityType", "entityId", "creditCost", "timestamp", "sessionId", "metadata",
        ]
      ).object?.members ?? []).map { ($0.name, $0.value) } + [("additionalProperties", false)]))

  /// The schema of an entry, whose members are all there unless they are among `optional`.
  static func activityEntry(optional: Set<String> = []) -> JSONValue {
    SchemaPart.object(activityMembers, optional: optional)
  }

  private static let optionalObject: JSONValue = ["type": ["object", "null"]]

  private static let activityMembers: KeyValuePairs<String, JSONValue> = [
    "id": SchemaPart.text, "tenantId": SchemaPart.text, "userId": SchemaPart.text,
    "operation": SchemaPart.text, "entityId": SchemaPart.optionalText,
    "entityType": SchemaPart.optionalText, "creditCost": SchemaPart.number,
    "timestamp": SchemaPart.time, "sessionId": SchemaPart.optionalText,
    "userContext": optionalObject, "permissions": optionalObject, "metadata": optionalObject,
    "compliance": optionalObject,
    "source": ["type": "string", "enum": ["cardfile", "api", "import", "wrapper"]],
    "receivedAt": SchemaPart.optionalTime,
  ]
}

extension EndpointDocumentation.Parameter {
  /// The parameters by which entries of the activity log are chosen.
  static let activityFilters: [Self] = [
    .init(name: "userId", summary: "Who acted.", schema: SchemaPart.text),
    .init(
      name: "operation", summary: "An operation, or a pattern: `crm.leads.*`, `*.failed`.",
      schema: SchemaPart.text),
    .init(
      name: "entityType", summary: "The kind of record; `error` for what was refused or failed.",
      schema: SchemaPart.text),
    .init(name: "entityId", summary: "The record.", schema: SchemaPart.text),
    .init(
      name: "departmentId", summary: "An organisation, department or team.",
      schema: SchemaPart.text),
    .init(name: "sessionId", summary: "The session.", schema: SchemaPart.text),
    .init(
      name: "since", summary: "A time, a day, or a distance back such as `7d`.",
      schema: SchemaPart.text),
    .init(name: "until", summary: "Likewise; not included.", schema: SchemaPart.text),
  ]
}
