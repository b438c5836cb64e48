internal import API
internal import CRM
internal import JSON
internal import Values
internal import WrapperClient

/// A year of a company's activity log, in batches, oldest entry first.
///
/// People work from Monday to Friday, some on Saturdays, less in August and at Christmas. Up to
/// some tens of entries a day each, they work by hand, in the morning and in the afternoon. What a
/// log has beyond that comes in runs, as it does where lists are imported and other programs write:
/// hundreds of entries of one operation within minutes.
struct DemoActivities {
  /// Entries that are handed out at a time.
  private static let batchEntries = 5000
  private static let days = 365
  /// Entries that a person makes by hand on a full day.
  private static let byHandMax = 40.0
  private static let millisecondsOfDay: Int64 = 86_400_000

  private let directory: TenantDirectory
  private let people: [DemoPerson]
  private let records: DemoEntities
  private let words: DemoWords
  private let count: Int
  private let firstNumber: Int64
  private let firstDay: Int
  private let weights: [Double]
  private var random: DemoRandom
  private var made = 0
  private var day = 0
  private var moments: ArraySlice<DemoMoment> = []

  /// - Parameters:
  ///   - directory: Who works there.
  ///   - count: How many entries there are to be.
  ///   - seed: What chance begins with.
  ///   - firstNumber: The number in the first entry's id.
  ///   - now: The last day is the one before this moment's.
  init(
    _ directory: TenantDirectory, count: Int, seed: UInt64, firstNumber: Int64, now: Timestamp
  ) throws {
    self.directory = directory
    self.count = count
    self.firstNumber = firstNumber
    var random = DemoRandom(seed: seed)
    people = directory.users.sorted { $0.id < $1.id }.map {
      DemoPerson($0.id, in: directory, &random)
    }
    records = DemoEntities(&random)
    words = try DemoWords()
    self.random = random
    let firstDay = now.day.daysSinceEpoch - Self.days
    self.firstDay = firstDay
    let weights = (0..<Self.days).map { Self.weight(ofDay: firstDay + $0) }
    let total = weights.reduce(0, +)
    self.weights = weights.map { $0 / total }
  }

  /// How much is done on a day, 1 on a usual one.
  private static func weight(ofDay day: Int) -> Double {
    let date = CalendarDay(daysSinceEpoch: day)
    // 1970-01-01 was a Thursday.
    let week = [1.05, 1.1, 1.0, 1.0, 0.85, 0.06, 0.03][(day + 3) % 7]
    let isQuiet = date.month == 8 || (date.month == 12 && date.day > 21)
    return isQuiet ? week * 0.6 : week
  }

  /// The next entries, sealed; none after the last.
  mutating func next() -> [ArchivedActivity] {
    var batch: [ArchivedActivity] = []
    batch.reserveCapacity(Self.batchEntries)
    while batch.count < Self.batchEntries, made < count {
      while moments.isEmpty { planDay() }
      guard let moment = moments.popFirst() else { break }
      batch.append(entry(moment))
      made += 1
    }
    return batch
  }

  // MARK: What happens when

  /// Spreads what falls on the next day over its hours.
  private mutating func planDay() {
    guard day < Self.days else {
      // What rounding has left over is done on the last day.
      moments = [moment(ofDay: Self.days - 1)]
      return
    }
    let share = weights[0...day].reduce(0, +)
    let wanted = max(0, Int((share * Double(count)).rounded()) - planned)
    planned += wanted
    let byHand = min(
      wanted, Int(Double(people.count) * Self.byHandMax * weights[day] * Double(Self.days) * 0.72))
    var plan = (0..<byHand).map { _ in moment(ofDay: day) }
    while plan.count < wanted { plan += run(ofDay: day, atMost: wanted - plan.count) }
    plan.sort { $0.at < $1.at }
    moments = plan[...]
    day += 1
  }

  private var planned = 0

  /// Something that somebody does by hand.
  private mutating func moment(ofDay day: Int) -> DemoMoment {
    let person = random.next(below: people.count)
    // Half of all work falls into the morning, around ten, the other into the afternoon.
    let hour = random.isOnce(in: 2) ? 10 : 15
    let minutes = random.next(below: 210) + random.next(below: 210) - 210
    let start = Int64(firstDay + day) * Self.millisecondsOfDay
    let at =
      start + Int64(hour * 60 + minutes) * 60_000 + Int64(random.next(below: 60_000))
    return DemoMoment(
      at: Timestamp(milliseconds: at), person: person, deed: people[person].deed(&random),
      isRun: false)
  }

