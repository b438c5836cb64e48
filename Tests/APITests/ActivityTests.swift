import Cryptography
import Database
import EmbeddedWrapper
import JSON
import SQLite
import TestSupport
import Testing
import Values
import WrapperClient

/// The activity log: complete, chained, append-only, summed exactly.
@Suite struct ActivityTests {
  /// An entry's stored parts.
  private struct Entry {
    let seq: Int64
    let core: [String?]
    let salt: [UInt8]
    let personal: [String?]
    let coreHash: [UInt8]
    let personalHash: [UInt8]
    let hash: [UInt8]
  }

  /// The bytes that a hash is taken over: each part behind its length in four bytes, the greatest
  /// length for what is missing.
  private static func hash(_ domain: String, salt: [UInt8]? = nil, _ parts: [String?]) -> [UInt8] {
    var bytes: [UInt8] = []
    func append(_ part: [UInt8]?) {
      let length = part.map { UInt32($0.count) } ?? UInt32.max
      bytes += (0..<4).reversed().map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
      bytes += part ?? []
    }
    append(Array(domain.utf8))
    if let salt { append(salt) }
    for part in parts { append(part.map { Array($0.utf8) }) }
    return SHA256.hash(bytes)
  }

  /// The place of the first entry that does not fit; nil when the whole chain holds.
  private func firstBroken(_ server: TestServer, tenant: String) throws -> Int64? {
    let entries = try server.database.read { connection in
      try connection.all(
        """
        /* test */ SELECT seq, id, tenant_id, user_id, operation, entity_id, entity_type,
          credit_units, timestamp, unit_id, unit_path, source, session_id, user_context,
          permissions, metadata, compliance, salt, core_hash, personal_hash, hash, received_at
        FROM crm_activities WHERE tenant_id = ? ORDER BY seq
        """, [.text(tenant)]
      ) { row in
        var core = (1...6).map { row.text($0) }
        core.append(FixedPoint.text(units: row.integer(7) ?? 0, scale: 4))
        core += (8...11).map { row.text($0) }
        if let receivedAt = row.text(21) { core.append(receivedAt) }
        return Entry(
          seq: row.integer(0) ?? 0, core: core, salt: row.blob(17) ?? [],
          personal: (12...16).map { row.text($0) }, coreHash: row.blob(18) ?? [],
          personalHash: row.blob(19) ?? [], hash: row.blob(20) ?? [])
      }
    }
    var previous: [UInt8] = []
    for (index, entry) in entries.enumerated() {
      let core = Self.hash("cardfile/core/1", entry.core)
      let personal = Self.hash("cardfile/personal/1", salt: entry.salt, entry.personal)
      guard entry.seq == Int64(index) + 1, entry.salt.count == 16, entry.coreHash == core,
        entry.personalHash == personal, entry.hash == SHA256.hash(previous + core + personal)
      else { return entry.seq }
      previous = entry.hash
    }
    let head = try server.rows(
      "SELECT seq, hex(head) FROM activity_chains WHERE tenant_id = ?", [.text(tenant)])
    let expected = [String(entries.count), Hexadecimal.text(previous).uppercased()]
    return head == [expected.map(Optional.some)] ? nil : Int64(entries.count)
  }

  /// Work of all kinds by several users of two tenants, some of it refused.
  private func work(_ server: TestServer) async throws {
    try await withThrowingTaskGroup { group in
      for user in ["ada", "sam", "mara", "vic", "greta"] {
        group.addTask {
          for number in 0..<8 {
            let answer = try await server.send(
              "POST", "/api/leads", as: user, ["title": .string("\(number) é")],
              headers: [("X-Reason", "why not")])
            let path = "/api/leads/\(answer.data.id)"
            _ = try await server.send("PATCH", path, as: user, ["value": .integer(number)])
            _ = try await server.send("PATCH", path, as: user, ["value": "no"])
            _ = try await server.send("DELETE", path, as: user)
            _ = try await server.send(
              "POST", "/api/activities", as: user, ["operation": "erp.x"])
            if number % 2 == 0 { _ = try await server.send("POST", "\(path)/restore", as: user) }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test("every tenant's chain recomputes from what is stored, and a changed byte is found")
  func chain() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await work(server)
      #expect(try firstBroken(server, tenant: "acme") == nil)
      #expect(try firstBroken(server, tenant: "globex") == nil)
      let count = try server.rows("SELECT count(*) FROM crm_activities WHERE tenant_id = 'acme'")
      #expect((count.first?.first.flatMap { $0 }.flatMap { Int($0) } ?? 0) > 60)
      for (seq, column, value) in [
        (40, "metadata", "metadata || ' '"), (30, "user_id", "'eve'"),
        (20, "credit_units", "credit_units + 1"), (10, "hash", "zeroblob(32)"),
        (5, "salt", "zeroblob(16)"), (3, "timestamp", "'2020-01-01T00:00:00.000Z'"),
      ] {
        try await server.database.write { connection in
          try connection.run("INSERT INTO activity_exemptions VALUES ('acme', 'erasure')")
          try connection.run(
            "UPDATE crm_activities SET \(column) = \(value) WHERE tenant_id = 'acme' AND seq = ?",
            [.integer(Int64(seq))])
          try connection.run("DELETE FROM activity_exemptions WHERE tenant_id = 'acme'")
        }
        #expect(try firstBroken(server, tenant: "acme") == Int64(seq), "\(column)")
      }
      #expect(try firstBroken(server, tenant: "globex") == nil)
    }
  }

  @Test("the log refuses to be changed or shortened")
  func appendOnly() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await server.lead(["title": "t"])
      for sql in [
        "UPDATE crm_activities SET metadata = '{}' WHERE tenant_id = 'acme'",
        "UPDATE crm_activities SET credit_units = 0 WHERE tenant_id = 'acme'",
        "DELETE FROM crm_activities WHERE tenant_id = 'acme'",
      ] {
        await #expect(throws: SQLiteError.self) {
          try await server.database.write { try $0.run(sql) }
        }
      }
      #expect(try firstBroken(server, tenant: "acme") == nil)
    }
  }

