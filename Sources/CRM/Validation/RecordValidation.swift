internal import HTTP
internal import JSON
internal import SQLite
internal import Values

/// Makes the values of a record out of a body, or says everything that is wrong with it at once.
struct RecordValidation {
  let resource: Resource
  let body: RecordBody
  let caller: Caller
  /// The custom fields that are defined.
  let customFields: CustomFieldSet
  var issues: [Problem.Issue] = []

  private init(
    _ resource: Resource, _ body: RecordBody, caller: Caller, _ customFields: CustomFieldSet
  ) {
    self.resource = resource
    self.body = body
    self.caller = caller
    self.customFields = customFields
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
  /// - Parameter serverSet: Members that no client sets, by name.
  /// - Throws: 422 `validation_failed` naming every member at fault.
  static func created(
    _ resource: Resource, _ body: RecordBody, caller: Caller, id: String,
    customFields: CustomFieldSet, at now: Timestamp, serverSet: [String: SQLiteValue] = [:]
  ) throws(Problem) -> Record {
    var validation = RecordValidation(resource, body, caller: caller, customFields)
    var record = Record(resource, values: resource.fields.map(FieldCodec.empty))
    record["id"] = .text(id)
    record["tenantId"] = .text(caller.tenantID)
    record["createdBy"] = .text(caller.userID)
    record["createdAt"] = .text(now.rfc3339)
    record["updatedAt"] = .text(now.rfc3339)
    record["version"] = .integer(1)
    for (name, value) in serverSet { record[name] = value }
    validation.apply(body.members, to: &record, stored: nil)
    resource.description.specialty.derive?(&record, nil, now)
    validation.fillDefaults(&record, isNew: true)
    validation.checkCustomFields(&record, stored: nil)
    validation.checkWhole(record)
    try validation.finish()
    return record
  }

  /// `stored` after `body` was applied to it; version and time are not touched.
  ///
  /// - Throws: 422 `validation_failed` naming every member at fault.
  static func changed(
    _ stored: Record, _ body: RecordBody, _ change: Change, caller: Caller,
    customFields: CustomFieldSet, at now: Timestamp
  ) throws(Problem) -> Record {
    let resource = stored.resource
    var validation = RecordValidation(resource, body, caller: caller, customFields)
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
    resource.description.specialty.derive?(&record, stored, now)
    validation.fillDefaults(&record, isNew: false)
    validation.checkCustomFields(&record, stored: stored, change)
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
      if field.isRequired, isBlank(record.values[place], field), !hasIssue(field.name) {
        add(field.name, FieldIssue("required", "\(field.name) is required"))
      }
      if field.type == .user, field.access == .client, let id = record.values[place].text,
        record.values[place] != stored?.values[place], body.members[field.name] != nil,
        !caller.isUser(id)
      {
        add(field.name, FieldIssue("unknown_reference", "the tenant has no such user"))
      }
    }
    for field in resource.fields where field.type == .entity && !field.isRequired {
      if (record[field.name] == .null) != (record["entityType"] == .null) {
        add(field.name, FieldIssue("required", "entityType and \(field.name) stand together"))
      }
    }
    for fault in resource.description.specialty.examine?(record, stored) ?? []
    where !hasIssue(fault.name) {
      add(fault.name, fault.issue)
    }
    for rule in resource.description.rules
    where rule.anyOf.allSatisfy({
      // What was given and refused is at fault itself; nothing else is missing then.
      !hasIssue($0) && (record[$0].text ?? "").allSatisfy(\.isWhitespace)
    }) {
      for name in rule.anyOf { add(name, FieldIssue("required", rule.detail)) }
    }
  }

  /// Whether a value says nothing: NULL, an empty list, or text of spaces alone.
  private func isBlank(_ value: SQLiteValue, _ field: Field) -> Bool {
    value == FieldCodec.empty(field) || value.text?.allSatisfy(\.isWhitespace) ?? false
  }

  mutating func add(_ name: String, _ issue: FieldIssue) {
    issues.append(.init(pointer: pointer(name), code: issue.code, detail: issue.detail))
  }

  func hasIssue(_ name: String) -> Bool {
    issues.contains { $0.pointer == pointer(name) }
  }

  private func pointer(_ name: String) -> String { "\(body.pointer)/\(name)" }

  private func finish() throws(Problem) {
    guard issues.isEmpty else { throw RecordBody.validation(issues) }
  }
}
