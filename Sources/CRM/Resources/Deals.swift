internal import HTTP
internal import JSON
internal import SQLite
internal import Values

extension ResourceDescription {
  /// Business that is being done: `/api/deals`.
  public static let deals: ResourceDescription = {
    let stage = "The stage's id; without it the pipeline's first."
    let position = "Where the card lies in its column; the smaller the higher."
    var deals = ResourceDescription(
      name: "deals", entityType: "deal", paths: ["/api/deals"],
      summary: "Business on its way through the stages of a pipeline.",
      fields: [
        Field("title", .text(charactersMax: Limits.nameCharactersMax), "What it is about.")
          .required().folded().title(),
        Field("value", .money, "What it is worth."),
        Field("currency", .currency, "The currency of the value, ISO 4217.")
          .initially(.tenantCurrency(whenSet: "value")),
        Field("pipelineId", .reference(entityType: "pipeline"), "Without it the oldest pipeline."),
        Field("stage", .text(charactersMax: Limits.labelCharactersMax), stage).canonical(),
        Field("status", .choice(Stage.Kind.allCases.map(\.rawValue)), "What the stage makes of it.")
          .serverSet(),
        Field("probability", .integer, "How likely it is won, in percent; the stage's.")
          .serverSet(),
        Field("stageChangedAt", .timestamp, "Since when it has been in its stage.").serverSet(),
        Field("contactId", .reference(entityType: "contact"), "The contact's record."),
        Field("companyId", .reference(entityType: "company"), "The company's record."),
        Field("assignedTo", .user, "Who works on it."),
        Field("expectedCloseOn", .date, "When it is expected to be decided."),
        Field("closedAt", .timestamp, "When it was won or lost; of an open deal always null."),
        Field("lostReason", .longText, "Why it was lost.")
          .searchable(),
        Field("position", .decimal(scale: 6), position),
      ])
    deals.planCount = PlanCount(.deals)
    deals.hasTagPaths = true
    deals.specialty.resolve = { record, before, change, connection in
      try Deal.resolve(&record, before: before, change, in: connection)
    }
    deals.specialty.start = { store, tenantID in
      try await Pipeline.start(store, tenantID: tenantID)
    }
    deals.specialty.follow = { record, before, change, connection in
      try Deal.noteStage(record, before: before, change, in: connection)
    }
    deals.specialty.recount = { before, after, changes, connection throws(SQLiteError) in
      try StageStays.recount(from: before, to: after, in: &changes, connection)
    }
    deals.counters = [.deals, .closedDeals]
    return deals
  }()
}

/// What is special about deals.
enum Deal {
  /// Finds the pipeline and the stage, and all that follows from the stage.
  fileprivate static func resolve(
    _ record: inout Record, before: Record?, _ change: ChangeContext,
    in connection: borrowing Connection
  ) throws {
    let pipeline = try Pipeline.find(
      record["pipelineId"].text, tenantID: change.caller.tenantID, in: connection)
    guard let pipeline else {
      throw RecordBody.validation([
        .init(
          pointer: "/pipelineId", code: "unknown_reference", detail: "there is no such pipeline")
      ])
    }
    record["pipelineId"] = .text(pipeline.id)
    let hasMoved = before.map { $0["pipelineId"] != record["pipelineId"] } ?? false
    let named = record["stage"].text
    // A stage of the old pipeline says nothing about the new one.
    let isLeftOver = hasMoved && before?["stage"] == record["stage"]
    let stage = pipeline.stages.first { $0.id == named }
    guard let stage = stage ?? (named == nil || isLeftOver ? pipeline.stages.first : nil) else {
      throw RecordBody.validation([
        .init(
          pointer: "/stage", code: "unknown_reference",
          detail: "the pipeline's stages are \(pipeline.stages.map(\.id).joined(separator: ", "))")
      ])
    }
    place(&record, in: stage, before: before, at: change.now)
    if hasMoved || before?["stage"] != record["stage"] {
      record["stageChangedAt"] = .text(change.now.rfc3339)
    }
  }

  /// Sets what follows from the stage: status, probability and the time of closing.
  static func place(_ record: inout Record, in stage: Stage, before: Record?, at now: Timestamp) {
    record["stage"] = .text(stage.id)
    record["status"] = .text(stage.kind.rawValue)
    record["probability"] = .integer(stage.probability)
    let isDecided = before?["status"] != record["status"]
    if stage.kind == .open {
      record["closedAt"] = .null
    } else if isDecided, before?["closedAt"] ?? .null == record["closedAt"] {
      record["closedAt"] = .text(now.rfc3339)
    } else if record["closedAt"] == .null {
      record["closedAt"] = before?["closedAt"] ?? .text(now.rfc3339)
    }
    // Why it was lost says nothing of a deal that is open again.
    if isDecided, stage.kind != .lost, before?["lostReason"] == record["lostReason"] {
      record["lostReason"] = .null
    }
  }

  /// Keeps the move from one stage to another.
  fileprivate static func noteStage(
    _ record: Record, before: Record?, _ change: ChangeContext,
    in connection: borrowing Connection
  ) throws {
    if let before {
      guard
        before["stage"] != record["stage"] || before["pipelineId"] != record["pipelineId"]
      else { return }
      try connection.run(
        """
        UPDATE deal_stage_moves SET left_at = ?
        WHERE tenant_id = ? AND deal_id = ? AND left_at IS NULL
        """, [.text(change.now.rfc3339), record["tenantId"], record["id"]])
    }
    try connection.run(
      """
      INSERT INTO deal_stage_moves (
        tenant_id, deal_id, pipeline_id, stage, entered_at, moved_by)
      VALUES (?, ?, ?, ?, ?, ?)
      """,
      [
        record["tenantId"], record["id"], record["pipelineId"], record["stage"],
        .text(change.now.rfc3339), .text(change.caller.userID),
      ])
  }
}
