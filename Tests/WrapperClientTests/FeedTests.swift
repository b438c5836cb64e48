import Foundation
import HTTP
import HTTPServer
import JSON
import Synchronization
import Testing
import Values

@testable import WrapperClient

@Suite struct FeedTests {
  private static let grant = #"{"users":[{"userId":"u1","permissions":["*"]}],"roles":[]}"#
  private static let nothing = #"{"users":[{"userId":"u1","permissions":[]}],"roles":[]}"#

  @Test("a revocation on the feed is refused here at once, without another call")
  func revocation() async throws {
    try await withFeed { fed in
      #expect(fed.client.allows("crm.leads.create"))
      let calls = fed.script.calls("/api/permissions").count
      let generation = try #require(fed.client.loadedTenant("t1")?.generation)
      let clock = ContinuousClock()
      let published = clock.now
      fed.feed.publish(
        "crm:t1:users", "user-changed", userChange(permissions: ["crm.leads.read"]))
      #expect(await eventuallyTrue { !fed.client.allows("crm.leads.create") })
      #expect(clock.now - published < .seconds(2))
      #expect(fed.client.allows("crm.leads.read"))
      #expect(fed.client.loadedTenant("t1")?.generation == generation + 1)
      await fed.pollTwice()
      #expect(fed.script.calls("/api/permissions").count == calls)
      #expect(fed.client.appliedEvents == 1)
      let status = try #require(fed.client.status.first)
      #expect(status.feed == .feed)
      #expect(status.cursor == "1")
      #expect((status.stalenessSeconds ?? 99) < 30)
    }
  }

  @Test("roles, users and costs change by events alone, and events end in one new snapshot")
  func changes() async throws {
    try await withFeed { fed in
      let generation = try #require(fed.client.loadedTenant("t1")?.generation)
      fed.feed.publish(all: [
        [
          "id": 1, "channel": "crm:t1:roles", "eventType": "role-changed",
          "data": [
            "roleId": "r1", "name": "Sales", "permissions": ["crm.deals.*:own"],
            "tenantId": "t1",
          ],
        ],
        [
          "id": 2, "channel": "crm:t1:users", "eventType": "user-changed",
          "data": [
            "userId": "u2", "isActive": true, "permissions": [], "roleIds": ["r1"],
            "profile": userChange(permissions: [], name: "Udo")["profile"] ?? nil,
          ],
        ],
        [
          "id": 3, "channel": "crm:t1:credit-configs", "eventType": "credit-config-changed",
          "data": ["operationCode": "crm.leads.create", "creditCost": 2.5],
        ],
        [
          "id": 4, "channel": "crm:t1:credit-configs", "eventType": "credit-config-changed",
          "data": ["operationCode": "crm.leads.create", "creditCost": 1.5],
        ],
      ])
      #expect(await eventuallyTrue { fed.client.appliedEvents == 4 })
      let directory = try #require(fed.client.loadedTenant("t1"))
      #expect(directory.generation == generation + 1)
      let decision = directory.check(userID: "u2", permission: "crm.deals.read")
      #expect(decision == PermissionDecision(isAllowed: true, scope: .own, source: "role:Sales"))
      #expect(directory.user("u2")?.name == "Udo")
      // The later of the two prices holds.
      #expect(directory.creditUnits(for: "crm.leads.create") == 15_000)
      fed.feed.publish(
        "crm:t1:roles", "role-changed", ["roleId": "r1", "deleted": true])
      #expect(await eventuallyTrue { !fed.client.allows("crm.deals.read", user: "u2") })
    }
  }

