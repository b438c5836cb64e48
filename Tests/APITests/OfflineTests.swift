import JSON
import SQLite
import TestSupport
import Testing
import WrapperClient

/// The Wrapper goes away.
@Suite struct OfflineTests {
  @Test("without the Wrapper work goes on and says so; after half an hour only reading does")
  func modes() async throws {
    let clock = TestClock()
    try await TestServer.run(time: clock.source) { server in
      let lead = try await server.lead(["title": "before"])
      let path = "/api/leads/\(lead.id)"
      #expect(try await server.send("GET", path).header("X-Cardfile-Mode") == nil)
      await server.stopWrapper()
      #expect(await eventually { server.wrapper.mode(tenantID: "acme") == .degraded })
      let read = try await server.send("GET", path)
      #expect(read.status == 200)
      #expect(read.header("X-Cardfile-Mode") == "degraded")
      let refused = try await server.send("POST", "/api/leads", as: "vic", ["title": "no"])
      #expect(refused.status == 403)
      #expect(refused.header("X-Cardfile-Mode") == "degraded")
      let written = try await server.send("POST", "/api/leads", ["title": "offline"])
      #expect(written.status == 201)
      #expect(written.header("X-Cardfile-Mode") == "degraded")
      let metadata = try server.rows(
        "SELECT json_extract(metadata, '$.offline') FROM crm_activities WHERE id = ?",
        [.text(written.json["activityId"]?.string ?? "")])
      #expect(metadata == [["1"]])
      let ready = try await server.client.send("GET", "/health/ready")
      #expect(ready.status == 200)
      #expect(ready.json["mode"] == "degraded")

      clock.advance(seconds: 31 * 60)
      let late = try await server.send("GET", path)
      #expect(late.status == 200)
      #expect(late.header("X-Cardfile-Mode") == "read_only")
      for (method, body) in [
        ("PATCH", ["title": "x"]), ("DELETE", nil),
      ] as [(String, JSONValue?)] {
        let answer = try await server.send(method, path, body)
        #expect(answer.status == 503, "\(method)")
        #expect(answer.code == "read_only")
        #expect(answer.header("Retry-After") != nil)
      }
      #expect(try await server.send("GET", path).data == lead)
    }
  }
}
