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

  /// Finds out whether `update` would be refused, without writing.
  ///
  /// - Throws: the same as ``update(_:_:id:_:)``.
  public func check(_ update: Update, _ resource: Resource, id: String, _ mutation: Mutation)
    throws
  {
    try database.read { connection in
      _ = try plan(update, resource, id: id, mutation, in: connection)
    }
  }

  /// Changes one record: reads, checks and writes inside the writer's transaction.
  ///
  /// - Throws: ``HTTP/Problem`` 402, 403, 404, 409, 412, 422; what the database throws.
  public func update(
    _ update: Update, _ resource: Resource, id: String, _ mutation: Mutation
  ) async throws -> MutationAnswer {
    try await execute(mutation) { [self] connection, now in
      let plan = try plan(update, resource, id: id, mutation, in: connection)
      switch update {
      case .replace, .merge:
        return try write(plan, mutation, at: now, in: connection)
      case .trash, .restore:
        return try move(plan, toTrash: update.isTrash, mutation, at: now, in: connection)
      case .purge, .expire:
        return try purge(plan.before, mutation, at: now, in: connection)
      }
    }
  }

  /// A record as it is and as it shall be.
  private struct Plan {
    let before: Record
    var after: Record
  }

  private func plan(
    _ update: Update, _ resource: Resource, id: String, _ mutation: Mutation,
    in connection: borrowing Connection
  ) throws -> Plan {
    let before = try load(update, resource, id: id, mutation, in: connection)
    if let allowed = mutation.precondition, !allowed.allows(before.version) {
      throw Problem.versionMismatch(current: before)
    }
    var plan = Plan(before: before, after: before)
    switch update {
    case .replace(let body):
      plan.after = try RecordValidation.changed(before, body, .replace, caller: mutation.caller)
    case .merge(let body):
      plan.after = try RecordValidation.changed(before, body, .merge, caller: mutation.caller)
    case .restore:
      try Uniqueness.check(before, before: nil, caller: mutation.caller, in: connection)
    case .trash, .purge, .expire:
      break
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
  private func load(
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
  private func write(
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
      try PlanUsage.note(
        from: plan.before, to: after, tenantID: mutation.caller.tenantID, in: connection)
      if changed.contains(where: {
        resource.fields[$0].isSearchable || resource.fields[$0].type == .tags
      }) {
        try SearchDocument(after).replace(for: after, in: connection)
      }
      try ChangeLog.append(
        "update", after, before: plan.before, by: mutation.caller.userID, at: now,
        in: connection)
    }
    return MutationOutcome(
      status: 200, entityType: resource.description.entityType, entityID: after.id,
      data: after.encoded, version: after.version,
      metadata: JSONObject([("changes", .object(changes))]))
  }

  /// Moves a record into the trash or out of it.
  private func move(
    _ plan: Plan, toTrash: Bool, _ mutation: Mutation, at now: Timestamp,
    in connection: borrowing Connection
  ) throws -> MutationOutcome {
    var record = plan.after
    record["version"] = .integer(plan.before.version + 1)
    record["updatedAt"] = .text(now.rfc3339)
    let resource = record.resource
    let sql = """
      UPDATE \(resource.description.table) SET deleted_at = ?, version = ?, updated_at = ?
      WHERE tenant_id = ? AND id = ?
      """
    let values = [
      toTrash ? record["updatedAt"] : .null, record["version"], record["updatedAt"],
      record["tenantId"], record["id"],
    ]
    _ = try Uniqueness.mapping(record, caller: mutation.caller, in: connection) {
      () throws(SQLiteError) in try connection.run(sql, values)
    }
    try PlanUsage.note(
      from: toTrash ? record : nil, to: toTrash ? nil : record,
      tenantID: mutation.caller.tenantID, in: connection)
    if toTrash {
      try SearchDocument.remove(for: record, in: connection)
    } else {
      try SearchDocument(record).insert(for: record, in: connection)
    }
    try ChangeLog.append(
      toTrash ? "delete" : "restore", record, before: plan.before, by: mutation.caller.userID,
      at: now, in: connection)
    return MutationOutcome(
      status: 200, entityType: resource.description.entityType, entityID: record.id,
      data: record.encoded, version: record.version)
  }

  /// Removes a record for good.
  ///
  /// Records that refer to it lose the link.
  func purge(
    _ record: Record, _ mutation: Mutation, at now: Timestamp, in connection: borrowing Connection
  ) throws -> MutationOutcome {
    let resource = record.resource
    let further = try clearReferences(to: record, mutation, at: now, in: connection)
    if try PlanUsage.isLive(record, in: connection) {
      try PlanUsage.note(
        from: record, to: nil, tenantID: mutation.caller.tenantID, in: connection)
    }
    try SearchDocument.remove(for: record, in: connection)
    try connection.run(
      "DELETE FROM \(resource.description.table) WHERE tenant_id = ? AND id = ?",
      [record["tenantId"], record["id"]])
    try ChangeLog.append(
      "purge", record, before: record, by: mutation.caller.userID, at: now, in: connection)
    return MutationOutcome(
      status: 200, entityType: resource.description.entityType, entityID: record.id,
      data: JSONValue.object(JSONObject([("id", .string(record.id))])).bytes, further: further)
  }

  /// Sets to null what refers to a record that is about to go.
  private func clearReferences(
    to record: Record, _ mutation: Mutation, at now: Timestamp,
    in connection: borrowing Connection
  ) throws -> [MutationOutcome.FurtherChange] {
    var further: [MutationOutcome.FurtherChange] = []
    for reference in catalog.references(to: record.resource.description.entityType) {
      let other = reference.resource.description
      let key: [SQLiteValue] = [record["tenantId"], record["id"]]
      let changed = try connection.all(
        """
        UPDATE \(other.table)
        SET \(reference.field.column) = NULL, version = version + 1, updated_at = ?
        WHERE tenant_id = ? AND \(reference.field.column) = ?
        RETURNING \(reference.resource.fields.map(\.column).joined(separator: ", "))
        """, [.text(now.rfc3339)] + key
      ) { Record(reference.resource, row: $0) }
      for after in changed {
        try ChangeLog.append(
          "update", after, before: after, by: mutation.caller.userID, at: now, in: connection)
        further.append(
          .init(
            operation: other.operation("update"), entityType: other.entityType,
            entityID: after.id,
            changes: JSONObject([
              (reference.field.name, ["from": .string(record.id), "to": nil])
            ])))
      }
    }
    return further
  }
}

extension RecordStore.Update {
  /// Where the record's members stand in the body.
  fileprivate var pointer: String {
    switch self {
    case .replace(let body), .merge(let body): body.pointer
    default: ""
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
