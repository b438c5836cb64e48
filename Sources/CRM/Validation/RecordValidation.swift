internal import HTTP
internal import JSON
internal import SQLite
internal import Values

/// Makes the values of a record out of a body, or says everything that is wrong with it at once.
struct RecordValidation {
  let resource: Resource
  let body: RecordBody
  let caller: Caller
  private var issues: [Problem.Issue] = []

  init(_ resource: Resource, _ body: RecordBody, caller: Caller) {
    self.resource = resource
    self.body = body
    self.caller = caller
  }

  /// How a body changes a record that exists.
  enum Change {
    /// PUT: what is not named becomes empty.
    case replace
    /// PATCH: JSON Merge Patch (RFC 7396).
    case merge
  }

  /// A new record.
  ///
  /// - Throws: 422 `validation_failed` naming every member at fault.
  static func created(
    _ resource: Resource, _ body: RecordBody, caller: Caller, id: String, at now: Timestamp
  ) throws(Problem) -> Record {
    var validation = RecordValidation(resource, body, caller: caller)
    var record = Record(resource, values: resource.fields.map(FieldCodec.empty))
    record["id"] = .text(id)
    record["tenantId"] = .text(caller.tenantID)
    record["createdBy"] = .text(caller.userID)
    record["createdAt"] = .text(now.rfc3339)
    record["updatedAt"] = .text(now.rfc3339)
    record["version"] = .integer(1)
    validation.apply(body.members, to: &record, stored: nil)
    validation.fillDefaults(&record, isNew: true)
    validation.checkWhole(record)
    try validation.finish()
    return record
  }

  /// `stored` after `body` was applied to it; version and time are not touched.
  ///
  /// - Throws: 422 `validation_failed` naming every member at fault, 412 `version_mismatch` when
  ///   the body's `version` is not the stored one.
  static func changed(
    _ stored: Record, _ body: RecordBody, _ change: Change, caller: Caller
  ) throws(Problem) -> Record {
    let resource = stored.resource
    if let version = body.members["version"]?.integer, version != stored.version {
      throw Problem.versionMismatch(current: stored)
    }
    var validation = RecordValidation(resource, body, caller: caller)
    var record = stored
    var members = body.members
    switch change {
    case .replace:
      for (place, field) in resource.fields.enumerated()
      where field.access == .client && members[field.name] == nil && field.initial != .caller {
        record.values[place] = FieldCodec.empty(field)
      }
    case .merge:
      // Objects merge member by member; everything else is simply replaced.
      for member in members.members {
        guard let place = resource.place(of: member.name), let part = member.value.object,
          resource.fields[place].type.isStructured,
          let base = stored.json(at: place).object
        else { continue }
        members[member.name] = .object(base.merged(with: part))
      }
    }
    validation.apply(members, to: &record, stored: stored)
    validation.fillDefaults(&record, isNew: false)
    validation.checkWhole(record, stored: stored)
    try validation.finish()
    return record
  }

  /// Takes over each member of the body.
  private mutating func apply(_ members: JSONObject, to record: inout Record, stored: Record?) {
    for member in members.members {
      guard let place = resource.place(of: member.name) else {
        issues.append(RecordBody.unknownMember(member.name, under: body.pointer))
        continue
      }
      let field = resource.fields[place]
      if field.access == .server {
        if let stored, stored.json(at: place) == member.value { continue }
        add(field.name, FieldIssue("read_only", "only the server sets \(field.name)"))
        continue
      }
      do {
        let value = try FieldCodec.value(member.value, field)
        record.values[place] = value == .null ? FieldCodec.empty(field) : value
      } catch {
        add(field.name, error)
      }
    }
  }

  /// Puts defaults where nothing stands: constants always, the others in new records only.
  private func fillDefaults(_ record: inout Record, isNew: Bool) {
    for (place, field) in resource.fields.enumerated() where record.values[place] == .null {
      switch field.initial {
      case .value(let json):
        // A default that is refused is a fault of the description, not of the request.
        guard let value = try? FieldCodec.value(json, field) else {
          preconditionFailure("the default of \(field.name) breaks the field's own rules")
        }
        record.values[place] = value
      case .caller where isNew && body.members[field.name] == nil:
        record.values[place] = .text(caller.userID)
      case .tenantCurrency(let other) where record[other] != .null:
        record.values[place] = .text(caller.currency)
      case .none, .caller, .tenantCurrency:
        break
      }
    }
  }

  private mutating func checkWhole(_ record: Record, stored: Record? = nil) {
    for (place, field) in resource.fields.enumerated() {
      if field.isRequired, isBlank(record.values[place]),
        !issues.contains(where: { $0.pointer == pointer(field.name) })
      {
        add(field.name, FieldIssue("required", "\(field.name) is required"))
      }
      if field.type == .user, field.access == .client, let id = record.values[place].text,
        record.values[place] != stored?.values[place], body.members[field.name] != nil,
        !caller.isUser(id)
      {
        add(field.name, FieldIssue("unknown_reference", "the tenant has no such user"))
      }
    }
    for rule in resource.description.rules
    where rule.anyOf.allSatisfy({ (record[$0].text ?? "").allSatisfy(\.isWhitespace) }) {
      for name in rule.anyOf { add(name, FieldIssue("required", rule.detail)) }
    }
  }

  /// Whether a value says nothing: NULL, or text of spaces alone.
  private func isBlank(_ value: SQLiteValue) -> Bool {
    value == .null || value.text.map { $0.allSatisfy(\.isWhitespace) } ?? false
  }

  private mutating func add(_ name: String, _ issue: FieldIssue) {
    issues.append(.init(pointer: pointer(name), code: issue.code, detail: issue.detail))
  }

  private func pointer(_ name: String) -> String { "\(body.pointer)/\(name)" }

  private func finish() throws(Problem) {
    guard issues.isEmpty else { throw RecordBody.validation(issues) }
  }
}

extension Problem {
  /// 412 with the version that is stored now.
  static func versionMismatch(current record: Record) -> Problem {
    Problem(
      .versionMismatch, "The record has been changed meanwhile; its version is \(record.version).",
      members: JSONObject([("currentVersion", .integer(record.version))]),
      headers: ["ETag": "\"\(record.version)\""])
  }
}
