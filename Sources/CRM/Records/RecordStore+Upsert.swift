internal import Database
public import HTTP
internal import JSON
internal import SQLite
internal import Values

/// A member by whose value a record is found, made or replaced.
public struct UpsertKey: Sendable {
  let resource: Resource
  let field: Field
  let value: SQLiteValue

  /// The members of `resource` that can serve: unique ones, and e-mail addresses.
  public static func fields(of resource: Resource) -> [Field] {
    resource.fields.filter {
      $0.access == .client && ($0.isUnique && $0.uniqueWithin == nil || $0.type == .email)
    }
  }

  /// The key with a value as a path carries it.
  ///
  /// - Throws: 422 for a value that the member does not take.
  public init(_ resource: Resource, _ field: Field, value: String) throws(Problem) {
    self.resource = resource
    self.field = field
    do {
      self.value = try FieldCodec.value(.string(value), field)
    } catch {
      throw RecordBody.validation([
        .init(pointer: "/\(field.name)", code: error.code, detail: error.detail)
      ])
    }
  }

  /// The live record that has the value.
  ///
  /// Of a member that is not unique only records count that the caller may see.
  ///
  /// - Throws: 409 `conflict` when several have it.
  func find(_ caller: Caller, in connection: borrowing Connection) throws -> Record? {
    var predicate = SQLFragment("")
    if !field.isUnique {
      guard let scope = caller.scope(resource.description.operation("read")) else { return nil }
      predicate = scope.predicate(resource)
    }
    let compared = field.isFolded ? FieldCodec.folded(value, field) : value
    let found = try connection.all(
      """
      SELECT \(resource.columns) FROM \(resource.description.table) AS t
      WHERE t.tenant_id = ? AND t.\(field.comparedColumn) = ? AND t.deleted_at IS NULL
        \(predicate.sql) LIMIT 2
      """, [.text(caller.tenantID), compared] + predicate.values
    ) { Record(resource, row: $0) }
    guard found.count < 2 else {
      throw Problem(
        .conflict, "Several \(resource.description.name) have this \(field.name).",
        issues: [
          .init(pointer: "/\(field.name)", code: "ambiguous", detail: "several records have it")
        ])
    }
    return found.first
  }

  /// The body of a record that bears the key: `stored` is how the record writes it already.
  ///
  /// - Throws: 422 when the body names another value.
  func applied(to body: RecordBody, stored: SQLiteValue? = nil) throws(Problem) -> RecordBody {
    var body = body
    let own = stored ?? value
    try body.bear(field, own.text ?? "") { given in
      field.isFolded
        ? FieldCodec.folded(.text(given), field) == FieldCodec.folded(own, field)
        : SQLiteValue.text(given) == own
    }
    return body
  }
}

extension RecordStore {
  /// The id of the live record that a key names, of whomever it is; nil when there is none.
  ///
  /// - Throws: 409 `conflict` when several have the key; what the database throws.
  public func find(_ key: UpsertKey, for caller: Caller) throws -> String? {
    try database.read { connection in try key.find(caller, in: connection)?.id }
  }

  /// A change that replaces the record which a key names, or creates it.
  ///
  /// Which of the two it is turns out in the writer's transaction, so that two that race make one
  /// record.
  ///
  /// - Parameters:
  ///   - mutation: What is expected, by the permission's name; the other one is among its
  ///     alternatives, where it is granted.
  ///   - existingID: The record that was found when the request came.
  ///   - absence: The versions that must not be there (`If-None-Match`).
  /// - Throws: 422 `validation_failed`; what the database throws.
  public func prepareUpsert(
    _ key: UpsertKey, _ body: RecordBody, _ mutation: Mutation, existingID: String?,
    unless absence: VersionPrecondition?
  ) throws -> PreparedChange {
    let resource = key.resource
    let created = try key.applied(to: body)
    let prepared: Result<PreparedRecord, Problem>
    do {
      prepared = .success(try prepareRecord(resource, created, caller: mutation.caller))
    } catch let error as Problem {
      // Members that a record may only repeat are wrong in a new one.
      guard existingID != nil else { throw error }
      prepared = .failure(error)
    }
    let newID = if case .success(let record) = prepared { record.id } else { "" }
    return PreparedChange(mutation: mutation, entityID: existingID ?? newID) {
      connection, now, mutation in
      let change =
        switch try self.decide(key, body, prepared, mutation, unless: absence, in: connection) {
        case .create(let record, let mutation): self.prepareCreate(record, mutation)
        case .replace(let id, let body, let mutation):
          self.prepare(.replace(body), resource, id: id, mutation)
        }
      try change.check(connection, now, change.mutation)
    } run: { connection, now, mutation in
      var outcome: MutationOutcome
      switch try self.decide(key, body, prepared, mutation, unless: absence, in: connection) {
      case .create(let record, let mutation):
        outcome = try self.create(record, mutation, at: now, in: connection)
        outcome.mutation = mutation
      case .replace(let id, let body, let mutation):
        outcome = try self.update(
          .replace(body), resource, id: id, mutation, at: now, in: connection)
        outcome.mutation = mutation
      }
      return outcome
    }
  }

  /// What an upsert turned out to be.
  private enum Upsert {
    case create(PreparedRecord, Mutation)
    case replace(id: String, RecordBody, Mutation)
  }

  /// Decides by the stored records, and by what is granted.
  private func decide(
    _ key: UpsertKey, _ body: RecordBody, _ prepared: Result<PreparedRecord, Problem>,
    _ mutation: Mutation, unless absence: VersionPrecondition?,
    in connection: borrowing Connection
  ) throws -> Upsert {
    let description = key.resource.description
    guard let found = try key.find(mutation.caller, in: connection) else {
      let create = try mutation.alternative(description.operation("create"))
      guard create.precondition == nil else {
        throw Problem(
          .versionMismatch, "There is no such \(description.entityType) yet.",
          members: JSONObject([("currentVersion", .null)]))
      }
      return .create(try prepared.get(), create)
    }
    let scopes = ["read", "update"].map { mutation.caller.scope(description.operation($0)) }
    guard scopes.contains(where: { $0?.contains(found) == true }) else {
      throw Problem.duplicate(description.entityType, key.field)
    }
    if let absence, absence.allows(found.version) {
      throw Problem(
        .versionMismatch, "There is such a \(description.entityType) already.",
        members: JSONObject([("currentVersion", .integer(found.version))]),
        headers: ["ETag": "\"\(found.version)\""])
    }
    return .replace(
      id: found.id, try key.applied(to: body, stored: found[key.field.name]),
      try mutation.alternative(description.operation("update")))
  }
}

extension Mutation {
  /// The one of it and its alternatives that is `operation`.
  ///
  /// - Throws: 403 when that is not granted.
  fileprivate func alternative(_ operation: String) throws(Problem) -> Mutation {
    guard var mutation = ([self] + alternatives).first(where: { $0.operation == operation }) else {
      throw .insufficientPermissions(operation)
    }
    mutation.alternatives = []
    return mutation
  }
}
