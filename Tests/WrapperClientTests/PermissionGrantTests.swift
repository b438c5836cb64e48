import JSON
import Testing
import Values

@testable import WrapperClient

@Suite struct PermissionGrantTests {
  @Test(
    "a grant covers exactly what its form says",
    arguments: [
      ("*", "crm.leads.create", true), ("*", "crm.admin", true), ("*", "anything", true),
      ("crm.leads.create", "crm.leads.create", true),
      ("crm.leads.create", "crm.leads.read", false),
      ("crm.leads.*", "crm.leads.create", true), ("crm.leads.*", "crm.deals.create", false),
      ("crm.*.read", "crm.deals.read", true), ("crm.*.read", "crm.deals.update", false),
      ("crm.*.*", "crm.deals.update", true), ("crm.*.*", "crm.admin", false),
      ("crm.*.*", "other.deals.update", false), ("crm.admin", "crm.admin", true),
      ("crm.admin", "crm.admin.x", false), ("crm.leads.create:own", "crm.leads.create", true),
      ("crm.custom-fields.*:team", "crm.custom-fields.update", true),
      ("crm.Leads.create", "crm.leads.create", false),
    ])
  func covers(grant: String, permission: String, expected: Bool) throws {
    let parts = permission.split(separator: ".", omittingEmptySubsequences: false)
    #expect(try #require(PermissionGrant(grant)).covers(parts) == expected)
  }

  @Test(
    "a grant of another form is none",
    arguments: [
      "", "read", "crm", "crm.", "crm.*", "crm.leads", "crm.leads.", "crm..create", "*:own",
      "crm.leads.create:", "crm.leads.create:all", "crm.leads.create:own:own", "**",
      "crm.leads.create.more", "crm.le*ds.create", "CRM.leads.create", " crm.leads.create",
      #"{"action":"read"}"#, "crm.leads.créer",
    ])
  func malformed(grant: String) {
    // crm.leads is the name of a permission without resource, like crm.admin, and so well formed.
    #expect((PermissionGrant(grant) == nil) == (grant != "crm.leads"))
  }

  @Test("the widest grant wins, and a role is named before an equal direct grant")
  func widest() throws {
    let directory = try Fixture.directory(
      permissions: """
        {"users":[
          {"userId":"u1","permissions":["crm.leads.read:own","crm.deals.read"],
           "roleIds":["r1","r2","gone"]},
          {"userId":"u2","permissions":["*"],"roleIds":[],"isActive":false}],
         "roles":[
          {"roleId":"r1","name":"Team","permissions":["crm.leads.read:team","crm.deals.read"]},
          {"roleId":"r2","name":"All","permissions":["crm.leads.*","read",{"action":"x"}]}]}
        """)
    #expect(
      directory.check(userID: "u1", permission: "crm.leads.read")
        == PermissionDecision(isAllowed: true, scope: .tenant, source: "role:All"))
    #expect(directory.check(userID: "u1", permission: "crm.deals.read").source == "role:Team")
    #expect(!directory.check(userID: "u1", permission: "read").isAllowed)
    #expect(directory.check(userID: "u2", permission: "crm.leads.read") == .denied)
    #expect(directory.check(userID: "nobody", permission: "crm.leads.read") == .denied)
    // Kept as they came, though they never match.
    #expect(directory.roles.last?.permissions == ["crm.leads.*", "read", #"{"action":"x"}"#])
    #expect(directory.user("u1")?.roles.map(\.name) == ["Team", "All"])
  }

  @Test("asking again and again is answered from memory, and memory is bounded")
  func remembered() throws {
    let directory = try Fixture.directory(
      permissions: #"{"users":[{"userId":"u1","permissions":["crm.a1.read"]}],"roles":[]}"#)
    for round in 0..<3 {
      for number in 0..<5_000 {
        let decision = directory.check(userID: "u1", permission: "crm.a\(number).read")
        #expect(decision.isAllowed == (number == 1), "round \(round)")
      }
    }
  }
}

/// Directories made from the answers that a Wrapper would give.
enum Fixture {
  static func truth(
    _ answers: [WrapperCollection: String], tenantID: String = "t1"
  ) throws -> TenantTruth {
    var truth = TenantTruth()
    for (collection, text) in answers {
      var reader = SnapshotReader(tenantID: tenantID)
      let snapshot = try reader.read(collection, Array(text.utf8))
      for event in truth.events(for: snapshot) { truth.apply(event) }
    }
    return truth
  }

  static func directory(
    permissions: String = #"{"users":[],"roles":[]}"#, employees: String = "[]",
    organization: String = "[]", credits: String = "{}", tenant: String = "{}"
  ) throws -> TenantDirectory {
    TenantDirectory(
      tenantID: "t1",
      truth: try truth([
        .permissions: permissions, .employees: employees, .organization: organization,
        .creditConfiguration: credits, .tenant: tenant,
      ]), generation: 1, use: CacheUse(time: .system, alarm: Alarm()))
  }
}
