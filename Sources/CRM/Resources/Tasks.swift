internal import JSON
internal import SQLite
internal import Values

extension ResourceDescription {
  /// Things to do: `/api/tasks`.
  public static let tasks: ResourceDescription = {
    var tasks = ResourceDescription(
      name: "tasks", entityType: "task", paths: ["/api/tasks"],
      summary: "Things that somebody has to do.",
      fields: [
        Field("title", .text(charactersMax: Limits.nameCharactersMax), "What is to be done.")
          .required().folded().title(),
        Field("description", .longText, "More about it.").searchable().personal(),
        Field("status", .choice(["open", "in_progress", "done", "cancelled"]), "How far it is.")
          .required().initially("open"),
        Field("priority", .choice(["low", "medium", "high"]), "How urgent it is.")
          .required().initially("medium"),
        Field("dueAt", .timestamp, "When it must be done."),
        Field("remindAt", .timestamp, "When somebody shall be reminded of it."),
        Field("completedAt", .timestamp, "When it was done.").serverSet(),
        Field("assignedTo", .user, "Who shall do it."),
        Field("entityType", .choice(parents), "The kind of record it is about."),
        Field("entityId", .entity, "The record it is about."),
      ])
    tasks.hasTagPaths = true
    tasks.verbs = [
      Verb(
        name: "complete", summary: "Notes that it is done.", sets: JSONObject([("status", "done")]),
        takes: [])
    ]
    tasks.conditions = [
      NamedCondition(name: "overdue", summary: "Not done, although it is past `dueAt`.") { _, now in
        SQLFragment(
          "t.status IN ('open', 'in_progress') AND t.due_at < ?", [.text(now.rfc3339)])
      },
      NamedCondition(
        name: "mine", summary: "Assigned to the caller, or owned by them and assigned to nobody."
      ) { viewerID, _ in
        SQLFragment(
          "t.assigned_to = ? OR (t.assigned_to IS NULL AND t.owner_id = ?)",
          [.text(viewerID), .text(viewerID)])
      } branches: { viewerID in
        // The plus keeps SQLite from walking through all that is assigned to nobody.
        [
          SQLFragment(" AND t.assigned_to = ?", [.text(viewerID)]),
          SQLFragment(" AND +t.assigned_to IS NULL AND t.owner_id = ?", [.text(viewerID)]),
        ]
      },
    ]
    tasks.specialty.follow = { record, _, change, _ in
      if let moment = record["remindAt"].text { change.reminders.note(moment) }
    }
    tasks.specialty.derive = { record, _, now in
      if record["status"] != .text("done") {
        record["completedAt"] = .null
      } else if record["completedAt"] == .null {
        record["completedAt"] = .text(now.rfc3339)
      }
    }
    tasks.counters = [.tasks, .dueTasks, .completedTasks]
    return tasks
  }()
}
