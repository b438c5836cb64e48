import Database
import Foundation
import HTTP
import JSON
import SQLite
import Synchronization
import TestSupport
import Testing
import Values

@testable import WrapperClient

/// Entries that the Wrapper refuses for good.
@Suite struct PoisonTests {
  private static func refusal(_ status: Int = 422) -> HTTPResponse {
    .json(status: status, Array(#"{"detail":"no such operation"}"#.utf8))
  }

  /// Refuses every batch that holds one of `poison`, and tells `accepted` of the others.
  private static func refuse(
    _ poison: Set<String>, _ script: ScriptedWrapper, _ accepted: Accepted
  ) {
    script.play { call in
      guard call.path == "/api/activities/batch" else { return nil }
      guard poison.isDisjoint(with: call.activityIDs) else { return Self.refusal() }
      accepted.add(call.activityIDs)
      return nil
    }
  }

  private static func buried(_ world: ClientWorld) throws -> [[String]] {
    try world.database.read { connection in
      try connection.all(
        """
        SELECT tenant_id, activity_id, status, reason FROM activity_dead_letters ORDER BY n
        """
      ) { row in (0..<4).map { row.text($0) ?? "" } }
    }
  }

  private static func backup(_ world: ClientWorld, _ tenantID: String = "t1") throws -> [JSONValue]
  {
    let path = world.folder.file("activity-backup-\(tenantID).json")
    return try String(contentsOfFile: path, encoding: .utf8)
      .split(separator: "\n").map { try JSONParser.parse(Array($0.utf8)) }
  }

  @Test(
    "the entry at fault goes to the dead letters and the backup file, the others go on in order",
    arguments: [0, 7, 9, 13, 24])
  func one(poison: Int) async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let accepted = Accepted()
      Self.refuse(["a\(poison)"], script, accepted)
      for number in 0..<25 {
        try await world.queue("a\(number)", units: 1, seq: Int64(number + 1))
      }
      let client = world.client(port: port) { $0.activityBufferSize = 10 }
      await client.start()
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      #expect(accepted.ids == (0..<25).filter { $0 != poison }.map { "a\($0)" })
      #expect(try Self.buried(world) == [["t1", "a\(poison)", "422", "no such operation"]])
      let lines = try Self.backup(world)
      #expect(lines.count == 1)
      #expect(lines.first?["tenantId"] == "t1")
      #expect(lines.first?["status"] == 422)
      #expect(lines.first?["activities"]?.array?.map { $0["id"] } == [.string("a\(poison)")])
      #expect(
        lines.first?["activities"]?.array?.first?["userContext"] == ["entityPath": "One → Una"])
      let path = world.folder.file("activity-backup-t1.json")
      let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
      #expect(mode as? Int == 0o600)
      #expect(
        await eventuallyTrue {
          world.log.contains { $0.hasPrefix("error: ") && $0.contains("refused for good") }
        })
      #expect(try client.deadLetters(tenantID: "t1") == 1)
      #expect(try client.deadLetters() == 1)
      await client.stop()
    }
  }

  @Test("halving finds several entries at fault, and every key is sent for one set of entries only")
  func several() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let accepted = Accepted()
      let poison: Set = ["a0", "a31", "a32", "a99"]
      Self.refuse(poison, script, accepted)
      for number in 0..<100 {
        try await world.queue("a\(number)", units: 1, seq: Int64(number + 1))
      }
      let client = world.client(port: port)
      await client.start()
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      #expect(accepted.ids == (0..<100).map { "a\($0)" }.filter { !poison.contains($0) })
      #expect(try Self.buried(world).map { $0[1] } == ["a0", "a31", "a32", "a99"])
      let calls = script.calls("/api/activities/batch")
      #expect(calls.count < 70)
      let keys = Set(calls.compactMap { $0.headers["Idempotency-Key"] })
      #expect(keys.count == Set(calls.map(\.activityIDs)).count)
      await client.stop()
    }
  }

  @Test("a Wrapper that refuses everything costs about one call for each entry")
  func everything() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { call in
        call.path == "/api/activities/batch" ? Self.refusal(404) : nil
      }
      for number in 0..<30 {
        try await world.queue("a\(number)", units: 1, seq: Int64(number + 1))
      }
      let client = world.client(port: port)
      await client.start()
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      #expect(try Self.buried(world).map { $0[1] } == (0..<30).map { "a\($0)" })
      #expect(try Self.backup(world).count == 30)
      #expect(script.calls("/api/activities/batch").count < 40)
      await client.stop()
    }
  }

  @Test("too large a batch is no fault of its entries")
  func tooLarge() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let accepted = Accepted()
      script.play { call in
        guard call.path == "/api/activities/batch" else { return nil }
        guard call.activityIDs.count <= 3 else { return Self.refusal(413) }
        accepted.add(call.activityIDs)
        return nil
      }
      for number in 0..<20 {
        try await world.queue("a\(number)", units: 1, seq: Int64(number + 1))
      }
      let client = world.client(port: port)
      await client.start()
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      #expect(accepted.ids == (0..<20).map { "a\($0)" })
      #expect(try Self.buried(world).isEmpty)
      await client.stop()
    }
  }

  @Test(
    "what is not the entries' fault is repeated as it was",
    arguments: [401, 403, 408, 429, 500, 503])
  func passing(status: Int) async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      let attempts = Counter()
      script.play { call in
        guard call.path == "/api/activities/batch", attempts.increment() <= 2 else { return nil }
        return HTTPResponse(status: status)
      }
      try await world.queue("a1", units: 1, seq: 1)
      try await world.queue("a2", units: 1, seq: 2)
      let client = world.client(port: port)
      await client.start()
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      let calls = script.calls("/api/activities/batch")
      #expect(calls.map(\.activityIDs) == [["a1", "a2"], ["a1", "a2"], ["a1", "a2"]])
      #expect(try Self.buried(world).isEmpty)
      await client.stop()
    }
  }

  @Test("while the file cannot be written nothing leaves the outbox, and a cut line stays alone")
  func noFile() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      Self.refuse(["a1"], script, Accepted())
      let path = world.folder.file("activity-backup-t1.json")
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: false)
      try await world.queue("a1", units: 1, seq: 1)
      let client = world.client(port: port)
      await client.start()
      #expect(await eventuallyTrue { script.calls("/api/activities/batch").count >= 3 })
      #expect(world.outboxDepth() == 1)
      #expect(try Self.buried(world).isEmpty)
      try FileManager.default.removeItem(atPath: path)
      try #"{"cut of"#.write(toFile: path, atomically: false, encoding: .utf8)
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      #expect(lines.first == #"{"cut of"#)
      #expect(try lines.dropFirst().allSatisfy { try !JSONParser.parse(Array($0.utf8)).isNull })
      #expect(lines.count == 2)
      await client.stop()
    }
  }

  @Test("the file's name cannot leave the folder")
  func names() {
    #expect(
      DeadLetterFile(databasePath: "/data/crm.db", tenantID: "../a b").path
        == "/data/activity-backup-..%2Fa%20b.json")
    let long = DeadLetterFile(
      databasePath: "/data/crm.db", tenantID: String(repeating: "é", count: 200))
    #expect(long.path.split(separator: "/").last?.utf8.count ?? .max <= 255)
  }

  @Test("a dead letter leaves the credit sum: it was never charged")
  func credits() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      Self.refuse(["a1"], script, Accepted())
      let client = world.client(port: port) { $0.activityFlushSeconds = 60 }
      await client.start()
      let reservation = try await client.reserve(
        tenantID: "t1", operation: "crm.leads.create", units: 400_000)
      try await world.queue("a1", units: 400_000, seq: 1)
      reservation.commit()
      client.activityQueued(tenantID: "t1")
      #expect(client.balance(tenantID: "t1")?.availableUnits == 600_000)
      client.refresh()
      #expect(await eventuallyTrue { world.outboxDepth() == 0 })
      #expect(
        await eventuallyTrue { client.balance(tenantID: "t1")?.availableUnits == 1_000_000 })
      _ = try await client.reserve(
        tenantID: "t1", operation: "crm.leads.create", units: 1_000_000)
      await client.stop()
    }
  }
}

/// The entries that the Wrapper took, in order.
private final class Accepted: Sendable {
  private let taken = Mutex<[String]>([])

  func add(_ ids: [String]) { taken.withLock { $0 += ids } }
  var ids: [String] { taken.withLock { $0 } }
}
