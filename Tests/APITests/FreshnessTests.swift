import EmbeddedWrapper
import Foundation
import JSON
import TestSupport
import Testing

/// What changes in the embedded Wrapper holds here within two seconds.
///
/// By its feed: the snapshots of these servers are looked at once in ten minutes.
@Suite struct FreshnessTests {
  private static let lead: JSONValue = ["leadData": ["title": "Fresh", "value": 1]]

  /// Changes something and waits until a request is answered as it then should be.
  ///
  /// - Returns: the seconds that it took; nil when it did not come.
  private static func seconds(
    until status: Int, _ server: TestServer, as user: String,
    after change: () async throws -> Void
  ) async throws -> Double? {
    let clock = ContinuousClock()
    try await change()
    let start = clock.now
    while clock.now - start < .seconds(10) {
      if try await server.send("POST", "/api/leads", as: user, lead).status == status {
        return (clock.now - start) / .seconds(1)
      }
    }
    return nil
  }

  @Test("a role that is taken away, and given back, counts within two seconds")
  func roles() async throws {
    try await TestServer.run(pollSeconds: 600) { server in
      #expect(try await server.send("POST", "/api/leads", as: "sam", Self.lead).status == 201)
      let roleIDs = try server.directory.user(tenantID: "acme", id: "sam")?.roleIDs ?? []
      #expect(!roleIDs.isEmpty)
      let gone = try await Self.seconds(until: 403, server, as: "sam") {
        for roleID in roleIDs {
          try await server.directory.revokeRole(
            tenantID: "acme", userID: "sam", roleID: roleID)
        }
      }
      #expect(try #require(gone) < 2)
      let back = try await Self.seconds(until: 201, server, as: "sam") {
        for roleID in roleIDs {
          try await server.directory.grantRole(tenantID: "acme", userID: "sam", roleID: roleID)
        }
      }
      #expect(try #require(back) < 2)
    }
  }

  @Test("a user who is shut out is refused within two seconds")
  func users() async throws {
    try await TestServer.run(pollSeconds: 600) { server in
      #expect(try await server.send("POST", "/api/leads", as: "sam", Self.lead).status == 201)
      let gone = try await Self.seconds(until: 403, server, as: "sam") {
        try await server.directory.setActive(
          tenantID: "acme", userID: "sam", isActive: false)
      }
      #expect(try #require(gone) < 2)
    }
  }

  @Test("another cost is charged within two seconds")
  func costs() async throws {
    try await TestServer.run(pollSeconds: 600) { server in
      #expect(try await server.send("POST", "/api/leads", as: "sam", Self.lead).status == 201)
      let dear = try await Self.seconds(until: 402, server, as: "sam") {
        try await server.directory.setOperationCost(
          tenantID: "acme", operation: "crm.leads.create", units: 99_000_000_000_000)
      }
      #expect(try #require(dear) < 2)
    }
  }
}
