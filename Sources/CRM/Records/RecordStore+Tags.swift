internal import Database
public import HTTP
internal import JSON
internal import SQLite
internal import Values

/// What is done to the tags of a record; they compare without case and accents.
public enum TagChange: Sendable {
  /// Those that are not there yet are added.
  case adding([String])
  /// Those that are there are taken away.
  case removing([String])

  func applied(to tags: [String]) -> [String] {
    switch self {
    case .adding(let added):
      let known = Set(tags.map(Folding.fold))
      return tags + added.filter { !known.contains(Folding.fold($0)) }
    case .removing(let removed):
      let gone = Set(removed.map(Folding.fold))
      return tags.filter { !gone.contains(Folding.fold($0)) }
    }
  }
}

extension RecordBody {
  /// The tags of a body that holds nothing else.
  ///
  /// - Throws: 422 `validation_failed`.
  public func tags() throws(Problem) -> [String] {
    let unknown = members.names.filter { $0 != "tags" }
    guard unknown.isEmpty else {
      throw Self.validation(unknown.map { Self.unknownMember($0, under: pointer) })
    }
    guard let tags = members["tags"] else {
      throw Self.validation([
        .init(pointer: "\(pointer)/tags", code: "required", detail: "the member is missing")
      ])
    }
    do {
      return try StructuredField.tags(tags).array?.compactMap(\.string) ?? []
    } catch {
      throw Self.validation([
        .init(pointer: "\(pointer)/tags", code: error.code, detail: error.detail)
      ])
    }
  }
}

extension RecordStore {
  /// A change of one record's tags, and of nothing else in it.
  public func prepare(_ change: TagChange, _ resource: Resource, id: String, _ mutation: Mutation)
    -> PreparedChange
  {
    PreparedChange(mutation: mutation, entityID: id) { connection, now, mutation in
      let update = try self.update(change, resource, id, mutation, in: connection)
      _ = try self.plan(
        update, resource, id: id, below: nil, mutation, at: now, in: connection)
    } run: { connection, now, mutation in
      let update = try self.update(change, resource, id, mutation, in: connection)
      return try self.update(update, resource, id: id, mutation, at: now, in: connection)
    }
  }

  /// The update that leaves the record with its new tags.
  private func update(
    _ change: TagChange, _ resource: Resource, _ id: String, _ mutation: Mutation,
    in connection: borrowing Connection
  ) throws(SQLiteError) -> Update {
    let column = try connection.first(
      """
      SELECT t.tags FROM \(resource.description.table) AS t
      WHERE t.tenant_id = ? AND t.id = ? AND t.deleted_at IS NULL
      """, [.text(mutation.caller.tenantID), .text(id)]
    ) { $0.text(0) ?? "[]" }
    // Of a record that is not there the update itself will say so.
    let tags = change.applied(to: RecordTags.tags(column ?? "[]"))
    return .merge(
      RecordBody(members: JSONObject([("tags", .array(tags.map(JSONValue.string)))])))
  }

  /// The tags of the live records that `scope` reaches: `{"data": [{"tag","count"}]}`, the most
  /// frequent first.
  ///
  /// Spellings that differ in case and accents alone are one tag.
  ///
  /// - Throws: what the database throws.
  public func tags(of resource: Resource, tenantID: String, scope: RecordScope) throws -> [UInt8] {
    var tags = SQLFragment("SELECT min(tag), count(*) FROM (")
    if scope.isUnlimited(resource) {
      tags.append(
        SQLFragment(
          """
          SELECT g.tag AS tag, g.tag_folded AS folded FROM record_tags AS g
          WHERE g.tenant_id = ? AND g.entity_type = ?
          """, [.text(tenantID), .text(resource.description.entityType)]))
    } else {
      tags.append(
        SQLFragment("SELECT j.value AS tag, fold(j.value) AS folded FROM ("))
      tags.append(reached(resource, tenantID: tenantID, scope: scope))
      tags.append(SQLFragment(") AS k CROSS JOIN json_each(k.tags) AS j"))
    }
    tags.append(
      SQLFragment(
        ") GROUP BY folded ORDER BY count(*) DESC, folded LIMIT ?",
        [.integer(Limits.tagsListedMax)]))
    return try database.read { connection in
      var writer = JSONWriter(capacity: 4096)
      writer.beginObject()
      writer.name("data")
      writer.beginArray()
      try connection.forEachRow(tags.sql, tags.values) { row throws(SQLiteError) in
        writer.beginObject()
        writer.member("tag", row.text(0))
        writer.member("count", .integer(row.integer(1) ?? 0))
        writer.endObject()
      }
      writer.endArray()
      writer.endObject()
      return writer.bytes
    }
  }

  /// The tags of every live record that a grant reaches, each record once.
  private func reached(_ resource: Resource, tenantID: String, scope: RecordScope) -> SQLFragment {
    let branches = scope.branches(resource) ?? [scope.predicate(resource)]
    var reached = SQLFragment("")
    for (index, branch) in branches.enumerated() {
      reached.append(
        SQLFragment(
          """
          \(index == 0 ? "" : " UNION ")SELECT t.id AS id, t.tags AS tags
          FROM \(resource.description.table) AS t
          WHERE t.tenant_id = ? AND t.deleted_at IS NULL AND t.tags <> '[]'
          """, [.text(tenantID)]))
      reached.append(branch)
    }
    return reached
  }
}
