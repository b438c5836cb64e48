import CRM
import JSON
import TestSupport
import Testing
import WrapperClient

/// Two thousand random steps in the life of all kinds of records, by users of every scope; then
/// everything that can be asked is what a plain model says.
@Suite struct LifeTests {
  private typealias Kind = LifeModel.Kind

  private static let vocabulary = [
    "sol", "solar", "solaris", "mond", "Mondlicht", "Ängström", "angst", "quartz", "quarry",
  ]
  private static let tags = ["vip", "VIP", "new", "Été", "ete", "uk"]

  /// What is drawn, and what was drawn so far.
  private struct Run {
    let server: TestServer
    var model = LifeModel()
    var generator: SeededGenerator
    /// Every id there ever was.
    var ids: [Kind: [String]] = [:]
    var number = 0
    var statuses: [Int: Int] = [:]

    mutating func pick<Element>(_ elements: [Element]) -> Element? {
      elements.randomElement(using: &generator)
    }

    mutating func chance(_ count: Int) -> Bool {
      Int.random(in: 0..<count, using: &generator) == 0
    }

    /// An id of that kind: mostly one that came lately, whatever has become of it.
    mutating func id(_ kind: Kind) -> String? {
      let all = ids[kind] ?? []
      return pick(chance(4) ? all : all.suffix(25))
    }

    private mutating func reference(_ kind: Kind) -> JSONValue {
      chance(5) ? .null : id(kind).map { .string($0) } ?? .null
    }

    private mutating func text() -> JSONValue {
      let words = (0..<(chance(2) ? 1 : 2)).compactMap { _ in pick(LifeTests.vocabulary) }
      return .string(words.joined(separator: " "))
    }

    /// Random members, valid in themselves.
    private mutating func members(_ kind: Kind, isNew: Bool) -> [String: JSONValue] {
      var members: [String: JSONValue] = [:]
      // A note always changes, and differs from all others.
      if isNew || kind == .note || chance(2) { members[kind.title] = text() }
      if kind == .note { members["body"] = .string("\(members["body"]?.string ?? "") n\(number)") }
      if chance(4) { members["ownerId"] = pick(LifeModel.owners).map { .string($0) } }
      if chance(4) { members["tags"] = chance(4) ? [] : [.string(pick(LifeTests.tags) ?? "vip")] }
      for (name, kind) in kind.references.sorted(by: { $0.key < $1.key }) where chance(3) {
        members[name] = reference(kind)
      }
      switch kind {
      case .contact:
        let number = Int.random(in: 0..<20, using: &generator)
        if chance(3) { members["email"] = .string("m\(number)@x.org") }
        if chance(2) { members["lifecycle"] = pick(["lead", "prospect", "customer", "former"]) }
      case .company: break
      case .lead:
        if chance(2) { members["status"] = pick(["new", "contacted", "qualified", "unqualified"]) }
      case .deal:
        if chance(2) {
          members["value"] = .integer(Int.random(in: 1...999, using: &generator))
          members["currency"] = pick(["EUR", "USD"])
        }
        if chance(2) { members["stage"] = pick(LifeModel.stages).map { .string($0.name) } }
        if chance(3) { members["assignedTo"] = pick([.null, "olga", "mara", "pia"]) }
      case .task:
        if chance(2) { members["status"] = pick(["open", "in_progress", "done", "cancelled"]) }
        if chance(2) {
          members["dueAt"] = pick([.null, "2020-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z"])
        }
        if chance(3) { members["assignedTo"] = pick([.null, "olga", "mara", "pia"]) }
      case .note:
        if chance(2) { members["visibility"] = pick(["public", "private"]) }
      case .interaction:
        if isNew || chance(3) { members["type"] = pick(["call", "email", "meeting"]) }
      }
      if kind.hangs ? isNew || chance(8) : kind == .task && chance(3) { hang(&members) }
      return members
    }

    private mutating func hang(_ members: inout [String: JSONValue]) {
      guard let kind = pick(LifeModel.parents), let id = id(kind) else { return }
      members["entityType"] = .string(kind.rawValue)
      members["entityId"] = .string(id)
    }

