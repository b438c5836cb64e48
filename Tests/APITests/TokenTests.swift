import API
import Cryptography
import JSON
import TestSupport
import Testing
import Values
import WrapperClient

/// Who is let in: tokens that are good, forged, old, or meant for others.
@Suite struct TokenTests {
  private func status(_ server: TestServer, _ authorization: String?) async throws
    -> TestResponse
  {
    try await server.client.send(
      "GET", "/api/leads", headers: authorization.map { [("Authorization", $0)] } ?? [])
  }

  /// Expects 401 with all that belongs to it.
  private func refused(
    _ server: TestServer, _ authorization: String?, _ why: String,
    _ code: String = "unauthenticated"
  ) async throws {
    let answer = try await status(server, authorization)
    #expect(answer.status == 401, "\(why)")
    #expect(answer.code == code, "\(why)")
    #expect(answer.header("WWW-Authenticate")?.hasPrefix("Bearer") == true, "\(why)")
    #expect(answer.header("Content-Type") == "application/problem+json")
    #expect(answer.json["requestId"]?.string == answer.header("X-Request-Id"))
  }

  @Test("what is not a bearer token of ours is 401")
  func noToken() async throws {
    try await TestServer.run(configure: { $0.authenticationsPerMinute = 0 }) { server in
      let good = TestServer.token("ada")
      for (header, why) in [
        (nil, "none"), ("", "empty"), ("Bearer", "no token"), ("Bearer ", "blank"),
        ("Basic YTpi", "another scheme"), (good, "no scheme"), ("Bearer \(good) x", "more behind"),
        ("Bearer opaque", "unknown to the Wrapper"), ("Bearer a.b", "two parts"),
        ("Bearer \(good).x", "three dots"), ("Bearer ..", "empty parts"),
        ("Bearer \(good.dropLast(2))", "cut signature"), ("Bearer \(good)=", "padding"),
      ] as [(String?, String)] {
        try await refused(server, header, why)
      }
      #expect(try await status(server, "bearer \(good)").status == 200)
      let huge = TestServer.token(
        "ada", claims: [("x", .string(String(repeating: "x", count: 9000)))])
      try await refused(server, "Bearer \(huge)", "huge")
      let beyond = try await status(server, "Bearer " + String(repeating: "x", count: 20_000))
      #expect(beyond.status == 431)
    }
  }