  /// A list that is imported, or what another program writes.
  private mutating func run(ofDay day: Int, atMost rest: Int) -> [DemoMoment] {
    let length = min(rest, 200 + random.next(below: 1300))
    let person = random.next(below: people.count)
    let deed = DemoDeed.runs[random.next(below: DemoDeed.runs.count)]
    let quarter = 28 + random.next(below: 44)
    var at =
      Int64(firstDay + day) * Self.millisecondsOfDay + Int64(quarter) * 900_000
      + Int64(random.next(below: 60_000))
    return (0..<length).map { _ in
      at += Int64(30 + random.next(below: 400))
      return DemoMoment(
        at: Timestamp(milliseconds: at), person: person, deed: deed, isRun: true)
    }
  }

  // MARK: What is written of it

  private mutating func entry(_ moment: DemoMoment) -> ArchivedActivity {
    let person = people[moment.person]
    let deed = moment.deed
    let isFailed = !moment.isRun && random.isOnce(in: 150)
    var entry = ArchivedActivity(
      id: "activity:\(moment.at.milliseconds):\(person.id):\(firstNumber + Int64(made))",
      tenantID: directory.tenantID, userID: person.id,
      operation: isFailed ? "\(deed.operation).failed" : deed.operation, timestamp: moment.at)
    entry.entityType = isFailed ? "error" : deed.entityType
    entry.entityID = records.id(
      of: deed.entityType, at: Double(made) / Double(count), &random)
    entry.creditUnits = isFailed ? 0 : directory.creditUnits(for: deed.operation)
    entry.sessionID = "demo:\(person.id):\(moment.at.day.daysSinceEpoch)"
    entry.unitID = person.unitID
    entry.unitPath = person.unitPath
    entry.userContext = person.userContext
    entry.permissions = person.permissions(for: deed.operation)
    entry.metadata =
      isFailed ? DemoDeed.failure : deed.metadata(words, isRun: moment.isRun, &random)
    entry.compliance =
      moment.isRun ? person.programCompliance : person.compliances[random.next(below: 4)]
    entry.salt = (0..<2).flatMap { _ in random.bytes() }
    entry.seal()
    return entry
  }
}

/// Something that is done at some time.
private struct DemoMoment {
  let at: Timestamp
  let person: Int
  let deed: DemoDeed
  let isRun: Bool
}

/// A person with all that entries say of them, made once.
private struct DemoPerson {
  let id: String
  let unitID: String?
  let unitPath: String?
  let userContext: String
  /// From where they work: mostly their desk.
  let compliances: [String]
  /// The same of a program that works for them.
  let programCompliance: String
  private let permissionTexts: [String: String]
  private let deeds: [DemoDeed]

  init(_ id: String, in directory: TenantDirectory, _ random: inout DemoRandom) {
    self.id = id
    let context = directory.context(for: id)
    unitID = context.unitID
    unitPath = context.unitPath
    userContext = String(decoding: context.userContextJSON, as: UTF8.self)
    let home = "203.0.113.\(1 + random.next(below: 250))"
    let away = "198.51.100.\(1 + random.next(below: 250))"
    func compliance(_ address: String, _ agent: String, _ location: String, _ method: String)
      -> String
    {
      let value: JSONValue = [
        "ipAddress": .string(address), "userAgent": .string(agent),
        "location": .string(location), "authenticationMethod": .string(method),
      ]
      return value.text
    }
    let agents = [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/131.0",
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) Safari/605.1.15",
    ]
    let agent = agents[random.next(below: agents.count)]
    compliances = [
      compliance("192.0.2.10", agent, context.location, "session"),
      compliance("192.0.2.10", agent, context.location, "session"),
      compliance(home, agent, context.location, "session"),
      compliance(away, "CardfileMobile/2.1 (Android 14)", "unknown", "jwt"),
    ]
    programCompliance = compliance("192.0.2.40", "importer/1.4", context.location, "api_key")
    // Whoever may do nothing else reads, and reading is seldom logged.
    let granted = DemoDeed.byHand.filter {
      directory.check(userID: id, permission: $0.operation).isAllowed
    }
    deeds = granted.isEmpty ? [DemoDeed.look] : granted
    var texts: [String: String] = [:]
    for operation in Set((DemoDeed.byHand + DemoDeed.runs + [DemoDeed.look]).map(\.operation)) {
      let decision = directory.check(userID: id, permission: operation)
      texts[operation] = String(
        decoding: context.permissionsJSON(required: operation, decision: decision), as: UTF8.self)
    }
    permissionTexts = texts
  }

  func permissions(for operation: String) -> String { permissionTexts[operation] ?? "{}" }

  func deed(_ random: inout DemoRandom) -> DemoDeed { deeds[random.next(below: deeds.count)] }
}

