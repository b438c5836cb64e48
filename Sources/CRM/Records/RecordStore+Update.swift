internal import Database
public import HTTP
internal import JSON
internal import SQLite
public import Values

extension RecordStore {
  /// What is to be done to one record that exists.
  public enum Update: Sendable {
    /// PUT.
    case replace(RecordBody)
    /// PATCH.
    case merge(RecordBody)
    /// DELETE: into the trash.
    case trash
    /// Out of the trash.
    case restore
    /// Gone for good.
    case purge
    /// Gone for good, if it has been in the trash since before the given moment.
    case expire(before: Timestamp)
  }

  /// A change of one record, which is read, checked and written inside the writer's transaction.
  ///
  /// - Parameters:
  ///   - parent: What the record must hang from; nil where that is all the same.
  public func prepare(
    _ update: Update, _ resource: Resource, id: String, below parent: ParentReference? = nil,
    _ mutation: Mutation
  ) -> PreparedChange {
    PreparedChange(mutation: mutation, entityID: id) { connection, now, mutation in
      _ = try self.plan(
        update, resource, id: id, below: parent, mutation, at: now, in: connection)
    } run: { connection, now, mutation in
      try self.update(
        update, resource, id: id, below: parent, mutation, at: now, in: connection)
    }
  }

  /// Changes one record.
  ///
  /// - Throws: ``HTTP/Problem`` 402, 403, 404, 409, 412, 422; what the database throws.
  func update(
    _ update: Update, _ resource: Resource, id: String, below parent: ParentReference? = nil,
    _ mutation: Mutation, at now: Timestamp, in connection: borrowing Connection
  ) throws -> MutationOutcome {
    let plan = try plan(
      update, resource, id: id, below: parent, mutation, at: now, in: connection)
    switch update {
    case .replace, .merge:
      return try write(plan, mutation, at: now, in: connection)
    case .trash, .restore:
      return try move(plan, toTrash: update.isTrash, mutation, at: now, in: connection)
    case .purge, .expire:
      return try purge(plan.before, mutation, at: now, in: connection)
    }
  }

  /// A record as it is and as it shall be.
  struct Plan {
    let before: Record
    var after: Record
  }

  func plan(
    _ update: Update, _ resource: Resource, id: String, below parent: ParentReference?,
    _ mutation: Mutation, at now: Timestamp, in connection: borrowing Connection
  ) throws -> Plan {
    let before = try load(update, resource, id: id, mutation, in: connection)
    try parent?.check(before, mutation.caller, catalog: catalog, in: connection)
    try VersionMismatch.check(before, update, mutation)
    var plan = Plan(before: before, after: before)
    func changed(_ body: RecordBody, _ change: RecordValidation.Change) throws -> Record {
      try RecordValidation.changed(
        before, body, change, caller: mutation.caller,
        customFields: definitions.definitions(of: mutation.caller.tenantID, in: connection),
        at: now)
    }
    switch update {
    case .replace(let body):
      plan.after = try changed(body, .replace)
    case .merge(let body):
      plan.after = try changed(body, .merge)
    case .restore:
      try Uniqueness.check(before, before: nil, caller: mutation.caller, in: connection)
      try checkParentLives(of: before, in: connection)
    case .trash, .purge, .expire:
      try resource.description.specialty.guardRemoval?(before, connection)
    }
    if update.writes {
      try resource.description.specialty.resolve?(
        &plan.after, before, context(mutation, at: now), connection)
    }
    try References.check(
      plan.after, before: before, at: update.pointer, caller: mutation.caller, catalog: catalog,
      in: connection)
    switch update {
    case .replace, .merge:
      try PlanUsage.check(from: before, to: plan.after, mutation, in: connection)
    case .restore:
      try PlanUsage.check(from: nil, to: before, mutation, in: connection)
    case .trash, .purge, .expire:
      break
    }
    return plan
  }

