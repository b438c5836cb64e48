internal import JSON
internal import SQLite
internal import Values

extension ResourceDescription {
  /// Calls, mails and meetings: `/api/interactions`, and below each record.
  public static let interactions: ResourceDescription = {
    let status = "What has become of it: without it, planned when scheduled ahead, else completed."
    var interactions = ResourceDescription(
      name: "interactions", entityType: "interaction", paths: ["/api/interactions"],
      summary: "Calls, e-mails, meetings and messages with a contact, company, lead or deal.",
      fields: [
        Field("type", .choice(["call", "email", "meeting", "message", "other"]), "What it was.")
          .required(),
        Field("direction", .choice(["inbound", "outbound"]), "Who began it.")
          .required().initially("outbound"),
        Field("subject", .text(charactersMax: Limits.nameCharactersMax), "What it was about.")
          .title().personal(),
        Field("description", .longText, "What was said.").searchable().personal(),
        Field("status", .choice(["planned", "completed", "cancelled"]), status)
          .required().initially("completed"),
        Field("scheduledAt", .timestamp, "When it shall be."),
        Field("occurredAt", .timestamp, "When it was."),
        Field("durationMinutes", .integer, "How long it took.").atLeast(0),
        Field("outcome", .longText, "What came of it.").searchable().personal(),
        Field(
          "dealId", .reference(entityType: "deal"), "The deal it was about.",
          column: "about_deal_id"),
      ] + hangingFields)
    interactions.hangsFrom = parents
    interactions.happensAt = ["occurredAt", "scheduledAt", "createdAt"]
    interactions.planCount = PlanCount(
      .emails, conditions: [("type", "email"), ("direction", "outbound")], isMonthly: true)
    interactions.verbs = [
      Verb(
        name: "complete", summary: "Notes that it took place.",
        sets: JSONObject([("status", "completed")]),
        takes: ["outcome", "occurredAt", "durationMinutes"])
    ]
    interactions.specialty.derive = { record, before, now in
      if record["status"] == .null, let scheduled = record["scheduledAt"].text {
        record["status"] = .text(scheduled > now.rfc3339 ? "planned" : "completed")
      }
      let isOver = record["status"] == .null || record["status"] == .text("completed")
      if isOver, record["occurredAt"] == .null {
        let wasOver = before?["status"] == .text("completed")
        record["occurredAt"] = (wasOver ? before?["occurredAt"] : nil) ?? .text(now.rfc3339)
      } else if !isOver, before?["status"] == .text("completed"),
        before?["occurredAt"] == record["occurredAt"]
      {
        // What did not take place after all has no time at which it did.
        record["occurredAt"] = .null
      }
    }
    interactions.counters = [.interactions, .completedInteractions]
    return interactions
  }()
}
