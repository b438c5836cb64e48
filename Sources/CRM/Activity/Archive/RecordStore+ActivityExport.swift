internal import Database
internal import HTTP
public import JSON
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
    let id = try JSONParser.parse(answer.body)["activityId"]?.string ?? ""
    let export = ActivityExport(
      database, query, id: id, tenantID: tenantID, reach: reach,
      columns: ExportColumns(seenBy: viewerID, in: catalog), manifest: manifest,
      finished: finished
    ) { [self, completion] manifest in
      // The manifest, but for the values of filters, which may tell of persons.
      var details = manifest.json.object ?? JSONObject()
      details["filter"] = nil
      details["export"] = .string(id)
      _ = try await note(completion, details)
    }
    return (answer, export)
  }

  /// What was handed out by the export that the entry `id` tells of, but for its filter; nil until
  /// it is complete.
  ///
  /// - Throws: what the database throws.
  public func exportManifest(_ id: String, tenantID: String) throws -> JSONObject? {
    let completed = try database.read { connection in
      try connection.all(
        """
        SELECT a.metadata FROM crm_activities AS a
        WHERE a.tenant_id = ? AND a.operation = ?
        ORDER BY a.timestamp DESC, a.seq DESC LIMIT ?
        """,
        [
          .text(tenantID), .text("\(Self.activityExportOperation).completed"),
          .integer(Self.exportsLookedAt),
        ]
      ) { $0.text(0) ?? "" }
    }
    for text in completed {
      var details = try JSONParser.parse(text).object ?? JSONObject()
      guard details["export"] == .string(id) else { continue }
      details["export"] = nil
      return details
    }
    return nil
  }

  /// Among how many of the newest exports one is looked for.
  private static let exportsLookedAt: Int64 = 100

  /// The tenants that have a log, for who holds the file.
  ///
  /// - Throws: what the database throws.
  public func activityTenants() throws -> [String] {
    try database.read { connection in
      try connection.all("SELECT tenant_id FROM activity_chains ORDER BY tenant_id") {
        $0.text(0) ?? ""
      }
    }
  }

  /// The newest entry of a tenant.
  public func activityPlace(tenantID: String) throws -> ActivityPlace {
    try database.read { connection in
      try ActivityPlace(of: tenantID, in: connection)
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
