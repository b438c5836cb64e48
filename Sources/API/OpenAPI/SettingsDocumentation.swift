internal import CRM
internal import HTTP
internal import JSON

// What the published document says of saved filters, preferences and the schema.
extension EndpointDocumentation {
  static let segmentRecords = Self(
    operationID: "list-records-of-segments", tag: "segments",
    summary: "Lists the records that a saved filter finds, as the caller may see them.",
    parameters: Parameter.paging + [
      .init(
        name: "sort", summary: "Fields to sort by, instead of the saved order.",
        schema: SchemaPart.text),
      .init(name: "fields", summary: "The members wanted.", schema: SchemaPart.text),
    ],
    answers: [
      .init(status: 200, summary: "A page.", schema: SchemaPart.list(SchemaPart.anyObject))
    ], problems: common + [404, 409, 504],
    remarks: """
      Also needs the permission to read the records, whose scope cuts the list. A filter that no \
      list takes any more is 409 `conflict`.
      """)

  static let preferences = question(
    "list-preferences", tag: "preferences", "Reads all of the caller's own settings.",
    answer: "The settings by key.", SchemaPart.data(SchemaPart.anyObject))

  static let preference = question(
    "read-preferences", tag: "preferences", "Reads one of the caller's own settings.",
    answer: "Its value, any JSON.", SchemaPart.data([:]), problems: [404])

  static let setPreference = Self(
    operationID: "set-preferences", tag: "preferences",
    summary: "Keeps the body, any JSON, as a setting of the caller's own.", requestSchema: [:],
    answers: [
      .init(status: 200, summary: "Replaced.", schema: Schemas.envelope(data: [:])),
      .init(status: 201, summary: "New.", schema: Schemas.envelope(data: [:])),
    ], problems: mutating, headers: ["X-Reason"],
    remarks: """
      A key is of 1 to \(CRM.Limits.preferenceKeyCharactersMax) letters, digits, dots, hyphens and \
      underscores; a user has at most \(CRM.Limits.preferencesMax) of them, each of at most \
      \(CRM.Limits.textBytesMax) bytes.
      """)

  static let unsetPreference = Self(
    operationID: "delete-preferences", tag: "preferences",
    summary: "Forgets one of the caller's own settings.",
    answers: [
      .init(status: 200, summary: "The value that it had.", schema: Schemas.envelope(data: [:]))
    ], problems: mutating + [404], headers: ["X-Reason"])

  static let schema = Self(
    operationID: "read-schema", tag: "description",
    summary: "Describes every resource, as far as the caller may do anything with it.",
    answers: [
      .init(
        status: 200, summary: "What a form, a column picker or an importer needs.",
        schema: SchemaPart.data(
          SchemaPart.object([
            "resources": SchemaPart.array(resource),
            "pipelines": SchemaPart.array(SchemaPart.anyObject), "currency": SchemaPart.text,
            "currencies": SchemaPart.array(SchemaPart.text),
            "strictCustomFields": SchemaPart.flag, "limits": SchemaPart.anyObject,
          ])), hasETag: true),
      .init(status: 304, summary: "The description that `If-None-Match` names.", schema: nil),
    ], problems: common,
    remarks: """
      In `actions` each action names the scope in which the caller may do it (`own`, `team`, \
      `tenant`), or is false.
      """)

  private static let resource = SchemaPart.object([
    "name": SchemaPart.text, "entityType": SchemaPart.text,
    "paths": SchemaPart.array(SchemaPart.text), "summary": SchemaPart.text,
    "title": SchemaPart.array(SchemaPart.text), "fields": SchemaPart.array(SchemaPart.anyObject),
    "rules": SchemaPart.array(SchemaPart.anyObject),
    "hangsFrom": SchemaPart.array(SchemaPart.text),
    "verbs": SchemaPart.array(SchemaPart.anyObject),
    "conditions": SchemaPart.array(SchemaPart.anyObject), "private": ["type": ["object", "null"]],
    "planLimit": SchemaPart.optionalText,
    "customFields": SchemaPart.array(SchemaPart.anyObject), "actions": SchemaPart.anyObject,
  ])
}
