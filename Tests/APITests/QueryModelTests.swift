import JSON
import TestSupport
import Testing
import Values
import WrapperClient

/// Random filters, orders and pages over random records, compared with a model of them.
@Suite struct QueryModelTests {
  /// A resource with random bodies for it.
  private struct Subject: CustomTestStringConvertible, Sendable {
    let path: String
    let seed: UInt64
    /// Members with the values that records and queries draw from; "" stands for none.
    let words: [(name: String, values: [String])]
    let texts: [(name: String, values: [String])]
    let numbers: [(name: String, values: [String])]
    let times: [(name: String, values: [String])]
    /// Users whose lists are compared: one reaches everything, others some.
    let viewers: [String]
    var testDescription: String { path }
  }

  private static let names = [
    "Ärger", "arger", "Zoë", "zoe, the", "b\\c", "Beta", "alpha", "100%", "Straße", "strasse", "",
  ]
  private static let owners = ["ada", "sam", "sue", "mara", "vic", ""]
  private static let moments = (1...6).map { "2026-0\($0)-15T10:30:00.000Z" } + [""]

  private static let subjects = [
    Subject(
      path: "/api/contacts", seed: 11,
      words: [("lifecycle", ["lead", "customer", "former"]), ("ownerId", owners)],
      texts: [("lastName", names), ("jobTitle", names), ("company", names)], numbers: [],
      times: [], viewers: ["ada", "mara"]),
    Subject(
      path: "/api/leads", seed: 12,
      words: [
        ("status", ["new", "contacted"]), ("priority", ["low", "medium", "high"]),
        ("ownerId", owners),
      ],
      texts: [("source", names), ("lastName", names)],
      numbers: [("value", ["0", "9.99", "10", "1000.5", ""])], times: [],
      viewers: ["ada", "mara", "sam"]),
    Subject(
      path: "/api/deals", seed: 13,
      words: [("ownerId", owners), ("assignedTo", owners), ("stage", ["new", "won", "lost"])],
      texts: [],
      numbers: [
        ("value", ["0", "9.99", "10", "1000.5", ""]), ("position", ["1", "0.5", "-2", ""]),
      ],
      times: [("expectedCloseOn", ["2026-01-31", "2026-02-01", "2027-01-01", ""])],
      viewers: ["ada", "mara"]),
    Subject(
      path: "/api/tasks", seed: 14,
      words: [
        ("status", ["open", "in_progress", "cancelled"]), ("ownerId", owners),
        ("assignedTo", owners),
      ],
      texts: [("description", names)], numbers: [], times: [("dueAt", moments)],
      viewers: ["ada", "mara"]),
  ]

  private static let tags = ["vip", "VIP", "uk", "Ünder", "under", "x,y", "nobody"]

  /// A random body; what the server makes of it is what the model knows.
  private static func body(_ subject: Subject, _ model: inout QueryModel) -> JSONValue {
    var members: [(String, JSONValue)] = [
      (subject.path == "/api/contacts" ? "firstName" : "title", .string(model.pick(names) + "!"))
    ]
    for (name, values) in subject.words + subject.texts + subject.times {
      let value = model.pick(values)
      members.append((name, value.isEmpty ? .null : .string(value)))
    }
    for (name, values) in subject.numbers {
      let value = model.pick(values)
      members.append((name, value.isEmpty ? .null : .number(JSONNumber(unchecked: value))))
    }
    members.append(
      ("tags", .array((0..<model.number(0...2)).map { _ in .string(model.pick(tags)) })))
    var custom: [(String, JSONValue)] = []
    if model.number(0...2) > 0 {
      custom.append(
        ("score", .number(JSONNumber(unchecked: model.pick(["1", "2.5", "10", "-3"])))))
    }
    if model.number(0...2) > 0 { custom.append(("region", .string(model.pick(names) + "r"))) }
    members.append(("customFields", .object(JSONObject(custom))))
    return .object(JSONObject(members))
  }

