internal import JSON

// What the published document says of reminders.
extension EndpointDocumentation {
  static let reminders = question(
    "list-reminders", tag: "tasks",
    "Lists what the caller was reminded of and has neither dismissed nor done, newest first.",
    remarks: """
      When a task's `remindAt` comes, whoever it is assigned to, else its owner, is reminded once; \
      another `remindAt` reminds again, and replaces what is left of the first.
      """,
    parameters: Parameter.paging, answer: "A page.",
    SchemaPart.list(
      SchemaPart.object([
        "id": SchemaPart.text, "taskId": SchemaPart.text, "title": SchemaPart.text,
        "priority": SchemaPart.text, "dueAt": SchemaPart.optionalTime,
        "entityType": SchemaPart.optionalText, "entityId": SchemaPart.optionalText,
        "remindAt": SchemaPart.time, "firedAt": SchemaPart.time,
      ])))

  static let dismissReminder = Self(
    operationID: "dismiss-reminders", tag: "tasks",
    summary: "Takes a reminder out of the caller's list; the task stays as it is.",
    answers: [
      .init(
        status: 200, summary: "What was done.",
        schema: SchemaPart.mutation(SchemaPart.object(["id": SchemaPart.text])))
    ],
    problems: common + [404, 507], headers: ["X-Reason"])
}
