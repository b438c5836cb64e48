import JSON
import TestSupport
import Testing
import Values
import WrapperClient

/// How much of the work of a small company is answered from memory.
@Suite struct CacheRateTests {
  @Test("over 85 of 100 questions of a company's day are answered from memory")
  func demoLoad() async throws {
    try await TestServer.run { server in
      var ids: [String] = []
      for step in 0..<60 {
        for user in ["ada", "mara", "sam", "sue"] {
          let lead = try await server.lead(
            ["title": .string("Lead \(step)"), "source": "Website"], as: user)
          ids.append(lead["id"]?.string ?? "")
        }
        for user in ["ada", "mara", "vic"] {
          #expect(try await server.send("GET", "/api/leads?limit=20", as: user).status == 200)
          #expect(
            try await server.send("GET", "/api/leads/\(ids[step])", as: user).status != 503)
        }
      }
      let metrics = server.wrapper.cacheMetrics()
      let (hits, lookups) = (
        metrics.criticalHits + metrics.operationalHits, metrics.totalRequests
      )
      #expect(lookups > 60 * 10)
      #expect(Double(hits) > 0.85 * Double(lookups), "\(hits) of \(lookups)")
      #expect(metrics.criticalLookups > 0 && metrics.operationalLookups > 0)
      #expect(metrics.sizes.activeUsers == 6)
      #expect(metrics.memoryBytes > 0 && metrics.memoryBytes < metrics.memoryBudgetBytes)
    }
  }
}
