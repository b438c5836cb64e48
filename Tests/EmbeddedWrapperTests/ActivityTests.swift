import EmbeddedWrapper
import JSON
import TestSupport
import Testing

@Suite struct ActivityTests {
  private static func entry(_ id: String, cost: JSONValue, tenantID: String = "t1") -> JSONValue {
    [
      "id": .string(id), "tenantId": .string(tenantID), "userId": "u1",
      "operation": "crm.leads.create", "entityId": "l1", "entityType": "lead",
      "creditCost": cost, "timestamp": "2026-01-31T10:00:00.000Z", "sessionId": "s1",
      "userContext": ["user": ["name": "Una"]], "metadata": ["leadTitle": "Secret"],
    ]
  }

  private static func account(_ world: EmbeddedWorld) async throws -> JSONValue {
    try await world.send("GET", "/api/billing/credits/t1").json
  }

  @Test("an entry is charged once, however often it is sent")
  func once() async throws {
    let world = try EmbeddedWorld()
    try await world.directory.createTenant(id: "t1", name: "One")
    try await world.directory.topUp(tenantID: "t1", units: 100 * 10_000)
    let batch: JSONValue = [
      "activities": [
        Self.entry("a1", cost: 5), Self.entry("a2", cost: .decimal(units: 1, scale: 4)),
      ]
    ]
    for _ in 0..<3 {
      let answer = try await world.send(
        "POST", "/api/activities/batch", tenantID: "t1",
        headers: [("Idempotency-Key", "k1")], batch)
      #expect(answer.status == 200)
      #expect(answer.json == ["accepted": 2])
    }
    let overlapping = try await world.send(
      "POST", "/api/activities/batch", tenantID: "t1",
      ["activities": [Self.entry("a2", cost: 1), Self.entry("a3", cost: 10)]])
    #expect(overlapping.status == 200)
    let account = try await Self.account(world)
    #expect(account["available"] == .decimal(units: 849_999, scale: 4))
    #expect(account["dailyUsage"] == .decimal(units: 150_001, scale: 4))
    await world.stop()
  }

  @Test("usage is counted by the day and by the month")
  func rolls() async throws {
    let world = try EmbeddedWorld()
    try await world.directory.createTenant(id: "t1", name: "One")
    func spend(_ id: String) async throws {
      let answer = try await world.send(
        "POST", "/api/activities/batch", tenantID: "t1",
        ["activities": [Self.entry(id, cost: 2)]])
      #expect(answer.status == 200)
    }
    try await spend("a1")
    world.advance(hours: 3)
    #expect(
      try await Self.account(world)
        == ["available": -2, "dailyUsage": 0, "monthlyUsage": 0])
    try await spend("a2")
    world.advance(hours: 24)
    try await spend("a3")
    #expect(
      try await Self.account(world)
        == ["available": -6, "dailyUsage": 2, "monthlyUsage": 4])
    await world.stop()
  }

  @Test("one entry that cannot be taken refuses its batch whole")
  func refused() async throws {
    let world = try EmbeddedWorld()
    try await world.directory.createTenant(id: "t1", name: "One")
    for bad in [
      Self.entry("a2", cost: -1), Self.entry("a2", cost: "5"), Self.entry("", cost: 1),
      Self.entry("a2", cost: 1, tenantID: "t2"), "a2",
    ] {
      let answer = try await world.send(
        "POST", "/api/activities/batch", tenantID: "t1",
        ["activities": [Self.entry("a1", cost: 1), bad]])
      #expect(answer.status == 422)
      #expect(answer.json["errors"]?.array?.first?["pointer"] == "/activities/1")
    }
    let foreign = try await world.send(
      "POST", "/api/activities/batch", tenantID: "none",
      ["activities": [Self.entry("a1", cost: 1, tenantID: "none")]])
    #expect(foreign.status == 404)
    #expect(try await Self.account(world)["available"] == 0)
    await world.stop()
  }

  @Test("a user's entries come back newest first, without what could name a person")
  func given() async throws {
    let world = try EmbeddedWorld()
    try await world.directory.createTenant(id: "t1", name: "One")
    _ = try await world.send(
      "POST", "/api/activities/batch", tenantID: "t1",
      ["activities": [Self.entry("a1", cost: 1), Self.entry("a2", cost: 1)]])
    let answer = try await world.send(
      "GET", "/api/activities?userId=u1&limit=10&since=2026-01-01T00:00:00Z", tenantID: "t1")
    let entries = try #require(answer.json["data"]?["activities"]?.array)
    #expect(entries.compactMap { $0["id"]?.string } == ["a2", "a1"])
    #expect(entries[0]["creditCost"] == 1)
    #expect(!answer.text.contains("Secret"))
    let etag = try #require(answer.header("ETag"))
    let again = try await world.send(
      "GET", "/api/activities?userId=u1&limit=10&includeDetails=false", tenantID: "t1",
      headers: [("If-None-Match", etag)])
    #expect(again.status == 304)
    for (since, count) in [("11h", 0), ("13h", 2), ("1d", 2), ("0w", 0), ("719m", 0), ("720m", 2)] {
      let page = try await world.send(
        "GET", "/api/activities?userId=u1&since=\(since)", tenantID: "t1")
      #expect(page.json["data"]?["activities"]?.array?.count == count, "\(since)")
    }
    for query in [
      "", "userId=u1&limit=0", "userId=u1&since=yesterday", "userId=u1&since=-1d",
      "userId=u1&since=99999999w", "userId=u1&includeDetails=maybe",
    ] {
      #expect(
        try await world.send("GET", "/api/activities?\(query)", tenantID: "t1").status == 400)
    }
    await world.stop()
  }
}