  @Test("a forged JWT is 401, whatever it says of itself")
  func forged() async throws {
    try await TestServer.run(configure: { $0.authenticationsPerMinute = 0 }) { server in
      let exp = TimeSource.system.now().milliseconds / 1000 + 3600
      let claims: JSONValue = ["sub": "ada", "tenantId": "acme", "exp": .integer(exp)]
      let wrongKey = Array("another secret that is long enough to be one".utf8)
      for header: JSONValue in [
        ["alg": "none"], ["alg": "None"], ["alg": "RS256"], ["alg": "HS512"], ["alg": "hs256"],
        ["alg": "ES256"], [:], ["alg": ["HS256"]], ["alg": "HS256", "crit": ["exp"]],
        ["typ": "JWT"], [],
      ] {
        let token = TestServer.sign(header, claims, key: TestServer.secret)
        try await refused(server, "Bearer \(token)", header.text)
      }
      let good = TestServer.sign(["alg": "HS256"], claims, key: TestServer.secret)
      let parts = good.split(separator: ".")
      let admin = Base64.encodeURL(claims.with("sub", "greta").with("tenantId", "globex").bytes)
      for (token, why) in [
        (TestServer.sign(["alg": "HS256"], claims, key: wrongKey), "wrong key"),
        (TestServer.sign(["alg": "HS256"], claims, key: []), "empty key"),
        ("\(parts[0]).\(parts[1]).", "no signature"),
        ("\(parts[0]).\(admin).\(parts[2])", "other claims under the signature"),
        ("\(Base64.encodeURL(Array("{\"alg\":\"none\"}".utf8))).\(parts[1]).", "none"),
        ("\(parts[0]).\(parts[1]).\(parts[1])", "nonsense for a signature"),
        ("!\(good)", "no base64"),
      ] {
        try await refused(server, "Bearer \(token)", why)
      }
      #expect(try await status(server, "Bearer \(good)").status == 200)
    }
  }

  @Test("expiry is required and has 30 seconds of leeway, as has nbf")
  func times() async throws {
    let clock = TestClock()
    try await TestServer.run(
      time: clock.source, configure: { $0.authenticationsPerMinute = 0 }
    ) { server in
      let now = clock.source.now().milliseconds / 1000
      for (claims, expected) in [
        ([("exp", .integer(now - 20))], "ok"), ([("exp", .integer(now - 31))], "token_expired"),
        ([("exp", .integer(now - 4000))], "token_expired"), ([("exp", 0)], "token_expired"),
        ([("exp", .null)], "unauthenticated"), ([("exp", "9999999999")], "unauthenticated"),
        ([("exp", true)], "unauthenticated"), ([("exp", -5)], "token_expired"),
        ([("nbf", .integer(now + 20))], "ok"), ([("nbf", .integer(now + 60))], "unauthenticated"),
        ([("sub", .null)], "unauthenticated"), ([("sub", "")], "unauthenticated"),
        ([("sub", 7)], "unauthenticated"), ([("tenantId", .null)], "unauthenticated"),
        ([("tenantId", "")], "unauthenticated"), ([("iat", .integer(now + 999))], "ok"),
      ] as [([(String, JSONValue)], String)] {
        let token = TestServer.token("ada", claims: claims)
        if expected == "ok" {
          #expect(try await status(server, "Bearer \(token)").status == 200, "\(claims)")
        } else {
          try await refused(server, "Bearer \(token)", "\(claims)", expected)
        }
      }
      // A token that was good and is remembered ends all the same.
      let short = TestServer.token("ada", claims: [("exp", .integer(now + 60))])
      #expect(try await status(server, "Bearer \(short)").status == 200)
      clock.advance(seconds: 91)
      try await refused(server, "Bearer \(short)", "remembered", "token_expired")
    }
  }

  @Test("audience and issuer must match when they are set")
  func audience() async throws {
    try await TestServer.run(configure: {
      $0.authenticationsPerMinute = 0
      $0.jwt?.audience = "crm"
      $0.jwt?.issuer = "https://id.example"
    }) { server in
      for (aud, iss, isGood) in [
        ("crm", "https://id.example", true), (["x", "crm"], "https://id.example", true),
        (.null, "https://id.example", false), ("other", "https://id.example", false),
        (["x"], "https://id.example", false), ("crm", .null, false), ("crm", "other", false),
        ("crm", ["https://id.example"], false),
      ] as [(JSONValue, JSONValue, Bool)] {
        let token = TestServer.token("ada", claims: [("aud", aud), ("iss", iss)])
        if isGood {
          #expect(try await status(server, "Bearer \(token)").status == 200)
        } else {
          try await refused(server, "Bearer \(token)", "\(aud.text) \(iss.text)")
        }
      }
    }
  }

  @Test("the tenant comes from the token alone, and an unknown user may nothing")
  func tenant() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await server.lead(["title": "Ours"])
      for headers in [[("X-Tenant-Id", "globex")], [("Tenant", "globex")]] {
        let answer = try await server.send("GET", "/api/leads", headers: headers)
        #expect(answer.texts("title") == ["Ours"])
      }
      let body = try await server.send("POST", "/api/leads", ["title": "x", "tenantId": "globex"])
      #expect(body.status == 422)
      let unknown = try await server.send("GET", "/api/leads", as: "nobody")
      #expect(unknown.status == 403)
      let nowhere = TestServer.token("ada", claims: [("tenantId", "nowhere")])
      let answer = try await status(server, "Bearer \(nowhere)")
      #expect([401, 403, 503].contains(answer.status))
      #expect(answer.data == .null)
    }
    try await TestServer.run(configure: { $0.servedTenants = ["acme"] }) { server in
      #expect(try await server.send("GET", "/api/leads").status == 200)
      let answer = try await server.send("GET", "/api/leads", as: "greta")
      #expect(answer.status == 403)
      #expect(answer.code == "tenant_not_served")
    }
  }

  @Test("a session of the Wrapper counts until it ends")
  func session() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      func login(_ password: String) async throws -> TestResponse {
        try await server.client.send(
          "POST", "/auth/login", headers: [("Content-Type", "application/json")],
          body: (["email": "ada@acme.example", "password": .string(password)] as JSONValue).bytes)
      }
      #expect(try await login("wrong").status == 401)
      let answer = try await login("correct horse battery")
      #expect(answer.status == 200)
      #expect(answer.header("Cache-Control") == "no-store")
      let token = try #require(answer.json["token"]?.string ?? answer.data["token"]?.string)
      #expect(try await status(server, "Bearer \(token)").status == 200)
      let headers = [("Authorization", "Bearer \(token)")]
      let out = try await server.client.send("POST", "/auth/logout", headers: headers)
      #expect(out.status == 200)
      try await refused(server, "Bearer \(token)", "after logout")
    }
  }

  @Test("an address that sends too many refused tokens waits")
  func attempts() async throws {
    let clock = TestClock()
    try await TestServer.run(
      time: clock.source, configure: { $0.authenticationsPerMinute = 1 }
    ) { server in
      for _ in 0..<10 { try await refused(server, "Bearer a.b.c", "forged") }
      let answer = try await status(server, "Bearer a.b.c")
      #expect(answer.status == 429)
      #expect(answer.code == "rate_limited")
      let wait = try #require(answer.header("Retry-After").flatMap { Int64($0) })
      #expect((1...60).contains(wait))
      // Who is known goes on.
      #expect(try await server.send("GET", "/api/leads").status == 200)
      clock.advance(seconds: wait)
      try await refused(server, "Bearer a.b.c", "forged")
    }
  }
}
