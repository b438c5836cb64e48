internal import CRM
internal import JSON

// What the published document says of boards, forecasts, stages and of converting a lead.
extension EndpointDocumentation {
  static func dealBoard(_ deals: Resource) -> Self {
    question(
      "read-board-of-deals", tag: "deals", "Reads the deals of a pipeline by stage.",
      remarks: """
        Every filter of the list of deals applies, and `limit` to the cards of each column. Cards \
        are ordered by `position`, those without one last, then the newest first. More of a \
        column: the list of deals with the same filters, `pipelineId`, `stage`, \
        `sort=position,-createdAt` and the column's `nextCursor` as `cursor`. Counts and sums \
        are those of the whole column; `weightedValue` is the value times the stage's \
        probability, halves of a cent rounded to the even one.
        """,
      parameters: [
        pipeline("Without it the oldest pipeline."),
        .init(
          name: "limit", summary: "Cards of each column.",
          schema: [
            "type": "integer", "minimum": 1, "maximum": .integer(CRM.Limits.pageRecordsMax),
            "default": .integer(CRM.Limits.pageRecordsDefault),
          ]),
        .init(name: "fields", summary: "The members wanted of each card.", schema: SchemaPart.text),
        .init(name: "q", summary: "Words to find.", schema: SchemaPart.text),
      ],
      answer: "The board; each card is a deal with `daysInStage`.",
      SchemaPart.data(
        SchemaPart.object([
          "pipelineId": SchemaPart.text, "name": SchemaPart.text,
          "columns": SchemaPart.array(
            SchemaPart.object([
              "stage": SchemaPart.text, "name": SchemaPart.text,
              "probability": SchemaPart.integer,
              "kind": ["type": "string", "enum": ["open", "won", "lost"]],
              "count": SchemaPart.integer, "value": sums, "weightedValue": sums,
              "cards": SchemaPart.array([
                "allOf": [
                  Schemas.reference(deals),
                  SchemaPart.object(["daysInStage": SchemaPart.integer]),
                ]
              ]),
              "nextCursor": SchemaPart.optionalText,
            ])),
        ])), problems: [404, 504])
  }

  static func dealForecast(_ deals: Resource) -> Self {
    question(
      "read-forecast-of-deals", tag: "deals", "Adds up what deals may bring, by month.",
      remarks: """
        `count`, `value` and `weightedValue` are those of open deals by the month of \
        `expectedCloseOn`; deals without one stand last, under the month null. `wonCount` and \
        `wonValue` are those of won deals by the month of `closedAt`. Every filter of the list of \
        deals applies. With `months=3` the present month and the two behind it are shown, and \
        what has no month.
        """,
      parameters: [
        pipeline("Without it all pipelines."),
        .init(
          name: "months", summary: "How many months, the present one first; without it all.",
          schema: [
            "type": "integer", "minimum": 1, "maximum": .integer(CRM.Limits.forecastMonthsMax),
          ]),
      ],
      answer: "The months in their order.",
      SchemaPart.data(
        SchemaPart.array(
          SchemaPart.object([
            "month": ["type": ["string", "null"], "pattern": "^[0-9]{4}-[0-9]{2}$"],
            "count": SchemaPart.integer, "value": sums, "weightedValue": sums,
            "wonCount": SchemaPart.integer, "wonValue": sums,
          ]))), problems: [404, 504])
  }

  static let dealStages = question(
    "list-stages-of-deals", tag: "deals",
    "Lists the stages that a deal has been in, the first one first.",
    parameters: Parameter.paging,
    answer: "A page; `leftAt` of the present stage is null, and `seconds` count until now.",
    SchemaPart.list(
      SchemaPart.object([
        "stage": SchemaPart.text, "name": SchemaPart.text, "pipelineId": SchemaPart.text,
        "enteredAt": SchemaPart.time, "leftAt": SchemaPart.optionalTime,
        "seconds": SchemaPart.integer, "by": SchemaPart.text,
      ])), problems: [404])

  static func convertLead(_ conversion: LeadConversion) -> Self {
    Self(
      operationID: "convert-leads", tag: "leads",
      summary: "Makes a contact and a deal of a lead, and a company if it names one.",
      requestSchema: SchemaPart.object(
        [
          "contact": Schemas.bodyReference(conversion.contacts),
          "company": ["anyOf": [Schemas.bodyReference(conversion.companies), ["const": false]]],
          "deal": Schemas.bodyReference(conversion.deals), "userId": SchemaPart.text,
        ], optional: ["contact", "company", "deal", "userId"]),
      isBodyOptional: true,
      answers: [
        .init(
          status: 200, summary: "What was made, and the lead as it is now.",
          schema: SchemaPart.mutation(
            SchemaPart.object([
              "lead": Schemas.reference(conversion.leads),
              "contact": Schemas.reference(conversion.contacts),
              "company": ["anyOf": [Schemas.reference(conversion.companies), ["type": "null"]]],
              "deal": Schemas.reference(conversion.deals),
            ])), hasETag: true)
      ],
      problems: mutating + [404],
      remarks: """
        Also needs `crm.contacts.create` and `crm.deals.create`, and `crm.companies.create` where \
        a company must be made: without that none is. The body is optional; its members `contact`, \
        `company` and `deal` overrule what the lead says, and `"company": false` makes none. The \
        lead's contact is taken, else a readable contact of its e-mail address, else a new one; \
        likewise a readable company of its company's name. All of it is one transaction and one \
        charge. A lead is converted once: the second time is 409 with the first `dealId`.
        """)
  }

  private static let sums: JSONValue = [
    "type": "object", "description": "Money by currency.",
    "additionalProperties": SchemaPart.number,
  ]

  private static func pipeline(_ summary: String) -> Parameter {
    .init(name: "pipelineId", summary: summary, schema: ["type": "string", "format": "uuid"])
  }
}
