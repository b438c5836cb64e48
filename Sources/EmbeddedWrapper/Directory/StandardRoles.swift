/// The roles that a tenant begins with.
enum StandardRoles {
  /// The one who may do everything.
  static let administratorID = "admin"

  static let all = [
    RoleRecord(id: administratorID, name: "Admin", permissions: ["*"]),
    RoleRecord(id: "manager", name: "Manager", permissions: ["crm.*.*:team"] + everyone),
    RoleRecord(
      id: "sales", name: "Sales",
      permissions: [
        "contacts", "companies", "leads", "deals", "tasks", "notes", "interactions", "files",
      ].flatMap { resource in
        ["create", "read", "update"].map { "crm.\(resource).\($0):own" }
      } + ["crm.contacts.read", "crm.companies.read", "crm.stats.read:own"] + everyone),
    RoleRecord(id: "viewer", name: "Viewer", permissions: ["crm.*.read"]),
  ]

  /// What everybody who works with records looks up.
  private static let everyone = [
    "crm.pipelines.read", "crm.custom-fields.read", "crm.segments.read",
  ]
}
