import JSON
import TestSupport
import Testing
import WrapperClient

/// What a form, a column picker or an importer asks for.
@Suite struct SchemaTests {
  private func resource(_ name: String, _ answer: TestResponse) throws -> JSONValue {
    let resources = answer.data["resources"]?.array ?? []
    return try #require(resources.first { $0["name"]?.string == name })
  }

  private func field(_ name: String, _ resource: JSONValue) throws -> JSONValue {
    try #require(resource["fields"]?.array?.first { $0["name"]?.string == name })
  }

  @Test("fields are told with type, limits, options and what lists can ask of them")
  func fields() async throws {
    try await TestServer.run { server in
      let answer = try await server.send("GET", "/api/schema")
      #expect(answer.status == 200)
      let contacts = try resource("contacts", answer)
      #expect(contacts["entityType"] == "contact")
      #expect(contacts["paths"] == ["/api/contacts", "/api/customers"])
      #expect(contacts["title"] == ["firstName", "lastName"])
      #expect(contacts["planLimit"] == "contacts")
      let email = try field("email", contacts)
      #expect(email["type"] == "email" && email["unique"] == true && email["maxLength"] == 254)
      #expect(email["operators"]?.array?.contains("startsWith") == true)
      let lifecycle = try field("lifecycle", contacts)
      #expect(lifecycle["options"] == ["lead", "prospect", "customer", "former"])
      #expect(lifecycle["default"] == "lead" && lifecycle["required"] == true)
      #expect(try field("companyId", contacts)["references"] == "company")
      #expect(try field("version", contacts)["readOnly"] == true)
      let value = try field("value", try resource("leads", answer))
      #expect(value["type"] == "decimal" && value["decimals"] == 2)
      #expect(try field("id", contacts)["sortable"] == true)
      #expect(try field("address", contacts)["sortable"] == false)
      let notes = try resource("notes", answer)
      #expect(notes["hangsFrom"] == ["contact", "company", "lead", "deal"])
      #expect(notes["private"] == ["visibility": "private"])
      let tasks = try resource("tasks", answer)
      #expect(tasks["verbs"]?.array?.first?["name"] == "complete")
      #expect(tasks["conditions"]?.array?.compactMap { $0["name"]?.string } == ["overdue", "mine"])
      #expect(answer.data["currency"] == "USD")
      #expect(answer.data["currencies"]?.array?.contains("EUR") == true)
    }
  }

  @Test("actions are those of the caller, with their scope")
  func actions() async throws {
    try await TestServer.run { server in
      func actions(_ user: String, _ name: String) async throws -> JSONValue? {
        try resource(name, await server.send("GET", "/api/schema", as: user))["actions"]
      }
      #expect(
        try await actions("ada", "tasks") == [
          "create": "tenant", "read": "tenant", "update": "tenant", "delete": "tenant",
          "purge": "tenant", "complete": "tenant", "restore": "tenant",
        ])
      #expect(
        try await actions("sam", "contacts") == [
          "create": "own", "read": "tenant", "update": "own", "delete": false, "purge": false,
          "restore": false,
        ])
      let maras = try await actions("mara", "deals")
      #expect(maras?["update"] == "team")
      let vics = try await actions("vic", "notes")
      #expect(vics?["read"] == "tenant" && vics?["create"] == false)
    }
  }

  @Test("pipelines are there for everybody from the first look on")
  func pipelines() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let answer = try await server.send("GET", "/api/schema", as: "sam")
      let pipelines = try #require(answer.data["pipelines"]?.array)
      #expect(pipelines.count == 1)
      #expect(
        pipelines.first?["stages"]?.array?.compactMap { $0["id"]?.string }
          == ["new", "qualified", "proposal", "negotiation", "won", "lost"])
      let created = try await server.send(
        "POST", "/api/pipelines", ["name": "Renewal", "stages": [["name": "Asked"]]])
      let after = try await server.send("GET", "/api/schema", as: "sam").data["pipelines"]
      #expect(after?.array?.compactMap { $0["name"]?.string } == ["Sales", "Renewal"])
      _ = try await server.send("DELETE", "/api/pipelines/\(created.data.id)")
      let last = try await server.send("GET", "/api/schema", as: "sam").data["pipelines"]
      #expect(last?.array?.count == 1)
      #expect(
        try await server.send("GET", "/api/schema", as: "greta").data["pipelines"]?.array?.first?[
          "id"]
          != pipelines.first?["id"])
    }
  }

  @Test("custom fields are shown as soon as they are defined, to their tenant")
  func customFields() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await server.send(
        "POST", "/api/custom-fields",
        [
          "entityType": "deal", "key": "colour", "label": "Colour", "type": "select",
          "options": ["red", "blue"], "default": "red", "required": true,
        ])
      let deals = try resource("deals", await server.send("GET", "/api/schema", as: "vic"))
      #expect(
        deals["customFields"] == [
          [
            "key": "colour", "label": "Colour", "type": "select", "required": true,
            "options": ["red", "blue"], "default": "red",
            "operators": ["eq", "ne", "in", "nin", "isNull"],
          ]
        ])
      let foreign = try await server.send("GET", "/api/schema", as: "greta")
      #expect(try resource("deals", foreign)["customFields"] == [])
    }
  }

  @Test("the tag answers whether anything has changed")
  func revalidation() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let answer = try await server.send("GET", "/api/schema")
      let etag = try #require(answer.header("ETag"))
      func status() async throws -> Int {
        try await server.send("GET", "/api/schema", headers: [("If-None-Match", etag)]).status
      }
      #expect(try await status() == 304)
      _ = try await server.send(
        "POST", "/api/custom-fields", ["entityType": "task", "key": "k", "label": "K"])
      #expect(try await status() == 200)
      #expect(try await server.client.send("GET", "/api/schema").status == 401)
      #expect(try await server.send("GET", "/api/schema?x=1").status == 400)
    }
  }
}
