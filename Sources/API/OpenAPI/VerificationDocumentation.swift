internal import JSON

// What the published document says of verifying the activity log, and of jobs.
extension EndpointDocumentation {
  static let verifyActivities = Self(
    operationID: "verify-activities", tag: "activities",
    summary: "Walks the tenant's chain of entries and tells whether it is what was written.",
    answers: [
      .init(
        status: 200, summary: "What was found.", schema: SchemaPart.data(verification)),
      .init(
        status: 202,
        summary: "A job that does it, for a long chain; `Location` tells where it is.",
        schema: SchemaPart.data(jobState)),
    ],
    problems: common + [504],
    remarks: """
      Needs `crm.activities.verify` or `crm.admin`. Every column of every entry, every link and \
      every signed checkpoint is looked at. `broken` names the first thing that is wrong: the \
      entry, and the column, the `link` to the entry before, the `head` of the chain or the \
      `checkpoint`. `removedThrough` is the newest entry that retention has removed. Above \
      100,000 entries the answer is 202, and the job's `result` is what 200 would have had.
      """)

  static let job = question(
    "read-job", tag: "jobs", "Tells how a long task stands.",
    remarks: """
      One's own; others' with `crm.admin`. A job is known until a day after its end, or until the \
      server stops.
      """,
    answer: "The job.", SchemaPart.data(jobState), problems: [404])

  private static let verification = SchemaPart.object([
    "valid": SchemaPart.flag, "entries": SchemaPart.integer, "erased": SchemaPart.integer,
    "head": SchemaPart.text, "seq": SchemaPart.integer, "removedThrough": SchemaPart.integer,
    "checkpoints": SchemaPart.integer, "checkpointedThrough": SchemaPart.integer,
    "keys": SchemaPart.array(
      SchemaPart.object([
        "keyId": SchemaPart.text, "publicKey": SchemaPart.text,
        "checkpoints": SchemaPart.integer, "isKnown": SchemaPart.flag,
      ])),
    "signingKeyId": SchemaPart.optionalText,
    "broken": [
      "type": ["object", "null"], "required": ["seq", "activityId", "column", "reason"],
      "properties": [
        "seq": SchemaPart.integer, "activityId": SchemaPart.optionalText,
        "column": SchemaPart.text, "reason": SchemaPart.text,
      ],
    ],
  ])

  private static let jobState = SchemaPart.object([
    "id": SchemaPart.text, "kind": SchemaPart.text,
    "state": ["type": "string", "enum": .array(Job.State.allCases.map { .string($0.rawValue) })],
    "done": SchemaPart.integer, "total": SchemaPart.integer, "ownerId": SchemaPart.text,
    "createdAt": SchemaPart.time, "finishedAt": SchemaPart.optionalTime,
    "result": ["type": ["object", "null"]], "error": SchemaPart.optionalText,
  ])
}
