import API
import CRM
import Cryptography
import Database
import JSON
import SQLite
import Synchronization
import TestSupport
import Testing
import Values
import WrapperClient

/// The signing of the log while it grows, its retention, and its verification through the API.
@Suite struct CheckpointTests {
  private static let key = ChainTests.key

  /// What signing has told of.
  private final class Told: Sendable {
    private let checkpoints = Mutex<[Checkpoint]>([])
    var seqs: [Int64] { checkpoints.withLock { $0.map(\.seq) } }
    func note(_ checkpoint: Checkpoint) { checkpoints.withLock { $0.append(checkpoint) } }
  }

  private func newest(_ server: TestServer, _ tenant: String = "acme") throws -> Int64 {
    let row = try server.rows(
      "SELECT seq FROM activity_chains WHERE tenant_id = ?", [.text(tenant)]
    ).first?.first
    return row.flatMap { $0 }.flatMap { Int64($0) } ?? 0
  }

  @Test("the log is signed at each multiple while it grows, and checkpoints call for none")
  func grows() async throws {
    let key = try #require(Self.key)
    try await TestServer.run(creditCheck: .off, checkpointEntries: 5) { server in
      let told = Told()
      let signing = Task { [store = server.store] in
        await store.signCheckpoints(key) {
          told.note($0)
        } failed: { _ in
        }
      }
      for number in 0..<23 { _ = try await server.lead(["title": .string("\(number)")]) }
      // 23 leads and the checkpoints' own entries: at least 25.
      #expect(await eventually { told.seqs.count >= 5 })
      signing.cancel()
      await signing.value
      #expect(told.seqs == (1...told.seqs.count).map { Int64(5 * $0) })
      let seq = try newest(server)
      #expect(seq == 23 + Int64(told.seqs.count))
      #expect(seq / 5 == Int64(told.seqs.count))
      let report = try await server.store.verifyChain(
        tenantID: "acme", keys: LogKeys(signer: key, refusesOthers: true))
      #expect(report.fault == nil && report.checkpoints == told.seqs.count)
      #expect(
        try server.rows(
          """
          SELECT sum(credit_units), count(*) FROM crm_activities
          WHERE operation = 'crm.activities.checkpoint'
          """) == [["0", "\(told.seqs.count)"]])
      // Shipped like every other entry.
      #expect(
        await eventually {
          // A read that fails is tried again until the time is up.
          (try? server.rows(
            """
            SELECT count(*) FROM directory_activities AS d
            JOIN crm_activities AS a ON a.tenant_id = d.tenant_id AND a.id = d.activity_id
            WHERE a.operation = 'crm.activities.checkpoint'
            """)) == [["\(told.seqs.count)"]]
        })
    }
  }

  @Test("a stop signs what came since, once, and nothing when nothing came")
  func stop() async throws {
    let key = try #require(Self.key)
    try await TestServer.run(creditCheck: .off) { server in
      let told = Told()
      _ = try await server.lead(["title": "t"])
      _ = try await server.lead(["title": "t"], as: "greta")
      try await server.store.signRest(key) { told.note($0) }
      #expect(told.seqs.sorted() == [1, 1])
      try await server.store.signRest(key) { told.note($0) }
      #expect(told.seqs.count == 2)
      _ = try await server.lead(["title": "t"])
      try await server.store.signRest(key) { told.note($0) }
      #expect(told.seqs.count == 3 && told.seqs.last == 3)
      let report = try await server.store.verifyChain(
        tenantID: "acme", keys: LogKeys(signer: key, refusesOthers: true))
      #expect(report.fault == nil && report.checkpointedThrough == 3)
    }
  }

  @Test("two that sign at once make each checkpoint once")
  func race() async throws {
    let key = try #require(Self.key)
    try await TestServer.run(creditCheck: .off, checkpointEntries: 3) { server in
      for number in 0..<20 { _ = try await server.lead(["title": .string("\(number)")]) }
      try await withThrowingTaskGroup { group in
        for _ in 0..<4 {
          group.addTask { try await server.store.makeCheckpoints(tenantID: "acme", key) }
        }
        try await group.waitForAll()
      }
      let report = try await server.store.verifyChain(
        tenantID: "acme", keys: LogKeys(signer: key, refusesOthers: true))
      #expect(report.fault == nil && report.checkpoints >= 6)
    }
  }

  /// Everything that was sent is acknowledged.
  private func waitForShipping(_ server: TestServer) async {
    #expect(
      await eventually {
        // A read that fails is tried again until the time is up.
        (try? server.rows("SELECT count(*) FROM activity_outbox")) == [["0"]]
      })
  }

  @Test("retention removes whole signed segments that are old and shipped, and the rest verifies")
  func retention() async throws {
    let key = try #require(Self.key)
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source, checkpointEntries: 10) {
      server in
      for number in 0..<14 { _ = try await server.lead(["title": .string("\(number)")]) }
      try await server.store.makeCheckpoints(tenantID: "acme", key)
      clock.advance(hours: 24 * 20)
      for number in 0..<14 { _ = try await server.lead(["title": .string("\(number)")]) }
      try await server.store.makeCheckpoints(tenantID: "acme", key)
      _ = try await server.lead(["title": "t"], as: "greta")
      clock.advance(hours: 24 * 20)
      await waitForShipping(server)
      let before = try newest(server)
      #expect(try await server.store.removeExpiredActivities(days: 90) == 0)
      // Of the second segment some entries are younger than 30 days.
      #expect(try await server.store.removeExpiredActivities(days: 30) == 10)
      #expect(try await server.store.removeExpiredActivities(days: 30) == 0)
      #expect(try newest(server) == before + 1)
      let answer = try await server.send("GET", "/api/activities/verify")
      #expect(answer.json["data"]?["valid"] == true, "\(answer.text)")
      #expect(answer.json["data"]?["removedThrough"]?.integer == 10)
      #expect(answer.json["data"]?["entries"]?.integer == before + 1 - 10)
      #expect(try server.store.verifyActivitySums(tenantID: "acme") == [])
      #expect(try server.store.verifyActivitySums(tenantID: "globex") == [])
      let told = try server.rows(
        """
        SELECT json_extract(metadata, '$.throughSeq'), json_extract(metadata, '$.entries'),
          credit_cost
        FROM crm_activities WHERE operation = 'crm.activities.retention'
        """)
      #expect(told == [["10", "10", "0"]])
      #expect(try server.rows("SELECT count(*) FROM activity_exemptions") == [["0"]])
    }
  }

  @Test("what was not shipped, or is not as it was signed, is not removed")
  func kept() async throws {
    let key = try #require(Self.key)
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source, checkpointEntries: 10) {
      server in
      _ = try await server.lead(["title": "the users are known now"])
      await waitForShipping(server)
      await server.stopWrapper()
      for number in 0..<14 { _ = try await server.lead(["title": .string("\(number)")]) }
      try await server.store.makeCheckpoints(tenantID: "acme", key)
      clock.advance(hours: 24 * 40)
      #expect(try await server.store.removeExpiredActivities(days: 30) == 0)
      try await server.database.write { connection in
        try connection.run("/* test */ DELETE FROM activity_outbox WHERE tenant_id = 'acme'")
        try connection.run(
          "/* test */ INSERT INTO activity_exemptions VALUES ('acme', 'erasure')")
        try connection.run(
          """
          /* test */ UPDATE crm_activities SET hash = zeroblob(32)
          WHERE tenant_id = 'acme' AND seq = 10
          """)
        try connection.run("/* test */ DELETE FROM activity_exemptions WHERE tenant_id = 'acme'")
      }
      #expect(try await server.store.removeExpiredActivities(days: 30) == 0)
    }
  }

  @Test("a beginning that was cut off is not taken for retention")
  func falseRetention() async throws {
    let folder = try await ChainTests.file()
    let forge = try ChainForge(ChainTests.path(folder))
    try forge.run("DELETE FROM crm_activities WHERE tenant_id = 'acme' AND seq <= 10")
    #expect(try ChainTests.verify(folder).fault?.seq == 1)
    try forge.run(
      """
      UPDATE activity_chains SET removed_seq = 10, removed_head = (
        SELECT head FROM activity_checkpoints WHERE tenant_id = 'acme' AND seq = 10)
      WHERE tenant_id = 'acme'
      """)
    #expect(try ChainTests.verify(folder).fault?.column == "removed_seq")
  }

  @Test("verifying is for those who may, and tells of the first broken entry")
  func route() async throws {
    let folder = try await ChainTests.file(4)
    let forge = try ChainForge(ChainTests.path(folder))
    try forge.run("UPDATE crm_activities SET metadata = '{}' WHERE tenant_id = 'acme' AND seq = 2")
    try await TestServer.run(creditCheck: .off, folder: folder) { server in
      for user in ["sam", "vic", "mara"] {
        let answer = try await server.send("GET", "/api/activities/verify", as: user)
        #expect(answer.status == 403, "\(user)")
      }
      let broken = try await server.send("GET", "/api/activities/verify")
      #expect(broken.status == 200 && broken.json["data"]?["valid"] == false)
      #expect(broken.json["data"]?["broken"]?["seq"]?.integer == 2)
      #expect(broken.json["data"]?["broken"]?["column"]?.string?.contains("metadata") == true)
      let sound = try await server.send("GET", "/api/activities/verify", as: "greta")
      #expect(sound.json["data"]?["valid"] == true)
    }
  }

  @Test("a long chain is verified by a job that its owner and administrators can look at")
  func job() async throws {
    let folder = try await ChainTests.file(4)
    try await TestServer.run(
      creditCheck: .off, folder: folder, configure: { $0.verifiedAtOnceMax = 3 }
    ) { server in
      let begun = try await server.send("GET", "/api/activities/verify")
      #expect(begun.status == 202)
      let place = try #require(begun.header("Location"))
      #expect(place.hasPrefix("/api/jobs/"))
      // It tells nobody when it is done; a few entries take no time.
      var job: JSONValue = .null
      let deadline = ContinuousClock.now + .seconds(20)
      while job["state"] != "done", ContinuousClock.now < deadline {
        job = try #require(try await server.send("GET", place).json["data"])
      }
      #expect(job["result"]?["valid"] == true)
      #expect(job["done"] == job["total"] && job["kind"] == "crm.activities.verify")
      #expect(try await server.send("GET", place, as: "sam").status == 404)
      #expect(try await server.send("GET", place, as: "greta").status == 404)
      let short = try await server.send("GET", "/api/jobs/nonsense")
      #expect(short.status == 404)
    }
  }
}
