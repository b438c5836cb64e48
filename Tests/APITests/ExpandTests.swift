import JSON
import TestSupport
import Testing
import WrapperClient

/// `expand=`: what a record refers to, in the same answer.
@Suite struct ExpandTests {
  private func create(
    _ server: TestServer, _ path: String, _ body: JSONValue, as user: String = "ada"
  )
    async throws -> JSONValue
  {
    let answer = try await server.send("POST", path, as: user, body)
    try #require(answer.status == 201, "\(answer.text)")
    return answer.data
  }

  @Test("references, what things hang from, and users are embedded under their own names")
  func everyRelation() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let company = try await create(server, "/api/companies", ["name": "Acme"])
      let contact = try await create(
        server, "/api/contacts",
        [
          "firstName": "Ann", "company": "As written", "companyId": company["id"] ?? .null,
          "ownerId": "sam",
        ])
      let deal = try await create(
        server, "/api/deals",
        [
          "title": "d", "contactId": contact["id"] ?? .null, "companyId": company["id"] ?? .null,
          "assignedTo": "mara",
        ])
      let call = try await create(
        server, "/api/contacts/\(contact.id)/interactions",
        ["type": "call", "dealId": deal["id"] ?? .null])
      let task = try await create(
        server, "/api/tasks",
        ["title": "t", "entityType": "company", "entityId": company["id"] ?? .null])
      let sam: JSONValue = [
        "id": "sam", "name": "Sam Sales", "email": "sam@acme.example", "title": "Tester",
        "department": "Sales Department",
      ]
      let one = try await server.send(
        "GET", "/api/customers/\(contact.id)?expand=company,owner,creator")
      #expect(one.status == 200)
      #expect(one.data["company"] == company)
      #expect(one.data["owner"]?["name"] == sam["name"])
      #expect(one.data["owner"]?.object?.names == ["id", "name", "email", "title", "department"])
      #expect(one.data["creator"]?["id"] == "ada")
      #expect(one.data["companyId"] == company["id"])
      #expect(one.header("ETag") == "\"1\"")
      for (path, expand, member, id) in [
        ("/api/deals", "contact", "contact", contact.id),
        ("/api/deals", "company", "company", company.id),
        ("/api/deals", "assignee", "assignee", "mara"),
        ("/api/deals", "pipeline", "pipeline", deal["pipelineId"]?.string ?? ""),
        ("/api/interactions", "entity", "entity", contact.id),
        ("/api/interactions", "deal", "deal", deal.id),
        ("/api/contacts/\(contact.id)/interactions", "entity,deal", "deal", deal.id),
        ("/api/tasks", "entity", "entity", company.id),
      ] {
        let list = try await server.send("GET", "\(path)?expand=\(expand)&fields=version")
        #expect(list.data.array?.first?[member]?["id"] == .string(id), "\(path) \(expand)")
      }
      #expect(
        try await server.send("GET", "/api/interactions/\(call.id)?expand=entity")
          .data["entity"]?["firstName"] == "Ann")
      let empty = try await server.send("GET", "/api/tasks/\(task.id)?expand=assignee")
      #expect(empty.data["assignee"] == .null)
    }
  }

  @Test("a text member of the same name stands where there is nothing to embed")
  func displacedMember() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let company = try await create(server, "/api/companies", ["name": "Acme"])
      let linked = try await server.contact([
        "firstName": "a", "company": "Text", "companyId": company["id"] ?? .null,
      ])
      let plain = try await server.contact(["firstName": "b", "company": "Only text"])
      func companies(_ query: String, as user: String = "ada") async throws -> [JSONValue?] {
        let list = try await server.send(
          "GET", "/api/contacts?sort=firstName&expand=company\(query)", as: user)
        let records = list.data.array ?? []
        for (record, id) in zip(records, [linked.id, plain.id]) {
          let one = try await server.send(
            "GET", "/api/contacts/\(id)?expand=company\(query)", as: user)
          #expect(one.data == record)
        }
        return records.map { $0["company"] }
      }
      #expect(try await companies("") == [company, "Only text"])
      #expect(try await companies("&fields=company") == [company, "Only text"])
      #expect(try await companies("&fields=id") == [company, .null])
      // Sam may read contacts but no companies.
      #expect(try await companies("", as: "sam") == ["Text", "Only text"])
      #expect(try await companies("&fields=id", as: "sam") == [.null, .null])
      _ = try await server.send("DELETE", "/api/companies/\(company.id)")
      #expect(try await companies("") == ["Text", "Only text"])
    }
  }

  @Test("records out of the caller's reach are null, on lists and on reads")
  func scope() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let adas = try await server.contact(["firstName": "Ada's"])
      let sams = try await server.contact(["firstName": "Sam's", "ownerId": "sam"])
      for contact in [adas, sams] {
        _ = try await server.lead([
          "title": contact["firstName"] ?? .null, "contactId": contact["id"] ?? .null,
          "ownerId": "sam",
        ])
      }
      let list = try await server.send("GET", "/api/leads?expand=contact&sort=title", as: "mara")
      #expect(list.all("contact").map { $0["id"] } == [nil, sams["id"]])
      #expect(list.all("contact")[0] == .null)
      let whole = try await server.send("GET", "/api/leads?expand=contact&sort=title")
      #expect(whole.all("contact").map { $0["id"] } == [adas["id"], sams["id"]])
    }
  }

  @Test("pages are embedded as they are asked for, and no answer with more than the record is 304")
  func pagesAndTags() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      var companies: [String] = []
      for number in 0..<12 {
        let company = try await create(
          server, "/api/companies", ["name": .string("Company \(number)")])
        companies.append(company.id)
        _ = try await server.contact([
          "firstName": .string("c\(10 + number)"), "companyId": company["id"] ?? .null,
        ])
      }
      var seen: [String] = []
      var cursor: String? = ""
      while let place = cursor {
        let page = try await server.send(
          "GET",
          "/api/contacts?limit=5&sort=firstName&expand=company,owner"
            + (place.isEmpty ? "" : "&cursor=\(place)"))
        seen += page.all("company").map(\.id)
        cursor = page.json["nextCursor"]?.string
      }
      #expect(seen == companies)
      let id = try await server.send("GET", "/api/contacts?limit=1").data.array?.first?.id ?? ""
      for (query, status) in [("", 304), ("?expand=owner", 200), ("?fields=id", 200)] {
        let answer = try await server.send(
          "GET", "/api/contacts/\(id)\(query)", headers: [("If-None-Match", "\"1\"")])
        #expect(answer.status == status, "\(query)")
      }
      for bad in ["brother", "", "owner,,creator", "ownerId", "company.owner"] {
        let answer = try await server.send("GET", "/api/contacts?expand=\(bad)")
        #expect(answer.status == 400, "\(bad)")
        #expect(answer.code == "invalid_parameter")
      }
    }
  }
}
