import JSON
import Testing

@testable import WrapperClient

@Suite struct TenantDirectoryTests {
  private static let organization = """
    {"entityId":"org","entityType":"organization","name":"Acme Corp","children":[
      {"entityId":"sales","entityType":"department","name":"Sales Department","children":[
        {"entityId":"north","entityType":"team","name":"North"},
        {"entityId":"south","entityType":"team","name":"South"}]},
      {"entityId":"ops","entityType":"department","name":"Operations"}]}
    """

  private static let employees = """
    [{"userId":"john","name":"John Doe","email":"john@acme.com","title":"Manager",
      "department":"Sales","departmentId":"sales","organizationId":"org","location":"New York"},
     {"userId":"nora","name":"Nora","departmentId":"north"},
     {"userId":"sam","name":"Sam","departmentId":"south"},
     {"userId":"olga","name":"Olga","departmentId":"ops"},
     {"userId":"drifter","name":"Drifter","organizationId":"org"},
     {"userId":"lost","departmentId":"closed"}]
    """

  private func directory() throws -> TenantDirectory {
    try Fixture.directory(employees: Self.employees, organization: Self.organization)
  }

  @Test("an activity's context has the seed's shape and path")
  func context() throws {
    let context = try directory().context(for: "john")
    #expect(context.entityPath == "Acme Corp → Sales Department → John Doe")
    #expect(context.unitID == "sales")
    #expect(context.unitPath == "/org/sales/")
    #expect(context.location == "New York")
    let json = try JSONParser.parse(context.userContextJSON)
    #expect(
      json == [
        "user": [
          "id": "john", "name": "John Doe", "email": "john@acme.com", "title": "Manager",
          "department": "Sales", "organizationId": "org",
        ],
        "department": "Sales",
        "hierarchy": [
          "organizationId": "org", "organizationName": "Acme Corp", "departmentId": "sales",
          "departmentName": "Sales Department", "parentEntityId": "org",
        ],
        "entityPath": "Acme Corp → Sales Department → John Doe",
      ])
  }

  @Test("several roots stand together below one that bears the tenant's name")
  func severalRoots() throws {
    let roots = """
      [{"entityId":"a","entityType":"organization","name":"A","children":[
        {"entityId":"a1","entityType":"team","name":"A one"}]},
       {"entityId":"b","entityType":"organization","name":"B"}]
      """
    let directory = try Fixture.directory(employees: "[]", organization: roots)
    let whole = try #require(directory.organization)
    #expect(whole["entityId"] == .string(directory.tenantID))
    #expect(whole["entityType"] == "organization")
    #expect(whole["name"] == .string(directory.name))
    let children = try #require(whole["children"]?.array)
    #expect(children.map { $0["entityId"] } == ["a", "b"])
    #expect(children[0]["children"]?.array?.first?["entityId"] == "a1")
    let single = try self.directory()
    #expect(single.organization == single.hierarchy(of: "org"))
    let none = try Fixture.directory(employees: "[]", organization: "[]")
    #expect(none.organization == nil)
  }

  @Test("a member of a team is shown under the department")
  func team() throws {
    let context = try directory().context(for: "nora")
    #expect(context.entityPath == "Acme Corp → Sales Department → Nora")
    #expect(context.department == "Sales Department")
    #expect(context.unitPath == "/org/sales/north/")
  }

  @Test("a user nobody knows has a context all the same")
  func unknown() throws {
    let context = try directory().context(for: "ghost")
    #expect(context.userName == "Unknown User")
    #expect(context.department == "Unknown")
    #expect(context.entityPath == "Unknown → ghost")
    #expect(context.location == "unknown")
    let json = try JSONParser.parse(context.userContextJSON)
    #expect(json["user"]?["email"] == "unknown@example.com")
    #expect(json["user"]?["id"] == "ghost")
    #expect(json["hierarchy"] == [:])
  }

  @Test("what a user held is written beside what was asked")
  func permissions() throws {
    let directory = try Fixture.directory(
      permissions: """
        {"users":[{"userId":"u1","permissions":["crm.a.read"],"roleIds":["r1"]}],
         "roles":[{"roleId":"r1","name":"Sales","permissions":["crm.a.read","crm.b.create"]}]}
        """)
    let decision = directory.check(userID: "u1", permission: "crm.b.create")
    let bytes = directory.context(for: "u1").permissionsJSON(
      required: "crm.b.create", decision: decision)
    #expect(
      try JSONParser.parse(bytes) == [
        "grantedPermissions": ["crm.a.read", "crm.b.create"],
        "roles": [["id": "r1", "name": "Sales"]],
        "operationContext": [
          "requiredPermission": "crm.b.create", "hasPermission": true,
          "permissionSource": "role:Sales",
        ],
      ])
  }

  @Test("a team is the unit and what lies below it, never what lies above")
  func teams() throws {
    let directory = try directory()
    #expect(directory.teamMembers(of: "john") == ["john", "nora", "sam"])
    #expect(directory.teamMembers(of: "nora") == ["nora"])
    // Without a known unit nobody's records come within reach.
    #expect(directory.teamMembers(of: "drifter") == ["drifter"])
    #expect(directory.teamMembers(of: "lost") == ["lost"])
    #expect(directory.teamMembers(of: "ghost") == ["ghost"])
  }

  @Test("a hierarchy is the unit with its children")
  func hierarchy() throws {
    let directory = try directory()
    let sales = try #require(directory.hierarchy(of: "sales"))
    #expect(sales["parentEntityId"] == "org")
    #expect(sales["children"]?.array?.compactMap { $0["entityId"]?.string } == ["north", "south"])
    #expect(directory.hierarchy(of: "nowhere") == nil)
    #expect(directory.units.map(\.id) == ["org", "sales", "north", "south", "ops"])
  }

  @Test("an operation without a price is free")
  func costs() throws {
    let directory = try Fixture.directory(
      credits: """
        {"planType":"gold","monthlyLimit":1000,"dailyLimit":null,"featureLimits":
        {"contacts":50,"storage":"5GiB"},"operations":[
        {"operationCode":"crm.leads.create","creditCost":0.1},
        {"operationCode":"billing.charge","creditCost":9}]}
        """)
    #expect(directory.creditUnits(for: "crm.leads.create") == 1_000)
    #expect(directory.creditUnits(for: "crm.leads.read") == 0)
    #expect(directory.creditUnits(for: "billing.charge") == 0)
    let plan = directory.creditConfiguration
    #expect(plan.monthlyLimitUnits == 10_000_000)
    #expect(plan.dailyLimitUnits == nil)
    #expect(plan.featureLimits.storageBytes == 5 << 30)
    #expect(plan.featureLimits.deals == nil)
  }
}
