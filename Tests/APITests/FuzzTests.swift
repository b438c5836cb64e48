import JSON
import TestSupport
import Testing
import WrapperClient

/// Nonsense in query strings: the answer is never a server's error, and says where the fault is.
@Suite struct FuzzTests {
  @Test("2,000 random queries to the lists of all resources are answered or refused with a place")
  func queries() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      var source = HostileInput(generator: SeededGenerator(seed: 9))
      for name in ["a", "é", "vip"] {
        _ = try await server.lead([
          "title": .string(name), "tags": [.string(name)], "customFields": ["a": .string(name)],
        ])
      }
      let paths = ["leads", "contacts", "companies", "deals", "tasks", "notes", "interactions"]
      let names = [
        "sort", "fields", "expand", "cursor", "limit", "tags", "tags[all]", "customFields.a[in]",
        "createdAt[in]", "dueAt[lte]", "position[gt]", "status", "stage[startsWith]", "mine",
        "overdue", "entityId", "assignedTo[nin]", "pinned", "expectedCloseOn[gte]", "%", "a[b]c]",
      ]
      for number in 0..<2000 {
        var query = source.query()
        if Bool.random(using: &source.generator) {
          let name = source.pick(names, "sort")
          let value = source.text() + source.pick(["", ",", ",-", "\\,", "customFields.a"], "")
          query += "&\(name == "%" ? name : encoded(name))=\(encoded(value + source.name()))"
        }
        let path = source.pick(paths, "leads")
        let answer = try await server.send(
          "GET", "/api/\(path)?\(query)", as: source.pick(["ada", "mara"], "ada"))
        #expect([200, 400].contains(answer.status), "\(number): \(path)?\(query): \(answer.text)")
        guard answer.status == 400 else { continue }
        let fault = answer.json["errors"]?.array?.first
        let position = fault?["position"]?.integer ?? -1
        #expect(fault?["parameter"]?.string != nil, "\(query): \(answer.text)")
        #expect((0...Int64(query.utf8.count)).contains(position), "\(query): \(answer.text)")
      }
    }
  }
}
