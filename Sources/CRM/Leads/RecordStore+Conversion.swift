internal import Database
public import HTTP
internal import JSON
internal import SQLite
internal import Values

extension RecordStore {
  /// Converts a lead: all that it becomes is made in one transaction, once.
  ///
  /// - Throws: 403 naming the permission to create that is missing.
  public func prepare(
    _ conversion: LeadConversion, leadID: String, _ body: LeadConversion.Body,
    _ mutation: Mutation
  ) throws(Problem) -> PreparedChange {
    for resource in [conversion.contacts, conversion.deals] {
      let permission = resource.description.operation("create")
      guard mutation.caller.scope(permission) != nil else {
        throw .insufficientPermissions(permission)
      }
    }
    return PreparedChange(mutation: mutation, entityID: leadID) { connection, now, mutation in
      let draft = ConversionDraft(self, conversion, body, mutation, now)
      _ = try draft.plan(leadID: leadID, in: connection)
    } run: { connection, now, mutation in
      let draft = ConversionDraft(self, conversion, body, mutation, now)
      return try draft.write(draft.plan(leadID: leadID, in: connection), in: connection)
    }
  }
}

/// One conversion of a lead, inside its transaction.
private struct ConversionDraft {
  let store: RecordStore
  let conversion: LeadConversion
  let body: LeadConversion.Body
  let mutation: Mutation
  let now: Timestamp

  init(
    _ store: RecordStore, _ conversion: LeadConversion, _ body: LeadConversion.Body,
    _ mutation: Mutation, _ now: Timestamp
  ) {
    self.store = store
    self.conversion = conversion
    self.body = body
    self.mutation = mutation
    self.now = now
  }

  /// A record that is there already, or is about to be made.
  enum Part {
    case existing(Record)
    case new(PreparedRecord)

    var id: String {
      switch self {
      case .existing(let record): record.id
      case .new(let prepared): prepared.id
      }
    }
  }

  struct Plan {
    let lead: Record
    let company: Part?
    let contact: Part
    let deal: PreparedRecord
  }

  /// Finds out what is there and what must be made.
  ///
  /// - Throws: 403, 404, 409 `conflict` for a lead that was converted before, 412, 422.
  func plan(leadID: String, in connection: borrowing Connection) throws -> Plan {
    let nothing = RecordStore.Update.merge(RecordBody(members: JSONObject()))
    let lead = try store.load(nothing, conversion.leads, id: leadID, mutation, in: connection)
    try VersionMismatch.check(lead, nothing, mutation)
    guard lead["convertedAt"] == .null else { throw try converted(lead, in: connection) }
    let company = try company(of: lead, in: connection)
    let contact = try contact(of: lead, at: company, in: connection)
    var deal = members(
      of: lead, [("title", "title"), ("value", "value"), ("currency", "currency")])
    deal["contactId"] = .string(contact.id)
    deal["companyId"] = company.map { .string($0.id) }
    return Plan(
      lead: lead, company: company, contact: contact,
      deal: try prepare(conversion.deals, deal.merged(with: body.deal), of: lead, at: "/deal"))
  }

  /// Makes what is missing, and then the lead's own change.
  func write(_ plan: Plan, in connection: borrowing Connection) throws -> MutationOutcome {
    var further: [MutationOutcome.FurtherChange] = []
    let company = try plan.company.map { try write($0, &further, in: connection) }
    let contact = try write(plan.contact, &further, in: connection)
    let deal = try write(.new(plan.deal), &further, in: connection)
    var lead = plan.lead
    lead["status"] = .text("converted")
    lead["contactId"] = .text(plan.contact.id)
    lead["dealId"] = .text(plan.deal.id)
    lead["convertedAt"] = .text(now.rfc3339)
    let outcome = try store.write(
      .init(before: plan.lead, after: lead), mutation, at: now, in: connection)
    var data = JSONWriter(capacity: 4096)
    data.beginObject()
    for (name, json) in [
      ("lead", outcome.data), ("contact", contact), ("company", company), ("deal", deal),
    ] {
      data.name(name)
      if let json { data.raw(json) } else { data.null() }
    }
    data.endObject()
    return MutationOutcome(
      status: 200, entityType: outcome.entityType, entityID: outcome.entityID, data: data.bytes,
      version: outcome.version, metadata: outcome.metadata, further: further)
  }

