internal import API
internal import CRM
internal import Database
internal import Foundation
internal import JSON
internal import Resources
internal import SQLite
internal import Synchronization
internal import Values
internal import WrapperClient

/// Fills the demo tenant with half a year of work: contacts, leads and how the leads went on.
///
/// Each change goes the way of every other change, with its entry in the activity log, at its own
/// time.
struct DemoRecords {
  private let store: RecordStore
  private let catalog = Catalog.standard
  private let directory: TenantDirectory
  private let people: [String]
  private let words: DemoWords
  private let clock: DemoClock
  private var random: DemoRandom

  private static let contactCount = 500
  private static let leadCount = 200
  private static let seed: UInt64 = 20_260_131
  private static let days = 180

  /// Fills the tenant with what it lacks: all of it, the rest after a start that was cut off, or
  /// nothing.
  ///
  /// Ends early when `isStopping`.
  ///
  /// What this costs is not reserved, so it runs before the server's own client of the Wrapper
  /// begins to count: that one finds the costs in the outbox.
  ///
  /// - Throws: what the database throws.
  static func fill(
    _ database: Database, tenantID: String, client: () -> Wrapper,
    isStopping: () -> Bool
  ) async throws {
    func missing(_ table: String, of count: Int) throws -> Int {
      let found = try database.read { connection in
        try connection.first(
          "SELECT count(*) FROM \(table) WHERE tenant_id = ?", [.text(tenantID)]
        ) { $0.integer(0) ?? 0 }
      }
      return max(0, count - Int(found ?? 0))
    }
    let contacts = try missing("contacts", of: contactCount)
    let leads = try missing("leads", of: leadCount)
    guard contacts + leads > 0 else { return }
    Terminal.error("Filling the demo company: \(contacts) contacts, \(leads) leads …")
    // The rest of a half-filled company must not meet the addresses of its first part again.
    let seed = Self.seed + UInt64(contactCount - contacts)
    let wrapper = client()
    await wrapper.start()
    let outcome: Result<Void, any Error>
    do {
      var records = try await DemoRecords(
        database, wrapper: wrapper, tenantID: tenantID, seed: seed)
      outcome = .success(
        try await records.fill(contacts: contacts, leads: leads, isStopping: isStopping))
    } catch {
      outcome = .failure(error)
    }
    await wrapper.stop()
    try outcome.get()
  }

  private init(
    _ database: Database, wrapper: Wrapper, tenantID: String, seed: UInt64
  ) async throws {
    random = DemoRandom(seed: seed)
    directory = try await wrapper.tenant(tenantID)
    let clock = DemoClock(TimeSource.system.now())
    self.clock = clock
    store = try RecordStore(
      database, catalog: catalog,
      time: TimeSource(
        now: { clock.now }, monotonicNanoseconds: TimeSource.system.monotonicNanoseconds),
      activityWritten: wrapper.activityQueued)
    words = try DemoWords()
    let directory = directory
    people = directory.users.map(\.id).filter {
      directory.check(userID: $0, permission: "crm.leads.create").isAllowed
    }
    precondition(!people.isEmpty, "somebody in the demo company sells")
  }

  /// Something that happens on some day.
  private enum Event {
    case contact
    case lead
    case progress(leadID: String, owner: String, status: String)
  }

  private mutating func fill(
    contacts: Int, leads: Int, isStopping: () -> Bool
  ) async throws {
    let now = TimeSource.system.now()
    var events: [(at: Timestamp, event: Event)] = []
    for index in 0..<(contacts + leads) {
      events.append((moment(before: now), index < contacts ? .contact : .lead))
    }
    events.sort { $0.at < $1.at }
    while !events.isEmpty, !isStopping() {
      let (at, event) = events.removeFirst()
      clock.now = at
      switch event {
      case .contact:
        try await createContact()
      case .lead:
        guard let followUp = try await createLead() else { continue }
        let later = at.advanced(byMilliseconds: Int64(random.next(below: 14 * 24 * 3600)) * 1000)
        guard later < now else { continue }
        let place = events.firstIndex { $0.at > later } ?? events.endIndex
        events.insert((later, followUp), at: place)
      case .progress(let leadID, let owner, let status):
        try await progress(leadID, owner, status)
      }
    }
  }

