internal import JSON
internal import Values

// What the company sells, and what is said and done on the way.
extension DemoRecords {
  /// Creates a deal, and plans its way through the stages.
  mutating func createDeal() async throws {
    let contact = stock.contacts.isEmpty ? nil : random.pick(stock.contacts)
    let ownerID = contact?.ownerID ?? random.pick(sellers)
    let created = writer.clock.now
    let company = contact?.company ?? random.pick(words.companies).name
    var members: [(String, JSONValue)] = [
      ("title", .string("\(random.pick(words.leadTitles)), \(company)")),
      ("value", .integer(1000 * (2 + random.next(below: 90)))),
      ("contactId", contact.map { .string($0.id) } ?? .null),
      ("companyId", contact?.companyID.map(JSONValue.string) ?? .null),
      ("assignedTo", .string(ownerID)),
      (
        "expectedCloseOn",
        .string(random.moment(after: created, days: 40...150).day.text)
      ),
      ("customFields", ["contractMonths": .integer(random.pick([12, 24, 36]))]),
    ]
    if random.isOnce(in: 5) {
      members.append(("tags", .array([.string(random.pick(words.tags))])))
    }
    let id = try await writer.create("deal", members, by: ownerID)
    stock.deals.append((id, ownerID))
    plan(dealID: id, ownerID: ownerID)
  }

  /// Plans a deal's way through the stages, from now on.
  mutating func plan(dealID: String, ownerID: String) {
    var moment = writer.clock.now
    for stage in ["qualified", "proposal", "negotiation"] {
      moment = random.moment(after: moment, days: 5...35)
      guard !random.isOnce(in: 6) else {
        follow(at: moment, .move(dealID: dealID, ownerID: ownerID, stage: "lost"))
        return
      }
      follow(at: moment, .move(dealID: dealID, ownerID: ownerID, stage: stage))
    }
    moment = random.moment(after: moment, days: 5...30)
    let end = random.isOnce(in: 3) ? "lost" : "won"
    follow(at: moment, .move(dealID: dealID, ownerID: ownerID, stage: end))
  }

  mutating func move(_ dealID: String, to stage: String, by ownerID: String) async throws {
    var members: [(String, JSONValue)] = [("stage", .string(stage))]
    if stage == "lost" { members.append(("lostReason", .string(random.pick(words.lostReasons)))) }
    try await writer.change("deal", dealID, members, by: ownerID)
  }

  /// What a note, an interaction or a task is about, and whose it is; nil as long as nobody is
  /// known.
  private mutating func subject() -> (ownerID: String, members: [(String, JSONValue)])? {
    if !stock.deals.isEmpty, random.isOnce(in: 3) {
      let deal = random.pick(stock.deals)
      return (deal.ownerID, [("entityType", "deal"), ("entityId", .string(deal.id))])
    }
    guard !stock.contacts.isEmpty else { return nil }
    let contact = random.pick(stock.contacts)
    return (contact.ownerID, [("entityType", "contact"), ("entityId", .string(contact.id))])
  }

  /// Puts an event off until somebody is known.
  private mutating func postpone(_ event: Event) {
    follow(at: writer.clock.now.advanced(byDays: 1), event)
  }

  mutating func createNote() async throws {
    guard let (ownerID, members) = subject() else { return postpone(.note) }
    try await writer.create(
      "note",
      members + [
        ("body", .string(random.pick(words.notes))),
        ("type", .string(random.pick(["general", "general", "call", "meeting", "email"]))),
        ("visibility", random.isOnce(in: 8) ? "private" : "public"),
        ("pinned", .bool(random.isOnce(in: 15))),
      ], by: ownerID)
  }

  mutating func createInteraction() async throws {
    guard let (ownerID, members) = subject() else { return postpone(.interaction) }
    var all = members
    all.append(
      ("type", .string(random.pick(["call", "call", "email", "email", "meeting", "message"]))))
    all.append(("direction", random.isOnce(in: 3) ? "inbound" : "outbound"))
    all.append(("subject", .string(random.pick(words.subjects))))
    // Some are still ahead of us.
    if random.isOnce(in: 12) {
      let ahead = random.moment(after: now, days: 1...21)
      all.append(("scheduledAt", .string(ahead.rfc3339)))
      all.append(("status", "planned"))
    } else {
      all.append(("durationMinutes", .integer(5 * (1 + random.next(below: 11)))))
      if random.isOnce(in: 2) { all.append(("outcome", .string(random.pick(words.results)))) }
    }
    try await writer.create("interaction", all, by: ownerID)
  }

  /// Creates a task: most are done in time, some are overdue, some due today or later.
  mutating func createTask() async throws {
    guard let (ownerID, members) = subject() else { return postpone(.task) }
    var due = random.moment(after: writer.clock.now, days: 1...14)
    let isForToday = random.isOnce(in: 12)
    if isForToday { due = now.day.startOfDay.advanced(byMilliseconds: 17 * 3_600_000) }
    let isToCome = !isForToday && random.isOnce(in: 8)
    if isToCome { due = random.moment(after: now, days: 1...30) }
    var all = members
    all += [
      ("title", .string(random.pick(words.tasks))),
      ("priority", .string(random.pick(words.priorities))), ("assignedTo", .string(ownerID)),
      ("dueAt", .string(due.rfc3339)),
    ]
    if isForToday || isToCome {
      let hours: Int64 = isForToday ? 8 : 1
      all.append(("remindAt", .string(due.advanced(byMilliseconds: -hours * 3_600_000).rfc3339)))
    }
    let id = try await writer.create("task", all, by: ownerID)
    guard !isForToday, !isToCome, !random.isOnce(in: 9) else { return }
    follow(
      at: random.moment(after: writer.clock.now, days: 0...12),
      .completion(taskID: id, ownerID: ownerID))
  }
}
