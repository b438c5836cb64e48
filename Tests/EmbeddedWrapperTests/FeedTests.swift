import Database
import EmbeddedWrapper
import JSON
import SQLite
import TestSupport
import Testing

@Suite struct FeedTests {
  /// One look at the feed.
  private static func poll(
    _ world: EmbeddedWorld, _ channels: String = "crm:*", after: String? = nil, wait: String? = nil
  ) async throws -> TestResponse {
    var query = "channels=\(channels)"
    if let after { query += "&after=\(after)" }
    if let wait { query += "&wait=\(wait)" }
    return try await world.send("GET", "/api/events?\(query)")
  }

  private static func cursor(_ world: EmbeddedWorld) async throws -> String {
    try #require(try await poll(world).json["cursor"]?.string)
  }

  private static func events(
    _ world: EmbeddedWorld, after cursor: String, _ channels: String = "crm:*"
  ) async throws -> [JSONValue] {
    let answer = try await poll(world, channels, after: cursor)
    #expect(answer.status == 200)
    #expect(answer.json["reset"] == false)
    return try #require(answer.json["events"]?.array)
  }

  private static func world() async throws -> EmbeddedWorld {
    let world = try EmbeddedWorld()
    try await world.directory.createTenant(id: "t1", name: "One")
    try await world.directory.createTenant(id: "t2", name: "Two")
    try await world.directory.createUnit(
      tenantID: "t1", id: "o", type: .organization, name: "Org", parentID: nil)
    try await world.directory.createRole(
      tenantID: "t1", id: "r", name: "Sales", permissions: ["crm.leads.read"])
    try await world.directory.createUser(
      tenantID: "t1",
      NewUser(id: "u1", email: "una@example.com", name: "Una", unitID: "o", roleIDs: ["r"]))
    return world
  }

  @Test("without a place the feed answers at once with the newest one and no events")
  func newest() async throws {
    let world = try await Self.world()
    let answer = try await Self.poll(world, wait: "30")
    #expect(answer.json["events"] == [])
    #expect(answer.json["reset"] == false)
    let cursor = try #require(answer.json["cursor"]?.string)
    #expect(try await Self.events(world, after: cursor).isEmpty)
    #expect(try await Self.poll(world, after: "").json["events"] == [])
    await world.stop()
  }

