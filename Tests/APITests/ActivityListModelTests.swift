import JSON
import SQLite
import TestSupport
import Testing
import Values
import WrapperClient

/// Lists of the activity log against a plain model of it.
@Suite struct ActivityListModelTests {
  private struct Entry {
    let id: String
    let user: String
    let operation: String
    let type: String?
    let entity: String?
    let session: String?
    let unit: String?
    let timestamp: String
    let seq: Int
  }

  private func entries(_ server: TestServer) throws -> [Entry] {
    try server.rows(
      """
      SELECT id, user_id, operation, entity_type, entity_id, session_id, unit_id, timestamp, seq
      FROM crm_activities WHERE tenant_id = 'acme'
      """
    ).map { row in
      Entry(
        id: row[0] ?? "", user: row[1] ?? "", operation: row[2] ?? "", type: row[3],
        entity: row[4], session: row[5], unit: row[6], timestamp: row[7] ?? "",
        seq: Int(row[8] ?? "") ?? 0)
    }
  }

  private static let operations = [
    "erp.orders.create", "erp.orders.update", "erp.orders.create.failed", "erp.bills.create",
    "mail.send", "mail.send.failed", "a[b]?c", "a[b]?d",
  ]

  /// Entries of three users at few moments, so that many are of the same one.
  private func fill(_ server: TestServer, _ generator: inout SeededGenerator) async throws {
    let now = server.time.now()
    for user in ["ada", "mara", "pia"] {
      var activities: [JSONValue] = []
      for _ in 0..<70 {
        let minutes = Int64.random(in: 0..<40, using: &generator)
        var entry = JSONObject([
          ("operation", .string(Self.operations.randomElement(using: &generator) ?? "")),
          ("timestamp", .string(now.advanced(byMilliseconds: -minutes * 60_000).rfc3339)),
        ])
        if Bool.random(using: &generator) {
          entry["entityType"] = .string(["order", "bill"].randomElement(using: &generator) ?? "")
          entry["entityId"] = .string("e\(Int.random(in: 0..<6, using: &generator))")
        }
        entry["sessionId"] = .string("s\(Int.random(in: 0..<4, using: &generator))")
        activities.append(.object(entry))
      }
      let answer = try await server.send(
        "POST", "/api/activities/batch", as: user, ["activities": .array(activities)])
      try #require(answer.status == 201, "\(answer.text)")
    }
  }

  /// A query string with what it means.
  private func query(
    _ generator: inout SeededGenerator, _ now: Timestamp
  ) -> (text: String, meant: (Entry) -> Bool) {
    var parts: [String] = []
    var conditions: [(Entry) -> Bool] = []
    func pick(_ values: [String]) -> String { values.randomElement(using: &generator) ?? "" }
    func chance(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &generator) == 0 }
    if chance(3) {
      let user = pick(["ada", "mara", "pia", "sam"])
      parts.append("userId=\(user)")
      conditions.append { $0.user == user }
    }
    if chance(2) {
      let (pattern, meant) =
        [
          ("erp.*", { (name: String) in name.hasPrefix("erp.") }),
          ("*.failed", { $0.hasSuffix(".failed") }),
          ("erp.*.create", { $0.hasPrefix("erp.") && $0.hasSuffix(".create") }),
          ("mail.send", { $0 == "mail.send" }), ("*", { _ in true }),
          ("a[b]?*", { $0.hasPrefix("a[b]?") }), ("x*", { _ in false }),
        ].randomElement(using: &generator) ?? ("", { _ in false })
      parts.append("operation=\(encoded(pattern))")
      conditions.append { meant($0.operation) }
    }
    if chance(4) {
      let type = pick(["order", "bill"])
      parts.append("entityType=\(type)")
      conditions.append { $0.type == type }
    }
    if chance(4) {
      let entity = pick(["e0", "e1", "e2"])
      parts.append("entityId=\(entity)")
      conditions.append { $0.entity == entity }
    }
    if chance(4) {
      let session = pick(["s0", "s1", "s9"])
      parts.append("sessionId=\(session)")
      conditions.append { $0.session == session }
    }
    if chance(3) {
      let (unit, below) =
        [
          ("org", ["org", "sales", "north", "support"]), ("sales", ["sales", "north"]),
          ("support", ["support"]),
        ].randomElement(using: &generator) ?? ("", [])
      parts.append("departmentId=\(unit)")
      conditions.append { entry in entry.unit.map(below.contains) ?? false }
    }
    for name in ["since", "until"] where chance(4) {
      let minutes = Int64.random(in: 0..<40, using: &generator)
      let moment = now.advanced(byMilliseconds: -minutes * 60_000).rfc3339
      parts.append("\(name)=\(moment)")
      conditions.append { name == "since" ? $0.timestamp >= moment : $0.timestamp < moment }
    }
    return (parts.joined(separator: "&"), { entry in conditions.allSatisfy { $0(entry) } })
  }

  @Test("random filters find what a plain model finds, page by page while entries arrive")
  func model() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      var generator = SeededGenerator(seed: 31)
      try await fill(server, &generator)
      let now = server.time.now()
      let users = ["ada": nil, "mara": ["mara", "sam", "vic"], "pia": nil] as [String: [String]?]
      for round in 0..<120 {
        let (text, meant) = query(&generator, now)
        let viewer = ["ada", "mara", "pia"][round % 3]
        let isAscending = Bool.random(using: &generator)
        let reach = users[viewer] ?? nil
        let expected = try entries(server)
          .filter { meant($0) && reach?.contains($0.user) ?? true }
          .sorted { ($0.timestamp, $0.seq) < ($1.timestamp, $1.seq) }
        let ids = isAscending ? expected.map(\.id) : expected.reversed().map(\.id)
        let limit = Int.random(in: 1...40, using: &generator)
        var path = "/api/activities?limit=\(limit)&count=true&\(text)"
        if isAscending { path += "&sort=timestamp" }
        var seen: [String] = []
        var cursor: String?
        var total: Int64?
        repeat {
          let page = try await server.send(
            "GET", path + (cursor.map { "&cursor=\($0)" } ?? ""), as: viewer)
          try #require(page.status == 200, "\(text): \(page.text)")
          if total == nil { total = page.json["total"]?.integer }
          seen += page.texts("id")
          cursor = page.json["nextCursor"]?.string
          // Somebody goes on working: newer entries come, and lie outside the period or before it.
          clock.advance(seconds: 1)
          _ = try await server.send(
            "POST", "/api/activities", as: viewer, ["operation": "late.entry"])
        } while cursor != nil
        let late = Set(try entries(server).filter { $0.operation == "late.entry" }.map(\.id))
        #expect(Set(seen).count == seen.count, "round \(round): \(text) as \(viewer)")
        #expect(
          seen.filter { !late.contains($0) } == ids.filter { !late.contains($0) },
          "round \(round): \(text) as \(viewer)")
        #expect(total == Int64(ids.count), "round \(round): \(text) as \(viewer)")
      }
    }
  }
}
