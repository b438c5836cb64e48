internal import Database
public import HTTP
internal import JSON
internal import SQLite
internal import Values

extension RecordStore {
  /// Checks everything about a new record that needs no database.
  ///
  /// - Throws: 422 `validation_failed`.
  public func prepareCreate(_ resource: Resource, _ body: RecordBody, caller: Caller)
    throws(Problem) -> PreparedRecord
  {
    let now = time.now()
    let id = UUIDv7.make(at: now, random: random)
    let record = try RecordValidation.created(
      resource, body, caller: caller, id: id, at: now)
    return PreparedRecord(
      record: record, data: record.encoded, metadata: Self.createMetadata(record),
      document: SearchDocument(record), pointer: body.pointer)
  }

  /// Checks what only the database knows, without writing: for a request that will be refused
  /// anyway, so that it hears of its own faults first.
  ///
  /// - Throws: 422 for a reference to nothing, 409 `duplicate`, 402 `plan_limit_exceeded`.
  public func checkCreate(_ prepared: PreparedRecord, _ mutation: Mutation) throws {
    try database.read { connection in
      try References.check(
        prepared.record, before: nil, at: prepared.pointer, caller: mutation.caller,
        catalog: catalog, in: connection)
      try Uniqueness.check(
        prepared.record, before: nil, caller: mutation.caller, in: connection)
      try PlanUsage.check(from: nil, to: prepared.record, mutation, in: connection)
    }
  }

  /// Creates a record: 201 with `Location`.
  ///
  /// - Throws: ``HTTP/Problem`` 402 `plan_limit_exceeded`, 409 `duplicate`, 422; what the database
  ///   throws.
  public func create(_ prepared: PreparedRecord, _ mutation: Mutation) async throws
    -> MutationAnswer
  {
    try await execute(mutation) { [catalog] connection, now in
      let record = prepared.record
      let resource = record.resource
      try References.check(
        record, before: nil, at: prepared.pointer, caller: mutation.caller, catalog: catalog,
        in: connection)
      do {
        try PlanUsage.check(from: nil, to: record, mutation, in: connection)
      } catch {
        // The request's own faults are told first.
        try Uniqueness.check(record, before: nil, caller: mutation.caller, in: connection)
        throw error
      }
      _ = try Uniqueness.mapping(record, caller: mutation.caller, in: connection) {
        () throws(SQLiteError) in
        try connection.run(resource.insertSQL, record.values + record.foldedValues)
      }
      try PlanUsage.note(
        from: nil, to: record, tenantID: mutation.caller.tenantID, in: connection)
      try prepared.document.insert(for: record, in: connection)
      try ChangeLog.append(
        "create", record, before: nil, by: mutation.caller.userID, at: now, in: connection)
      return MutationOutcome(
        status: 201, entityType: resource.description.entityType, entityID: record.id,
        data: prepared.data, version: 1,
        location: "\(resource.description.paths[0])/\(record.id)",
        metadata: prepared.metadata, idMember: resource.description.createdIDMember)
    }
  }

  /// `changes` with `to` only, and what the resource repeats beside it.
  private static func createMetadata(_ record: Record) -> JSONObject {
    // Beside these there are the changes, and may be a reason, who acted, and being offline.
    var metadata = JSONObject()
    metadata.reserveCapacity(record.resource.description.activityMembers.count + 4)
    for member in record.resource.description.activityMembers {
      metadata[member.metadata] = record.json(at: record.resource.commonPlace(member.field))
    }
    var changes = JSONObject()
    changes.reserveCapacity(record.resource.fields.count)
    for (place, field) in record.resource.fields.enumerated()
    where field.access == .client && record.values[place] != FieldCodec.empty(field) {
      var change = JSONObject()
      change.append(unique: "to", record.json(at: place))
      changes.append(unique: field.name, .object(change))
    }
    metadata["changes"] = .object(changes)
    return metadata
  }
}

/// A new record that has passed every check which needs no database.
public struct PreparedRecord: Sendable {
  let record: Record
  /// The record, JSON.
  let data: [UInt8]
  /// The metadata of the entry that tells of it.
  let metadata: JSONObject
  let document: SearchDocument
  /// Where its members stand in the body.
  let pointer: String

  /// The id it will have.
  public var id: String { record.id }
}
