internal import CRM
internal import JSON

// What the published document says of reports of activity.
extension EndpointDocumentation {
  static let userActivity = question(
    "activity-of-user", tag: "activities", "Shows what a user did, the newest entries first.",
    remarks: """
      \(reach) `statistics` and `summary` count the whole period, not only the entries that are \
      shown. `byDay` goes by the days of `tz`.
      """,
    parameters: [
      Parameter.paging[0],
      .init(
        name: "since", summary: "How far back: `24h`, `7d`, `6mo`, or a time.",
        schema: ["type": "string", "default": .string(ActivityReportRoutes.activityPeriod)]),
      .init(name: "until", summary: "Likewise; not included.", schema: SchemaPart.text),
      timeZone,
      .init(
        name: "includeDetails",
        summary: "Whether entries carry `userContext`, `permissions`, `metadata`, `compliance`.",
        schema: ["type": "boolean", "default": true]),
    ],
    answer: "The entries and what the period comes to.",
    SchemaPart.object([
      "userId": SchemaPart.text, "userContext": SchemaPart.anyObject,
      "activities": SchemaPart.array(entry),
      "statistics": SchemaPart.object([
        "byOperation": counts, "byDay": counts, "totalCredits": SchemaPart.number,
        "period": SchemaPart.text,
      ]),
      "summary": SchemaPart.object([
        "totalOperations": SchemaPart.integer, "totalCreditsUsed": SchemaPart.number,
        "lastActivity": SchemaPart.optionalTime, "activePeriod": SchemaPart.text,
        "organizationalContext": SchemaPart.text,
      ]),
    ]), problems: [404, 504])

  static let userActivityReport = question(
    "activity-report-of-user", tag: "activities", "Tells in numbers what a user did in a period.",
    remarks: "\(reach) \(buckets)", parameters: period,
    answer: "The figures. Operations and kinds of record are told the most frequent first.",
    report, problems: [404, 504])

  static let userActivityDashboard = question(
    "activity-dashboard-of-user", tag: "activities",
    "A user's report with the 20 newest entries of its period.",
    remarks: "\(reach) `recentSummary` is of the entries that are shown. \(buckets)",
    parameters: period, answer: "The figures and the entries.",
    SchemaPart.object([
      "userId": SchemaPart.text, "userContext": SchemaPart.anyObject, "report": report,
      "recentActivities": SchemaPart.array(entry),
      "recentSummary": SchemaPart.object([
        "totalOperations": SchemaPart.integer, "operationsByType": counts,
        "totalCreditsUsed": SchemaPart.number, "lastActivity": SchemaPart.optionalTime,
        "mostActiveUser": [
          "type": ["object", "null"],
          "properties": ["userId": SchemaPart.text, "count": SchemaPart.integer],
        ],
      ]),
      "lastUpdated": SchemaPart.time,
    ]), problems: [404, 504])

  static let organizationalActivity = question(
    "organizational-activity", tag: "activities",
    "Tells in numbers what was done in a part of the organisation in a period.",
    remarks: """
      Entries count for the unit that the user belonged to then; units are those that lie below \
      the named one today. With `crm.reports.read:team` the entries of the caller's team count, \
      with `:own` the caller's. \(buckets)
      """,
    parameters: [
      .init(
        name: "departmentId",
        summary: "Any unit, with all below it; the whole tenant when it is left out.",
        schema: SchemaPart.text),
      .init(
        name: "includeUserDetails",
        summary: "Whether users carry `email`, `title`, `department` and their place.",
        schema: ["type": "boolean", "default": false]),
    ] + period,
    answer: "The figures, the most active user first.",
    SchemaPart.object([
      "departmentId": SchemaPart.optionalText, "hierarchy": ["type": ["object", "null"]],
      "report": SchemaPart.object([
        "userStats": SchemaPart.array(
          SchemaPart.object(
            [
              "userId": SchemaPart.text, "name": SchemaPart.optionalText,
              "operationCount": SchemaPart.integer, "totalCredits": SchemaPart.number,
              "email": SchemaPart.optionalText, "title": SchemaPart.optionalText,
              "department": SchemaPart.text, "departmentId": SchemaPart.optionalText,
              "entityPath": SchemaPart.text,
            ], optional: ["email", "title", "department", "departmentId", "entityPath"])),
        "operationSummary": [
          "type": "object",
          "additionalProperties": SchemaPart.object([
            "count": SchemaPart.integer, "totalCredits": SchemaPart.number,
          ]),
        ],
        "temporalBreakdown": temporal, "totalCredits": SchemaPart.number,
        "complianceSummary": compliance,
      ]),
      "summary": SchemaPart.object([
        "totalUsers": SchemaPart.integer, "totalOperations": SchemaPart.integer,
        "totalCredits": SchemaPart.number, "period": SchemaPart.text,
      ]),
    ]), problems: [404, 504])

