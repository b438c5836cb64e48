import JSON
import TestSupport

/// What one user is told, beside what ``LifeModel`` says they should be.
struct LifeComparison {
  let server: TestServer
  let model: LifeModel
  let user: String

  private func get(_ path: String) async throws -> TestResponse {
    try await server.send("GET", path, as: user)
  }

  /// A fault, unless both are the same.
  private func same<Value: Equatable>(_ what: String, _ told: Value, _ expected: Value)
    -> [String]
  {
    told == expected ? [] : ["\(user) \(what): \(told), not \(expected)"]
  }

  /// All pages of a list.
  private func pages(_ path: String) async throws -> (records: [JSONValue], totals: [JSONValue]) {
    var records: [JSONValue] = []
    var totals: [JSONValue] = []
    var cursor = ""
    repeat {
      let page = try await get("\(path)\(cursor)")
      guard page.status == 200 else {
        throw TestServer.Unexpected(answer: "\(path): \(page.status) \(page.text)")
      }
      records += page.data.array ?? []
      totals.append(page.json["total"] ?? .null)
      cursor = page.json["nextCursor"]?.string.map { "&cursor=\($0)" } ?? ""
    } while !cursor.isEmpty
    return (records, totals)
  }

  func lists(_ kind: LifeModel.Kind) async throws -> [String] {
    let (records, totals) = try await pages("\(kind.path)?count=true&limit=150")
    let expected = model.visible(kind, to: user)
    var faults = same("lists \(kind)", records.map(\.id).sorted(), expected.keys.sorted())
    for total in totals { faults += same("counts \(kind)", total, .integer(expected.count)) }
    for record in records {
      guard let stored = expected[record.id] else { continue }
      for (name, value) in stored.members where record[name] != value {
        faults += same("reads \(kind) \(record.id) \(name)", record[name] ?? .null, value)
      }
      faults += same("reads \(kind) \(record.id) version", record.version, stored.version)
      faults += same("reads \(record.id) createdBy", record["createdBy"], .string(stored.creator))
      if let status = stored.status {
        faults += same("reads \(record.id) status", record["status"], .string(status))
      }
    }
    return faults
  }

  func filter(_ kind: LifeModel.Kind, _ filter: (query: String, count: Int)) async throws
    -> [String]
  {
    let (records, totals) = try await pages("\(kind.path)?count=true&limit=200&\(filter.query)")
    return same("filters \(kind) \(filter.query)", records.count, filter.count)
      + same("counts \(kind) \(filter.query)", totals[0], .integer(filter.count))
  }

  func tags(_ kind: LifeModel.Kind) async throws -> [String] {
    guard !kind.hangs else { return [] }
    let answer = try await get("\(kind.path)/tags")
    var counts: [String: Int] = [:]
    for tag in answer.data.array ?? [] {
      counts[LifeModel.folded(tag["tag"]?.string ?? ""), default: 0] +=
        Int(tag["count"]?.integer ?? -1)
    }
    return same("tags of \(kind)", counts, model.tags(of: kind, for: user))
  }

  func search(_ question: String) async throws -> [String] {
    let (found, _) = try await pages("/api/search?limit=100&q=\(encoded(question))")
    return same("searches \(question)", found.map(\.id).sorted(), model.found(question, by: user))
  }

  /// Who changed what from what to what, newest first.
  func history(_ kind: LifeModel.Kind, _ id: String) async throws -> [String] {
    let path = "/api/history/\(kind.rawValue)/\(id)"
    guard model.isVisible(id, to: user), let stored = model.records[id] else {
      return try await same("\(path) status", get(path).status, 404)
    }
    let (items, _) = try await pages("\(path)?limit=100")
    let told = items.map { item in
      [item["operation"]?.string, item["by"]?.string, item["version"]?.text]
    }
    let plural = kind.path.split(separator: "/").last ?? ""
    let newest = Array(stored.history.reversed())
    var faults = same(
      path, told,
      newest.map { ["crm.\(plural).\($0.action)", $0.by, "\($0.version)"] })
    for (item, entry) in zip(items, newest) {
      let names = Set(stored.members.keys)
      let changes = (item["changes"]?.object?.members ?? []).filter { names.contains($0.name) }
      if let expected = entry.changes {
        for (name, change) in expected {
          faults += same("\(path) \(entry.version) \(name)", item["changes"]?[name], change)
        }
        guard entry.action == "update" else { continue }
        faults += same(
          "\(path) \(entry.version)", changes.map(\.name).sorted(), expected.keys.sorted())
      } else {
        faults += same("\(path) \(entry.version)", changes.map(\.name), [])
      }
    }
    return faults
  }

  /// The timeline of a contact, and its activity in numbers.
  func timeline(_ id: String) async throws -> [String] {
    let path = "/api/customers/\(id)/history"
    let activity = try await get("/api/stats/customers/\(id)/activity")
    guard model.isVisible(id, to: user) else {
      return try await same("\(path) status", get(path).status, 404)
        + same("activity of \(id) status", activity.status, 404)
    }
    var shown: [String: Int] = [:]
    for item in try await pages("\(path)?limit=100").records {
      let kind = item["kind"]?.string ?? ""
      shown[kind.hasSuffix("change") ? kind : "\(kind) \(item.id)", default: 0] += 1
    }
    let told: JSONValue = [
      "interactions": activity.data["interactions"]?["total"] ?? .null,
      "notes": activity.data["notes"] ?? .null, "openTasks": activity.data["openTasks"] ?? .null,
      "deals": activity.data["deals"] ?? .null,
    ]
    return same(path, shown, model.timeline(of: id, for: user))
      + same("activity of \(id)", told, model.activity(of: id, for: user))
  }

  func statistics() async throws -> [String] {
    try await same("stats", get("/api/stats").data, model.statistics(for: user))
  }

  /// The columns of the board: how many, what they come to, and which cards.
  func board() async throws -> [String] {
    let board = try await get("/api/deals/board?limit=200&fields=id")
    let deals = model.visible(.deal, to: user)
    return LifeModel.stages.flatMap { stage in
      let column =
        board.data["columns"]?.array?.first { $0["stage"] == .string(stage.name) } ?? .null
      let expected = deals.filter { $0.value["stage"] == stage.name }
      let values = Array(expected.values)
      return same("board \(stage.name)", column["count"], .integer(expected.count))
        + same(
          "cards \(stage.name)", (column["cards"]?.array ?? []).map(\.id).sorted(),
          expected.keys.sorted())
        + same("value \(stage.name)", column["value"], LifeModel.money(values))
        + same(
          "weighted \(stage.name)", column["weightedValue"],
          LifeModel.money(values, percent: stage.percent))
    }
  }
}
