import JSON
import TestSupport
import Testing

/// The published document against the server that publishes it.
@Suite struct OpenAPITests {
  @Test("every operation has an id of its own, answers, and schemas that exist")
  func wellFormed() async throws {
    try await TestServer.run { server in
      let document = try await server.client.send("GET", "/openapi.json").json
      #expect(document["openapi"] == "3.1.0")
      let paths = try #require(document["paths"]?.object)
      var ids: [String] = []
      for path in paths.members {
        for operation in path.value.object?.members ?? [] {
          ids.append(operation.value["operationId"]?.string ?? "")
          #expect(operation.value["responses"]?.object?.isEmpty == false)
        }
      }
      let counts = Dictionary(ids.map { ($0, 1) }, uniquingKeysWith: +)
      #expect(counts.filter { $0.value > 1 } == [:])
      #expect(ids.count > 20)
      let schemas = Set(document["components"]?["schemas"]?.object?.names ?? [])
      for reference in Self.references(document) {
        let name = reference.split(separator: "/").last.map(String.init) ?? ""
        #expect(schemas.contains(name), "\(reference)")
      }
    }
  }

  @Test("every documented path exists, and asks for a token where the document says so")
  func routesExist() async throws {
    try await TestServer.run { server in
      let document = try await server.client.send("GET", "/openapi.json").json
      for path in document["paths"]?.object?.members ?? [] {
        let url = path.name.replacing(
          /\{[A-Za-z]+\}/, with: "018f3f1c-0000-7000-8000-000000000000")
        for operation in path.value.object?.members ?? [] {
          let answer = try await server.client.send(operation.name.uppercased(), url)
          if operation.value["security"] != nil {
            #expect(answer.status == 401, "\(operation.name) \(path.name)")
          } else {
            #expect(![401, 404, 405].contains(answer.status), "\(operation.name) \(path.name)")
          }
        }
      }
    }
  }

  @Test("every method of every documented path is documented")
  func methods() async throws {
    try await TestServer.run { server in
      let document = try await server.client.send("GET", "/openapi.json").json
      let paths = document["paths"]?.object?.members ?? []
      #expect(paths.contains { $0.name == "/openapi.json" })
      for path in paths {
        let url = path.name.replacing(
          /\{[A-Za-z]+\}/, with: "018f3f1c-0000-7000-8000-000000000000")
        let answer = try await server.client.send("OPTIONS", url)
        let allowed = Set(
          (answer.header("Allow") ?? "").split(separator: ",").map { $0.filter { $0 != " " } })
        let documented = Set((path.value.object?.names ?? []).map { $0.uppercased() })
        #expect(allowed.subtracting(["HEAD", "OPTIONS"]) == documented, "\(path.name)")
      }
    }
  }

  @Test("a record has exactly the members that its schema names")
  func recordsMatchSchemas() async throws {
    try await TestServer.run { server in
      let document = try await server.client.send("GET", "/openapi.json").json
      let lead = try await server.lead(["title": "Documented"])
      let contact = try await server.contact(["email": "documented@example.org"])
      for (name, record) in [("Lead", lead), ("Contact", contact)] {
        let schema = document["components"]?["schemas"]?[name]?["properties"]?.object
        #expect(schema?.names == record.object?.names)
      }
    }
  }

  private static func references(_ value: JSONValue) -> [String] {
    switch value {
    case .object(let object):
      object.members.flatMap { member in
        member.name == "$ref" ? [member.value.string ?? ""] : references(member.value)
      }
    case .array(let elements): elements.flatMap(references)
    default: []
    }
  }
}
