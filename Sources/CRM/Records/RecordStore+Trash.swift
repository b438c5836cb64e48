internal import Database
internal import HTTP
internal import JSON
internal import SQLite
internal import Values

// Into the trash, out of it, and gone for good: together with all that hangs from the record.
extension RecordStore {
  /// Moves a record into the trash or out of it.
  func move(
    _ plan: Plan, toTrash: Bool, _ mutation: Mutation, at now: Timestamp,
    in connection: borrowing Connection
  ) throws -> MutationOutcome {
    let record = try place(
      plan.before, inTrash: toTrash, with: nil, mutation, at: now, in: connection)
    let resource = record.resource
    var counts = JSONObject()
    for hanging in catalog.hanging(from: resource) {
      let state = toTrash ? "t.deleted_at IS NULL" : "t.deleted_with = ?"
      let others = try connection.all(
        """
        SELECT \(hanging.columns) FROM \(hanging.description.table) AS t
        WHERE t.tenant_id = ? AND t.\(resource.linkColumn) = ? AND \(state)
        """, [record["tenantId"], record["id"]] + (toTrash ? [] : [record["id"]])
      ) { Record(hanging, row: $0) }
      for other in others {
        if !toTrash { try PlanUsage.check(from: nil, to: other, mutation, in: connection) }
        _ = try place(
          other, inTrash: toTrash, with: record, mutation, at: now, in: connection)
      }
      if !others.isEmpty { counts[hanging.description.name] = .integer(others.count) }
    }
    var metadata = JSONObject()
    if !counts.isEmpty { metadata[toTrash ? "trashed" : "restored"] = .object(counts) }
    return MutationOutcome(
      status: 200, entityType: resource.description.entityType, entityID: record.id,
      data: record.encoded, version: record.version, metadata: metadata)
  }

  /// Moves one record, alone or together with the `parent` that it hangs from.
  private func place(
    _ before: Record, inTrash isTrash: Bool, with parent: Record?, _ mutation: Mutation,
    at now: Timestamp, in connection: borrowing Connection
  ) throws -> Record {
    var record = before
    record["version"] = .integer(before.version + 1)
    record["updatedAt"] = .text(now.rfc3339)
    let description = record.resource.description
    let hangs = !description.hangsFrom.isEmpty
    let sql = """
      UPDATE \(description.table)
      SET deleted_at = ?, version = ?, updated_at = ?\(hangs ? ", deleted_with = ?" : "")
      WHERE tenant_id = ? AND id = ?
      """
    let values =
      [isTrash ? record["updatedAt"] : .null, record["version"], record["updatedAt"]]
      + (hangs ? [isTrash ? parent?["id"] ?? .null : .null] : [])
      + [record["tenantId"], record["id"]]
    _ = try Uniqueness.mapping(record, caller: mutation.caller, in: connection) {
      () throws(SQLiteError) in try connection.run(sql, values)
    }
    try Consequences.note(
      from: isTrash ? before : nil, to: isTrash ? nil : record, in: connection)
    try ChangeLog.append(
      isTrash ? "delete" : "restore", record, before: before, by: mutation.caller.userID,
      at: now, in: connection)
    return record
  }

  /// - Throws: 409 `conflict` when what the record hangs from lies in the trash itself.
  func checkParentLives(of record: Record, in connection: borrowing Connection) throws {
    guard !record.resource.description.hangsFrom.isEmpty,
      let parent = catalog.resource(entityType: record["entityType"].text ?? "")
    else { return }
    let lives = try connection.first(
      """
      SELECT 1 FROM \(parent.description.table)
      WHERE tenant_id = ? AND id = ? AND deleted_at IS NULL
      """, [record["tenantId"], record["entityId"]]
    ) { _ in true }
    guard lives == nil else { return }
    throw Problem(
      .conflict, "The \(parent.description.entityType) that it hangs from lies in the trash.")
  }

  /// Removes a record for good, with all that hangs from it.
  ///
  /// Records that refer to it lose the link.
  func purge(
    _ record: Record, _ mutation: Mutation, at now: Timestamp, in connection: borrowing Connection
  ) throws -> MutationOutcome {
    let resource = record.resource
    var counts = JSONObject()
    for hanging in catalog.hanging(from: resource) {
      let others = try connection.all(
        """
        SELECT \(hanging.columns) FROM \(hanging.description.table) AS t
        WHERE t.tenant_id = ? AND t.\(resource.linkColumn) = ?
        """, [record["tenantId"], record["id"]]
      ) { Record(hanging, row: $0) }
      for other in others { try remove(other, mutation, at: now, in: connection) }
      if !others.isEmpty { counts[hanging.description.name] = .integer(others.count) }
    }
    let further = try clearReferences(to: record, mutation, at: now, in: connection)
    try remove(record, mutation, at: now, in: connection)
    var metadata = JSONObject()
    if !counts.isEmpty { metadata["purged"] = .object(counts) }
    return MutationOutcome(
      status: 200, entityType: resource.description.entityType, entityID: record.id,
      data: JSONValue.object(JSONObject([("id", .string(record.id))])).bytes,
      metadata: metadata, further: further)
  }

  /// Removes one row, live or not, with what follows from it.
  private func remove(
    _ record: Record, _ mutation: Mutation, at now: Timestamp, in connection: borrowing Connection
  ) throws {
    let table = record.resource.description.table
    let key = [record["tenantId"], record["id"]]
    let isLive = try connection.first(
      "SELECT 1 FROM \(table) WHERE tenant_id = ? AND id = ? AND deleted_at IS NULL", key
    ) { _ in true }
    // What belongs to the row goes with it, and must be counted before.
    if isLive != nil { try Consequences.note(from: record, to: nil, in: connection) }
    try connection.run("DELETE FROM \(table) WHERE tenant_id = ? AND id = ?", key)
    if record.resource.description.hasContent { contents.notePurge() }
    try ChangeLog.append(
      "purge", record, before: record, by: mutation.caller.userID, at: now, in: connection)
  }

  /// Sets to null what refers to a record that is about to go.
  private func clearReferences(
    to record: Record, _ mutation: Mutation, at now: Timestamp,
    in connection: borrowing Connection
  ) throws -> [MutationOutcome.FurtherChange] {
    var further: [MutationOutcome.FurtherChange] = []
    let entityType = record.resource.description.entityType
    for reference in catalog.references(to: entityType) {
      let other = reference.resource.description
      let column = reference.field.column
      let isEntity = reference.field.type == .entity
      let changed = try connection.all(
        """
        UPDATE \(other.table)
        SET \(column) = NULL,\(isEntity ? " entity_type = NULL," : "") version = version + 1,
          updated_at = ?
        WHERE tenant_id = ? AND \(isEntity ? record.resource.linkColumn : column) = ?
        RETURNING \(reference.resource.fields.map(\.column).joined(separator: ", "))
        """, [.text(now.rfc3339), record["tenantId"], record["id"]]
      ) { Record(reference.resource, row: $0) }
      for after in changed {
        try ChangeLog.append(
          "update", after, before: after, by: mutation.caller.userID, at: now, in: connection)
        var changes = JSONObject([
          (reference.field.name, ["from": .string(record.id), "to": nil])
        ])
        if isEntity { changes["entityType"] = ["from": .string(entityType), "to": nil] }
        further.append(
          .init(
            operation: other.operation("update"), entityType: other.entityType,
            entityID: after.id, metadata: JSONObject([("changes", .object(changes))]),
            version: after.version))
      }
    }
    return further
  }
}
