import EmbeddedWrapper
import Foundation
import HTTP
import JSON
import Testing
import Values

@testable import WrapperClient

@Suite struct SyncTests {
  @Test("a change at the Wrapper appears, and what did not change costs a 304")
  func follows() async throws {
    let world = try ClientWorld()
    let embedded = EmbeddedWrapper(database: world.database, apiKey: "key")
    let port = try embedded.start()
    let directory = embedded.directory
    try await directory.createTenant(id: "t1", name: "One")
    try await directory.createRole(
      tenantID: "t1", id: "r1", name: "Sales", permissions: ["crm.leads.*:own"])
    try await directory.createUser(
      tenantID: "t1", NewUser(id: "u1", email: "u@x.example", name: "U", roleIDs: ["r1"]))
    let client = world.client(port: port)
    await client.start()
    let first = try await client.tenant("t1")
    #expect(first.name == "One")
    #expect(first.user("u1")?.name == "U")
    #expect(first.check(userID: "u1", permission: "crm.leads.read").scope == .own)
    #expect(client.loadedTenant("t1") === first)

    try await directory.setRolePermissions(
      tenantID: "t1", id: "r1", permissions: ["crm.leads.read"])
    let changed = await eventuallyTrue {
      client.loadedTenant("t1")?.check(userID: "u1", permission: "crm.leads.read").scope == .tenant
    }
    #expect(changed)
    #expect((client.loadedTenant("t1")?.generation ?? 0) > first.generation)
    #expect(!first.check(userID: "u1", permission: "crm.leads.update").scope.text.isEmpty)
    #expect(client.status.map(\.mode) == [.online])
    await client.stop()
    await embedded.stop()
  }