  @Test("the sums per quarter of an hour are those of the entries")
  func rollups() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      for _ in 0..<2 {
        try await work(server)
        clock.advance(seconds: 20 * 60)
      }
      let recomputed = """
        SELECT tenant_id, CAST(strftime('%s', timestamp) AS INTEGER) / 900 AS bucket,
          coalesce(unit_id, '') AS unit_id, user_id, operation,
          coalesce(entity_type, '') AS entity_type, count(*) AS entries,
          sum(credit_units) AS credit_units, max(timestamp) AS latest
        FROM crm_activities GROUP BY 1, 2, 3, 4, 5, 6
        """
      let stored = """
        SELECT tenant_id, bucket, unit_id, user_id, operation, entity_type, entries,
          credit_units, latest FROM activity_rollups
        """
      let rows = try server.rows("SELECT * FROM (\(stored)) ORDER BY 1, 2, 3, 4, 5, 6")
      #expect(rows == (try server.rows("SELECT * FROM (\(recomputed)) ORDER BY 1, 2, 3, 4, 5, 6")))
      #expect(rows.count > 20)
      #expect(Set(rows.map { $0[1] }).count >= 2)
    }
  }

  @Test("a tenth of a credit, many times, is exact to the last place, here and at the Wrapper")
  func credits() async throws {
    try await TestServer.run(creditCheck: .cached) { server in
      let path = "/api/leads/\(try await server.lead(["title": "t"]).id)"
      try await withThrowingTaskGroup { group in
        for client in 0..<4 {
          group.addTask {
            for number in 0..<30 {
              let answer = try await server.send(
                "PATCH", path, ["source": .string("\(client) \(number)")])
              #expect(answer.json["creditsDeducted"]?.text == "0.1")
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(
        try server.rows(
          """
          SELECT sum(credit_units), min(CAST(credit_cost AS TEXT)), max(CAST(credit_cost AS TEXT))
          FROM crm_activities WHERE operation = 'crm.leads.update'
          """) == [["120000", "0.1", "0.1"]])
      #expect(
        try server.rows(
          "SELECT sum(credit_units) FROM activity_rollups WHERE operation = 'crm.leads.update'")
          == [["120000"]])
      // 5 for the lead and 120 tenths.
      #expect(
        await eventually {
          // A read that fails is tried again until the time is up.
          (try? server.directory.creditAccount(tenantID: "acme")?.availableUnits)
            == (100_000 - 17) * 10_000
        })
      #expect(
        await eventually {
          // As above.
          (try? server.rows("SELECT count(*) FROM activity_outbox")) == [["0"]]
        })
    }
  }

  @Test("a change without its entry and an entry without its change do not exist")
  func complete() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await work(server)
      // Versions count changes; so do the entries of each lead that was really changed.
      #expect(
        try server.rows(
          """
          SELECT l.id FROM leads AS l WHERE l.version <> (
            SELECT count(*) FROM crm_activities AS a
            WHERE a.tenant_id = l.tenant_id AND a.entity_type = 'lead' AND a.entity_id = l.id)
          """) == [])
      #expect(
        try server.rows(
          """
          SELECT a.id FROM crm_activities AS a WHERE a.entity_type = 'lead' AND NOT EXISTS (
            SELECT 1 FROM leads AS l WHERE l.tenant_id = a.tenant_id AND l.id = a.entity_id)
          """) == [])
      #expect(
        try server.rows(
          """
          SELECT count(*) FROM crm_activities
          WHERE id NOT GLOB 'activity:[0-9]*:' || user_id || ':[0-9]*'
          """) == [["0"]])
    }
  }
}
