import JSON
import TestSupport
import Testing
import WrapperClient

/// Organisations, and what refers to them.
@Suite struct CompanyTests {
  @Test("a company has its members, is changed, found, trashed, restored and purged")
  func life() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let made = try await server.send(
        "POST", "/api/companies",
        [
          "name": "Nordwind Logistik", "domain": "nordwind.example", "phone": "+49 40 1",
          "website": "https://nordwind.example", "industry": "Logistics", "size": "51-200",
          "address": ["city": "Hamburg", "country": "DE"], "tags": ["vip"],
          "externalId": "erp:7",
        ])
      #expect(made.status == 201)
      let company = made.data
      let path = "/api/companies/\(company.id)"
      #expect(made.header("Location") == path)
      #expect(company["address"] == ["city": "Hamburg", "country": "DE"])
      let changed = try await server.changed(
        path, ["size": "201-1000", "address": ["city": nil, "street": "Kai 1"]])
      #expect(changed["size"] == "201-1000")
      #expect(changed["address"] == ["country": "DE", "street": "Kai 1"])
      for query in [
        "name=NORDWIND%20logistik", "q=nordw", "industry[contains]=logis", "tags=vip",
        "externalId=erp:7", "domain[startsWith]=nord",
      ] {
        let list = try await server.send("GET", "/api/companies?\(query)")
        #expect(list.texts("id") == [company.id], "\(query)")
      }
      let replaced = try await server.send("PUT", path, ["name": "Südwind"])
      #expect(replaced.data["industry"] == .null)
      #expect(replaced.data["address"] == [:])
      #expect(try await server.send("DELETE", path).status == 200)
      #expect(try await server.send("GET", "/api/companies").data == [])
      #expect(try await server.send("POST", "\(path)/restore").status == 200)
      #expect(try await server.send("DELETE", "\(path)?purge=true").status == 200)
      #expect(try await server.send("POST", "\(path)/restore").status == 404)
      let nameless = try await server.send("POST", "/api/companies", ["domain": "a.example"])
      #expect(nameless.issues == ["/name required"])
    }
  }

  @Test("contacts and deals name their company, and lose the link when it is purged")
  func links() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let company = try await server.created("/api/companies", ["name": "Fjord Energy"])
      let link: JSONValue = .string(company.id)
      let contact = try await server.contact(["firstName": "Ingrid", "companyId": link])
      let deal = try await server.deal(["title": "Turbines", "companyId": link])
      for (path, record) in [("contacts", contact), ("deals", deal)] {
        let list = try await server.send("GET", "/api/\(path)?companyId=\(company.id)")
        #expect(list.texts("id") == [record.id], "\(path)")
      }
      _ = try await server.send("DELETE", "/api/companies/\(company.id)")
      // In the trash it can come back, so the links stay; nothing new may refer to it.
      let kept = try await server.send("GET", "/api/contacts/\(contact.id)").data
      #expect(kept["companyId"] == link)
      let late = try await server.send("POST", "/api/deals", ["title": "D", "companyId": link])
      #expect(late.issues == ["/companyId unknown_reference"])
      _ = try await server.send("DELETE", "/api/companies/\(company.id)?purge=true")
      for (path, record) in [("contacts", contact), ("deals", deal)] {
        let after = try await server.send("GET", "/api/\(path)/\(record.id)").data
        #expect(after["companyId"] == .null, "\(path)")
        #expect(after.version == 2, "\(path)")
      }
    }
  }
}
