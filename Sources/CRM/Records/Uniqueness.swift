internal import HTTP
internal import JSON
internal import SQLite

/// Finds the record that already has what must be unique.
enum Uniqueness {
  /// Runs a write and turns the violation of a unique index into 409 `duplicate`.
  static func mapping<Result>(
    _ record: Record, caller: Caller, in connection: borrowing Connection,
    _ write: () throws(SQLiteError) -> Result
  ) throws -> Result {
    do {
      return try write()
    } catch let error where error.isUniqueViolation {
      // The index has spoken; looking again tells which member it was.
      try check(record, before: nil, caller: caller, in: connection)
      throw error
    }
  }

  /// - Throws: 409 `duplicate` naming the member and, when the caller may read it, the record that
  ///   has the value.
  static func check(
    _ record: Record, before: Record?, caller: Caller, in connection: borrowing Connection
  ) throws {
    let resource = record.resource
    for (place, field) in resource.fields.enumerated() where field.isUnique {
      guard record.values[place] != .null, before?.values[place] != record.values[place] else {
        continue
      }
      let value =
        field.isFolded ? FieldCodec.folded(record.values[place], field) : record.values[place]
      let found = try connection.first(
        """
        SELECT \(resource.columns) FROM \(resource.description.table) AS t
        WHERE t.tenant_id = ? AND t.\(field.comparedColumn) = ? AND t.deleted_at IS NULL
          AND t.id <> ?
        """,
        [record["tenantId"], value, record["id"]]
      ) { Record(resource, row: $0) }
      guard let found else { continue }
      var members = JSONObject()
      if caller.scope(resource.description.operation("read"))?.contains(found) == true {
        members["existingId"] = .string(found.id)
      }
      throw Problem(
        .duplicate, "Another \(resource.description.entityType) has this \(field.name).",
        issues: [
          .init(
            pointer: "/\(field.name)", code: "duplicate",
            detail: "\(field.name) must be unique")
        ], members: members)
    }
  }
}
