internal import CRM
internal import Database
internal import JSON
internal import Values
internal import WrapperClient

/// Fills the demo tenant with half a year of work: whom the company knows, what it sells to them,
/// and what was said and done on the way.
struct DemoRecords {
  let writer: DemoWriter
  let words: DemoWords
  let now = TimeSource.system.now()
  var stock: DemoStock
  var random: DemoRandom
  var events: [(at: Timestamp, event: Event)] = []
  /// Those who create leads.
  let people: [String]
  /// Those among them who may refer to every company and contact.
  let sellers: [String]
  /// Who sets up what all share.
  let administrator: String

  private static let seed: UInt64 = 20_260_131
  static let days = 180

  /// Something that happens at some time.
  enum Event {
    case contact, deal, note, interaction, task
    case lead(isConverted: Bool)
    case progress(leadID: String, ownerID: String, status: String)
    case conversion(leadID: String, ownerID: String)
    case move(dealID: String, ownerID: String, stage: String)
    case completion(taskID: String, ownerID: String)
  }

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
    let stock = try DemoStock(database, tenantID: tenantID)
    guard !stock.isComplete else { return }
    Terminal.error("Filling the demo company with half a year of work …")
    let wrapper = client()
    await wrapper.start()
    let outcome: Result<Void, any Error>
    do {
      var records = try await DemoRecords(
        database, wrapper: wrapper, tenantID: tenantID, stock: stock)
      outcome = .success(try await records.fill(isStopping: isStopping))
    } catch {
      outcome = .failure(error)
    }
    await wrapper.stop()
    try outcome.get()
  }

  private init(
    _ database: Database, wrapper: Wrapper, tenantID: String, stock: DemoStock
  ) async throws {
    self.stock = stock
    // The rest of a half-filled company must not meet the addresses of its first part again.
    random = DemoRandom(seed: Self.seed + UInt64(stock.contacts.count))
    let directory = try await wrapper.tenant(tenantID)
    writer = try DemoWriter(
      database, wrapper: wrapper, directory,
      DemoClock(now.advanced(byDays: -Self.days - 7)))
    words = try DemoWords()
    people = directory.users.map(\.id).filter {
      directory.check(userID: $0, permission: "crm.leads.create").isAllowed
    }
    sellers = people.filter { userID in
      ["crm.companies.read", "crm.contacts.read"].allSatisfy {
        directory.check(userID: userID, permission: $0).scope == .tenant
      }
    }
    let administrators = people.filter {
      directory.check(userID: $0, permission: "crm.admin").isAllowed
    }
    guard let administrator = administrators.first, !sellers.isEmpty else {
      preconditionFailure("somebody in the demo company leads, and somebody sells")
    }
    self.administrator = administrator
  }

  private mutating func fill(isStopping: () -> Bool) async throws {
    try await prepareOffice(isStopping: isStopping)
    plan()
    while !events.isEmpty, !isStopping() {
      let (at, event) = events.removeFirst()
      writer.clock.now = at
      try await run(event)
    }
  }

  /// Spreads what is missing over the half year.
  private mutating func plan() {
    func missing(_ table: String) -> Int { stock.missing[table] ?? 0 }
    // Some leads become deals, and so bring a contact and a deal each.
    let leads = missing("leads")
    let conversions = min(leads / 10, missing("contacts"), missing("deals"))
    for index in 0..<leads {
      let isConverted = index < conversions
      let moment = random.moment(
        inDays: Self.days - (isConverted ? 30 : 0),
        before: now.advanced(byDays: isConverted ? -30 : 0))
      events.append((moment, .lead(isConverted: isConverted)))
    }
    let rest: [(Event, Int)] = [
      (.contact, missing("contacts") - conversions), (.deal, missing("deals") - conversions),
      (.note, missing("notes")), (.interaction, missing("interactions")),
      (.task, missing("tasks")),
    ]
    for (event, count) in rest {
      for _ in 0..<count { events.append((random.moment(inDays: Self.days, before: now), event)) }
    }
    events.sort { $0.at < $1.at }
  }

  /// Plans something that follows from what has just happened; what lies ahead of us does not.
  mutating func follow(at moment: Timestamp, _ event: Event) {
    guard moment < now else { return }
    let place = events.firstIndex { $0.at > moment } ?? events.endIndex
    events.insert((moment, event), at: place)
  }

  private mutating func run(_ event: Event) async throws {
    switch event {
    case .contact: try await createContact()
    case .lead(let isConverted): try await createLead(isConverted: isConverted)
    case .progress(let leadID, let ownerID, let status):
      try await writer.change("lead", leadID, [("status", .string(status))], by: ownerID)
    case .conversion(let leadID, let ownerID):
      let dealID = try await writer.convertLead(leadID, by: ownerID)
      plan(dealID: dealID, ownerID: ownerID)
    case .deal: try await createDeal()
    case .move(let dealID, let ownerID, let stage):
      try await move(dealID, to: stage, by: ownerID)
    case .note: try await createNote()
    case .interaction: try await createInteraction()
    case .task: try await createTask()
    case .completion(let taskID, let ownerID):
      try await writer.completeTask(taskID, by: ownerID)
    }
  }
}