/// One thing that people do.
private struct DemoDeed {
  let operation: String
  let entityType: String

  /// What is done by hand; what stands twice is done twice as often.
  static let byHand: [DemoDeed] = [
    .init(operation: "crm.contacts.update", entityType: "contact"),
    .init(operation: "crm.contacts.update", entityType: "contact"),
    .init(operation: "crm.contacts.create", entityType: "contact"),
    .init(operation: "crm.companies.update", entityType: "company"),
    .init(operation: "crm.leads.create", entityType: "lead"),
    .init(operation: "crm.leads.update", entityType: "lead"),
    .init(operation: "crm.leads.update", entityType: "lead"),
    .init(operation: "crm.deals.create", entityType: "deal"),
    .init(operation: "crm.deals.update", entityType: "deal"),
    .init(operation: "crm.deals.update", entityType: "deal"),
    .init(operation: "crm.tasks.create", entityType: "task"),
    .init(operation: "crm.tasks.complete", entityType: "task"),
    .init(operation: "crm.notes.create", entityType: "note"),
    .init(operation: "crm.interactions.create", entityType: "interaction"),
    .init(operation: "crm.interactions.create", entityType: "interaction"),
  ]

  /// What comes in runs.
  static let runs: [DemoDeed] = [
    .init(operation: "crm.contacts.update", entityType: "contact"),
    .init(operation: "crm.contacts.create", entityType: "contact"),
    .init(operation: "crm.leads.create", entityType: "lead"),
    .init(operation: "crm.interactions.create", entityType: "interaction"),
  ]

  static let look = DemoDeed(operation: "crm.contacts.read", entityType: "contact")

  static let failure =
    #"{"error":"The record was changed meanwhile.","code":"version_mismatch"}"#

  /// The entry's details.
  func metadata(_ words: DemoWords, isRun: Bool, _ random: inout DemoRandom) -> String {
    var changes = JSONObject()
    func change(_ name: String, _ from: String?, _ to: String) {
      var parts = JSONObject()
      if let from { parts["from"] = .string(from) }
      parts["to"] = .string(to)
      changes[name] = .object(parts)
    }
    let isNew = operation.hasSuffix(".create")
    switch entityType {
    case "contact":
      change(
        "firstName", isNew ? nil : random.pick(words.firstNames), random.pick(words.firstNames))
      change("jobTitle", isNew ? nil : random.pick(words.jobTitles), random.pick(words.jobTitles))
      if isNew { change("lastName", nil, random.pick(words.lastNames)) }
    case "lead":
      if isNew { change("title", nil, random.pick(words.leadTitles)) }
      change("source", isNew ? nil : random.pick(words.sources), random.pick(words.sources))
    case "company":
      change("industry", random.pick(words.industries), random.pick(words.industries))
    case "task": change("title", nil, random.pick(words.tasks))
    case "note": change("body", nil, random.pick(words.notes))
    case "interaction": change("subject", nil, random.pick(words.subjects))
    default: change("stage", isNew ? nil : "qualified", isNew ? "new" : "proposal")
    }
    var metadata = JSONObject([("changes", .object(changes))])
    metadata["version"] = .integer(isNew ? 1 : 2 + random.next(below: 8))
    if isRun { metadata["reason"] = "Nightly comparison with the order system" }
    return JSONValue.object(metadata).text
  }
}

/// The ids of the records that entries are about.
private struct DemoEntities {
  private static let kinds: KeyValuePairs = [
    "contact": 5000, "company": 300, "lead": 2000, "deal": 1000, "task": 2000, "note": 2000,
    "interaction": 4000,
  ]

  private var ids: [String: [String]] = [:]

  init(_ random: inout DemoRandom) {
    for (kind, count) in Self.kinds {
      ids[kind] = (0..<count).map { _ in
        // The form of a UUID of version 7.
        var digits = Array(Hexadecimal.text(random.bytes() + random.bytes()))
        digits.replaceSubrange(0..<4, with: "019a")
        digits[12] = "7"
        digits[16] = "8"
        for place in [8, 13, 18, 23] { digits.insert("-", at: place) }
        return String(digits)
      }
    }
  }

  /// One of the records that are worked on when that part of the year is over: a twentieth of all,
  /// and now and then any other.
  func id(of kind: String, at part: Double, _ random: inout DemoRandom) -> String? {
    guard let all = ids[kind] else { return nil }
    guard !random.isOnce(in: 20) else { return random.pick(all) }
    let window = max(1, all.count / 20)
    let first = Int(part * Double(all.count - window))
    return all[first + random.next(below: window)]
  }
}