  @Test("an event that lacks a part means that its collection is fetched, conditionally or not")
  func lacksPart() async throws {
    try await withFeed { fed in
      let cases: [(String, String, JSONValue, [String])] = [
        ("users", "user-changed", ["userId": "u1"], ["/api/permissions", "/api/employees"]),
        ("roles", "role-changed", ["roleId": "r1"], ["/api/permissions"]),
        (
          "credit-configs", "credit-config-changed", ["operationCode": "crm.leads.create"],
          ["/api/billing/credit-configs"]
        ),
        ("hierarchy", "hierarchy-changed", ["entityId": "o1"], ["/api/organizations"]),
        ("hierarchy", "hierarchy-changed", nil, ["/api/organizations"]),
      ]
      for (channel, type, data, paths) in cases {
        let before = paths.map { fed.script.calls($0).count }
        fed.feed.publish("crm:t1:\(channel)", type, data)
        #expect(
          await eventuallyTrue {
            zip(paths, before).allSatisfy { fed.script.calls($0).count == $1 + 1 }
          }, "\(channel) \(data)")
      }
    }
  }

  @Test("what an event says holds even where the rest of it has to be fetched and cannot be")
  func partHolds() async throws {
    try await withFeed { fed in
      fed.permissions { nil }
      fed.feed.publish("crm:t1:users", "user-changed", ["userId": "u1", "isActive": false])
      #expect(await eventuallyTrue { !fed.client.allows("crm.leads.read") })
      #expect(fed.client.loadedTenant("t1")?.user("u1")?.isActive == false)
    }
  }

  @Test("an event that may be older than what is held grants nothing, and is fetched instead")
  func doubtfulGrant() async throws {
    // A poll that is held for long leaves open what happened before the snapshot.
    try await withFeed({ $0.feedWaitSeconds = 0.3 }) { fed in
      fed.permissions { Self.nothing }
      fed.client.refresh()
      #expect(await eventuallyTrue { !fed.client.allows("crm.leads.read") })
      let calls = fed.script.calls("/api/permissions").count
      fed.feed.publish(
        "crm:t1:users", "user-changed", userChange(permissions: ["crm.leads.read"]))
      #expect(await eventuallyTrue { fed.script.calls("/api/permissions").count == calls + 1 })
      #expect(await eventuallyTrue { fed.client.appliedEvents == 1 })
      #expect(!fed.client.allows("crm.leads.read"))
    }
  }

  @Test("an event in doubt takes away at once, even while nothing can be fetched")
  func doubtfulRevocation() async throws {
    try await withFeed({ $0.feedWaitSeconds = 0.5 }) { fed in
      let calls = fed.script.calls("/api/permissions").count
      fed.client.refresh()
      #expect(await eventuallyTrue { fed.script.calls("/api/permissions").count > calls })
      fed.permissions { nil }
      fed.feed.publish(
        "crm:t1:users", "user-changed",
        userChange(permissions: ["crm.leads.read", "crm.contacts.*:own"]))
      #expect(await eventuallyTrue { !fed.client.allows("crm.leads.create") })
      // Both were part of "everything" before.
      #expect(fed.client.allows("crm.leads.read"))
      #expect(fed.client.allows("crm.contacts.read"))
    }
  }

  @Test("a look that was under way when an event arrived is dropped and taken again")
  func race() async throws {
    try await withFeed { fed in
      let gate = Promise<Bool>()
      let looks = Counter()
      fed.permissions {
        guard looks.increment() == 1 else { return Self.nothing }
        _ = await gate.value(withinSeconds: 15)
        return Self.grant
      }
      fed.client.refresh()
      #expect(await eventuallyTrue { looks.value == 1 })
      fed.feed.publish("crm:t1:users", "user-changed", userChange(permissions: []))
      #expect(await eventuallyTrue { !fed.client.allows("crm.leads.read") })
      gate.fulfil(true)
      #expect(await eventuallyTrue { looks.value >= 2 })
      await fed.pollTwice()
      #expect(!fed.client.allows("crm.leads.read"))
    }
  }

  @Test("an event is applied once, whatever it says the second time")
  func duplicates() async throws {
    try await withFeed { fed in
      fed.feed.publish(
        "crm:t1:users", "user-changed", userChange(permissions: []), id: "same")
      #expect(await eventuallyTrue { !fed.client.allows("crm.leads.read") })
      fed.feed.publish(
        "crm:t1:users", "user-changed", userChange(permissions: ["*"]), id: "same")
      await fed.pollTwice()
      #expect(!fed.client.allows("crm.leads.read"))
      #expect(fed.client.appliedEvents == 1)
      #expect(fed.client.status.first?.cursor == "2")
    }
  }

  @Test("a reset fetches everything again and goes on from the cursor that came with it")
  func reset() async throws {
    try await withFeed { fed in
      let paths = [
        "/api/permissions", "/api/employees", "/api/organizations", "/api/tenants",
        "/api/billing/credit-configs",
      ]
      let before = paths.map { fed.script.calls($0).count }
      fed.permissions { Self.nothing }
      fed.feed.publish("crm:t1:users", "user-changed", ["userId": "u1", "isActive": true])
      fed.feed.reset()
      #expect(await eventuallyTrue { !fed.client.allows("crm.leads.read") })
      #expect(
        await eventuallyTrue {
          zip(paths, before).allSatisfy { fed.script.calls($0).count > $1 }
        })
      #expect(await eventuallyTrue { fed.client.status.first?.cursor == "1" })
    }
  }

  @Test("a restart goes on from the cursor, with what events had changed")
  func restart() async throws {
    let world = try ClientWorld()
    try await withFeed(world: world) { fed in
      fed.feed.publish(all: [
        [
          "id": "a", "channel": "crm:t1:roles", "eventType": "role-changed",
          "data": ["roleId": "r1", "name": "Sales", "permissions": ["crm.deals.read"]],
        ],
        [
          "id": "b", "channel": "crm:t1:users", "eventType": "user-changed",
          "data": [
            "userId": "u1", "isActive": true, "permissions": [], "roleIds": ["r1"],
            "profile": userChange(permissions: [], name: "Una Neu")["profile"] ?? nil,
          ],
        ],
        [
          "id": "c", "channel": "crm:t1:credit-configs", "eventType": "credit-config-changed",
          "data": ["operationCode": "crm.leads.create", "creditCost": 7],
        ],
      ])
      #expect(await eventuallyTrue { fed.client.appliedEvents == 3 })
    }
    // Nobody answers on the port of discard.
    let offline = world.client(port: 9)
    await offline.start()
    let directory = try await offline.tenant("t1")
    #expect(!directory.check(userID: "u1", permission: "crm.leads.read").isAllowed)
    #expect(directory.check(userID: "u1", permission: "crm.deals.read").isAllowed)
    #expect(directory.user("u1")?.name == "Una Neu")
    #expect(directory.creditUnits(for: "crm.leads.create") == 70_000)
    await offline.stop()
    try await withScript { script, port in
      script.play { _ in HTTPResponse(status: 503) }
      let client = world.client(port: port)
      await client.start()
      #expect(await eventuallyTrue { !script.calls("/api/events").isEmpty })
      let call = try #require(script.calls("/api/events").first)
      #expect(call.query.contains("after=3"))
      // The stored answers were changed by events, so nothing confirms them.
      #expect(await eventuallyTrue { !script.calls("/api/permissions").isEmpty })
      #expect(script.calls("/api/permissions").first?.headers["If-None-Match"] == nil)
      await client.stop()
    }
  }

  @Test("after an event the collection's tag is dropped, because it stands for something else")
  func tags() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let feed = ScriptedFeed()
      script.play { call in
        guard call.path == "/api/permissions" else { return await feed.answer(call) }
        if call.headers["If-None-Match"] == "\"v1\"" { return HTTPResponse(status: 304) }
        var answer = ScriptedWrapper.peaceful(call)
        answer.headers.add("ETag", "\"v1\"")
        return answer
      }
      let client = world.client(port: port) { configuration in
        configuration.pollSeconds = 0.1
        configuration.feedWaitSeconds = 0.1
      }
      await client.start()
      _ = try await client.tenant("t1")
      let fed = FedWorld(world: world, script: script, feed: feed, client: client, port: port)
      await fed.catchUp()
      feed.publish("crm:t1:users", "user-changed", userChange(permissions: []))
      #expect(await eventuallyTrue { !client.allows("crm.leads.read") })
      let calls = script.calls("/api/permissions").count
      client.refresh()
      #expect(await eventuallyTrue { script.calls("/api/permissions").count > calls })
      #expect(script.calls("/api/permissions")[calls].headers["If-None-Match"] == nil)
      // The snapshot, taken later, says otherwise and holds.
      #expect(await eventuallyTrue { client.allows("crm.leads.read") })
      await client.stop()
    }
  }

  @Test("one poll asks for every tenant of the key, without naming one")
  func call() async throws {
    try await withFeed { fed in
      let calls = fed.script.calls("/api/events")
      #expect(calls.allSatisfy { $0.headers["X-Tenant-Id"] == nil })
      #expect(calls.allSatisfy { $0.headers["Authorization"] == "Bearer key" })
      // Held only once the connection has brought an answer.
      #expect(calls.first?.query == "channels=crm:*&wait=0")
      #expect(calls.dropFirst().first?.query == "channels=crm:*&after=0&wait=0.1")
      let looks = fed.script.calls("/api/permissions").count
      await fed.pollTwice()
      await fed.pollTwice()
      // Several poll intervals went by, but the feed says that nothing changed.
      #expect(fed.script.calls("/api/permissions").count == looks)
    }
  }

  @Test("activities of others can be seen, those that were logged here are dropped by id")
  func activities() async throws {
    let world = try ClientWorld()
    try await world.queue("own", units: 0, seq: 1)
    try await withFeed(world: world, { $0.shipsActivities = false }) { fed in
      for id in ["own", "a1", "a2", "a1"] {
        fed.feed.publish(
          "crm:t1:activities", "activity-logged",
          ["activity": ["id": .string(id), "operation": "hr.hire"]])
      }
      #expect(await eventuallyTrue { fed.client.appliedEvents == 4 })
      let recent = fed.client.recentForeignActivities(tenantID: "t1")
      #expect(recent.map { $0["id"] } == ["a2", "a1"])
      #expect(fed.client.recentForeignActivities(tenantID: "t2").isEmpty)
    }
  }
}
