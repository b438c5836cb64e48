internal import Database
internal import SQLite

/// What the demo tenant has already, and what it lacks.
struct DemoStock {
  /// A person whom the company knows.
  struct Contact {
    let id: String
    let ownerID: String
    let companyID: String?
    let company: String
  }

  /// How many records of each kind the whole demo has.
  static let whole: [(table: String, count: Int)] = [
    ("companies", 20), ("contacts", 500), ("leads", 200), ("deals", 200), ("notes", 260),
    ("interactions", 360), ("tasks", 140), ("segments", 2), ("custom_field_definitions", 2),
  ]

  /// How many records of each table are missing.
  let missing: [String: Int]
  /// The ids of companies by name.
  var companies: [String: String] = [:]
  var contacts: [Contact] = []
  /// Deals with their owners.
  var deals: [(id: String, ownerID: String)] = []

  var isComplete: Bool { missing.values.allSatisfy { $0 == 0 } }

  /// Looks into the file.
  ///
  /// - Throws: what the database throws.
  init(_ database: Database, tenantID: String) throws {
    let tenant = [SQLiteValue.text(tenantID)]
    var missing: [String: Int] = [:]
    var companies: [(name: String, id: String)] = []
    (contacts, deals) = try database.read { connection in
      for (table, count) in Self.whole {
        let found = try connection.first(
          "SELECT count(*) FROM \(table) WHERE tenant_id = ?", tenant
        ) { $0.integer(0) ?? 0 }
        missing[table] = max(0, count - Int(found ?? 0))
      }
      companies = try connection.all(
        "SELECT name, id FROM companies WHERE tenant_id = ? AND deleted_at IS NULL", tenant
      ) { ($0.text(0) ?? "", $0.text(1) ?? "") }
      let contacts = try connection.all(
        """
        SELECT id, owner_id, company_id, company FROM contacts
        WHERE tenant_id = ? AND owner_id IS NOT NULL AND deleted_at IS NULL ORDER BY created_at, id
        """, tenant
      ) {
        Contact(
          id: $0.text(0) ?? "", ownerID: $0.text(1) ?? "", companyID: $0.text(2),
          company: $0.text(3) ?? "")
      }
      let deals = try connection.all(
        """
        SELECT id, owner_id FROM deals
        WHERE tenant_id = ? AND owner_id IS NOT NULL AND deleted_at IS NULL ORDER BY created_at, id
        """, tenant
      ) { (id: $0.text(0) ?? "", ownerID: $0.text(1) ?? "") }
      return (contacts, deals)
    }
    self.missing = missing
    self.companies = Dictionary(companies) { first, _ in first }
  }
}
