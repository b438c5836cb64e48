internal import Database
internal import HTTP
internal import JSON
internal import SQLite
internal import Values

extension RecordStore {
  /// The operation under which exports are logged and charged.
  public static let activityExportOperation = "crm.activities.export"

  /// Begins an export: the entry that tells of it is on disk before the first byte goes out.
  ///
  /// When all of it was handed out, a further entry, `crm.activities.export.completed`, says how
  /// much that was. An export without one was broken off; how much of it arrived is not known.
  ///
  /// - Parameters:
  ///   - query: Which entries.
  ///   - reach: Whose entries the caller may have.
  ///   - mutation: Who exports, and by which right.
  ///   - viewerID: From whose eyes private things are kept; nil for who holds the file itself.
  ///   - finished: Told once when nothing more will be read.
  /// - Returns: the answer that settles what it costs, and the export.
  /// - Throws: what the database throws.
  public func exportActivities(
    _ query: ActivityExportQuery, reach: ActivityReach, _ mutation: Mutation, viewerID: String?,
    finished: @escaping @Sendable () -> Void
  ) async throws -> (answer: MutationAnswer, export: ActivityExport) {
    let tenantID = mutation.caller.tenantID
    let upTo = try activityPlace(tenantID: tenantID).seq
    let manifest = ArchiveManifest(
      tenantID: tenantID, createdAt: time.now(),
      isWhole: query.filter.givenNames.isEmpty && reach == .tenant, filter: query.given,
      upTo: upTo)
    let details = JSONObject([
      ("format", .string(query.format.rawValue)),
      ("filters", .array(query.filter.givenNames.map { .string($0) })),
      ("upTo", .integer(upTo)), ("whole", .bool(manifest.isWhole)),
    ])
    let answer = try await note(mutation, details)
    var completion = mutation
    completion.operation = "\(mutation.operation).completed"
    completion.creditUnits = 0
    let export = ActivityExport(
      database, query, tenantID: tenantID, reach: reach,
      columns: ExportColumns(seenBy: viewerID, in: catalog), manifest: manifest,
      finished: finished
    ) { [self, completion] manifest in
      _ = try await note(
        completion,
        JSONObject([
          ("rows", .integer(manifest.rows)),
          ("firstSeq", manifest.firstSeq.map { .integer($0) } ?? .null),
          ("lastSeq", manifest.lastSeq.map { .integer($0) } ?? .null),
          ("lastHash", manifest.lastHash.map(JSONValue.string) ?? .null),
          ("withheld", .integer(manifest.withheld)),
        ]))
    }
    return (answer, export)
  }

  /// The newest entry of a tenant.
  public func activityPlace(tenantID: String) throws -> ActivityPlace {
    try database.read { connection in
      try connection.first(
        "SELECT seq, head FROM activity_chains WHERE tenant_id = ?", [.text(tenantID)]
      ) { ActivityPlace(seq: $0.integer(0) ?? 0, head: $0.blob(1) ?? []) } ?? ActivityPlace()
    }
  }

  /// Logs what was done with the log itself.
  func note(_ mutation: Mutation, _ details: JSONObject) async throws -> MutationAnswer {
    try await execute(mutation) { _, _ in
      MutationOutcome(
        status: 200, entityType: "activity", entityID: mutation.caller.tenantID,
        data: JSONValue.object(details).bytes, metadata: details)
    }
  }
}
