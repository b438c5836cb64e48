internal import Foundation
internal import JSON
internal import Values

// Whom the company knows: companies, contacts and leads.
extension DemoRecords {
  /// Creates what everything else refers to, before the half year begins.
  mutating func prepareOffice(isStopping: () -> Bool) async throws {
    func missing(_ table: String) -> Int { stock.missing[table] ?? 0 }
    let fields: [[(String, JSONValue)]] = [
      [("entityType", "lead"), ("key", "region"), ("label", "Region"), ("type", "text")],
      [
        ("entityType", "deal"), ("key", "contractMonths"), ("label", "Contract in months"),
        ("type", "number"),
      ],
    ]
    for members in fields.suffix(missing("custom_field_definitions")) {
      try await writer.create("custom_field", members, by: administrator)
    }
    let segments: [[(String, JSONValue)]] = [
      [
        ("name", "VIP customers"), ("entityType", "contact"),
        ("filter", "lifecycle=customer&tags=vip"),
      ],
      [
        ("name", "Large open deals"), ("entityType", "deal"),
        ("filter", "status=open&value[gte]=50000"),
      ],
    ]
    for members in segments.suffix(missing("segments")) {
      try await writer.create("segment", members, by: administrator)
    }
    for company in words.companies where stock.companies[company.name] == nil && !isStopping() {
      stock.companies[company.name] = try await writer.create(
        "company",
        [
          ("name", .string(company.name)), ("domain", .string(company.domain)),
          ("website", .string("https://www.\(company.domain)")),
          ("industry", .string(random.pick(words.industries))),
          ("size", .string(random.pick(["1-10", "11-50", "51-200", "201-1000"]))),
          ("address", ["city": .string(company.city), "country": .string(company.country)]),
          ("tags", random.isOnce(in: 4) ? .array([.string(random.pick(words.tags))]) : []),
        ], by: administrator)
    }
  }

  mutating func createContact() async throws {
    let company = random.pick(words.companies)
    let first = random.pick(words.firstNames)
    let last = random.pick(words.lastNames)
    // Addresses are unique in a tenant, and two people may have one name.
    let name = "\(first).\(last)".folding(options: .diacriticInsensitive, locale: nil)
      .lowercased().filter { $0.isLetter || $0 == "." }
    let ownerID = random.pick(sellers)
    let companyID = stock.companies[company.name]
    var members: [(String, JSONValue)] = [
      ("firstName", .string(first)), ("lastName", .string(last)),
      ("email", .string("\(name).\(random.next(below: 1_000_000))@\(company.domain)")),
      ("phone", .string("+49 30 55\(10_000 + random.next(below: 89_999))")),
      ("jobTitle", .string(random.pick(words.jobTitles))), ("company", .string(company.name)),
      ("companyId", companyID.map(JSONValue.string) ?? .null),
      ("lifecycle", .string(random.pick(words.lifecycles))),
      ("source", .string(random.pick(words.sources))),
      ("address", ["city": .string(company.city), "country": .string(company.country)]),
    ]
    if random.isOnce(in: 3) {
      members.append(("tags", .array([.string(random.pick(words.tags))])))
    }
    let id = try await writer.create("contact", members, by: ownerID)
    stock.contacts.append(
      .init(id: id, ownerID: ownerID, companyID: companyID, company: company.name))
  }

  /// Creates a lead, and plans what becomes of it, if anything does.
  mutating func createLead(isConverted: Bool) async throws {
    let company = random.pick(words.companies)
    let ownerID = random.pick(isConverted ? sellers : people)
    let id = try await writer.create(
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
      ], by: ownerID)
    let created = writer.clock.now
    if isConverted {
      follow(
        at: random.moment(after: created, days: 1...6),
        .progress(leadID: id, ownerID: ownerID, status: "qualified"))
      follow(
        at: random.moment(after: created, days: 7...20),
        .conversion(leadID: id, ownerID: ownerID))
    } else if !random.isOnce(in: 4) {
      follow(
        at: random.moment(after: created, days: 0...14),
        .progress(leadID: id, ownerID: ownerID, status: random.pick(words.outcomes)))
    }
  }
}
