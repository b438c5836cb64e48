import EmbeddedWrapper
import JSON
import TestSupport
import Testing
import WrapperClient

/// `CRM_PERMISSION_CHECK=strict` as clients meet it.
@Suite struct StrictCheckTests {
  /// A server whose looks bring nothing, so that only the checks themselves can.
  private func run(_ body: (TestServer) async throws -> Void) async throws {
    try await TestServer.run(
      creditCheck: .off, permissionCheck: .strict, pollSeconds: 3_600, body)
  }

  @Test("what the Wrapper takes away is refused with the next request")
  func revoked() async throws {
    try await run { server in
      let lead = try await server.lead(["title": "t"])
      let path = "/api/leads/\(lead.id)"
      #expect(try await server.send("GET", path, as: "vic").status == 200)
      try await server.directory.revokeRole(tenantID: "acme", userID: "vic", roleID: "viewer")
      #expect(try await server.send("GET", path, as: "vic").status == 403)
      try await server.directory.grantRole(tenantID: "acme", userID: "vic", roleID: "viewer")
      #expect(try await server.send("GET", path, as: "vic").status == 200)
      try await server.directory.setActive(tenantID: "acme", userID: "vic", isActive: false)
      #expect(try await server.send("GET", path, as: "vic").status == 403)
      #expect(try await server.send("PATCH", path, ["title": "u"]).status == 200)
    }
  }

  @Test("whoever somebody acts for is asked about as well")
  func impersonated() async throws {
    try await run { server in
      let body: JSONValue = ["userId": "sam", "leadData": ["title": "For Sam"]]
      #expect(try await server.send("POST", "/api/leads", as: "pia", body).status == 201)
      try await server.directory.revokeRole(tenantID: "acme", userID: "sam", roleID: "sales")
      let refused = try await server.send("POST", "/api/leads", as: "pia", body)
      #expect(refused.status == 403)
      #expect(refused.json["requiredPermission"] == "crm.leads.create")
    }
  }

  @Test("without the Wrapper the last truth decides")
  func away() async throws {
    try await run { server in
      _ = try await server.lead(["title": "t"])
      await server.stopWrapper()
      for _ in 0..<5 {
        #expect(try await server.send("GET", "/api/leads").status == 200)
        #expect(
          try await server.send("POST", "/api/leads", as: "vic", ["title": "t"]).status == 403)
      }
    }
  }
}
