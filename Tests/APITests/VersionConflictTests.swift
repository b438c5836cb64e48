import EmbeddedWrapper
import JSON
import TestSupport
import Testing
import WrapperClient

/// What a 412 tells of the conflict.
@Suite struct VersionConflictTests {
  private func change(
    _ server: TestServer, _ path: String, _ method: String = "PATCH", _ body: JSONValue? = nil,
    at version: Int, as user: String = "ada"
  ) async throws -> TestResponse {
    try await server.send(
      method, path, as: user, body, headers: [("If-Match", "\"\(version)\"")])
  }

  @Test("the members that both have changed stand there with base, yours and current")
  func conflicts() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let path =
        "/api/leads/\(try await server.lead(["title": "one", "value": 10, "source": "web"]).id)"
      _ = try await server.send("PATCH", path, ["title": "two", "priority": "high"])
      _ = try await server.send("PATCH", path, [:])
      _ = try await server.send("PATCH", path, ["title": "three", "source": "fair", "value": 11])
      // The title clashes; the source became what is wanted; phone and priority clash with nobody.
      let body: JSONValue = [
        "title": "mine", "source": "fair", "phone": "1", "value": 10, "priority": "medium",
      ]
      let stale = try await change(server, path, "PATCH", body, at: 1)
      #expect(stale.status == 412)
      #expect(stale.code == "version_mismatch")
      #expect(stale.json["currentVersion"] == 3)
      #expect(stale.json["current"] == (try await server.send("GET", path)).data)
      #expect(
        stale.json["conflicts"]
          == ["title": ["base": "one", "yours": "mine", "current": "three"]])
      let later = try await change(server, path, "PATCH", body, at: 2)
      #expect(
        later.json["conflicts"] == [
          "title": ["base": "two", "yours": "mine", "current": "three"]
        ])
      // The body's version counts as well, and so it does in a batch.
      let member = try await server.send("PATCH", path, body.with("version", 2))
      #expect(member.json["conflicts"] == later.json["conflicts"])
      let batch = try await BatchTests.send(
        server, [BatchTests.operation("PATCH", path, body.with("version", 2))])
      #expect(batch.status == 412)
      #expect(batch.json["conflicts"] == later.json["conflicts"])
      #expect(batch.json["current"] == stale.json["current"])
    }
  }

  @Test("a PUT clashes also by what it would clear; a DELETE by nothing")
  func replacing() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let path =
        "/api/contacts/\(try await server.contact(["firstName": "Ann", "phone": "1"]).id)"
      _ = try await server.send("PATCH", path, ["phone": "2", "lifecycle": "customer"])
      let put = try await change(server, path, "PUT", ["firstName": "Bea"], at: 1)
      #expect(
        put.json["conflicts"] == [
          "phone": ["base": "1", "yours": .null, "current": "2"]
        ])
      let delete = try await change(server, path, "DELETE", at: 1)
      #expect(delete.status == 412)
      #expect(delete.json["conflicts"] == [:])
      #expect(delete.json["current"]?["phone"] == "2")
      #expect(try await change(server, path, "DELETE", at: 2).status == 200)
    }
  }

  @Test("objects clash by their members")
  func objects() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Ann", "customFields": ["a": 1]])
      let path = "/api/contacts/\(contact.id)"
      _ = try await server.send("PATCH", path, ["customFields": ["a": 2, "b": 1]])
      let other = try await change(server, path, "PATCH", ["customFields": ["c": 1]], at: 1)
      #expect(other.json["conflicts"] == [:])
      let same = try await change(server, path, "PATCH", ["customFields": ["a": 3]], at: 1)
      #expect(
        same.json["conflicts"] == [
          "customFields": [
            "base": ["a": 1], "yours": ["a": 3], "current": ["a": 2, "b": 1],
          ]
        ])
    }
  }

  @Test("what the log does not tell is left out: no base of private notes and of unknown versions")
  func unknownBase() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Ann"])
      let note = try await server.send(
        "POST", "/api/contacts/\(contact.id)/notes", ["body": "one", "visibility": "private"])
      let path = "/api/notes/\(note.data.id)"
      _ = try await server.send("PATCH", path, ["body": "two"])
      let stale = try await change(server, path, "PATCH", ["body": "mine", "pinned": false], at: 1)
      #expect(
        stale.json["conflicts"] == ["body": ["yours": "mine", "current": "two"]])
      // Nobody else learns even the version.
      let other = try await change(server, path, "PATCH", ["body": "mine"], at: 1, as: "pia")
      #expect(other.status == 404)
      #expect(other.json["current"] == nil)

      let lead = try await server.lead(["title": "one"])
      for tag in ["\"9\"", "W/\"1\"", "x"] {
        let answer = try await server.send(
          "PATCH", "/api/leads/\(lead.id)", ["title": "mine"], headers: [("If-Match", tag)])
        #expect(answer.status == 412)
        #expect(
          answer.json["conflicts"] == ["title": ["yours": "mine", "current": "one"]])
      }
    }
  }

  @Test("who may change a record but not read it learns its version and no more")
  func unreadable() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await server.directory.createRole(
        tenantID: "acme", id: "blind", name: "Blind", permissions: ["crm.leads.update"])
      try await server.directory.createUser(
        tenantID: "acme",
        NewUser(id: "bo", email: "bo@acme.example", name: "Bo", roleIDs: ["blind"]))
      let path = "/api/leads/\(try await server.lead(["title": "one"]).id)"
      _ = try await server.wrapper.tenant("acme")
      let known = await eventually {
        server.wrapper.loadedTenant("acme")?
          .check(userID: "bo", permission: "crm.leads.update").isAllowed == true
      }
      try #require(known)
      let stale = try await change(server, path, "PATCH", ["title": "x"], at: 9, as: "bo")
      #expect(stale.status == 412)
      #expect(stale.json["currentVersion"] == 1)
      #expect(stale.json["current"] == nil)
      #expect(stale.json["conflicts"] == nil)
    }
  }

  @Test("through the trash and back, and after a purge of what it referred to, base is known")
  func otherSteps() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Ann"])
      let lead = try await server.lead(["title": "one", "contactId": .string(contact.id)])
      let path = "/api/leads/\(lead.id)"
      _ = try await server.send("DELETE", path)
      _ = try await server.send("POST", "\(path)/restore")
      _ = try await server.send("DELETE", "/api/contacts/\(contact.id)?purge=true")
      let other = try await server.contact(["firstName": "Bea"])
      let stale = try await change(server, path, "PATCH", ["contactId": .string(other.id)], at: 1)
      #expect(stale.json["currentVersion"] == 4)
      #expect(
        stale.json["conflicts"] == [
          "contactId": [
            "base": .string(contact.id), "yours": .string(other.id), "current": .null,
          ]
        ])
      // A note that went through the trash with its contact has steps without entries.
      let note = try await server.send(
        "POST", "/api/contacts/\(other.id)/notes", ["body": "one"])
      _ = try await server.send("DELETE", "/api/contacts/\(other.id)")
      _ = try await server.send("POST", "/api/contacts/\(other.id)/restore")
      let gap = try await change(
        server, "/api/notes/\(note.data.id)", "PATCH", ["body": "mine"], at: 1)
      #expect(gap.status == 412)
      #expect(gap.json["conflicts"] == ["body": ["yours": "mine", "current": "one"]])
    }
  }
}
