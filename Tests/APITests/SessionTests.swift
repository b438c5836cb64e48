import EmbeddedWrapper
import JSON
import SQLite
import TestSupport
import Testing
import Values
import WrapperClient

/// Who is signed in, and ending that.
@Suite struct SessionTests {
  private func send(
    _ server: TestServer, _ method: String, _ path: String, _ token: String, agent: String = "test"
  ) async throws -> TestResponse {
    try await server.client.send(
      method, path,
      headers: [("Authorization", "Bearer \(token)"), ("User-Agent", agent)])
  }

  /// A token of the named session.
  private func token(
    _ user: String, _ sid: String, _ server: TestServer, seconds: Int64 = 3600
  ) -> String {
    let now = server.time.now()
    return TestServer.token(
      user, at: now,
      claims: [("sid", .string(sid)), ("exp", .integer(now.milliseconds / 1000 + seconds))])
  }

  private func login(_ server: TestServer) async throws -> String {
    let body: JSONValue = ["email": "ada@acme.example", "password": "correct horse battery"]
    let answer = try await server.client.send(
      "POST", "/auth/login", headers: [("Content-Type", "application/json")], body: body.bytes)
    return try #require(answer.json["token"]?.string)
  }

  @Test("a user's sessions are listed with user, start, last use, address, agent and method")
  func list() async throws {
    let clock = TestClock()
    try await TestServer.run(time: clock.source) { server in
      let first = token("sam", "one", server)
      #expect(try await send(server, "GET", "/api/me", first, agent: "phone").status == 200)
      clock.advance(seconds: 60)
      let second = token("sam", "two", server)
      let answer = try await send(server, "GET", "/api/sessions", second, agent: "desk")
      #expect(answer.status == 200)
      #expect(answer.texts("id") == ["two", "one"])
      #expect(answer.json["nextCursor"] == .null)
      let old = try #require(answer.data.array?.last)
      #expect(
        old.object?.names == [
          "id", "userId", "userName", "startedAt", "lastSeenAt", "expiresAt", "ipAddress",
          "userAgent", "authenticationMethod", "current",
        ])
      #expect(old["userId"] == "sam")
      #expect(old["userName"] == "Sam Sales")
      #expect(old["ipAddress"] == "127.0.0.1")
      #expect(old["userAgent"] == "phone")
      #expect(old["authenticationMethod"] == "jwt")
      #expect(answer.all("current") == [true, false])
      // Using a session moves its last use, not its start.
      clock.advance(seconds: 60)
      #expect(try await send(server, "GET", "/api/leads", first).status == 200)
      let later = try await send(server, "GET", "/api/sessions", second)
      let moved = try #require(later.data.array?.last)
      #expect(moved["startedAt"] == old["startedAt"])
      let seen = try #require(moved["lastSeenAt"]?.string.flatMap { Timestamp(rfc3339: $0) })
      let started = try #require(moved["startedAt"]?.string.flatMap { Timestamp(rfc3339: $0) })
      #expect(seen.milliseconds - started.milliseconds >= 120_000)
      let page = try await send(server, "GET", "/api/sessions?limit=1", second)
      #expect(page.texts("id") == ["two"])
      let cursor = try #require(page.json["nextCursor"]?.string)
      let rest = try await send(server, "GET", "/api/sessions?limit=1&cursor=\(cursor)", second)
      #expect(rest.texts("id") == ["one"])
    }
  }

  @Test("who administers the tenant sees all of its sessions, everybody else their own")
  func visibility() async throws {
    try await TestServer.run { server in
      for user in ["sam", "mara", "ada", "greta"] {
        #expect(try await send(server, "GET", "/api/me", token(user, user, server)).status == 200)
      }
      func users(_ query: String, as user: String) async throws -> [String] {
        try await send(server, "GET", "/api/sessions\(query)", token(user, user, server))
          .texts("userId").sorted()
      }
      #expect(try await users("", as: "ada") == ["ada", "mara", "sam"])
      #expect(try await users("?all=true", as: "ada") == ["ada", "mara", "sam"])
      #expect(try await users("?all=false", as: "ada") == ["ada"])
      #expect(try await users("?userId=mara", as: "ada") == ["mara"])
      #expect(try await users("", as: "mara") == ["mara"])
      #expect(try await users("?userId=ada", as: "mara") == [])
      #expect(try await users("", as: "greta") == ["greta"])
      let refused = try await send(
        server, "GET", "/api/sessions?all=true", token("mara", "mara", server))
      #expect(refused.status == 403)
      #expect(refused.json["requiredPermission"] == "crm.admin")
      for query in ["?all=yes", "?all=1", "?user=ada", "?limit=0"] {
        let answer = try await send(
          server, "GET", "/api/sessions\(query)", token("ada", "ada", server))
        #expect(answer.code == "invalid_parameter", "\(query)")
      }
    }
  }

  @Test("an ended session's tokens are refused at once, all of them and no others")
  func endOwn() async throws {
    try await TestServer.run { server in
      let lost = [
        token("sam", "lost", server), token("sam", "lost", server, seconds: 7200),
      ]
      let kept = token("sam", "kept", server)
      for token in lost + [kept] {
        #expect(try await send(server, "GET", "/api/leads", token).status == 200)
      }
      let answer = try await server.client.send(
        "DELETE", "/api/sessions/lost",
        headers: [("Authorization", "Bearer \(kept)"), ("X-Reason", "phone stolen")])
      #expect(answer.status == 200)
      #expect(answer.json["success"] == true)
      #expect(answer.data == ["id": "lost", "userId": "sam"])
      #expect(answer.json["creditsDeducted"] == 0)
      #expect(answer.json["userContext"]?["user"] == "Sam Sales")
      // Also a token of the session that was never seen before.
      for token in lost + [token("sam", "lost", server, seconds: 1800)] {
        for path in ["/api/leads", "/api/me", "/api/sessions"] {
          let refused = try await send(server, "GET", path, token)
          #expect(refused.status == 401)
          #expect(refused.code == "unauthenticated")
          #expect(refused.header("WWW-Authenticate") != nil)
        }
      }
      #expect(try await send(server, "GET", "/api/leads", kept).status == 200)
      let list = try await send(server, "GET", "/api/sessions", kept)
      #expect(list.texts("id") == ["kept"])
      // Another user's session of that name is another session.
      #expect(
        try await send(server, "GET", "/api/me", token("mara", "lost", server)).status == 200)
      let again = try await send(server, "DELETE", "/api/sessions/lost", kept)
      #expect(again.status == 404)
      let entry = try server.rows(
        """
        SELECT operation, entity_type, entity_id, user_id, json_extract(metadata, '$.userId'),
          json_extract(metadata, '$.reason') FROM crm_activities WHERE id = ?
        """, [.text(answer.json["activityId"]?.string ?? "")])
      #expect(entry == [["crm.sessions.end", "session", "lost", "sam", "sam", "phone stolen"]])
      let current = try await send(server, "DELETE", "/api/sessions/kept", kept)
      #expect(current.status == 200)
      #expect(try await send(server, "GET", "/api/leads", kept).status == 401)
    }
  }

  @Test("others' sessions are ended by who administers the tenant, and exist for nobody else")
  func endOthers() async throws {
    try await TestServer.run { server in
      let sam = token("sam", "desk", server)
      #expect(try await send(server, "GET", "/api/me", sam).status == 200)
      for user in ["vic", "mara", "greta", "pia"] {
        let token = token(user, "x", server)
        let answer = try await send(server, "DELETE", "/api/sessions/desk", token)
        #expect(answer.status == 404, "\(user)")
        #expect(answer.code == "not_found")
      }
      #expect(
        try server.rows(
          """
          SELECT user_id, entity_id FROM crm_activities
          WHERE operation = 'crm.sessions.end.failed' AND tenant_id = 'acme' ORDER BY user_id
          """) == [["mara", "desk"], ["pia", "desk"], ["vic", "desk"]])
      #expect(try await send(server, "GET", "/api/me", sam).status == 200)
      let ada = token("ada", "desk", server)
      #expect(try await send(server, "DELETE", "/api/sessions/nothing", ada).status == 404)
      // Two sessions bear the name: the administrator's own is meant.
      let own = try await send(server, "DELETE", "/api/sessions/desk", ada)
      #expect(own.data["userId"] == "ada")
      let answer = try await send(
        server, "DELETE", "/api/sessions/desk", token("ada", "other", server))
      #expect(answer.status == 200)
      #expect(answer.data["userId"] == "sam")
      #expect(try await send(server, "GET", "/api/me", sam).status == 401)
      let permission = try server.rows(
        """
        SELECT json_extract(permissions, '$.operationContext.requiredPermission')
        FROM crm_activities WHERE id = ?
        """, [.text(answer.json["activityId"]?.string ?? "")])
      #expect(permission == [["crm.admin"]])
    }
  }

  @Test("what was ended stays ended over a restart, and what was in use is still listed")
  func restart() async throws {
    let folder = try TemporaryFolder()
    var ended = ""
    var kept = ""
    var before = JSONValue.null
    try await TestServer.run(folder: folder) { server in
      ended = token("sam", "ended", server)
      kept = token("sam", "kept", server)
      _ = try await send(server, "GET", "/api/me", ended)
      before = try await send(server, "GET", "/api/sessions", kept, agent: "desk").data
      #expect(before.array?.count == 2)
      #expect(try await send(server, "DELETE", "/api/sessions/ended", kept).status == 200)
    }
    try await TestServer.run(folder: folder) { server in
      #expect(try await send(server, "GET", "/api/leads", ended).status == 401)
      let other = try await send(server, "GET", "/api/sessions", token("ada", "new", server))
      #expect(other.texts("id").sorted() == ["kept", "new"])
      let after = other.data.array?.first { $0["id"] == "kept" }
      for member in ["userId", "userName", "startedAt", "userAgent", "authenticationMethod"] {
        #expect(after?[member] == before.array?.first?[member], "\(member)")
      }
      #expect(try await send(server, "GET", "/api/leads", kept).status == 200)
    }
  }

  @Test("tokens of an ended session are refused until the last of them ends, at least for a day")
  func refusedUntil() async throws {
    let clock = TestClock()
    try await TestServer.run(time: clock.source) { server in
      let short = token("sam", "short", server)
      let long = token("sam", "long", server, seconds: 40 * 3600)
      let unseen = token("sam", "short", server, seconds: 20 * 3600)
      for token in [short, long] { _ = try await send(server, "GET", "/api/me", token) }
      for id in ["short", "long"] {
        let answer = try await send(
          server, "DELETE", "/api/sessions/\(id)", token("ada", "x", server))
        #expect(answer.status == 200)
      }
      clock.advance(hours: 19)
      #expect(try await send(server, "GET", "/api/me", unseen).status == 401)
      clock.advance(hours: 20)
      let refused = try await send(server, "GET", "/api/me", long)
      #expect(refused.code == "unauthenticated")
      clock.advance(hours: 2)
      #expect(try await send(server, "GET", "/api/me", long).code == "token_expired")
    }
  }

  @Test("a session that was not used for an hour is not listed until it is used again")
  func idle() async throws {
    let clock = TestClock()
    try await TestServer.run(time: clock.source) { server in
      let idle = token("sam", "idle", server, seconds: 5 * 3600)
      #expect(try await send(server, "GET", "/api/me", idle).status == 200)
      clock.advance(seconds: 59 * 60)
      let ada = token("ada", "x", server, seconds: 5 * 3600)
      let early = try await send(server, "GET", "/api/sessions?userId=sam", ada)
      #expect(early.texts("id") == ["idle"])
      clock.advance(seconds: 61)
      let late = try await send(server, "GET", "/api/sessions?userId=sam", ada)
      #expect(late.texts("id") == [])
      #expect(try await send(server, "DELETE", "/api/sessions/idle", ada).status == 404)
      #expect(try await send(server, "GET", "/api/me", idle).status == 200)
      let again = try await send(server, "GET", "/api/sessions?userId=sam", ada)
      #expect(again.texts("id") == ["idle"])
      #expect(try await send(server, "DELETE", "/api/sessions/idle", ada).status == 200)
      #expect(try await send(server, "GET", "/api/me", idle).status == 401)
    }
  }

  @Test("the sessions of a user who was shut out vanish")
  func deactivated() async throws {
    try await TestServer.run { server in
      let sam = token("sam", "desk", server)
      #expect(try await send(server, "GET", "/api/me", sam).status == 200)
      try await server.directory.setActive(tenantID: "acme", userID: "sam", isActive: false)
      #expect(
        await eventually {
          server.wrapper.loadedTenant("acme")?.user("sam")?.isActive == false
        })
      #expect(try await send(server, "GET", "/api/me", sam).status == 403)
      let list = try await send(server, "GET", "/api/sessions", token("ada", "x", server))
      #expect(list.texts("userId") == ["ada"])
    }
  }

  @Test("a session that began with a password is listed and ended like any other")
  func password() async throws {
    let folder = try TemporaryFolder()
    var ended = ""
    var left = ""
    try await TestServer.run(folder: folder) { server in
      ended = try await login(server)
      left = try await login(server)
      let answer = try await send(server, "GET", "/api/sessions", ended)
      let current = try #require(answer.data.array?.first { $0["current"] == true })
      #expect(current["authenticationMethod"] == "password")
      #expect(current["expiresAt"]?.string != nil)
      #expect(try await send(server, "GET", "/api/leads", left).status == 200)
      let path = "/api/sessions/\(encoded(current.id))"
      #expect(try await send(server, "DELETE", path, left).status == 200)
      #expect(try await send(server, "GET", "/api/leads", ended).status == 401)
      #expect(try await send(server, "POST", "/auth/logout", left).status == 200)
      #expect(try await send(server, "GET", "/api/leads", left).status == 401)
      // The Wrapper was told of both.
      #expect(try server.rows("SELECT session_id FROM directory_sessions") == [])
      #expect(
        try server.rows(
          "SELECT count(*) FROM crm_activities WHERE operation = 'crm.sessions.end'") == [["2"]])
    }
    try await TestServer.run(folder: folder) { server in
      for token in [ended, left] {
        let answer = try await send(server, "GET", "/api/leads", token)
        #expect(answer.status == 401)
      }
    }
  }

  @Test("signing out ends the session of a JWT too")
  func logout() async throws {
    try await TestServer.run { server in
      let first = token("sam", "desk", server)
      let out = try await send(server, "POST", "/auth/logout", first)
      #expect(out.status == 200)
      #expect(out.json["success"] == true)
      #expect(out.data["userId"] == "sam")
      #expect(out.json["creditsDeducted"] == 0)
      #expect(out.json["userContext"]?["user"] == "Sam Sales")
      let entries = try server.rows(
        "SELECT id FROM crm_activities WHERE operation = 'crm.sessions.end'")
      #expect(entries == [[out.json["activityId"]?.string]])
      #expect(try await send(server, "GET", "/api/me", first).status == 401)
      let second = token("sam", "desk", server, seconds: 7200)
      #expect(try await send(server, "GET", "/api/me", second).status == 401)
      #expect(try await send(server, "POST", "/auth/logout", second).status == 401)
    }
  }

  @Test("a session can be ended while the Wrapper has been away for so long that nothing else can")
  func readOnly() async throws {
    let clock = TestClock()
    try await TestServer.run(time: clock.source) { server in
      let lost = token("sam", "lost", server, seconds: 7200)
      let ada = token("ada", "x", server, seconds: 7200)
      #expect(try await send(server, "GET", "/api/me", ada).status == 200)
      await server.stopWrapper()
      #expect(await eventually { server.wrapper.mode(tenantID: "acme") == .degraded })
      clock.advance(seconds: 31 * 60)
      let me = try await send(server, "GET", "/api/me", lost)
      #expect(me.data["mode"] == "read_only")
      let answer = try await send(server, "DELETE", "/api/sessions/lost", ada)
      #expect(answer.status == 200)
      #expect(answer.header("X-Cardfile-Mode") == "read_only")
      #expect(try await send(server, "GET", "/api/me", lost).status == 401)
    }
  }

  @Test("requests that race with the end of their session are answered or refused, never after it")
  func race() async throws {
    try await TestServer.run { server in
      let lost = token("sam", "lost", server)
      let kept = token("sam", "kept", server)
      for token in [lost, kept] {
        #expect(try await send(server, "GET", "/api/me", token).status == 200)
      }
      try await withThrowingTaskGroup { group in
        for _ in 0..<4 {
          group.addTask {
            var wasRefused = false
            for _ in 0..<50 {
              let status = try await send(server, "GET", "/api/leads", lost).status
              #expect(status == 401 || (status == 200 && !wasRefused))
              wasRefused = wasRefused || status == 401
            }
          }
        }
        group.addTask {
          let answer = try await send(server, "DELETE", "/api/sessions/lost", kept)
          #expect(answer.status == 200)
          for _ in 0..<20 {
            #expect(try await send(server, "GET", "/api/leads", lost).status == 401)
          }
        }
        try await group.waitForAll()
      }
    }
  }
}
