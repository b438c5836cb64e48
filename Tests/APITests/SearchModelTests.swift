import JSON
import TestSupport
import Testing
import WrapperClient

/// Random work on contacts, deals and notes, after which searches find what a plain model says.
@Suite struct SearchModelTests {
  private struct Stored {
    var kind: Kind
    var words: [String]
    var creator: String
    var isPrivate = false
    /// The contact that a note hangs from.
    var parent: String?
    var isTrashed = false
    /// Whether it went into the trash with its parent.
    var wentAlong = false
  }

  private enum Kind: String, CaseIterable {
    case contact, deal, note

    var path: String { self == .note ? "/api/notes" : "/api/\(rawValue)s" }
    var member: String {
      switch self {
      case .contact: "lastName"
      case .deal: "title"
      case .note: "body"
      }
    }
  }

  /// Some begin others.
  private static let vocabulary = [
    "sol", "solar", "solaris", "mond", "Mondlicht", "Ängström", "angst", "x", "xy", "42", "4242",
  ]
  private static let questions = [
    "s", "so", "sol", "solar", "solari", "mond", "mondl", "angstr", "angst", "x", "xy", "4",
    "42", "424", "sol mond", "solar x", "solaris mondlicht", "xy 42 angst", "unheard",
  ]
  private static let users = ["ada", "pia"]

  private struct Run {
    let server: TestServer
    var generator: SeededGenerator
    var records: [String: Stored] = [:]

    mutating func words() -> [String] {
      let count = Int.random(in: 1...3, using: &generator)
      return (0..<count).map { _ in
        SearchModelTests.vocabulary.randomElement(using: &generator) ?? "x"
      }
    }

    mutating func pick(_ isFit: (Stored) -> Bool) -> String? {
      records.filter { isFit($0.value) }.keys.sorted().randomElement(using: &generator)
    }

    mutating func user() -> String {
      SearchModelTests.users.randomElement(using: &generator) ?? "ada"
    }

    /// One change of the server and of the model.
    mutating func step() async throws {
      switch Int.random(in: 0..<20, using: &generator) {
      case 0..<8: try await create()
      case 8..<13: try await change()
      case 13..<16: try await move(toTrash: true)
      case 16..<19: try await move(toTrash: false)
      default: try await purge()
      }
    }

    private mutating func create() async throws {
      let kind = Kind.allCases.randomElement(using: &generator) ?? .deal
      let (words, user) = (words(), user())
      var body: JSONValue = [kind.member: .string(words.joined(separator: " "))]
      var stored = Stored(kind: kind, words: words, creator: user)
      var path = kind.path
      if kind == .note {
        guard let parent = pick({ $0.kind == .contact && !$0.isTrashed }) else { return }
        stored.parent = parent
        stored.isPrivate = Bool.random(using: &generator)
        body = body.with("visibility", stored.isPrivate ? "private" : "public")
        path = "/api/contacts/\(parent)/notes"
      }
      let answer = try await server.send("POST", path, as: user, body)
      try #require(answer.status == 201, "\(answer.text)")
      records[answer.data.id] = stored
    }

    private mutating func change() async throws {
      guard let id = pick({ !$0.isTrashed }), var stored = records[id] else { return }
      stored.words = words()
      var body: JSONValue = [stored.kind.member: .string(stored.words.joined(separator: " "))]
      if stored.kind == .note, Bool.random(using: &generator) {
        stored.isPrivate.toggle()
        body = body.with("visibility", stored.isPrivate ? "private" : "public")
      }
      try await send("PATCH", id, stored, body)
      records[id] = stored
    }

