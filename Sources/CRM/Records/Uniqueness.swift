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
      let other = field.uniqueWithin.map { record[$0] }
      let otherBefore = field.uniqueWithin.flatMap { before?[$0] }
      guard record.values[place] != .null,
        before?.values[place] != record.values[place] || otherBefore != other
      else { continue }
      let value =
        field.isFolded ? FieldCodec.folded(record.values[place], field) : record.values[place]
      let within =
        field.uniqueWithin.flatMap(resource.field).map { " AND t.\($0.column) = ?" } ?? ""
      let found = try connection.first(
        """
        SELECT \(resource.columns) FROM \(resource.description.table) AS t
        WHERE t.tenant_id = ? AND t.\(field.comparedColumn) = ? AND t.deleted_at IS NULL
          AND t.id <> ?\(within)
        """,
        [record["tenantId"], value, record["id"]] + [other].compactMap { $0 }
      ) { Record(resource, row: $0) }
      guard let found else { continue }
      var members = JSONObject()
      if caller.scope(resource.description.operation("read"))?.contains(found) == true {
        members["existingId"] = .string(found.id)
      }
      throw Problem.duplicate(resource.description.entityType, field, members: members)
    }
  }
}

extension Problem {
  /// 409 for a value that another record has.
  static func duplicate(
    _ entityType: String, _ field: Field, members: JSONObject = JSONObject()
  ) -> Problem {
    Problem(
      .duplicate, "Another \(entityType) has this \(field.name).",
      issues: [
        .init(
          pointer: "/\(field.name)", code: "duplicate", detail: "\(field.name) must be unique")
      ], members: members)
  }
}
