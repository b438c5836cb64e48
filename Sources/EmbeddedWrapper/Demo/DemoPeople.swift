internal import JSON

/// Who and what the demo company is made of.
enum DemoPeople {
  static let units = [
    UnitRecord(id: "org-acme", parentID: nil, type: .organization, name: "Acme Corp"),
    UnitRecord(
      id: "dept-management", parentID: "org-acme", type: .department, name: "Management"),
    UnitRecord(id: "dept-sales", parentID: "org-acme", type: .department, name: "Sales"),
    UnitRecord(
      id: "dept-success", parentID: "org-acme", type: .department, name: "Customer Success"),
    UnitRecord(id: "dept-finance", parentID: "org-acme", type: .department, name: "Finance"),
    UnitRecord(id: "team-north", parentID: "dept-sales", type: .team, name: "Northern Europe"),
    UnitRecord(id: "team-south", parentID: "dept-sales", type: .team, name: "Southern Europe"),
    UnitRecord(id: "team-care", parentID: "dept-success", type: .team, name: "Key Accounts"),
  ]

  static let users = [
    user("ada", "Ada Lindqvist", "Managing Director", "Stockholm", "dept-management", ["admin"]),
    user("marco", "Marco Bellini", "Head of Sales", "Milan", "dept-sales", ["manager"]),
    user("ingrid", "Ingrid Solberg", "Team Lead", "Oslo", "team-north", ["manager"]),
    user("lucia", "Lucía Herrera", "Team Lead", "Madrid", "team-south", ["manager"]),
    user("jonas", "Jonas Weber", "Account Executive", "Hamburg", "team-north", ["sales"]),
    user("sofie", "Sofie Jensen", "Account Executive", "Copenhagen", "team-north", ["sales"]),
    user("mikko", "Mikko Virtanen", "Sales Development", "Helsinki", "team-north", ["sales"]),
    user("chloe", "Chloé Martin", "Account Executive", "Lyon", "team-south", ["sales"]),
    user("tiago", "Tiago Almeida", "Account Executive", "Lisbon", "team-south", ["sales"]),
    user("nadia", "Nadia Haddad", "Head of Customer Success", "Paris", "dept-success", ["manager"]),
    user("pieter", "Pieter de Vries", "Success Manager", "Utrecht", "team-care", ["sales"]),
    user("grace", "Grace O'Connor", "Controller", "Dublin", "dept-finance", ["viewer"]),
  ]

  /// What the company has to spend at first, in 1/10,000 credit: enough for any trial.
  static let creditUnits: Int64 = 10_000_000 * 10_000

  /// Reads are free; what is not named here is free as well.
  static let plan = CreditPlan(
    planType: "enterprise",
    featureLimits: JSONObject([
      ("contacts", 50_000), ("deals", 10_000), ("emails", 5_000), ("storage", "5GB"),
    ]),
    pricing: JSONObject([("currency", "EUR"), ("perThousandCredits", 9)]),
    operations: [
      "crm.contacts.create": 20_000, "crm.contacts.update": 5_000, "crm.contacts.merge": 10_000,
      "crm.companies.create": 20_000, "crm.companies.update": 5_000,
      "crm.leads.create": 50_000, "crm.leads.update": 5_000, "crm.leads.convert": 50_000,
      "crm.deals.create": 50_000, "crm.deals.update": 5_000,
      "crm.tasks.create": 10_000, "crm.tasks.update": 5_000,
      "crm.notes.create": 5_000, "crm.interactions.create": 10_000,
      "crm.interactions.update": 5_000, "crm.files.create": 10_000,
    ])

  private static func user(
    _ id: String, _ name: String, _ title: String, _ location: String, _ unitID: String,
    _ roleIDs: [String]
  ) -> NewUser {
    NewUser(
      id: "user-\(id)", email: "\(id)@acme.example", name: name, title: title,
      location: location, unitID: unitID, roleIDs: roleIDs)
  }
}
