import JSON
import TestSupport
import Testing
import WrapperClient

/// Two thousand random steps through the API and through a model of it, compared.
@Suite struct ModelTests {
  private typealias Kind = RecordModel.Kind

  /// One run: the model, the server, and what was drawn so far.
  private struct Run {
    let server: TestServer
    var model = RecordModel()
    var generator: SeededGenerator
    /// Every id there ever was.
    var ids: [Kind: [String]] = [.leads: [], .contacts: []]

    mutating func pick<Element>(_ elements: [Element]) -> Element? {
      elements.randomElement(using: &generator)
    }

    /// Random members of a record, valid in themselves.
    mutating func members(_ kind: Kind) -> [String: JSONValue] {
      var members: [String: JSONValue] = [
        kind.title: .string("\(kind) \(Int.random(in: 0...99, using: &generator))")
      ]
      let emails = (0..<15).map { number in
        JSONValue.string(number % 2 == 0 ? "m\(number)@example.org" : "M\(number - 1)@Example.org")
      }
      if Int.random(in: 0..<3, using: &generator) == 0 { members["email"] = pick(emails) }
      if Int.random(in: 0..<5, using: &generator) == 0 {
        members["ownerId"] = .string(pick(RecordModel.users) ?? "ada")
      }
      switch kind {
      case .leads:
        if Bool.random(using: &generator) { members["priority"] = pick(["low", "high"]) }
        if Bool.random(using: &generator) { members["source"] = pick(["web", "fair", .null]) }
        if Int.random(in: 0..<3, using: &generator) == 0 {
          members["contactId"] = pick(ids[.contacts] ?? []).map { .string($0) } ?? .null
        }
      case .contacts:
        if Bool.random(using: &generator) { members["lifecycle"] = pick(["customer", "former"]) }
        if Bool.random(using: &generator) { members["lastName"] = pick(["Lee", "Øre", .null]) }
      }
      return members
    }

    /// One request of the server and of the model; both must say the same.
    mutating func step() async throws -> String {
      let kind = pick(Kind.allCases) ?? .leads
      let user = pick(RecordModel.users) ?? "ada"
      let known = (ids[kind] ?? []).suffix(60)
      guard let id = pick(Array(known)), Int.random(in: 0..<5, using: &generator) > 0 else {
        return try await create(kind, as: user)
      }
      let path = "\(kind.rawValue)/\(id)"
      let draw = Int.random(in: 0..<12, using: &generator)
      let expected: Int
      let answer: TestResponse
      switch draw {
      case 0..<6:
        let members = members(kind)
        var headers: [(String, String)] = []
        var version: Int64?
        if Bool.random(using: &generator) {
          let current = model.records[kind]?[id]?.version ?? 1
          let asked = Bool.random(using: &generator) ? current : current + 1
          version = asked
          headers = [("If-Match", "\"\(asked)\"")]
        }
        let method = draw < 4 ? "PATCH" : "PUT"
        answer = try await server.send(
          method, path, as: user, Self.body(members), headers: headers)
        expected = model.update(
          kind, id, members, replaces: method == "PUT", version: version, by: user)
      case 6..<9:
        answer = try await server.send("DELETE", path, as: user)
        expected = model.move(kind, id, toTrash: true, by: user)
      case 9..<11:
        answer = try await server.send("POST", "\(path)/restore", as: user)
        expected = model.move(kind, id, toTrash: false, by: user)
      default:
        answer = try await server.send("DELETE", "\(path)?purge=true", as: user)
        expected = model.purge(kind, id, by: user)
      }
      return answer.status == expected
        ? "" : "\(user) \(draw) \(path): \(answer.status), not \(expected); \(answer.text)"
    }

    private mutating func create(_ kind: Kind, as user: String) async throws -> String {
      let members = members(kind)
      let answer = try await server.send("POST", kind.rawValue, as: user, Self.body(members))
      let expected = model.create(kind, members, by: user) { answer.data.id }
      if answer.status == 201 { ids[kind]?.append(answer.data.id) }
      return answer.status == expected
        ? "" : "\(user) creates \(members): \(answer.status), not \(expected); \(answer.text)"
    }

    private static func body(_ members: [String: JSONValue]) -> JSONValue {
      .object(JSONObject(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
    }

    /// Compares lists, counts and single records of every user with the model.
    mutating func compare() async throws -> [String] {
      var faults: [String] = []
      for kind in Kind.allCases {
        for user in RecordModel.users {
          let expected = model.visible(kind, to: user)
          var seen: [String: JSONValue] = [:]
          var cursor: String? = ""
          while let place = cursor {
            let page = try await server.send(
              "GET",
              "\(kind.rawValue)?count=true&limit=150\(place.isEmpty ? "" : "&cursor=\(place)")",
              as: user)
            for record in page.data.array ?? [] { seen[record.id] = record }
            if page.json["total"] != .integer(expected.count) {
              faults.append("\(user) counts \(page.json["total"]?.text ?? "") \(kind)")
            }
            cursor = page.json["nextCursor"]?.string
          }
          if Set(seen.keys) != Set(expected.keys) { faults.append("\(user) lists other \(kind)") }
          for (id, stored) in expected {
            faults += Self.differences(seen[id] ?? .null, stored).map { "\(user) \(id): \($0)" }
          }
          if let id = pick(ids[kind] ?? []) {
            let one = try await server.send("GET", "\(kind.rawValue)/\(id)", as: user)
            if (one.status == 200) != (expected[id] != nil) {
              faults.append("\(user) reads \(id): \(one.status)")
            }
          }
        }
      }
      return faults
    }

    private static func differences(_ record: JSONValue, _ stored: RecordModel.Stored) -> [String] {
      var expected = stored.members
      expected["ownerId"] = .string(stored.owner)
      expected["createdBy"] = .string(stored.creator)
      expected["version"] = .integer(stored.version)
      return expected.filter { record[$0.key] != $0.value }.map { name, value in
        "\(name) is \(record[name]?.text ?? "absent"), not \(value.text)"
      }
    }
  }

  @Test("2,000 random steps by six users leave what a plain model says", arguments: [20_260_131])
  func steps(seed: UInt64) async throws {
    try await TestServer.run(creditCheck: .off) { server in
      var run = Run(server: server, generator: SeededGenerator(seed: seed))
      for number in 1...2000 {
        let fault = try await run.step()
        try #require(fault.isEmpty, "seed \(seed), step \(number): \(fault)")
        guard number % 100 == 0 else { continue }
        let faults = try await run.compare()
        try #require(faults.isEmpty, "seed \(seed), step \(number): \(faults.prefix(5))")
      }
      #expect((run.ids[.leads]?.count ?? 0) > 100)
    }
  }
}
