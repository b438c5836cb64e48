import JSON
import TestSupport
import Testing
import WrapperClient

/// Reading one record: entity tags, conditional requests, sparse answers.
@Suite struct RecordReadTests {
  @Test("a record is read whole, with its version as entity tag, the same way on both paths")
  func read() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Ann", "email": "ann@example.org"])
      for path in ["/api/contacts", "/api/customers"] {
        let answer = try await server.send("GET", "\(path)/\(contact.id)")
        #expect(answer.status == 200)
        #expect(answer.data == contact)
        #expect(answer.header("ETag") == "\"1\"")
        #expect(answer.header("Vary") == "Authorization, Accept-Encoding")
        #expect(answer.header("Content-Type")?.hasPrefix("application/json") == true)
      }
      // Every member stands there, also without a value.
      #expect(
        contact.object?.names == [
          "id", "tenantId", "firstName", "lastName", "email", "phone", "jobTitle", "company",
          "companyId", "lifecycle", "source", "address", "externalId", "ownerId", "createdBy",
          "createdAt", "updatedAt", "version", "tags", "customFields", "metadata",
        ])
      #expect(contact["lastName"] == .null)
      #expect(contact["tags"] == [])
      #expect(contact["address"] == [:])
      #expect(contact["lifecycle"] == "lead")
      #expect(contact["tenantId"] == "acme")
      let head = try await server.send("HEAD", "/api/contacts/\(contact.id)")
      #expect(head.status == 200)
      #expect(head.header("ETag") == "\"1\"")
      #expect(head.body.isEmpty)
    }
  }

  @Test("If-None-Match compares weakly and answers 304, but only for the plain representation")
  func notModified() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let path = "/api/leads/\(try await server.lead(["title": "A lead"]).id)"
      for tag in ["\"1\"", "W/\"1\"", "*", "\"7\", \"1\""] {
        let answer = try await server.send("GET", path, headers: [("If-None-Match", tag)])
        #expect(answer.status == 304, "\(tag)")
        #expect(answer.body.isEmpty)
        #expect(answer.header("ETag") == "\"1\"")
      }
      for tag in ["\"2\"", "1", "\"11\"", ""] {
        let answer = try await server.send("GET", path, headers: [("If-None-Match", tag)])
        #expect(answer.status == 200, "\(tag)")
      }
      let sparse = try await server.send(
        "GET", "\(path)?fields=title", headers: [("If-None-Match", "\"1\"")])
      #expect(sparse.status == 200)
      #expect(sparse.data.object?.names == ["id", "title"])
      _ = try await server.send("PATCH", path, ["title": "Another"])
      let changed = try await server.send("GET", path, headers: [("If-None-Match", "\"1\"")])
      #expect(changed.status == 200)
      #expect(changed.header("ETag") == "\"2\"")
    }
  }

  @Test("what is no id, no record or no parameter is refused by name")
  func refused() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await server.lead(["title": "A lead"])
      for id in [
        "1", "x", "0190a0b0-0000-7000-8000-000000000000", lead.id.uppercased(), "%00",
        "\(lead.id)%20",
      ] {
        let answer = try await server.send("GET", "/api/leads/\(id)")
        #expect([404, 400].contains(answer.status), "\(id)")
        #expect(id == "%00" || answer.code == "not_found", "\(id)")
      }
      // A contact's path does not lead to a lead.
      #expect(try await server.send("GET", "/api/contacts/\(lead.id)").status == 404)
      let field = try await server.send("GET", "/api/leads/\(lead.id)?fields=title,colour")
      #expect(field.status == 400)
      #expect(field.code == "invalid_parameter")
      #expect(field.json["detail"]?.string?.contains("colour") == true)
      let parameter = try await server.send("GET", "/api/leads/\(lead.id)?colour=red")
      #expect(parameter.status == 400)
      #expect(parameter.json["detail"]?.string?.contains("colour") == true)
    }
  }
}