  private static let reach =
    "One's own activity may always be read, that of others with `crm.activities.read`."

  private static let buckets = """
    `date` is `2026-01-31T10`, `2026-01-31`, `2026-W05` (ISO 8601) or `2026-01`, the oldest first; \
    what has no entries is left out. An hour that the clock passes twice is one.
    """

  private static let counts: JSONValue = [
    "type": "object", "additionalProperties": ["type": "integer"],
  ]

  private static let temporal = SchemaPart.array(
    SchemaPart.object([
      "date": SchemaPart.text, "count": SchemaPart.integer, "totalCredits": SchemaPart.number,
    ]))

  private static let compliance = SchemaPart.object([
    "uniqueUsers": SchemaPart.integer, "totalOperations": SchemaPart.integer,
    "operationsByLocation": counts, "authenticationMethods": counts,
    "ipAddresses": [
      "type": "integer", "description": "How many different addresses there were.",
    ],
  ])

  private static let report = SchemaPart.object([
    "userId": SchemaPart.text, "period": SchemaPart.text,
    "totalActivities": SchemaPart.integer, "totalCreditsUsed": SchemaPart.number,
    "operationBreakdown": SchemaPart.array(
      SchemaPart.object([
        "operation": SchemaPart.text, "count": SchemaPart.integer,
        "totalCredits": SchemaPart.number, "latest": SchemaPart.time,
      ])),
    "temporalBreakdown": temporal,
    "entityBreakdown": SchemaPart.array(
      SchemaPart.object([
        "entityType": SchemaPart.optionalText, "count": SchemaPart.integer,
        "totalCredits": SchemaPart.number,
      ])),
    "complianceSummary": compliance,
  ])

  private static let entry = SchemaPart.object(
    [
      "id": SchemaPart.text, "tenantId": SchemaPart.text, "userId": SchemaPart.text,
      "operation": SchemaPart.text, "entityId": SchemaPart.optionalText,
      "entityType": SchemaPart.optionalText, "creditCost": SchemaPart.number,
      "timestamp": SchemaPart.time, "sessionId": SchemaPart.optionalText,
      "userContext": SchemaPart.anyObject, "permissions": SchemaPart.anyObject,
      "metadata": SchemaPart.anyObject, "compliance": SchemaPart.anyObject,
      "source": SchemaPart.text, "receivedAt": SchemaPart.optionalTime,
    ], optional: ["userContext", "permissions", "metadata", "compliance"])

  private static let timeZone = Parameter(
    name: "tz",
    summary: "The time zone: `Europe/Paris`; else the tenant's, else UTC.",
    schema: SchemaPart.text)

  private static let period: [Parameter] = [
    .init(
      name: "period",
      summary: "How far back: `90m`, `24h`, `7d`, `4w`, `6mo`, `1y`, or the time when it begins.",
      schema: ["type": "string", "default": .string(StatisticsQuery.periodDefault)]),
    .init(name: "since", summary: "Likewise, instead of `period`.", schema: SchemaPart.text),
    .init(
      name: "until", summary: "When it ends, not included; now when it is left out.",
      schema: SchemaPart.text),
    .init(
      name: "groupBy", summary: "By what time is told.",
      schema: ["type": "string", "enum": ["hour", "day", "week", "month"], "default": "day"]),
    timeZone,
  ]
}