    /// One request of the server and of the model; says where they differ.
    mutating func step() async throws -> String? {
      number += 1
      let kind = pick(Kind.allCases) ?? .contact
      let user = pick(LifeModel.users) ?? "ada"
      guard let id = id(kind), !chance(3) else { return try await create(kind, as: user) }
      let path = "\(kind.path)/\(id)"
      let expected: Int
      let answer: TestResponse
      switch Int.random(in: 0..<20, using: &generator) {
      case 0..<9:
        let members = members(kind, isNew: false)
        answer = try await server.send("PATCH", path, as: user, Self.body(members))
        expected = model.update(id, members, by: user)
      case 9..<12 where !kind.hangs:
        let (adds, tags) = (chance(2), [pick(LifeTests.tags) ?? "vip"])
        answer = try await server.send(
          adds ? "POST" : "DELETE", "\(path)/tags", as: user,
          ["tags": .array(tags.map { .string($0) })])
        expected = model.tag(id, tags, adds: adds, by: user)
      case 9..<15:
        answer = try await server.send("DELETE", path, as: user)
        expected = model.move(id, toTrash: true, by: user)
      case 15..<19:
        answer = try await server.send("POST", "\(path)/restore", as: user)
        expected = model.move(id, toTrash: false, by: user)
      default:
        answer = try await server.send("DELETE", "\(path)?purge=true", as: user)
        expected = model.purge(id, by: user)
      }
      return compare(answer, expected, "\(user) \(path)")
    }

    private mutating func create(_ kind: Kind, as user: String) async throws -> String? {
      let members = members(kind, isNew: true)
      // Nothing is there yet for it to hang from.
      guard !kind.hangs || members["entityId"] != nil else { return nil }
      var (path, sent) = (kind.path, members)
      let isBelow = kind.hangs && chance(2)
      if isBelow, let parent = members["entityType"]?.string.flatMap(Kind.init(rawValue:)),
        let id = members["entityId"]?.string
      {
        path = "\(parent.path)/\(id)/\(kind.rawValue)s"
        sent["entityType"] = nil
        sent["entityId"] = nil
      }
      let answer = try await server.send("POST", path, as: user, Self.body(sent))
      let expected = model.create(kind, members, isBelow: isBelow, by: user) { answer.data.id }
      if answer.status == 201 { ids[kind, default: []].append(answer.data.id) }
      return compare(answer, expected, "\(user) creates \(path) \(members)")
    }

    private mutating func compare(_ answer: TestResponse, _ expected: Int, _ what: String)
      -> String?
    {
      statuses[expected, default: 0] += 1
      return answer.status == expected
        ? nil : "\(what): \(answer.status), not \(expected); \(answer.text)"
    }

    private static func body(_ members: [String: JSONValue]) -> JSONValue {
      .object(JSONObject(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
    }

    /// Compares all that three users can ask with what the model says.
    mutating func faults() async throws -> [String] {
      var faults: [String] = []
      for user in LifeModel.users {
        let comparison = LifeComparison(server: server, model: model, user: user)
        for kind in Kind.allCases {
          faults += try await comparison.lists(kind)
          let filters = model.filters(kind, for: user)
          if let filter = pick(filters) { faults += try await comparison.filter(kind, filter) }
          faults += try await comparison.tags(kind)
          if let id = id(kind) { faults += try await comparison.history(kind, id) }
        }
        for _ in 0..<3 {
          if let question = pick(LifeTests.questions) {
            faults += try await comparison.search(question)
          }
          if let id = id(.contact) { faults += try await comparison.timeline(id) }
        }
        faults += try await comparison.statistics()
        faults += try await comparison.board()
      }
      return faults
    }
  }

  private static let questions = [
    "sol", "solar", "solari", "mond", "mondl", "angstr", "angst", "quar", "quart", "sol mond",
    "angst quarr", "unheard",
  ]

  @Test("2,000 random steps leave in every view what a plain model says", arguments: [20_261_120])
  func steps(seed: UInt64) async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await server.addUsers([("olga", ["crm.*.*:own"])])
      var run = Run(server: server, generator: SeededGenerator(seed: seed))
      for number in 1...2000 {
        if let fault = try await run.step() {
          throw TestServer.Unexpected(answer: "seed \(seed), step \(number): \(fault)")
        }
        guard number.isMultiple(of: 100) else { continue }
        let faults = try await run.faults()
        try #require(
          faults.isEmpty,
          "seed \(seed), step \(number): \(faults.prefix(8).joined(separator: "\n"))")
      }
      for kind in LifeModel.Kind.allCases { #expect((run.ids[kind]?.count ?? 0) > 40) }
      for status in [200, 201, 404, 409, 422] { #expect((run.statuses[status] ?? 0) > 20) }
      #expect(try server.store.verifyCounters(tenantID: "acme") == [])
      try await server.checkFullText()
    }
  }
}