  private static func model(_ subject: Subject) -> QueryModel {
    func fields(_ lists: [(name: String, values: [String])], _ kind: QueryModel.Kind)
      -> [QueryModel.Field]
    {
      lists.map {
        QueryModel.Field(name: $0.name, kind: kind, values: $0.values.filter { $0 != "" })
      }
    }
    return QueryModel(
      fields: fields(subject.words, .word) + fields(subject.texts, .text)
        + fields(subject.numbers, .number) + fields(subject.times, .time)
        + fields(
          [("customFields.score", ["1", "2.50", "10", "7"])], .number)
        + fields([("customFields.region", names.map { "\($0)r" })], .text)
        + [QueryModel.Field(name: "version", kind: .number, values: ["1", "2"])],
      tags: tags, generator: SeededGenerator(seed: subject.seed))
  }

  /// Whether the viewer reaches the record.
  private static func reaches(_ viewer: String, _ record: JSONValue) -> Bool {
    let users = ["ownerId", "createdBy", "assignedTo"].compactMap { record[$0]?.string }
    switch viewer {
    case "ada": return true
    case "mara":
      let owner = record["ownerId"]?.string ?? ""
      return users.contains("mara") || ["mara", "sam", "vic", "ida"].contains(owner)
    default: return users.contains(viewer)
    }
  }

  /// Whether a task is the viewer's to do.
  private static func isMine(_ viewer: String, _ record: JSONValue) -> Bool {
    let assigned = record["assignedTo"]?.string
    return assigned == viewer || (assigned == nil && record["ownerId"]?.string == viewer)
  }

  @Test("200 random lists of each resource equal the model's", arguments: subjects)
  private func lists(subject: Subject) async throws {
    try await TestServer.run(creditCheck: .off) { server in
      var model = Self.model(subject)
      for _ in 0..<100 {
        let creator = model.pick(subject.viewers)
        let answer = try await server.send(
          "POST", subject.path, as: creator, Self.body(subject, &model))
        try #require(answer.status == 201, "\(answer.text)")
      }
      let all = try await server.send("GET", "\(subject.path)?limit=200").data.array ?? []
      #expect(all.count == 100)
      for number in 0..<200 {
        let viewer = model.pick(subject.viewers)
        let conditions = (0..<model.number(0...3)).map { _ in model.condition() }
        // A parameter may stand once.
        var names: Set<Substring> = []
        let asked = conditions.filter { names.insert($0.query.prefix { $0 != "=" }).inserted }
        let (order, sorted) = model.sort(all)
        let isMine = subject.path == "/api/tasks" && model.number(0...3) == 0
        let expected = sorted.filter { record in
          Self.reaches(viewer, record) && asked.allSatisfy { $0.holds(record) }
            && (!isMine || Self.isMine(viewer, record))
        }
        let query =
          (asked.map(\.query) + (isMine ? ["mine=true"] : [])).joined(separator: "&") + order
        let found = try await walk(
          server, "\(subject.path)?\(query)", as: viewer, limit: model.number(1...60),
          byNumber: model.number(0...3) == 0, total: expected.count)
        #expect(
          found == expected.map(\.id),
          "\(number): \(viewer) \(subject.path)?\(query)")
      }
    }
  }

  /// The ids of all pages.
  private func walk(
    _ server: TestServer, _ path: String, as user: String, limit: Int, byNumber: Bool, total: Int
  ) async throws -> [String] {
    var ids: [String] = []
    var next = byNumber ? "&page=1&pageSize=\(limit)" : "&limit=\(limit)&count=true"
    var page = 1
    while true {
      let answer = try await server.send("GET", path + next, as: user)
      try #require(answer.status == 200, "\(path + next): \(answer.text)")
      #expect(answer.json["total"] == .integer(total), "\(path + next)")
      ids += answer.data.array?.map(\.id) ?? []
      if byNumber {
        page += 1
        guard (page - 1) * limit < total else { return ids }
        next = "&page=\(page)&pageSize=\(limit)"
      } else {
        guard let cursor = answer.json["nextCursor"]?.string else { return ids }
        next = "&limit=\(limit)&count=true&cursor=\(cursor)"
      }
    }
  }
}
