internal import Database
internal import HTTP
internal import JSON
internal import SQLite
internal import Values

extension ResourceDescription {
  /// Ways that deals go: `/api/pipelines`.
  public static let pipelines: ResourceDescription = {
    var pipelines = ResourceDescription(
      name: "pipelines", entityType: "pipeline", paths: ["/api/pipelines"],
      summary: "The stages that deals go through.",
      fields: [
        Field("name", .text(charactersMax: Limits.nameCharactersMax), "What it is called.")
          .required().folded(),
        Field("stages", .stages, "Its stages in their order.").required(),
      ])
    pipelines.isCommon = true
    pipelines.specialty.resolve = { record, before, _, connection in
      try Pipeline.checkStages(of: record, before: before, in: connection)
    }
    pipelines.specialty.follow = { record, before, change, connection in
      try Pipeline.carryOver(record, before: before, change, in: connection)
    }
    pipelines.specialty.guardRemoval = { record, connection in
      try Pipeline.checkUnused(record, in: connection)
    }
    pipelines.specialty.start = { store, tenantID in
      try await Pipeline.start(store, tenantID: tenantID)
    }
    return pipelines
  }()
}

/// A pipeline as deals need it.
struct Pipeline {
  let id: String
  let name: String
  let stages: [Stage]

  /// The live pipeline of that id; without an id the tenant's oldest.
  static func find(_ id: String?, tenantID: String, in connection: borrowing Connection)
    throws(SQLiteError) -> Pipeline?
  {
    let condition = id == nil ? "" : " AND t.id = ?"
    return try connection.first(
      """
      SELECT t.id, t.name, t.stages FROM pipelines AS t
      WHERE t.tenant_id = ? AND t.deleted_at IS NULL\(condition)
      ORDER BY t.created_at, t.id LIMIT 1
      """, [.text(tenantID)] + (id.map { [.text($0)] } ?? [])
    ) { row in
      Pipeline(id: row.text(0) ?? "", name: row.text(1) ?? "", stages: stages(row.text(2)))
    }
  }

  /// Reads a column of stages.
  static func stages(_ text: String?) -> [Stage] {
    // The server wrote the column; what another program may have put there has no stages.
    let json = text.flatMap { try? JSONParser.parse($0) }
    return (json?.array ?? []).compactMap(Stage.init(stored:))
  }

  /// Refuses to take away a stage that deals are in.
  fileprivate static func checkStages(
    of record: Record, before: Record?, in connection: borrowing Connection
  ) throws {
    guard let before, before["stages"] != record["stages"] else { return }
    let kept = stages(record["stages"].text).map(\.id)
    for stage in stages(before["stages"].text) where !kept.contains(stage.id) {
      let count = try deals(of: record, in: stage.id, connection)
      guard count == 0 else {
        throw Problem(
          .conflict,
          "The stage \(stage.name) cannot go: \(count) deals are in it, the trash included.",
          issues: [
            .init(pointer: "/stages", code: "in_use", detail: "\(count) deals are in \(stage.id)")
          ])
      }
    }
  }

  private static func deals(
    of record: Record, in stage: String, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Int64 {
    try connection.first(
      "SELECT count(*) FROM deals WHERE tenant_id = ? AND pipeline_id = ? AND stage = ?",
      [record["tenantId"], record["id"], .text(stage)]
    ) { $0.integer(0) ?? 0 } ?? 0
  }

  /// Carries a stage's new kind and probability over to the deals that are in it.
  ///
  /// They keep their version: nobody has changed a deal.
  fileprivate static func carryOver(
    _ record: Record, before: Record?, _ change: ChangeContext,
    in connection: borrowing Connection
  ) throws {
    guard let before, let deals = change.catalog.resource(entityType: "deal") else { return }
    let old = stages(before["stages"].text)
    for stage in stages(record["stages"].text) {
      guard let was = old.first(where: { $0.id == stage.id }),
        was.kind != stage.kind || was.probability != stage.probability
      else { continue }
      let rows = try connection.all(
        """
        SELECT \(deals.columns), t.deleted_at IS NULL FROM deals AS t
        WHERE t.tenant_id = ? AND t.pipeline_id = ? AND t.stage = ?
        """, [record["tenantId"], record["id"], .text(stage.id)]
      ) { (Record(deals, row: $0), $0.integer(deals.fields.count) == 1) }
      for (deal, isLive) in rows {
        var after = deal
        Deal.place(&after, in: stage, before: deal, at: change.now)
        try connection.run(
          """
          UPDATE deals SET status = ?, probability = ?, closed_at = ?
          WHERE tenant_id = ? AND id = ?
          """,
          [
            after["status"], after["probability"], after["closedAt"], after["tenantId"],
            after["id"],
          ])
        if isLive { try Consequences.note(from: deal, to: after, in: connection) }
      }
    }
  }

  /// Refuses to remove a pipeline that deals are in, or the last one.
  fileprivate static func checkUnused(_ record: Record, in connection: borrowing Connection) throws
  {
    let key: [SQLiteValue] = [record["tenantId"], record["id"]]
    let isUsed = try connection.first(
      "SELECT 1 FROM deals WHERE tenant_id = ? AND pipeline_id = ? LIMIT 1", key
    ) { _ in true }
    guard isUsed == nil else {
      throw Problem(
        .conflict, "The pipeline cannot go: deals are in it, the trash included.")
    }
    let hasOther = try connection.first(
      "SELECT 1 FROM pipelines WHERE tenant_id = ? AND id <> ? AND deleted_at IS NULL LIMIT 1", key
    ) { _ in true }
    guard hasOther != nil else {
      throw Problem(.conflict, "The pipeline cannot go: it is the last one.")
    }
  }

  /// Creates the tenant's first pipeline, unless it has one, live or not.
  static func start(_ store: RecordStore, tenantID: String) async throws {
    let exists = try store.database.read { connection in
      try hasAny(tenantID, connection)
    }
    guard !exists, let resource = store.catalog.resource(entityType: "pipeline") else { return }
    let caller = Caller.system(tenantID: tenantID)
    let prepared = try store.prepareRecord(
      resource, RecordBody(members: startingMembers), caller: caller)
    let mutation = Mutation(
      caller: caller, operation: resource.description.operation("create"), scope: .server,
      permissions: "{}")
    do {
      _ = try await store.execute(mutation) { connection, now in
        if try hasAny(tenantID, connection) { throw AlreadyThere() }
        return try store.create(prepared, mutation, at: now, in: connection)
      }
    } catch is AlreadyThere {
      // Another request came first.
    }
  }

  private struct AlreadyThere: Error {}

  private static let startingMembers = JSONObject([
    ("name", "Sales"), ("stages", .array(Stage.starting.map(\.json))),
  ])

  private static func hasAny(_ tenantID: String, _ connection: borrowing Connection)
    throws(SQLiteError) -> Bool
  {
    try connection.first(
      "SELECT 1 FROM pipelines WHERE tenant_id = ? LIMIT 1", [.text(tenantID)]
    ) { _ in true } ?? false
  }
}
