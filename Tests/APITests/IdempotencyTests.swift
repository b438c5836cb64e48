import EmbeddedWrapper
import JSON
import TestSupport
import Testing
import WrapperClient

/// `Idempotency-Key`: the same POST twice is one record.
@Suite struct IdempotencyTests {
  private func create(
    _ server: TestServer, _ key: String, _ body: JSONValue, as user: String = "ada",
    at path: String = "/api/leads"
  ) async throws -> TestResponse {
    try await server.send("POST", path, as: user, body, headers: [("Idempotency-Key", key)])
  }

  @Test("a repeat gets the first answer with a mark, costs nothing and writes nothing")
  func replay() async throws {
    try await TestServer.run { server in
      let first = try await create(server, "k1", ["title": "Once"])
      #expect(first.status == 201)
      #expect(first.header("Idempotency-Replayed") == nil)
      let again = try await create(server, "k1", ["title": "Once"])
      #expect(again.status == 201)
      #expect(again.header("Idempotency-Replayed") == "true")
      #expect(again.body == first.body)
      #expect(again.header("Location") == first.header("Location"))
      #expect(again.header("ETag") == first.header("ETag"))
      // The first answer stands, whatever became of the record.
      _ = try await server.send("DELETE", "/api/leads/\(first.data.id)?purge=true")
      #expect(try await create(server, "k1", ["title": "Once"]).body == first.body)
      #expect(try server.rows("SELECT count(*) FROM leads") == [["0"]])
      #expect(
        try server.rows(
          "SELECT count(*), sum(credit_units) FROM crm_activities WHERE operation LIKE '%create'")
          == [["1", "50000"]])

      let other = try await create(server, "k1", ["title": "Other"])
      #expect(other.status == 422)
      #expect(other.code == "idempotency_key_reused")
      // Another user, another path: another key.
      let mara = try await create(server, "k1", ["title": "Once"], as: "mara")
      #expect(mara.status == 201)
      #expect(mara.header("Idempotency-Replayed") == nil)
      let contact = try await create(server, "k1", ["firstName": "x"], at: "/api/contacts")
      #expect(contact.status == 201)
      let foreign = try await create(server, "k1", ["title": "Once"], as: "greta")
      #expect(foreign.header("Idempotency-Replayed") == nil)
    }
  }

  @Test("a restore can be repeated too; other methods take no notice of the key")
  func restore() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let path = "/api/leads/\(try await server.lead(["title": "t"]).id)"
      let key = [("Idempotency-Key", "k")]
      _ = try await server.send("DELETE", path, headers: key)
      #expect(try await server.send("DELETE", path, headers: key).status == 404)
      let first = try await server.send("POST", "\(path)/restore", headers: key)
      let again = try await server.send("POST", "\(path)/restore", headers: key)
      #expect(again.status == 200)
      #expect(again.header("Idempotency-Replayed") == "true")
      #expect(again.body == first.body)
    }
  }

  @Test("errors are not kept: the same key works once the fault is gone")
  func errors() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let blocker = try await server.contact(["email": "a@example.org"])
      let body: JSONValue = ["email": "a@example.org"]
      #expect(try await create(server, "k", body, at: "/api/contacts").status == 409)
      #expect(try await create(server, "k", ["phone": "1"], at: "/api/contacts").status == 422)
      _ = try await server.send("DELETE", "/api/contacts/\(blocker.id)")
      let answer = try await create(server, "k", body, at: "/api/contacts")
      #expect(answer.status == 201)
      #expect(answer.header("Idempotency-Replayed") == nil)
    }
  }

  @Test("requests that race with one key make one record, and all get its answer")
  func race() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for round in 0..<5 {
        let answers = try await withThrowingTaskGroup { group in
          for _ in 0..<8 {
            group.addTask { try await create(server, "race \(round)", ["title": "Once"]) }
          }
          return try await group.reduce(into: [TestResponse]()) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0.status == 201 && $0.body == answers[0].body })
        #expect(answers.count { $0.header("Idempotency-Replayed") == nil } == 1)
      }
      #expect(try server.rows("SELECT count(*) FROM leads") == [["5"]])
    }
  }

  @Test("after 24 hours the key is new")
  func expiry() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      let first = try await create(server, "k", ["title": "t"])
      clock.advance(seconds: 24 * 3600 - 60)
      let repeated = try await create(server, "k", ["title": "t"])
      #expect(repeated.data == first.data)
      clock.advance(seconds: 61)
      let second = try await create(server, "k", ["title": "t"])
      #expect(second.status == 201)
      #expect(second.header("Idempotency-Replayed") == nil)
      #expect(second.data.id != first.data.id)
      #expect(try await create(server, "k", ["title": "t"]).data == second.data)
    }
  }

  @Test("who lost the permission gets no stored answer")
  func permission() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      #expect(try await create(server, "k", ["title": "t"], as: "sue").status == 201)
      try await server.directory.setActive(tenantID: "acme", userID: "sue", isActive: false)
      var answer = try await create(server, "k", ["title": "t"], as: "sue")
      for _ in 0..<500 where answer.status != 403 {
        answer = try await create(server, "k", ["title": "t"], as: "sue")
      }
      #expect(answer.status == 403)
      #expect(answer.header("Idempotency-Replayed") == nil)
      #expect(answer.data == .null)
    }
  }

  @Test("a key is 1 to 255 printable ASCII characters")
  func form() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let longest = String(repeating: "k", count: 255)
      #expect(try await create(server, longest, ["title": "t"]).status == 201)
      for key in [longest + "k", "käse", ""] {
        let answer = try await create(server, key, ["title": "t"])
        #expect(answer.status == 400, "\(key)")
        #expect(answer.code == "invalid_parameter")
      }
    }
  }
}