  /// The record's JSON, after it was made if it is new.
  private func write(
    _ part: Part, _ further: inout [MutationOutcome.FurtherChange],
    in connection: borrowing Connection
  ) throws -> [UInt8] {
    switch part {
    case .existing(let record):
      return record.encoded
    case .new(let prepared):
      let outcome = try store.create(prepared, mutation, at: now, in: connection)
      further.append(
        .init(
          operation: prepared.record.resource.description.operation("create"),
          entityType: outcome.entityType, entityID: outcome.entityID,
          metadata: outcome.metadata, version: outcome.version))
      return outcome.data
    }
  }

  /// A readable company of the name, else a new one where the caller may make it.
  private func company(of lead: Record, in connection: borrowing Connection) throws -> Part? {
    let members = members(of: lead, [("name", "company")]).merged(with: body.company)
    guard body.wantsCompany, members["name"] != nil || !body.company.isEmpty else { return nil }
    if let name = members["name"]?.string {
      let known = try readable(
        conversion.companies, " AND t.name_folded = ?", Folding.fold(name), in: connection)
      if let known { return .existing(known) }
    }
    let permission = conversion.companies.description.operation("create")
    guard mutation.caller.scope(permission) != nil else { return nil }
    return .new(try prepare(conversion.companies, members, of: lead, at: "/company"))
  }

  /// The lead's readable contact, else one of its e-mail address, else a new one.
  private func contact(of lead: Record, at company: Part?, in connection: borrowing Connection)
    throws -> Part
  {
    let contacts = conversion.contacts
    if let id = lead["contactId"].text,
      let known = try readable(contacts, " AND t.id = ?", id, in: connection)
    {
      return .existing(known)
    }
    var members = members(
      of: lead,
      [
        ("firstName", "firstName"), ("lastName", "lastName"), ("email", "email"),
        ("phone", "phone"), ("company", "company"), ("source", "source"),
      ])
    members["companyId"] = company.map { .string($0.id) }
    members["lifecycle"] = "prospect"
    members = members.merged(with: body.contact)
    if let email = members["email"]?.string {
      let known = try readable(
        contacts, " AND t.email_folded = ?", Folding.lowercased(email), in: connection)
      if let known { return .existing(known) }
    }
    // A contact needs something to be called by, and the lead's title is all that there is.
    let names = ["firstName", "lastName", "email", "company"]
    if names.allSatisfy({ members[$0] == nil }) {
      members["lastName"] = lead["title"].text.map(JSONValue.string)
    }
    return .new(try prepare(contacts, members, of: lead, at: "/contact"))
  }

  /// A live record that the caller may read; the oldest of several.
  private func readable(
    _ resource: Resource, _ condition: String, _ value: String, in connection: borrowing Connection
  ) throws -> Record? {
    guard let scope = mutation.caller.scope(resource.description.operation("read")) else {
      return nil
    }
    let predicate = scope.predicate(resource)
    return try connection.first(
      """
      SELECT \(resource.columns) FROM \(resource.description.table) AS t
      WHERE t.tenant_id = ? AND t.deleted_at IS NULL\(condition)\(predicate.sql)
      ORDER BY t.created_at, t.id LIMIT 1
      """, [.text(mutation.caller.tenantID), .text(value)] + predicate.values
    ) { Record(resource, row: $0) }
  }

  /// What the lead says for a record's members.
  private func members(of lead: Record, _ names: [(member: String, lead: String)]) -> JSONObject {
    var members = JSONObject()
    for (member, name) in names where lead[name] != .null {
      members[member] = lead.json(at: lead.resource.commonPlace(name))
    }
    return members
  }

  /// A new record, which the lead's owner looks after as long as they are there.
  private func prepare(
    _ resource: Resource, _ members: JSONObject, of lead: Record, at pointer: String
  ) throws -> PreparedRecord {
    var members = members
    if members["ownerId"] == nil, let owner = lead.ownerID, mutation.caller.isUser(owner) {
      members["ownerId"] = .string(owner)
    }
    return try store.prepareRecord(
      resource, RecordBody(members: members, pointer: pointer), caller: mutation.caller)
  }

  /// 409 with the deal of the first conversion, where the caller may read it.
  private func converted(_ lead: Record, in connection: borrowing Connection) throws -> Problem {
    var members = JSONObject()
    if let id = lead["dealId"].text,
      try readable(conversion.deals, " AND t.id = ?", id, in: connection) != nil
    {
      members["dealId"] = .string(id)
    }
    return Problem(.conflict, "The lead has been converted already.", members: members)
  }
}
