import API
import JSON
import TestSupport
import Testing
import WrapperClient

/// HTTP itself: methods, media types, sizes, headers.
@Suite struct ProtocolTests {
  @Test("unknown paths are 404, unknown methods 405 with Allow; OPTIONS and HEAD work")
  func methods() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let path = "/api/leads/\(try await server.lead(["title": "t"]).id)"
      for absent in ["/", "/api", "/api/lead", "/api/leads/", "/api/leads/x/y", "/API/leads"] {
        let answer = try await server.send("GET", absent)
        #expect(answer.status == 404, "\(absent)")
        #expect(answer.code == "not_found")
      }
      for (method, path, allow) in [
        ("PUT", "/api/leads", ["GET", "HEAD", "OPTIONS", "POST"]),
        ("DELETE", "/api/leads", ["GET", "HEAD", "OPTIONS", "POST"]),
        ("POST", path, ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT"]),
        ("GET", "\(path)/restore", ["OPTIONS", "POST"]),
      ] {
        func names(_ answer: TestResponse) -> [String] {
          (answer.header("Allow") ?? "").split(separator: ",").map {
            String($0.filter { $0 != " " })
          }
          .sorted()
        }
        let answer = try await server.send(method, path)
        #expect(answer.status == 405, "\(method) \(path)")
        #expect(answer.code == "method_not_allowed")
        #expect(names(answer) == allow)
        let options = try await server.client.send("OPTIONS", path)
        #expect(options.status == 204)
        #expect(names(options) == allow)
        #expect(options.header("Access-Control-Allow-Origin") == nil)
      }
      for method in ["TRACE", "CONNECT", "BREW", "get"] {
        let answer = try await server.send(method, "/api/leads")
        #expect([405, 501].contains(answer.status), "\(method)")
      }
      let head = try await server.send("HEAD", "/api/leads")
      let get = try await server.send("GET", "/api/leads")
      #expect(head.status == 200)
      #expect(head.body.isEmpty)
      #expect(head.header("Content-Length") == get.header("Content-Length"))
      #expect(head.header("Content-Type") == get.header("Content-Type"))
    }
  }

  @Test("answers are JSON: 406 for who takes none, 415 for bodies that are something else")
  func mediaTypes() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (accept, status) in [
        ("*/*", 200), ("application/json", 200), ("text/html, application/*;q=0.5", 200),
        ("application/problem+json", 200), ("text/html", 406), ("application/json;q=0", 406),
        ("image/png, text/*", 406), ("APPLICATION/JSON", 200),
        ("text/html,application/xhtml+xml,*/*;q=0.8", 200),
      ] {
        let answer = try await server.send("GET", "/api/leads", headers: [("Accept", accept)])
        #expect(answer.status == status, "\(accept)")
      }
      for (type, status) in [
        ("application/json", 201), ("application/json; charset=utf-8", 201),
        ("Application/JSON;charset=UTF-8", 201), ("application/merge-patch+json", 201),
        ("text/plain", 415), ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415), ("application/xml", 415), ("", 415),
        ("json", 415),
      ] {
        let answer = try await server.send(
          "POST", "/api/leads", ["title": "t"], headers: [("Content-Type", type)])
        #expect(answer.status == status || (type.isEmpty && answer.status == 201), "\(type)")
        #expect(answer.status == 201 || answer.code == "unsupported_media_type")
      }
    }
  }

  @Test("a body beyond the limit is 413, announced or chunked; a long URL is 414")
  func sizes() async throws {
    try await TestServer.run(
      creditCheck: .off, configure: { $0.bodyBytesMax = 10_000 }
    ) { server in
      let headers = [
        ("Authorization", "Bearer \(TestServer.token("ada"))"),
        ("Content-Type", "application/json"),
      ]
      let body = (["title": .string(String(repeating: "x", count: 20_000))] as JSONValue).bytes
      let announced = try await server.client.send(
        "POST", "/api/leads", headers: headers, body: body)
      #expect(announced.status == 413)
      #expect(announced.code == "content_too_large")
      let chunked = try await server.client.send(
        "POST", "/api/leads", headers: headers + [("Transfer-Encoding", "chunked")],
        body: TestRequest.chunked([Array(body[..<9000]), Array(body[9000...])]))
      #expect(chunked.status == 413)
      let small = TestRequest.chunked([Array("{\"title\":".utf8), Array("\"t\"}".utf8)])
      let fits = try await server.client.send(
        "POST", "/api/leads", headers: headers + [("Transfer-Encoding", "chunked")], body: small)
      #expect(fits.status == 201)
      let long = try await server.send(
        "GET", "/api/leads?q=" + String(repeating: "x", count: 9000))
      #expect(long.status == 414)
      let many = (0..<200).map { "a\($0)=1" }.joined(separator: "&")
      #expect(try await server.send("GET", "/api/leads?\(many)").status == 400)
      for broken in ["%zz", "a=%", "q=%ff", "q=%00"] {
        #expect(try await server.send("GET", "/api/leads?\(broken)").status == 400, "\(broken)")
      }
    }
  }

  @Test("answers over 1 KiB are compressed when asked for, and every answer says what it varies by")
  func compression() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for _ in 0..<5 { _ = try await server.lead(["title": "A title that comes again"]) }
      let asked = try await server.send(
        "GET", "/api/leads", headers: [("Accept-Encoding", "gzip")])
      #expect(asked.header("Content-Encoding") == "gzip")
      #expect(asked.body.prefix(2) == [0x1f, 0x8b])
      let plain = try await server.send("GET", "/api/leads")
      #expect(plain.header("Content-Encoding") == nil)
      #expect(plain.body.count > 3 * asked.body.count)
      for answer in [asked, plain] {
        #expect(answer.header("Vary") == "Authorization, Accept-Encoding")
      }
      let small = try await server.send(
        "GET", "/api/leads?limit=1&fields=id", headers: [("Accept-Encoding", "gzip")])
      #expect(small.header("Content-Encoding") == nil)
    }
  }

  @Test("every answer carries its request's id and the headers that keep browsers from mischief")
  func headers() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (sent, isEchoed) in [
        ("abc-123_X.y", true), ("a b", false), ("<script>", false),
        (String(repeating: "x", count: 129), false), ("é", false),
      ] {
        let answer = try await server.send(
          "GET", "/api/leads", headers: [("X-Request-Id", sent)])
        let id = answer.header("X-Request-Id") ?? ""
        #expect((id == sent) == isEchoed, "\(sent)")
        #expect(!id.isEmpty)
      }
      let id = [("X-Request-Id", "trace-1")]
      for answer in [
        try await server.send("GET", "/api/leads", headers: id),
        try await server.send("POST", "/api/leads", ["x": 1], headers: id),
        try await server.send("GET", "/nowhere", headers: id),
        try await server.send("PUT", "/api/leads", headers: id),
        try await server.client.send("GET", "/api/leads", headers: id),
        try await server.client.send("OPTIONS", "/api/leads", headers: id),
        try await server.client.send("GET", "/health", headers: id),
        try await server.client.send("BREW", "/health", headers: id),
      ] {
        #expect(answer.header("X-Request-Id") == "trace-1")
        #expect(answer.header("X-Content-Type-Options") == "nosniff")
        #expect(answer.header("Content-Security-Policy")?.contains("default-src 'none'") == true)
        #expect(answer.header("Referrer-Policy") == "no-referrer")
        if answer.status >= 400 {
          #expect(answer.json["requestId"] == "trace-1")
          #expect(answer.json["status"] == .integer(answer.status))
          for member in ["type", "title", "detail", "instance", "code", "error"] {
            #expect(answer.json[member]?.string?.isEmpty == false, "\(member)")
          }
        }
      }
      let health = try await server.client.send("GET", "/health/ready")
      #expect(health.status == 200)
      #expect(health.json["mode"] == "online")
    }
  }

  @Test("pages of other origins may call only if they are named")
  func crossOrigin() async throws {
    let origin = "https://app.example"
    try await TestServer.run(
      creditCheck: .off, configure: { $0.corsOrigins = [origin] }
    ) { server in
      let allowed = try await server.send("GET", "/api/leads", headers: [("Origin", origin)])
      #expect(allowed.header("Access-Control-Allow-Origin") == origin)
      #expect(allowed.header("Vary")?.contains("Origin") == true)
      #expect(allowed.header("Access-Control-Expose-Headers")?.contains("ETag") == true)
      #expect(allowed.header("Access-Control-Allow-Credentials") == nil)
      let other = try await server.send(
        "GET", "/api/leads", headers: [("Origin", "https://evil.example")])
      #expect(other.header("Access-Control-Allow-Origin") == nil)
      #expect(other.header("Vary")?.contains("Origin") == true)
      let refused = try await server.client.send(
        "GET", "/api/leads", headers: [("Origin", origin)])
      #expect(refused.status == 401)
      #expect(refused.header("Access-Control-Allow-Origin") == origin)
      for (from, isAllowed) in [(origin, true), ("https://evil.example", false)] {
        let preflight = try await server.client.send(
          "OPTIONS", "/api/leads",
          headers: [
            ("Origin", from), ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization, content-type"),
          ])
        #expect(preflight.status == 204)
        #expect((preflight.header("Access-Control-Allow-Origin") == from) == isAllowed)
        #expect(
          (preflight.header("Access-Control-Allow-Methods")?.contains("POST") == true)
            == isAllowed)
        #expect(
          (preflight.header("Access-Control-Allow-Headers")?.contains("Authorization") == true)
            == isAllowed)
      }
    }
  }

  @Test("a user has a sixth of the minute's requests at once, then 429 with Retry-After")
  func rateLimit() async throws {
    let clock = TestClock()
    try await TestServer.run(
      creditCheck: .off, time: clock.source, configure: { $0.requestsPerMinute = 1 }
    ) { server in
      var statuses: [Int] = []
      for _ in 0..<11 { statuses.append(try await server.send("GET", "/api/leads").status) }
      #expect(statuses == Array(repeating: 200, count: 10) + [429])
      let answer = try await server.send("POST", "/api/leads", ["title": "t"])
      #expect(answer.status == 429)
      #expect(answer.code == "rate_limited")
      let wait = try #require(answer.header("Retry-After").flatMap { Int64($0) })
      #expect((1...60).contains(wait))
      #expect(try await server.send("GET", "/api/leads", as: "mara").status == 200)
      clock.advance(seconds: wait)
      #expect(try await server.send("GET", "/api/leads").status == 200)
      #expect(try await server.send("GET", "/api/leads").status == 429)
      #expect(try server.rows("SELECT count(*) FROM crm_activities") == [["0"]])
    }
  }
}
