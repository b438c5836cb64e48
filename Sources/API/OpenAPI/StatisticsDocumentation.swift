internal import CRM
internal import JSON

// What the published document says of statistics.
extension EndpointDocumentation {
  static let statistics = question(
    "statistics", tag: "statistics", "Counts the records of each kind, those in the trash aside.",
    remarks: scope, answer: "The counts. Kinds of which there are none are left out.",
    SchemaPart.data(
      SchemaPart.object([
        "contacts": SchemaPart.object(["total": SchemaPart.integer, "byLifecycle": counts]),
        "companies": SchemaPart.integer,
        "leads": SchemaPart.object(["total": SchemaPart.integer, "byStatus": counts]),
        "deals": SchemaPart.object([
          "open": SchemaPart.integer, "won": SchemaPart.integer, "lost": SchemaPart.integer,
          "openValue": money, "wonValue": money,
        ]),
        "tasks": SchemaPart.object(["open": SchemaPart.integer, "overdue": SchemaPart.integer]),
        "interactions": SchemaPart.object(["total": SchemaPart.integer, "byType": counts]),
      ])), problems: [504])

  static let dashboard = question(
    "dashboard", tag: "statistics",
    "Tells what came and was won within a period, and what is open.",
    remarks: """
      \(scope) `pipeline` are the open deals of now by stage; `weightedValue` is their value times \
      the stage's probability, rounded to cents, halves to even. `conversion.leadsToDeals` is \
      the share of the period's new leads that were converted since; `conversion.dealsWon` the \
      share of the deals decided in the period that were won; both 0 to 1. `wonByDay` and \
      `topOwners` go by `closedAt`; the owner with the most deals won stands first. \
      `recentActivity` are the newest entries of the activity log that the caller may see. Days \
      without any are left out.
      """,
    parameters: period, answer: "The figures.",
    SchemaPart.data(
      SchemaPart.object([
        "period": SchemaPart.text, "newContactsByDay": SchemaPart.array(dated),
        "newLeadsByDay": SchemaPart.array(dated),
        "wonByDay": SchemaPart.array(
          SchemaPart.object(["date": date, "count": SchemaPart.integer, "value": money])),
        "pipeline": SchemaPart.array(
          SchemaPart.object([
            "stage": SchemaPart.text, "name": SchemaPart.text, "pipelineId": SchemaPart.text,
            "count": SchemaPart.integer, "value": money, "weightedValue": money,
          ])),
        "conversion": SchemaPart.object(["leadsToDeals": ratio, "dealsWon": ratio]),
        "overdueTasks": SchemaPart.integer,
        "topOwners": SchemaPart.array(
          SchemaPart.object([
            "userId": SchemaPart.text, "name": SchemaPart.optionalText,
            "wonCount": SchemaPart.integer, "wonValue": money,
          ])),
        "recentActivity": SchemaPart.array(
          SchemaPart.object([
            "id": SchemaPart.text, "timestamp": SchemaPart.time, "userId": SchemaPart.text,
            "userName": SchemaPart.optionalText, "operation": SchemaPart.text,
            "entityType": SchemaPart.optionalText, "entityId": SchemaPart.optionalText,
          ])),
      ])), problems: [504])

  static let performance = question(
    "performance", tag: "statistics", "Tells what came of each owner's records within a period.",
    remarks: """
      \(scope) Leads count by `createdAt` and `convertedAt`, deals by `closedAt`, completed \
      interactions by `occurredAt`, all for their owner; tasks by `completedAt`, for whom they are \
      assigned to, else for their owner. `winRate` is won of all decided, 0 to 1. \
      `averageDaysToClose` is of the deals won, from `createdAt` to `closedAt`. \
      `averageTimeInStage` is of the stays that ended in the period. Owners of nothing are left out.
      """,
    parameters: period, answer: "The owners, the one with the most deals won first.",
    SchemaPart.object([
      "data": SchemaPart.array(
        SchemaPart.object([
          "userId": SchemaPart.text, "name": SchemaPart.optionalText,
          "leadsCreated": SchemaPart.integer, "leadsConverted": SchemaPart.integer,
          "dealsWon": SchemaPart.integer, "dealsLost": SchemaPart.integer, "winRate": ratio,
          "wonValue": money, "averageDaysToClose": SchemaPart.optionalNumber,
          "interactions": SchemaPart.integer, "tasksCompleted": SchemaPart.integer,
        ])),
      "averageTimeInStage": SchemaPart.array(
        SchemaPart.object([
          "stage": SchemaPart.text, "name": SchemaPart.text, "pipelineId": SchemaPart.text,
          "days": SchemaPart.number,
        ])),
    ]), problems: [504])

  /// - Parameter path: The name of contacts in the path, which makes the id unique.
  static func contactActivity(at path: String) -> Self {
    question(
      "activity-of-\(path)", tag: "statistics", "Tells what was done with one contact.",
      remarks: """
        \(scope) The contact itself must be readable. `byMonth` are the interactions by when they \
        took place, else by when they are planned, else by when they were written down.
        """,
      parameters: [timeZone], answer: "The figures.",
      SchemaPart.data(
        SchemaPart.object([
          "contactId": SchemaPart.text,
          "interactions": SchemaPart.object(["total": SchemaPart.integer, "byType": counts]),
          "lastInteractionAt": SchemaPart.optionalTime, "notes": SchemaPart.integer,
          "openTasks": SchemaPart.integer,
          "deals": SchemaPart.object([
            "open": SchemaPart.integer, "won": SchemaPart.integer, "lost": SchemaPart.integer,
          ]),
          "byMonth": SchemaPart.array(
            SchemaPart.object(["date": SchemaPart.text, "count": SchemaPart.integer])),
        ])), problems: [404, 504])
  }

  private static let scope = "Counts what the scope of `crm.stats.read` reaches."

  private static let counts: JSONValue = [
    "type": "object", "additionalProperties": ["type": "integer"],
  ]

  private static let money: JSONValue = [
    "type": "object", "additionalProperties": ["type": "number"],
    "description": "Sums by currency.",
  ]

  private static let ratio: JSONValue = ["type": "number", "minimum": 0, "maximum": 1]

  private static let date: JSONValue = ["type": "string", "format": "date"]

  private static let dated = SchemaPart.object(["date": date, "count": SchemaPart.integer])

  private static let timeZone = Parameter(
    name: "tz",
    summary: "The time zone of days and months: `Europe/Paris`; else the tenant's, else UTC.",
    schema: SchemaPart.text)

  private static let period: [Parameter] = [
    .init(
      name: "period",
      summary: "How far back: `90m`, `24h`, `7d`, `4w`, `6mo`, `1y`, or the time when it begins.",
      schema: ["type": "string", "default": "30d"]),
    .init(
      name: "since", summary: "Likewise, instead of `period`.", schema: SchemaPart.text),
    .init(
      name: "until", summary: "When it ends, not included; now when it is left out.",
      schema: SchemaPart.text),
    timeZone,
  ]
}
