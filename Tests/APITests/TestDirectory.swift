import EmbeddedWrapper
internal import FoundationEssentials
import JSON

/// The tenants and people of ``TestServer``.
enum TestDirectory {
  private static let plan = CreditPlan(
    planType: "test",
    operations: [
      "crm.leads.create": 50_000, "crm.contacts.create": 20_000, "crm.leads.update": 1000,
    ])

  static func fill(_ directory: Directory) async throws {
    try await acme(directory)
    for (tenant, user, credits) in [("globex", "greta", 1000), ("poor", "paul", 0)] {
      try await directory.createTenant(id: tenant, name: tenant.capitalized)
      try await directory.createRole(
        tenantID: tenant, id: "admin", name: "Admin", permissions: ["*"])
      try await directory.createUser(
        tenantID: tenant,
        NewUser(id: user, email: "\(user)@\(tenant).example", name: user, roleIDs: ["admin"]))
      try await directory.setCreditConfiguration(tenantID: tenant, plan)
      try await directory.topUp(tenantID: tenant, units: Int64(credits) * 10_000)
    }
  }

  private static func acme(_ directory: Directory) async throws {
    let tenant = "acme"
    try await directory.createTenant(
      id: tenant, name: "Acme Corp", settings: JSONObject([("currency", "USD")]))
    for (id, type, name, parent) in [
      ("org", UnitType.organization, "Acme Corp", nil),
      ("sales", .department, "Sales Department", "org"),
      ("north", .team, "North", "sales"),
      ("support", .department, "Support", "org"),
    ] {
      try await directory.createUnit(
        tenantID: tenant, id: id, type: type, name: name, parentID: parent)
    }
    for (id, name, permissions) in [
      ("admin", "Admin", ["*"]),
      ("manager", "Manager", ["crm.*.*:team"]),
      (
        "sales", "Sales",
        [
          "crm.leads.create:own", "crm.leads.read:own", "crm.leads.update:own",
          "crm.contacts.create:own", "crm.contacts.read", "crm.contacts.update:own",
        ]
      ),
      ("viewer", "Viewer", ["crm.*.read"]),
      ("proxy", "Proxy", ["crm.*.*", "crm.impersonate"]),
    ] {
      try await directory.createRole(
        tenantID: tenant, id: id, name: name, permissions: permissions)
    }
    for (id, name, unit, role) in [
      ("ada", "Ada Admin", "org", "admin"), ("mara", "Mara Manager", "sales", "manager"),
      ("sam", "Sam Sales", "north", "sales"), ("sue", "Sue Support", "support", "sales"),
      ("vic", "Vic Viewer", "sales", "viewer"), ("ida", "Ida Inactive", "sales", "admin"),
      ("pia", "Pia Proxy", "support", "proxy"),
    ] {
      try await directory.createUser(
        tenantID: tenant,
        NewUser(
          id: id, email: "\(id)@acme.example", name: name, title: "Tester", location: "Paris",
          unitID: unit, roleIDs: [role]),
        password: id == "ada" ? "correct horse battery" : nil)
    }
    try await directory.setActive(tenantID: tenant, userID: "ida", isActive: false)
    try await directory.setCreditConfiguration(tenantID: tenant, plan)
    try await directory.topUp(tenantID: tenant, units: 100_000 * 10_000)
  }
}
