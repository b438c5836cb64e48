import JSON
import TestSupport
import Testing
import WrapperClient

/// What no two records may share, and what records refer to.
@Suite struct UniquenessTests {
  @Test("an e-mail address is one contact's, whatever its case; the trash does not count")
  func email() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let first = try await server.contact(["email": "Ann@Example.org"])
      let second = try await server.contact(["email": "bea@example.org"])
      let taken: [(String, String, JSONValue)] = [
        ("POST", "/api/contacts", ["email": "aNN@eXAMPLE.ORG"]),
        ("POST", "/api/customers", ["email": "ann@example.org", "firstName": "x"]),
        ("PATCH", "/api/contacts/\(second.id)", ["email": "ANN@example.org"]),
        ("PUT", "/api/contacts/\(second.id)", ["email": "ANN@example.org"]),
      ]
      for (method, path, body) in taken {
        let answer = try await server.send(method, path, body)
        #expect(answer.status == 409, "\(method)")
        #expect(answer.code == "duplicate")
        #expect(answer.issues == ["/email duplicate"])
        #expect(answer.json["existingId"] == .string(first.id))
      }
      // Accents tell addresses apart; its own address is nobody's duplicate.
      _ = try await server.contact(["email": "änn@example.org"])
      let same = try await server.send(
        "PATCH", "/api/contacts/\(first.id)", ["email": "ann@EXAMPLE.org"])
      #expect(same.status == 200)
      // Another tenant knows nothing of it.
      _ = try await server.contact(["email": "ann@example.org"], as: "greta")
      // Leads may share one.
      _ = try await server.lead(["title": "a", "email": "ann@example.org"])
      _ = try await server.lead(["title": "b", "email": "ann@example.org"])

      _ = try await server.send("DELETE", "/api/contacts/\(first.id)")
      let heir = try await server.contact(["email": "ann@example.org"])
      let back = try await server.send("POST", "/api/contacts/\(first.id)/restore")
      #expect(back.status == 409)
      #expect(back.code == "duplicate")
      #expect(back.json["existingId"] == .string(heir.id))
      _ = try await server.send("PATCH", "/api/contacts/\(heir.id)", ["email": "heir@example.org"])
      #expect(try await server.send("POST", "/api/contacts/\(first.id)/restore").status == 200)
    }
  }

  @Test("existingId is told only to those who may read that record")
  func existing() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await server.lead(["title": "Ada's", "externalId": "sap:1"])
      let hidden = try await server.send(
        "POST", "/api/leads", as: "sam", ["title": "Sam's", "externalId": "sap:1"])
      #expect(hidden.status == 409)
      #expect(hidden.issues == ["/externalId duplicate"])
      #expect(hidden.json["existingId"] == nil)
      let seen = try await server.send(
        "POST", "/api/leads", as: "pia", ["title": "Pia's", "externalId": "sap:1"])
      #expect(seen.json["existingId"] == .string(lead.id))
      // The other tenant and the other resource have names of their own.
      _ = try await server.lead(["title": "x", "externalId": "sap:1"], as: "greta")
      _ = try await server.contact(["firstName": "x", "externalId": "sap:1"])
    }
  }

  @Test("a reference must lead to a live record that the caller may read; it never tells more")
  func references() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Ann"])
      let foreign = try await server.contact(["firstName": "Foreign"], as: "greta")
      let trashed = try await server.contact(["firstName": "Trashed"])
      _ = try await server.send("DELETE", "/api/contacts/\(trashed.id)")
      let lead = try await server.lead(["title": "t", "contactId": .string(contact.id)])
      #expect(lead["contactId"] == .string(contact.id))
      for id in [
        foreign.id, trashed.id, lead.id, "0190a0b0-0000-7000-8000-000000000000",
      ] {
        let body: JSONValue = ["title": "t", "contactId": .string(id)]
        let created = try await server.send("POST", "/api/leads", body)
        #expect(created.status == 422)
        #expect(created.issues == ["/contactId unknown_reference"])
        let changed = try await server.send("PATCH", "/api/leads/\(lead.id)", body)
        #expect(changed.issues == ["/contactId unknown_reference"])
      }
      for id: JSONValue in ["x", 1, [:], ""] {
        let answer = try await server.send(
          "POST", "/api/leads", ["title": "t", "contactId": id])
        #expect(id == "" ? answer.status == 201 : answer.status == 422)
      }
      // A reference that stands already is not judged again.
      _ = try await server.send("DELETE", "/api/contacts/\(contact.id)")
      let other = try await server.send("PATCH", "/api/leads/\(lead.id)", ["title": "u"])
      #expect(other.status == 200)
      let cleared = try await server.send("PATCH", "/api/leads/\(lead.id)", ["contactId": nil])
      #expect(cleared.data["contactId"] == .null)
    }
  }

  @Test("an owner must be a user of the tenant")
  func owner() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for id: JSONValue in ["nobody", "greta", 1] {
        let answer = try await server.send(
          "POST", "/api/leads", ["title": "t", "ownerId": id])
        #expect(answer.status == 422)
        #expect(answer.issues.first?.hasPrefix("/ownerId ") == true)
      }
      let given = try await server.lead(["title": "t", "ownerId": "sam"])
      #expect(given["ownerId"] == "sam")
      #expect(given["createdBy"] == "ada")
      let none = try await server.lead(["title": "t", "ownerId": nil])
      #expect(none["ownerId"] == .null)
      #expect(try await server.lead(["title": "t"])["ownerId"] == "ada")
    }
  }
}
