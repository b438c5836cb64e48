internal import Database
internal import HTTP
internal import JSON
internal import SQLite
internal import Values

/// An entry of another application with the rights by which it is logged.
public struct PostedActivity: Sendable {
  /// The entry.
  public let draft: ActivityDraft
  /// Who logs it: the caller, or somebody for whom the caller acts.
  let mutation: Mutation

  /// An entry that `mutation` logs.
  public init(_ draft: ActivityDraft, _ mutation: Mutation) {
    self.draft = draft
    self.mutation = mutation
  }
}

extension RecordStore {
  /// Writes the entry of another application.
  ///
  /// - Parameters:
  ///   - posted: The entry.
  ///   - mutation: The caller's, with what was reserved for it.
  /// - Throws: what the database throws.
  public func post(_ posted: PostedActivity, _ mutation: Mutation) async throws -> MutationAnswer {
    try await answer(mutation.caller, mutation.idempotencyKey) { connection, now in
      let entry = self.entry(posted, mutation, receivedAt: now)
      try self.log.append(entry, in: connection)
      let columns = StoredActivity.columns(seenBy: nil, in: self.catalog)
      let data = try connection.first(
        "SELECT \(columns.sql) FROM crm_activities AS a WHERE a.id = ? AND a.tenant_id = ?",
        [.text(entry.id), .text(entry.tenantID)]
      ) { row in
        var writer = JSONWriter(capacity: 2048)
        row.appendJSONObject(StoredActivity.layout, to: &writer)
        return writer.bytes
      }
      var charged = posted.mutation
      charged.creditUnits = entry.creditUnits
      let outcome = MutationOutcome(
        status: 201, entityType: "activity", entityID: entry.id, data: data ?? [])
      return MutationAnswer(
        status: 201, body: outcome.envelope(charged, activityID: entry.id),
        location: "/api/activities/\(PercentEncoding.encode(entry.id))",
        creditUnits: entry.creditUnits)
    }
  }

  /// Writes several entries of another application: all or none.
  ///
  /// The answer is kept for its `Idempotency-Key`, so it names each entry and no more.
  ///
  /// - Parameters:
  ///   - posted: The entries in their order.
  ///   - mutation: The caller's, with what was reserved for all of them.
  /// - Throws: what the database throws.
  public func post(
    _ posted: [PostedActivity], _ mutation: Mutation
  ) async throws -> MutationAnswer {
    try await answer(mutation.caller, mutation.idempotencyKey) { connection, now in
      var writer = JSONWriter(capacity: 160 * posted.count)
      var units: Int64 = 0
      var first: String?
      writer.beginArray()
      for posted in posted {
        let entry = self.entry(posted, mutation, receivedAt: now)
        try self.log.append(entry, in: connection)
        units += entry.creditUnits
        first = first ?? entry.id
        writer.beginObject()
        writer.member("id", entry.id)
        writer.member("timestamp", entry.timestamp.rfc3339)
        writer.member("creditCost", .decimal(units: entry.creditUnits, scale: 4))
        writer.endObject()
      }
      writer.endArray()
      var charged = mutation
      charged.creditUnits = units
      var outcome = MutationOutcome(
        status: 201, entityType: "activity", entityID: first ?? "", data: writer.bytes)
      outcome.acceptedCount = posted.count
      return MutationAnswer(
        status: 201, body: outcome.envelope(charged, activityID: first ?? ""),
        creditUnits: units)
    }
  }

  private func entry(
    _ posted: PostedActivity, _ mutation: Mutation, receivedAt now: Timestamp
  ) -> ActivityEntry {
    let draft = posted.draft
    var mutation = posted.mutation.paid(as: mutation)
    mutation.operation = draft.operation
    mutation.creditUnits = mutation.unitPrice + draft.creditUnits
    let time = draft.timestamp ?? now
    var entry = entry(mutation, metadata: draft.metadata, at: time)
    entry.entityType = draft.entityType
    entry.entityID = draft.entityID
    if let sessionID = draft.sessionID { entry.sessionID = sessionID }
    entry.source = .api
    entry.receivedAt = now
    return entry
  }
}
