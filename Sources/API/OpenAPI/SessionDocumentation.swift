internal import JSON

// What the published document says of sessions.
extension EndpointDocumentation {
  static let sessions = question(
    "list-sessions", tag: "sessions",
    "Lists the sessions that were used within the last hour, the newest first.",
    remarks: """
      One's own. With `crm.admin` those of the whole tenant, unless `all=false` asks for one's \
      own; `all=true` without `crm.admin` is 403.
      """,
    parameters: Parameter.paging + [
      .init(
        name: "all", summary: "Whether to list the sessions of all users.",
        schema: SchemaPart.flag),
      .init(name: "userId", summary: "Only this user's.", schema: SchemaPart.text),
    ],
    answer: "A page.",
    SchemaPart.list(
      SchemaPart.object([
        "id": SchemaPart.text, "userId": SchemaPart.text, "userName": SchemaPart.optionalText,
        "startedAt": SchemaPart.time, "lastSeenAt": SchemaPart.time,
        "expiresAt": SchemaPart.optionalTime, "ipAddress": SchemaPart.text,
        "userAgent": SchemaPart.text, "authenticationMethod": SchemaPart.text,
        "current": SchemaPart.flag,
      ])))

  static let endSession = Self(
    operationID: "end-sessions", tag: "sessions", summary: "Ends a session.",
    answers: [
      .init(
        status: 200, summary: "What was done.",
        schema: SchemaPart.endedSession)
    ],
    problems: common + [404, 507], headers: ["X-Reason"],
    remarks: """
      Every token of it is refused here from then on, also after a restart. One's own always; \
      others' sessions exist for `crm.admin` only. It costs no credits.
      """)
}

extension SchemaPart {
  /// The answer to the end of a session.
  static let endedSession = mutation(object(["id": text, "userId": text]))

  /// The answer to every mutation, around what was changed.
  static func mutation(_ data: JSONValue) -> JSONValue {
    object([
      "success": ["const": true], "data": data, "activityId": text, "creditsDeducted": number,
      "userContext": object(["user": text, "department": text, "entityPath": text]),
    ])
  }
}