  @Test("a change of a user tells what they may and who they are")
  func user() async throws {
    let world = try await Self.world()
    let cursor = try await Self.cursor(world)
    try await world.directory.setPermissions(
      tenantID: "t1", userID: "u1", permissions: ["crm.deals.read"])
    try await world.directory.setActive(tenantID: "t1", userID: "u1", isActive: false)
    let events = try await Self.events(world, after: cursor)
    #expect(events.count == 2)
    #expect(events[0]["channel"] == "crm:t1:users")
    #expect(events[0]["eventType"] == "user-changed")
    let data = try #require(events[1]["data"])
    #expect(
      data == [
        "tenantId": "t1", "userId": "u1", "permissions": ["crm.deals.read"], "roleIds": ["r"],
        "isActive": false,
        "profile": [
          "userId": "u1", "tenantId": "t1", "name": "Una", "email": "una@example.com",
          "title": nil, "department": nil, "departmentId": "o", "organizationId": "o",
          "location": nil, "isActive": false,
        ],
      ])
    #expect(events[0]["id"] != events[1]["id"])
    await world.stop()
  }

  @Test("every kind of change appears on its channel, in order")
  func kinds() async throws {
    let world = try await Self.world()
    let directory = world.directory
    let cursor = try await Self.cursor(world)
    try await directory.setRolePermissions(tenantID: "t1", id: "r", permissions: ["crm.a.read"])
    try await directory.createRole(tenantID: "t1", id: "x", name: "X", permissions: [])
    try await directory.deleteRole(tenantID: "t1", id: "x")
    try await directory.createUnit(
      tenantID: "t1", id: "d", type: .department, name: "D", parentID: "o")
    var renamed = UnitChanges()
    renamed.name = "Department"
    for _ in 0..<2 { try await directory.updateUnit(tenantID: "t1", id: "d", renamed) }
    try await directory.deleteUnit(tenantID: "t1", id: "d")
    try await directory.setOperationCost(
      tenantID: "t1", operation: "crm.leads.create", units: 15_000)
    try await directory.setOperationCost(
      tenantID: "t1", operation: "crm.leads.create", units: nil)
    try await directory.topUp(tenantID: "t1", units: 10_000)
    try await directory.revokeRole(tenantID: "t1", userID: "u1", roleID: "r")
    let events = try await Self.events(world, after: cursor)
    #expect(
      events.compactMap { $0["eventType"]?.string } == [
        "role-changed", "role-changed", "role-changed", "hierarchy-changed", "hierarchy-changed",
        "user-changed", "hierarchy-changed", "credit-config-changed", "credit-config-changed",
        "credit-config-changed", "user-changed",
      ])
    #expect(
      events[0]["data"]
        == ["tenantId": "t1", "roleId": "r", "name": "Sales", "permissions": ["crm.a.read"]])
    #expect(events[2]["data"]?["deleted"] == true)
    #expect(events[3]["data"] == ["tenantId": "t1", "entityId": "d"])
    // Whose profile names the unit is looked up again.
    #expect(events[5]["data"] == ["tenantId": "t1"])
    #expect(
      events[7]["data"]
        == ["tenantId": "t1", "operationCode": "crm.leads.create", "creditCost": 1.5])
    #expect(events[8]["data"] == ["tenantId": "t1", "operationCode": "crm.leads.create"])
    #expect(events[9]["data"] == ["tenantId": "t1"])
    await world.stop()
  }

  @Test("a change that is refused says nothing, and one that changes nothing neither")
  func silence() async throws {
    let world = try await Self.world()
    let cursor = try await Self.cursor(world)
    await #expect(throws: DirectoryError.self) {
      try await world.directory.grantRole(tenantID: "t1", userID: "u1", roleID: "none")
    }
    try await world.directory.grantRole(tenantID: "t1", userID: "u1", roleID: "r")
    try await world.directory.setPassword(
      tenantID: "t1", userID: "u1", password: "long enough")
    #expect(try await Self.events(world, after: cursor).isEmpty)
    await world.stop()
  }

  @Test("a reader gets the channels it names and no others")
  func channels() async throws {
    let world = try await Self.world()
    let cursor = try await Self.cursor(world)
    try await world.directory.createRole(tenantID: "t2", id: "x", name: "X", permissions: [])
    try await world.directory.setActive(tenantID: "t1", userID: "u1", isActive: false)
    try await world.directory.createRole(tenantID: "t1", id: "x", name: "X", permissions: [])
    for (channels, types) in [
      ("crm:t1:users", ["user-changed"]), ("crm:t1:*", ["user-changed", "role-changed"]),
      ("crm:t1:roles,crm:t2:roles", ["role-changed", "role-changed"]),
      ("crm:none:*", []), ("crm:t1:activities", []),
    ] {
      let events = try await Self.events(world, after: cursor, channels)
      #expect(events.compactMap { $0["eventType"]?.string } == types, "\(channels)")
    }
    let confined = try await world.send(
      "GET", "/api/events?channels=crm:*&after=\(cursor)", tenantID: "t2")
    #expect(confined.json["events"]?.array?.count == 1)
    for channels in ["", "crm", "crm:", "crm:t1", "crm::users", "crm:t1:secrets", "hr:t1:users"] {
      #expect(try await Self.poll(world, channels).status == 400, "\(channels)")
    }
    let many = (0...100).map { "crm:x\($0):users" }.joined(separator: ",")
    #expect(try await Self.poll(world, many).status == 400)
    for wait in ["-1", "soon", "nan"] {
      #expect(try await Self.poll(world, wait: wait).status == 400)
    }
    await world.stop()
  }

  @Test("a reader that waits is woken by the change it waits for, well within two seconds")
  func wakes() async throws {
    let world = try await Self.world()
    let cursor = try await Self.cursor(world)
    async let answer = Self.poll(world, "crm:t1:*", after: cursor, wait: "30")
    let clock = ContinuousClock()
    try await Task.sleep(for: .milliseconds(200))
    let start = clock.now
    // Another tenant's change must not end the wait.
    try await world.directory.createRole(tenantID: "t2", id: "x", name: "X", permissions: [])
    try await world.directory.setActive(tenantID: "t1", userID: "u1", isActive: false)
    let events = try await answer.json["events"]?.array
    #expect(clock.now - start < .seconds(2))
    #expect(events?.compactMap { $0["channel"]?.string } == ["crm:t1:users"])
    await world.stop()
  }

  @Test("a wait in which nothing happens ends in time, and its place goes on")
  func waits() async throws {
    let world = try await Self.world()
    let cursor = try await Self.cursor(world)
    try await world.directory.createRole(tenantID: "t2", id: "x", name: "X", permissions: [])
    let clock = ContinuousClock()
    let start = clock.now
    let answer = try await Self.poll(world, "crm:t1:*", after: cursor, wait: "0.3")
    #expect(clock.now - start >= .milliseconds(300))
    #expect(answer.json["events"] == [])
    #expect(answer.json["cursor"]?.string == (try await Self.cursor(world)))
    await world.stop()
  }

  @Test("stopping ends waits at once")
  func stops() async throws {
    let world = try await Self.world()
    let cursor = try await Self.cursor(world)
    let clock = ContinuousClock()
    let start = clock.now
    async let answer = Self.poll(world, after: cursor, wait: "60")
    try await Task.sleep(for: .milliseconds(200))
    await world.stop()
    #expect(try await answer.json["events"] == [])
    #expect(clock.now - start < .seconds(10))
  }

  @Test("a place that is unknown, of another history or too old starts anew")
  func reset() async throws {
    let world = try await Self.world()
    let newest = try await Self.cursor(world)
    let number = try #require(newest.split(separator: "-").first.map(String.init))
    for cursor in ["nonsense", "999999-1", "\(number)-1", "-1-1", "1", "1-1-1"] {
      let answer = try await Self.poll(world, after: cursor, wait: "30")
      #expect(answer.status == 200)
      #expect(answer.json["reset"] == true, "\(cursor)")
      #expect(answer.json["events"] == [])
      #expect(answer.json["cursor"]?.string == newest)
    }
    await world.stop()
  }

  @Test("events leave after seven days from the front; the newest stays, and so does its place")
  func age() async throws {
    let world = try await Self.world()
    let first = try await Self.cursor(world)
    world.advance(hours: 24)
    try await world.directory.topUp(tenantID: "t1", units: 1)
    let second = try await Self.cursor(world)
    world.advance(hours: 6 * 24 + 1)
    // Nothing has changed since, so nothing is lost however old the place is.
    #expect(try await Self.events(world, after: first).count == 1)
    try await world.directory.topUp(tenantID: "t1", units: 1)
    #expect(try await Self.poll(world, after: first).json["reset"] == true)
    #expect(try await Self.poll(world, after: "0-0").json["reset"] == true)
    #expect(try await Self.events(world, after: second).count == 1)
    world.advance(hours: 24 * 30)
    try await world.directory.topUp(tenantID: "t1", units: 1)
    #expect(try await Self.poll(world, after: second).json["reset"] == true)
    #expect(try await Self.events(world, after: try await Self.cursor(world)).isEmpty)
    let kept = try world.database.read { connection in
      try connection.first("SELECT count(*) FROM directory_events") { $0.integer(0) }
    }
    #expect(kept == 1)
    await world.stop()
  }

  @Test("a fresh feed is read from its very beginning")
  func start() async throws {
    let world = try EmbeddedWorld()
    let cursor = try await Self.cursor(world)
    try await world.directory.createTenant(id: "t1", name: "One")
    let events = try await Self.events(world, after: cursor)
    #expect(events.compactMap { $0["data"] } == [["tenantId": "t1"]])
    await world.stop()
  }

  @Test("an answer holds five hundred events at most, and the next one goes on behind them")
  func bounded() async throws {
    let world = try await Self.world()
    let cursor = try await Self.cursor(world)
    try await world.database.write { connection in
      for index in 0..<1200 {
        let channel = index % 2 == 0 ? "roles" : "users"
        try connection.run(
          """
          INSERT INTO directory_events (tenant_id, channel, event_type, data, created_at)
          VALUES ('t1', ?, 'role-changed', ?, '2026-01-31T22:00:00.000Z')
          """, [.text(channel), .text("{\"n\":\(index)}")])
      }
    }
    for (channels, counts) in [
      ("crm:*", [500, 500, 200]), ("crm:t1:*", [500, 500, 200]), ("crm:t1:roles", [250, 250, 100]),
      ("crm:t2:*", [0]),
    ] {
      var place = cursor
      var found: [Int] = []
      for count in counts {
        let answer = try await Self.poll(world, channels, after: place, wait: "1").json
        #expect(answer["events"]?.array?.count == count, "\(channels)")
        found +=
          answer["events"]?.array?.compactMap { $0["data"]?["n"]?.integer }.map(Int.init) ?? []
        place = try #require(answer["cursor"]?.string)
      }
      #expect(found == found.sorted())
      #expect(try await Self.events(world, after: place, channels).isEmpty)
    }
    await world.stop()
  }

  @Test("an answer ends before four megabytes, but for an event that is larger itself")
  func bytes() async throws {
    let world = try await Self.world()
    let start = try await Self.cursor(world)
    let sizes = [1_500_000, 1_500_000, 1_500_000, 5_000_000, 10]
    try await world.database.write { connection in
      for size in sizes {
        try connection.run(
          """
          INSERT INTO directory_events (tenant_id, channel, event_type, data, created_at)
          VALUES ('t1', 'roles', 'role-changed', ?, '2026-01-31T22:00:00.000Z')
          """, [.text("{\"x\":\"\(String(repeating: "x", count: size))\"}")])
      }
    }
    for channels in ["crm:*", "crm:t1:*"] {
      var counts: [Int] = []
      var place = start
      while counts.reduce(0, +) < sizes.count {
        let answer = try await Self.poll(world, channels, after: place).json
        counts.append(try #require(answer["events"]?.array).count)
        place = try #require(answer["cursor"]?.string)
      }
      #expect(counts == [2, 1, 1, 1], "\(channels)")
    }
    await world.stop()
  }

  @Test("accepted activities appear once, where it is wanted and the batch is small")
  func activities() async throws {
    for isWanted in [false, true] {
      let world = try EmbeddedWorld { $0.announcesActivities = isWanted }
      try await world.directory.createTenant(id: "t1", name: "One")
      let cursor = try await Self.cursor(world)
      func send(_ ids: [String]) async throws {
        let entries = ids.map { id -> JSONValue in
          [
            "id": .string(id), "tenantId": "t1", "userId": "u1", "operation": "crm.leads.create",
            "creditCost": 2, "timestamp": "2026-01-31T10:00:00.000Z",
            "metadata": ["leadTitle": "Secret"],
          ]
        }
        let answer = try await world.send(
          "POST", "/api/activities/batch", tenantID: "t1", ["activities": .array(entries)])
        #expect(answer.status == 200)
      }
      try await send(["a1"])
      try await send(["a1", "a2"])
      try await send((0..<100).map { "b\($0)" })
      let events = try await Self.events(world, after: cursor)
      #expect(
        events.compactMap { $0["data"]?["activity"]?["id"]?.string }
          == (isWanted ? ["a1", "a2"] : []))
      if let event = events.first {
        #expect(event["channel"] == "crm:t1:activities")
        #expect(event["eventType"] == "activity-logged")
        #expect(event["data"]?["activity"]?["creditCost"] == 2)
        #expect(!event.text.contains("Secret"))
      }
      await world.stop()
    }
  }
}