    private mutating func move(toTrash: Bool) async throws {
      guard let id = pick({ $0.isTrashed != toTrash }), var stored = records[id] else { return }
      if !toTrash, let parent = stored.parent, records[parent]?.isTrashed == true { return }
      if toTrash {
        try await send("DELETE", id, stored)
      } else {
        let answer = try await server.send(
          "POST", "\(stored.kind.path)/\(id)/restore", as: stored.creator)
        try #require(answer.status == 200, "\(answer.text)")
      }
      stored.isTrashed = toTrash
      stored.wentAlong = false
      records[id] = stored
      for (other, hanging) in records where hanging.parent == id {
        if toTrash, !hanging.isTrashed {
          records[other]?.isTrashed = true
          records[other]?.wentAlong = true
        } else if !toTrash, hanging.wentAlong {
          records[other]?.isTrashed = false
          records[other]?.wentAlong = false
        }
      }
    }

    private mutating func purge() async throws {
      guard let id = pick({ _ in true }), let stored = records[id] else { return }
      let answer = try await server.send(
        "DELETE", "\(stored.kind.path)/\(id)?purge=true", as: stored.creator)
      try #require(answer.status == 200, "\(answer.text)")
      records = records.filter { $0.key != id && $0.value.parent != id }
    }

    private func send(
      _ method: String, _ id: String, _ stored: Stored, _ body: JSONValue? = nil
    ) async throws {
      let answer = try await server.send(
        method, "\(stored.kind.path)/\(id)", as: stored.creator, body)
      try #require(answer.status == 200, "\(method) \(answer.text)")
    }

    /// So many deals with every word, more than are looked at one by one.
    mutating func createMany(_ count: Int) async throws {
      let title = SearchModelTests.vocabulary.joined(separator: " ")
      let answer = try await BatchTests.send(
        server,
        Array(
          repeating: BatchTests.operation("POST", "/api/deals", ["title": .string(title)]),
          count: count))
      try #require(answer.status == 200, "\(answer.text)")
      for result in answer.data.array ?? [] {
        records[result["body"]?["data"]?.id ?? ""] = Stored(
          kind: .deal, words: SearchModelTests.vocabulary, creator: "ada")
      }
    }

    /// Compares every question of every user.
    func faults(pageSize: Int = 40) async throws -> [String] {
      var faults: [String] = []
      for user in SearchModelTests.users {
        for question in SearchModelTests.questions {
          let expected = records.filter { record in
            !record.value.isTrashed && (!record.value.isPrivate || record.value.creator == user)
              && SearchModelTests.fits(record.value.words, question)
          }
          var found: [String] = []
          var cursor = ""
          repeat {
            let page = try await server.search(question, "&limit=\(pageSize)\(cursor)", as: user)
            found += page.texts("id")
            cursor = page.json["nextCursor"]?.string.map { "&cursor=\($0)" } ?? ""
          } while !cursor.isEmpty && found.count < 2000
          if found.sorted() != expected.keys.sorted() {
            faults.append("\(user) \(question): \(found.count), not \(expected.count)")
          }
        }
      }
      return faults
    }
  }

  /// Whether every word of the question begins a word.
  private static func fits(_ words: [String], _ question: String) -> Bool {
    let plain = words.map {
      $0.lowercased().replacing("ä", with: "a").replacing("ö", with: "o")
    }
    return question.split(separator: " ").allSatisfy { asked in
      plain.contains { $0.hasPrefix(asked) }
    }
  }

  @Test("600 random steps leave in the index what a plain model says", arguments: [20_260_217])
  func steps(seed: UInt64) async throws {
    try await TestServer.run(creditCheck: .off) { server in
      var run = Run(server: server, generator: SeededGenerator(seed: seed))
      for number in 1...600 {
        try await run.step()
        guard number % 60 == 0 else { continue }
        let faults = try await run.faults()
        try #require(faults.isEmpty, "seed \(seed), step \(number): \(faults)")
      }
      #expect(run.records.count > 100)
      #expect(Set(run.records.values.map(\.kind)).count == Kind.allCases.count)
      try await server.checkFullText()
      // Among so many, each rank is asked for by itself.
      for _ in 0..<2 { try await run.createMany(300) }
      let faults = try await run.faults(pageSize: 200)
      #expect(faults.isEmpty, "seed \(seed): \(faults)")
    }
  }
}