  /// The stored record; 404 when the caller may not even read it, 403 when reading is all.
  func load(
    _ update: Update, _ resource: Resource, id: String, _ mutation: Mutation,
    in connection: borrowing Connection
  ) throws -> Record {
    let state =
      switch update {
      case .replace, .merge, .trash: SQLFragment(" AND t.deleted_at IS NULL")
      case .restore: SQLFragment(" AND t.deleted_at IS NOT NULL")
      case .purge: SQLFragment("")
      case .expire(let moment): SQLFragment(" AND t.deleted_at < ?", [.text(moment.rfc3339)])
      }
    let record = try connection.first(
      """
      SELECT \(resource.columns) FROM \(resource.description.table) AS t
      WHERE t.tenant_id = ? AND t.id = ?\(state.sql)
      """,
      [.text(mutation.caller.tenantID), .text(id)] + state.values
    ) { Record(resource, row: $0) }
    guard let record else { throw Problem.notFound(resource.description.entityType) }
    guard !mutation.scope.contains(record) else { return record }
    let readable = mutation.caller.scope(resource.description.operation("read"))
    guard readable?.contains(record) == true else {
      throw Problem.notFound(resource.description.entityType)
    }
    throw Problem.insufficientPermissions(mutation.permission)
  }

  /// Writes the columns that changed, and only those.
  func write(
    _ plan: Plan, _ mutation: Mutation, at now: Timestamp, in connection: borrowing Connection
  ) throws -> MutationOutcome {
    let resource = plan.before.resource
    let changed = resource.fields.indices.filter {
      plan.before.values[$0] != plan.after.values[$0]
    }
    var changes = JSONObject()
    var assignments: [String] = []
    var values: [SQLiteValue] = []
    for place in changed {
      let field = resource.fields[place]
      changes[field.name] = .object(
        JSONObject([("from", plan.before.json(at: place)), ("to", plan.after.json(at: place))]))
      assignments.append("\(field.column) = ?")
      values.append(plan.after.values[place])
      if field.isFolded {
        assignments.append("\(field.comparedColumn) = ?")
        values.append(FieldCodec.folded(plan.after.values[place], field))
      }
    }
    var after = plan.after
    if !changed.isEmpty {
      after["version"] = .integer(plan.before.version + 1)
      after["updatedAt"] = .text(now.rfc3339)
      assignments += ["version = ?", "updated_at = ?"]
      values += [after["version"], after["updatedAt"]]
      let sql = """
        UPDATE \(resource.description.table) SET \(assignments.joined(separator: ", "))
        WHERE tenant_id = ? AND id = ?
        """
      _ = try Uniqueness.mapping(after, caller: mutation.caller, in: connection) {
        () throws(SQLiteError) in
        try connection.run(sql, values + [after["tenantId"], after["id"]])
      }
      try resource.description.specialty.follow?(
        after, plan.before, context(mutation, at: now), connection)
      try Consequences.note(from: plan.before, to: after, in: connection)
      try ChangeLog.append(
        "update", after, before: plan.before, by: mutation.caller.userID, at: now,
        in: connection)
    }
    // Others may read the log.
    let isPrivate = plan.before.privateTo != nil || after.privateTo != nil
    return MutationOutcome(
      status: 200, entityType: resource.description.entityType, entityID: after.id,
      data: after.encoded, version: after.version,
      metadata: JSONObject([isPrivate ? ("private", true) : ("changes", .object(changes))]))
  }
}

extension RecordStore.Update {
  /// The body, where it has one.
  var body: RecordBody? {
    switch self {
    case .replace(let body), .merge(let body): body
    default: nil
    }
  }

  /// Where the record's members stand in the body.
  fileprivate var pointer: String { body?.pointer ?? "" }

  /// Whether members of the record change.
  fileprivate var writes: Bool {
    switch self {
    case .replace, .merge: true
    default: false
    }
  }

  fileprivate var isTrash: Bool {
    if case .trash = self { true } else { false }
  }
}

extension Problem {
  /// 404 for a record that does not exist, or that the caller must not know of.
  static func notFound(_ entityType: String) -> Problem {
    Problem(.notFound, "There is no such \(entityType).")
  }

  /// 403 with the permission that is missing.
  public static func insufficientPermissions(_ permission: String) -> Problem {
    Problem(
      .insufficientPermissions, "Insufficient permissions",
      members: JSONObject([("requiredPermission", .string(permission))]))
  }
}
