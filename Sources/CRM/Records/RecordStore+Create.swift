internal import Database
internal import HTTP
internal import JSON
internal import SQLite
internal import Values

extension RecordStore {
  /// A record that is about to be created, checked as far as that needs no database.
  ///
  /// - Throws: 422 `validation_failed`; what the database throws.
  public func prepareCreate(_ resource: Resource, _ body: RecordBody, _ mutation: Mutation)
    throws -> PreparedChange
  {
    prepareCreate(try prepareRecord(resource, body, caller: mutation.caller), mutation)
  }

  /// The creation of a record that has passed these checks.
  func prepareCreate(_ prepared: PreparedRecord, _ mutation: Mutation) -> PreparedChange {
    PreparedChange(mutation: mutation, entityID: prepared.id) { connection, now, mutation in
      let prepared = try self.renewed(prepared, mutation, in: connection)
      let record = try self.resolved(prepared, mutation, at: now, in: connection)
      try self.check(record, prepared, mutation, in: connection)
      try Uniqueness.check(record, before: nil, caller: mutation.caller, in: connection)
    } run: { connection, now, mutation in
      try self.create(prepared, mutation, at: now, in: connection)
    }
  }

  /// Checks everything about a new record that needs no other records.
  ///
  /// - Parameter serverSet: Members that no client sets, by name.
  func prepareRecord(
    _ resource: Resource, _ body: RecordBody, caller: Caller,
    serverSet: [String: SQLiteValue] = [:]
  ) throws -> PreparedRecord {
    let now = time.now()
    let id = UUIDv7.make(at: now, random: random)
    func prepared(by customFields: CustomFieldSet) throws(Problem) -> PreparedRecord {
      let record = try RecordValidation.created(
        resource, body, caller: caller, id: id, customFields: customFields, at: now,
        serverSet: serverSet)
      return PreparedRecord(
        record: record, body: body, customFields: customFields.state, serverSet: serverSet)
    }
    let tenantID = caller.tenantID
    guard let remembered = definitions.remembered(tenantID) else {
      return try prepared(by: customFields(of: tenantID))
    }
    do {
      // Whether they still hold is found out in the transaction, for every record.
      return try prepared(by: remembered)
    } catch {
      // A refusal ends here, so it must rest on what holds.
      let current = try customFields(of: tenantID)
      guard current.state != remembered.state else { throw error }
      return try prepared(by: current)
    }
  }

  /// The same record by the definitions of custom fields that hold now, where those have changed
  /// since it was prepared.
  private func renewed(
    _ prepared: PreparedRecord, _ mutation: Mutation, in connection: borrowing Connection
  ) throws -> PreparedRecord {
    let tenantID = mutation.caller.tenantID
    let state = try CustomFieldSet.state(of: tenantID, in: connection)
    guard state != prepared.customFields else { return prepared }
    let record = try RecordValidation.created(
      prepared.record.resource, prepared.body, caller: mutation.caller, id: prepared.id,
      customFields: definitions.definitions(of: tenantID, in: connection), at: time.now(),
      serverSet: prepared.serverSet)
    return PreparedRecord(
      record: record, body: prepared.body, customFields: state, serverSet: prepared.serverSet)
  }

  /// Creates a record: 201 with `Location`.
  ///
  /// - Throws: ``HTTP/Problem`` 402 `plan_limit_exceeded`, 409 `duplicate`, 422; what the database
  ///   throws.
  func create(
    _ prepared: PreparedRecord, _ mutation: Mutation, at now: Timestamp,
    in connection: borrowing Connection
  ) throws -> MutationOutcome {
    var prepared = try renewed(prepared, mutation, in: connection)
    let record = try resolved(prepared, mutation, at: now, in: connection)
    let resource = record.resource
    if resource.isResolved {
      prepared = PreparedRecord(
        record: record, body: prepared.body, customFields: prepared.customFields,
        serverSet: prepared.serverSet)
    }
    do {
      try check(record, prepared, mutation, in: connection)
    } catch let problem as Problem where problem.code == .planLimitExceeded {
      // The request's own faults are told first.
      try Uniqueness.check(record, before: nil, caller: mutation.caller, in: connection)
      throw problem
    }
    _ = try Uniqueness.mapping(record, caller: mutation.caller, in: connection) {
      () throws(SQLiteError) in
      try connection.run(resource.insertSQL, record.values + record.foldedValues)
    }
    try resource.description.specialty.follow?(
      record, nil, context(mutation, at: now), connection)
    try Consequences.note(from: nil, to: record, document: prepared.document, in: connection)
    try ChangeLog.append(
      "create", record, before: nil, by: mutation.caller.userID, at: now, in: connection)
    return MutationOutcome(
      status: 201, entityType: resource.description.entityType, entityID: record.id,
      data: prepared.data, version: 1,
      location: "\(resource.description.paths[0])/\(record.id)",
      metadata: prepared.metadata, idMember: resource.description.createdIDMember)
  }

  /// The record with the members that only the database knows.
  private func resolved(
    _ prepared: PreparedRecord, _ mutation: Mutation, at now: Timestamp,
    in connection: borrowing Connection
  ) throws -> Record {
    var record = prepared.record
    try record.resource.description.specialty.resolve?(
      &record, nil, context(mutation, at: now), connection)
    return record
  }

  /// Checks references and the plan's limits.
  private func check(
    _ record: Record, _ prepared: PreparedRecord, _ mutation: Mutation,
    in connection: borrowing Connection
  ) throws {
    try References.check(
      record, before: nil, at: prepared.body.pointer, caller: mutation.caller, catalog: catalog,
      in: connection)
    try PlanUsage.check(from: nil, to: record, mutation, in: connection)
  }

  func context(_ mutation: Mutation, at now: Timestamp) -> ChangeContext {
    ChangeContext(
      caller: mutation.caller, catalog: catalog, now: now, reminders: reminderAlarm)
  }
}

/// A new record that has passed every check which needs no database, made ready to be written.
struct PreparedRecord: Sendable {
  let record: Record
  /// The record, JSON.
  let data: [UInt8]
  /// The metadata of the entry that tells of it.
  let metadata: JSONObject
  let document: SearchDocument
  /// What it was made from.
  let body: RecordBody
  /// The state of the tenant's custom fields by which it was checked.
  let customFields: Int64?
  /// Members that no client sets, by name.
  let serverSet: [String: SQLiteValue]

  var id: String { record.id }

  init(
    record: Record, body: RecordBody, customFields: Int64?, serverSet: [String: SQLiteValue]
  ) {
    self.serverSet = serverSet
    self.record = record
    self.body = body
    self.customFields = customFields
    data = record.encoded
    metadata = Self.metadata(of: record)
    document = SearchDocument(record)
  }

  /// `changes` with `to` only, and what the resource repeats beside it.
  private static func metadata(of record: Record) -> JSONObject {
    // Beside these there are the changes, and may be a reason, who acted, and being offline.
    var metadata = JSONObject()
    metadata.reserveCapacity(record.resource.description.activityMembers.count + 4)
    for member in record.resource.description.activityMembers {
      metadata[member.metadata] = record.json(at: record.resource.commonPlace(member.field))
    }
    // Others may read the log.
    guard record.privateTo == nil else { return JSONObject([("private", true)]) }
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
