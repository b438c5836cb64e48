import API
import JSON
import TestSupport
import Testing

/// `GET /metrics`.
struct MetricsTests {
  @Test("requests are counted by route and status, and every sample has a type")
  func counts() async throws {
    try await TestServer.run { server in
      for _ in 0..<3 { _ = try await server.send("GET", "/api/leads") }
      _ = try await server.send("GET", "/api/nothing")
      let leads = #"method="GET",route="/api/leads""#
      let counts = [
        "cardfile_http_requests_total{\(leads),status=\"200\"} 3",
        "cardfile_http_request_duration_seconds_bucket{\(leads),le=\"+Inf\"} 3",
        #"cardfile_http_requests_total{method="",route="unmatched",status="404"} 1"#,
      ]
      // A request is counted when its answer has been sent, which the client may know first.
      var lines = try await Self.lines(server)
      for _ in 0..<1000 where !counts.allSatisfy({ lines.contains($0) }) {
        try await Task.sleep(for: .milliseconds(10))
        lines = try await Self.lines(server)
      }
      for count in counts { #expect(lines.contains(count)) }
      #expect(lines.contains { $0.hasPrefix("cardfile_memory_bytes ") })
      for sample in [
        #"cardfile_wrapper_calls_total{endpoint="permissions",outcome="2xx"} "#,
        #"cardfile_wrapper_call_duration_seconds_count{endpoint="permissions"} "#,
        #"cardfile_events_rejected_total{reason="channel"} 0"#, "cardfile_events_applied_total ",
        #"cardfile_cache_hits_total{tier="critical"} "#, "cardfile_outbox_dead_letters 0",
      ] {
        #expect(lines.contains { $0.hasPrefix(sample) }, "\(sample)")
      }
      let typed = Set(
        lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] })
      for line in lines where !line.hasPrefix("#") {
        let name = line.prefix { $0 != "{" && $0 != " " }
        let family = ["_bucket", "_sum", "_count"].reduce(name) { name, ending in
          name.hasSuffix(ending) && name.contains("duration") ? name.dropLast(ending.count) : name
        }
        #expect(typed.contains(family), "\(line)")
      }
    }
  }

  private static func lines(_ server: TestServer) async throws -> [String] {
    let answer = try await server.client.send(
      "GET", "/metrics", headers: [("Accept", "text/plain")])
    #expect(answer.status == 200)
    #expect(answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
    return answer.text.split(separator: "\n").map(String.init)
  }

  @Test("no tenant and no user is named")
  func namesNobody() async throws {
    try await TestServer.run { server in
      _ = try await server.send(
        "POST", "/api/leads", ["title": "A lead"])
      let text = try await server.client.send("GET", "/metrics").text
      for name in ["acme", "globex", "ada", "A lead"] { #expect(!text.contains(name)) }
    }
  }

  @Test("with a token configured nobody reads them without it")
  func token() async throws {
    try await TestServer.run(configure: { $0.metricsToken = "scrape-me-please" }) { server in
      try await #expect(server.client.send("GET", "/metrics").status == 401)
      let wrong = [("Authorization", "Bearer something else")]
      try await #expect(server.client.send("GET", "/metrics", headers: wrong).status == 401)
      let right = [("Authorization", "Bearer scrape-me-please")]
      try await #expect(server.client.send("GET", "/metrics", headers: right).status == 200)
    }
  }
}