  @Test("polls are conditional, and an unchanged answer makes no new snapshot")
  func conditional() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { call in
        guard call.path == "/api/permissions" else { return nil }
        if call.headers["If-None-Match"] == "\"v1\"" { return HTTPResponse(status: 304) }
        var answer = ScriptedWrapper.peaceful(call)
        answer.headers.add("ETag", "\"v1\"")
        return answer
      }
      let client = world.client(port: port)
      await client.start()
      let directory = try await client.tenant("t1")
      #expect(await eventuallyTrue { script.calls("/api/permissions").count >= 4 })
      #expect(
        script.calls("/api/permissions").dropFirst()
          .allSatisfy { $0.headers["If-None-Match"] == "\"v1\"" })
      #expect(client.loadedTenant("t1") === directory)
      let call = try #require(script.calls("/api/permissions").first)
      #expect(call.headers["Authorization"] == "Bearer key")
      #expect(call.headers["X-Tenant-Id"] == "t1")
      #expect(call.headers["User-Agent"] == "cardfile/test")
      #expect(call.headers["X-Request-Id"] != nil)
      #expect(call.query == "tenantId=t1")
      await client.stop()
    }
  }

  @Test("a start needs no Wrapper where a snapshot is stored")
  func restart() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port)
      await client.start()
      _ = try await client.tenant("t1")
      _ = try await client.reserve(tenantID: "t1", operation: "crm.leads.create", units: 10_000)
      let stored = SnapshotStore(world.database, cipher: .clear)
      #expect(await eventuallyTrue { (try? stored.load(tenantID: "t1").answers.count) ?? 0 >= 5 })
      await client.stop()
    }
    // Port 9 is discard: nobody answers there.
    let client = world.client(port: 9)
    await client.start()
    let directory = try #require(client.loadedTenant("t1"))
    #expect(directory.user("u1")?.name == "Una")
    #expect(directory.check(userID: "u1", permission: "crm.leads.create").isAllowed)
    #expect(client.balance(tenantID: "t1")?.availableUnits == 1_000_000)
    #expect(await eventuallyTrue { client.mode(tenantID: "t1") == .degraded })
    let offline = try await client.reserve(
      tenantID: "t1", operation: "crm.leads.create", units: 10_000)
    #expect(offline.isOffline)
    await client.stop()
  }

  @Test("an answer that cannot be taken changes nothing and is counted")
  func hostile() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port)
      await client.start()
      let directory = try await client.tenant("t1")
      let answers: [HTTPResponse] = [
        .json(Array("{".utf8)), .json(Array(#"{"users":5,"roles":[]}"#.utf8)),
        .json(Array(#"{"users":[{"userId":"u1","tenantId":"t2"}],"roles":[]}"#.utf8)),
        HTTPResponse(status: 302, headers: ["Location": "http://127.0.0.1:\(port)/elsewhere"]),
        .json(Array(repeating: UInt8(ascii: " "), count: 17 << 20)), HTTPResponse(status: 304),
      ]
      for answer in answers {
        let before = client.status.first?.rejectedAnswers ?? 0
        script.play { call in call.path == "/api/permissions" ? answer : nil }
        #expect(await eventuallyTrue { (client.status.first?.rejectedAnswers ?? 0) > before })
        #expect(client.loadedTenant("t1") === directory)
      }
      #expect(script.calls("/elsewhere").isEmpty)
      // Six kinds of nonsense are one line of the log a minute.
      #expect(world.log.filter { $0.contains("permissions") }.count == 1)
      script.play(nil)
      #expect(await eventuallyTrue { client.mode(tenantID: "t1") == .online })
      await client.stop()
    }
  }

  @Test("a tenant whose calls hang does not delay another")
  func hanging() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let gate = Promise<Bool>()
      script.play { call in
        guard call.headers["X-Tenant-Id"] == "slow" else { return nil }
        _ = await gate.value(withinSeconds: 20)
        return nil
      }
      let client = world.client(port: port) { $0.requestSeconds = 3 }
      await client.start()
      async let slow = client.tenant("slow")
      let quick = try await client.tenant("t1")
      #expect(quick.user("u1") != nil)
      let before = script.calls("/api/permissions").count
      #expect(await eventuallyTrue { script.calls("/api/permissions").count > before + 2 })
      do {
        _ = try await slow
        Issue.record("the slow tenant answered")
      } catch {
        #expect(error as? WrapperError == .unavailable)
      }
      gate.fulfil(true)
      await client.stop()
    }
  }

  @Test("three failures are degraded, thirty minutes are read only, one success is online")
  func modes() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port, time: world.hybridTime)
      await client.start()
      _ = try await client.tenant("t1")
      script.play { _ in HTTPResponse(status: 500) }
      #expect(await eventuallyTrue { client.mode(tenantID: "t1") == .degraded })
      #expect(client.loadedTenant("t1") != nil)
      world.clock.advance(seconds: 31 * 60)
      #expect(client.mode(tenantID: "t1") == .readOnly)
      #expect(client.loadedTenant("t1") != nil)
      await #expect(throws: CreditRefusal.readOnly) {
        _ = try await client.reserve(tenantID: "t1", operation: "crm.leads.create", units: 1)
      }
      let free = try await client.reserve(
        tenantID: "t1", operation: "crm.leads.read", units: 0)
      #expect(free.units == 0)
      script.play(nil)
      #expect(await eventuallyTrue { client.mode(tenantID: "t1") == .online })
      await client.stop()
    }
  }

  @Test("a refused key degrades at once")
  func refusedKey() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port) { $0.backoffMaxSeconds = 60 }
      await client.start()
      _ = try await client.tenant("t1")
      script.play { _ in HTTPResponse(status: 403) }
      #expect(await eventuallyTrue { client.mode(tenantID: "t1") == .degraded })
      #expect(client.status.first?.failuresInRow == 1)
      await client.stop()
    }
  }

  @Test("a tenant that is not served is refused without a call")
  func notServed() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port) { $0.servedTenants = ["t9"] }
      await client.start()
      await #expect(throws: WrapperError.tenantNotServed) { _ = try await client.tenant("t1") }
      await #expect(throws: WrapperError.tenantNotServed) {
        _ = try await client.session(token: "x")
      }
      #expect(client.cachedSession(token: "x") == nil)
      let calls = script.calls("/api").filter { $0.path != "/api/events" }
      #expect(calls.allSatisfy { $0.headers["X-Tenant-Id"] == "t9" })
      await client.stop()
    }
  }

  @Test("employees come in pages")
  func pages() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { call in
        guard call.path == "/api/employees" else { return nil }
        let cursor = try? QueryItems(parsing: call.query)["cursor"]
        let text =
          switch cursor {
          case "2 b": #"{"employees":[{"userId":"b"}],"nextCursor":"3"}"#
          case "3": #"{"employees":[{"userId":"c"}]}"#
          default: #"{"employees":[{"userId":"a"}],"nextCursor":"2 b"}"#
          }
        return .json(Array(text.utf8))
      }
      let client = world.client(port: port)
      await client.start()
      let directory = try await client.tenant("t1")
      #expect(directory.users.map(\.id) == ["a", "b", "c", "u1"])
      await client.stop()
    }
  }

  @Test("an old snapshot is asked for again before it is used")
  func stale() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port, time: world.hybridTime) { $0.pollSeconds = 3_600 }
      await client.start()
      _ = try await client.tenant("t1")
      let before = script.calls("/api/permissions").count
      world.clock.advance(seconds: 301)
      #expect(client.loadedTenant("t1") == nil)
      _ = try await client.tenant("t1")
      #expect(script.calls("/api/permissions").count == before + 1)
      #expect(client.loadedTenant("t1") != nil)
      await client.stop()
    }
  }

  @Test("the tenant's settings are looked at again when somebody signs in")
  func settings() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let client = world.client(port: port) { $0.servedTenants = ["t1"] }
      await client.start()
      _ = try await client.tenant("t1")
      #expect(script.calls("/api/tenants/").count == 1)
      _ = try await client.session(token: "abc")
      #expect(await eventuallyTrue { script.calls("/api/tenants/").count == 2 })
      await client.stop()
    }
  }

  @Test("an operation that is not of the CRM is left out and counted")
  func foreignOperations() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { call in
        guard call.path.hasPrefix("/api/billing/credit-configs/") else { return nil }
        return .json(
          Array(#"{"operations":[{"operationCode":"hr.hire","creditCost":5}]}"#.utf8))
      }
      let client = world.client(port: port)
      await client.start()
      let directory = try await client.tenant("t1")
      #expect(directory.creditUnits(for: "hr.hire") == 0)
      #expect(client.status.first?.foreignOperations == 1)
      await client.stop()
    }
  }

  @Test("an address that the key must not be sent to is not called")
  func address() async throws {
    for address in ["http://example.com", "ftp://127.0.0.1", "nonsense", "", "https://"] {
      let configuration = WrapperConfiguration(
        baseURL: address, apiKey: "key", version: "test")
      #expect(configuration.problem != nil, "\(address)")
    }
    for address in ["https://example.com", "http://127.0.0.1:1", "http://[::1]:1"] {
      let configuration = WrapperConfiguration(
        baseURL: address, apiKey: "key", version: "test")
      #expect(configuration.problem == nil, "\(address)")
    }
  }
}