  private mutating func createContact() async throws {
    let company = random.pick(words.companies)
    let first = random.pick(words.firstNames)
    let last = random.pick(words.lastNames)
    // Addresses are unique in a tenant, and two people may have one name.
    let name = "\(first).\(last)".folding(options: .diacriticInsensitive, locale: nil)
      .lowercased().filter { $0.isLetter || $0 == "." }
    var members: [(String, JSONValue)] = [
      ("firstName", .string(first)), ("lastName", .string(last)),
      ("email", .string("\(name).\(random.next(below: 1_000_000))@\(company.domain)")),
      ("phone", .string("+49 30 55\(10_000 + random.next(below: 89_999))")),
      ("jobTitle", .string(random.pick(words.jobTitles))), ("company", .string(company.name)),
      ("lifecycle", .string(random.pick(words.lifecycles))),
      ("source", .string(random.pick(words.sources))),
      ("address", ["city": .string(company.city), "country": .string(company.country)]),
    ]
    if random.next(below: 3) == 0 {
      members.append(("tags", .array([.string(random.pick(words.tags))])))
    }
    _ = try await create("contact", members, by: random.pick(people))
  }

  /// Creates a lead; gives what becomes of it, if anything does.
  private mutating func createLead() async throws -> Event? {
    let company = random.pick(words.companies)
    let owner = random.pick(people)
    let id = try await create(
      "lead",
      [
        ("title", .string("\(random.pick(words.leadTitles)), \(company.name)")),
        ("source", .string(random.pick(words.sources))),
        ("value", .integer(500 * (1 + random.next(below: 160)))),
        ("priority", .string(random.pick(words.priorities))),
        ("firstName", .string(random.pick(words.firstNames))),
        ("lastName", .string(random.pick(words.lastNames))),
        ("company", .string(company.name)),
        ("customFields", ["region": .string(company.country)]),
      ], by: owner)
    guard random.next(below: 4) > 0 else { return nil }
    return .progress(leadID: id, owner: owner, status: random.pick(words.outcomes))
  }

  private func progress(_ id: String, _ owner: String, _ status: String) async throws {
    let resource = resource("lead")
    let body = try RecordBody.parse(
      JSONValue.object(JSONObject([("status", .string(status))])).bytes)
    let mutation = mutation(resource.description.operation("update"), by: owner)
    _ = try await store.update(.merge(body), resource, id: id, mutation)
  }

  private func create(_ entityType: String, _ members: [(String, JSONValue)], by userID: String)
    async throws -> String
  {
    let resource = resource(entityType)
    let mutation = mutation(resource.description.operation("create"), by: userID)
    let prepared = try store.prepareCreate(
      resource, RecordBody.parse(JSONValue.object(JSONObject(members)).bytes),
      caller: mutation.caller)
    _ = try await store.create(prepared, mutation)
    return prepared.id
  }

  private func mutation(_ operation: String, by userID: String) -> Mutation {
    let decision = directory.check(userID: userID, permission: operation)
    let permissions = directory.context(for: userID)
      .permissionsJSON(required: operation, decision: decision)
    return Mutation(
      caller: Caller(
        userID, in: directory, sessionID: "demo:\(userID)",
        origin: CallerOrigin(
          address: "127.0.0.1", userAgent: "cardfile demo", authenticationMethod: "session")),
      operation: operation, scope: .tenant,
      permissions: String(decoding: permissions, as: UTF8.self),
      creditUnits: directory.creditUnits(for: operation))
  }

  private func resource(_ entityType: String) -> Resource {
    guard let resource = catalog.resource(entityType: entityType) else {
      preconditionFailure("the product has \(entityType)")
    }
    return resource
  }

  /// Some moment in the working hours of the last half year.
  private mutating func moment(before now: Timestamp) -> Timestamp {
    var day = now.day.daysSinceEpoch - 1 - random.next(below: Self.days)
    // 1970-01-01 was a Thursday; a weekend's work is done on the Friday before.
    while (day + 3) % 7 > 4 { day -= 1 }
    let seconds = 8 * 3600 + random.next(below: 9 * 3600)
    return CalendarDay(daysSinceEpoch: day).startOfDay
      .advanced(byMilliseconds: Int64(seconds) * 1000 + Int64(random.next(below: 1000)))
  }
}

/// The clock of the half year that is being told.
private final class DemoClock: Sendable {
  private let moment: Mutex<Timestamp>

  init(_ start: Timestamp) { moment = Mutex(start) }

  var now: Timestamp {
    get { moment.withLock { $0 } }
    set { moment.withLock { $0 = newValue } }
  }
}

/// SplitMix64: the same company on every machine.
struct DemoRandom {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// A number from 0 to `bound` - 1.
  mutating func next(below bound: Int) -> Int {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return Int((word ^ (word >> 31)) % UInt64(bound))
  }

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[next(below: elements.count)]
  }
}
