import Cryptography
import Database
import Foundation
import SQLite
import TestSupport
import Testing
import Values

@testable import WrapperClient

/// What is stored of the Wrapper's answers, with and without `CRM_CACHE_KEY`.
@Suite struct EncryptionTests {
  private static let first = Base64.encode([UInt8](repeating: 1, count: 32))
  private static let second = Base64.encode([UInt8](repeating: 2, count: 32))

  private func keys(_ texts: String...) throws -> [CacheKey] {
    try texts.map { try #require(CacheKey(base64: $0)) }
  }

  /// Follows the scripted tenant until everything of it is stored, and stops.
  private func follow(_ world: ClientWorld, _ keys: [CacheKey]) async throws {
    try await withScript { _, port in
      let client = world.client(port: port) { $0.cacheKeys = keys }
      await client.start()
      _ = try await client.tenant("t1")
      #expect(await eventuallyTrue { world.storedBodies().count >= 5 })
      await client.stop()
    }
  }

  /// A client of a Wrapper that is not there.
  private func reader(_ world: ClientWorld, _ keys: [CacheKey]) -> Wrapper {
    world.client(port: 9) {
      $0.cacheKeys = keys
      $0.requestSeconds = 0.2
    }
  }

  @Test("with a key no name stands in the file, and a start reads it all the same")
  func sealed() async throws {
    let world = try ClientWorld()
    let keys = try keys(Self.first)
    try await follow(world, keys)
    #expect(!world.fileHolds("una@example.com"))
    #expect(!world.fileHolds("operationCode"))

    let client = reader(world, keys)
    await client.start()
    #expect(try await client.tenant("t1").user("u1")?.email == "una@example.com")
    await client.stop()
  }

  @Test("without a key the answers stand in the file in clear")
  func clear() async throws {
    let world = try ClientWorld()
    try await follow(world, [])
    #expect(world.fileHolds("una@example.com"))
  }

  @Test("a key that is newly set seals what was stored in clear at the next start")
  func newlySet() async throws {
    let world = try ClientWorld()
    try await follow(world, [])
    let client = reader(world, try keys(Self.first))
    await client.start()
    #expect(try await client.tenant("t1").user("u1")?.name == "Una")
    await client.stop()
    #expect(world.storedBodies().allSatisfy { $0.first == 0x01 })
    try world.emptyLog()
    #expect(!world.fileHolds("una@example.com"))
  }

  @Test("several keys: the first writes, all read, so that a key can be changed")
  func rotation() async throws {
    let world = try ClientWorld()
    try await follow(world, try keys(Self.first))
    let both = reader(world, try keys(Self.second, Self.first))
    await both.start()
    #expect(try await both.tenant("t1").user("u1")?.name == "Una")
    await both.stop()

    let newOnly = reader(world, try keys(Self.second))
    await newOnly.start()
    #expect(try await newOnly.tenant("t1").user("u1")?.name == "Una")
    await newOnly.stop()
  }

  @Test("what no key opens is as good as absent, and is complained of once")
  func wrongKey() async throws {
    let world = try ClientWorld()
    try await follow(world, try keys(Self.first))
    for other in [try keys(Self.second), []] {
      let client = reader(world, other)
      await client.start()
      await #expect(throws: WrapperError.unavailable) { try await client.tenant("t1") }
      await client.stop()
    }
    #expect(world.log.filter { $0.contains("cannot be decrypted") }.count == 2)
    #expect(world.storedBodies().count >= 5)

    let client = reader(world, try keys(Self.first))
    await client.start()
    #expect(try await client.tenant("t1").user("u1")?.name == "Una")
    await client.stop()
  }

  @Test("a body opens only in the row it was sealed for")
  func rows() throws {
    let cipher = SnapshotCipher(keys: try keys(Self.first), random: .system, log: { _, _ in })
    let row = SnapshotCipher.Row(tenantID: "t1", kind: "employees", id: "user:u1")
    let body = Array("[]".utf8)
    let sealed = cipher.seal(body, in: row)
    #expect(sealed != cipher.seal(body, in: row))
    #expect(cipher.open(sealed, in: row) == body)
    for other in [
      SnapshotCipher.Row(tenantID: "t2", kind: "employees", id: "user:u1"),
      SnapshotCipher.Row(tenantID: "t1", kind: "permissions", id: "user:u1"),
      SnapshotCipher.Row(tenantID: "t1", kind: "employees", id: "user:u2"),
      SnapshotCipher.Row(tenantID: "t1", kind: "employeesuser:", id: "u1"),
    ] {
      #expect(cipher.open(sealed, in: other) == nil)
    }
    for count in 1..<sealed.count {
      #expect(cipher.open(Array(sealed.prefix(count)), in: row) == nil)
    }
    for index in sealed.indices {
      var changed = sealed
      changed[index] ^= 0x80
      #expect(cipher.open(changed, in: row) != body)
    }
  }

  @Test("a key is base64 of 32 bytes")
  func keyForms() {
    #expect(CacheKey(base64: Self.first) != nil)
    for text in ["", "AAAA", Self.first + "A", String(Self.first.dropLast()), "secret"] {
      #expect(CacheKey(base64: text) == nil)
    }
  }
}

extension ClientWorld {
  /// Every stored body, as it lies in the file.
  fileprivate func storedBodies() -> [[UInt8]] {
    let bodies = try? database.read { connection in
      try connection.all("SELECT body FROM wrapper_cache") { $0.blob(0) }
    }
    return (bodies ?? []).compactMap { $0 }
  }

  /// Whether `text` stands in the clear in the database or its log.
  fileprivate func fileHolds(_ text: String) -> Bool {
    ["crm.db", "crm.db-wal"].contains { name in
      let content = FileManager.default.contents(atPath: folder.file(name)) ?? Data()
      return content.range(of: Data(text.utf8)) != nil
    }
  }

  /// Moves the log into the database, as the end of the program does.
  fileprivate func emptyLog() throws {
    database.close()
  }
}
