import EmbeddedWrapper
import JSON
import TestSupport
import Testing

@Suite struct DirectoryTests {
  @Test("the demo company is created once, and nobody in it has a password")
  func demo() async throws {
    let world = try EmbeddedWorld()
    let company = try await DemoCompany.open(in: world.directory)
    #expect(company.users.count == 12)
    #expect(company.users.allSatisfy { !$0.hasPassword })
    let administrator = try #require(company.administrator)
    try await world.directory.moveUser(
      tenantID: "acme", userID: "user-jonas", unitID: "team-south")
    let again = try await DemoCompany.open(in: world.directory)
    #expect(again.users.first { $0.id == "user-jonas" }?.unitID == "team-south")
    let first = try await again.resetPassword(userID: administrator.id)
    let second = try await again.resetPassword(userID: administrator.id)
    #expect(first != second)
    for (password, status) in [(first, 401), (second, 200)] {
      let answer = try await world.send(
        "POST", "/auth/login",
        ["email": .string(administrator.email), "password": .string(password)])
      #expect(answer.status == status)
    }
    #expect(
      try world.directory.creditAccount(tenantID: "acme")?.availableUnits == 100_000_000_000)
    await world.stop()
  }

  @Test("what cannot be is refused with its reason")
  func refused() async throws {
    let world = try EmbeddedWorld()
    let directory = world.directory
    try await directory.createTenant(id: "t1", name: "One")
    try await directory.createTenant(id: "t2", name: "Two")
    try await directory.createUnit(
      tenantID: "t1", id: "o", type: .organization, name: "O", parentID: nil)
    try await directory.createUser(
      tenantID: "t1", NewUser(id: "u1", email: "a@x.example", name: "A", unitID: "o"))
    await #expect(throws: DirectoryError.duplicate("id")) {
      try await directory.createTenant(id: "t1", name: "Again")
    }
    await #expect(throws: DirectoryError.duplicate("email")) {
      try await directory.createUser(tenantID: "t2", NewUser(email: "A@X.example", name: "B"))
    }
    await #expect(throws: DirectoryError.notFound("tenant")) {
      try await directory.createUser(tenantID: "t9", NewUser(email: "b@x.example", name: "B"))
    }
    await #expect(throws: DirectoryError.notFound("unit")) {
      try await directory.createUser(
        tenantID: "t2", NewUser(email: "b@x.example", name: "B", unitID: "o"))
    }
    await #expect(throws: DirectoryError.notFound("role")) {
      try await directory.grantRole(tenantID: "t1", userID: "u1", roleID: "none")
    }
    await #expect(throws: DirectoryError.inUse) {
      try await directory.deleteUnit(tenantID: "t1", id: "o")
    }
    await #expect(throws: DirectoryError.notFound("user")) {
      try await directory.setPassword(
        tenantID: "t2", userID: "u1", password: "long enough")
    }
    for password in ["short", String(repeating: "x", count: 600)] {
      await #expect(throws: DirectoryError.self) {
        try await directory.setPassword(tenantID: "t1", userID: "u1", password: password)
      }
    }
    await #expect(throws: DirectoryError.self) {
      try await directory.createTenant(id: "a/b", name: "Slash")
    }
    await #expect(throws: DirectoryError.self) {
      try await directory.setCreditConfiguration(
        tenantID: "t1", CreditPlan(planType: "p", operations: ["other.create": 1]))
    }
    #expect(try directory.users(tenantID: "t2").isEmpty)
    await world.stop()
  }

  @Test("units stand no deeper than an answer may nest")
  func depth() async throws {
    let world = try EmbeddedWorld()
    try await world.directory.createTenant(id: "t1", name: "One")
    var parent: String?
    for level in 0..<12 {
      parent = try await world.directory.createUnit(
        tenantID: "t1", type: .organization, name: "Level \(level)", parentID: parent)
    }
    let deepest = parent
    await #expect(throws: DirectoryError.self) {
      try await world.directory.createUnit(
        tenantID: "t1", type: .team, name: "Too deep", parentID: deepest)
    }
    let answer = try await world.send("GET", "/api/organizations/t1")
    #expect(answer.json != .null)
    await world.stop()
  }
}
