import CRM
import Cryptography
import JSON
import SQLite
import TestSupport
import Testing
import Values
import WrapperClient

/// The chain of the activity log against somebody who may write the file.
@Suite struct ChainTests {
  static let key = Ed25519Key(seed: Array(0..<32))
  private static let columns = [
    "id", "tenant_id", "user_id", "operation", "entity_id", "entity_type", "credit_cost",
    "timestamp", "session_id", "user_context", "permissions", "metadata", "compliance",
    "created_at", "seq", "credit_units", "unit_id", "unit_path", "source", "received_at", "salt",
    "core_hash", "personal_hash", "hash",
  ]

  /// A file that a server has left: entries of two tenants, signed every ten.
  static func file(_ leads: Int = 24) async throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try await TestServer.run(creditCheck: .off, folder: folder, checkpointEntries: 10) { server in
      for number in 0..<leads {
        _ = try await server.lead(["title": .string("lead \(number) é")])
        // A fifth of a credit is no whole number, and nothing in binary.
        let other = try await server.lead(["title": "t"], as: "greta")
        if number == 0 {
          _ = try await server.send(
            "PATCH", "/api/leads/\(other.id)", as: "greta", ["value": .integer(number)])
        }
      }
      let key = try #require(key)
      for tenant in ["acme", "globex"] {
        let made = try await server.store.makeCheckpoints(tenantID: tenant, key)
        #expect(made.count == leads / 10)
      }
    }
    return folder
  }

  static func path(_ folder: TemporaryFolder) -> String { folder.file("cardfile.db") }

  static func verify(
    _ folder: TemporaryFolder, _ tenant: String = "acme", keys: LogKeys? = nil,
    from start: Checkpoint? = nil
  ) throws -> ChainReport {
    let keys = keys ?? LogKeys(signer: key, refusesOthers: true)
    let connection = try Connection(path: path(folder), mode: .readOnly)
    var walk = ChainVerifier(tenantID: tenant, keys: keys, from: start)
    while try walk.step(connection) {}
    return walk.report
  }

  /// The newest checkpoint, as somebody may have kept it elsewhere.
  static func checkpoint(_ folder: TemporaryFolder, _ tenant: String = "acme") throws -> Checkpoint
  {
    let connection = try Connection(path: path(folder), mode: .readOnly)
    let metadata = try connection.first(
      """
      SELECT metadata FROM crm_activities
      WHERE tenant_id = ? AND operation = 'crm.activities.checkpoint' ORDER BY seq DESC LIMIT 1
      """, [.text(tenant)]
    ) { $0.text(0) ?? "" }
    let entry: JSONValue = ["metadata": try JSONParser.parse(try #require(metadata))]
    return try #require(Checkpoint(text: entry.text))
  }

  @Test("what a server has written verifies, to the last entry and checkpoint")
  func sound() async throws {
    let folder = try await Self.file()
    for tenant in ["acme", "globex"] {
      let report = try Self.verify(folder, tenant)
      #expect(report.fault == nil)
      #expect(report.entries >= 25 && report.entries == report.seq)
      #expect(report.checkpoints == 2 && report.checkpointedThrough == 20)
      #expect(report.keys.map(\.isKnown) == [true])
      let kept = try Self.checkpoint(folder, tenant)
      #expect(kept.seq == 20)
      let rest = try Self.verify(folder, tenant, from: kept)
      #expect(rest.fault == nil && rest.entries == report.entries - 20)
    }
    let nobody = try Self.verify(folder, "nobody")
    #expect(nobody.fault == nil && nobody.entries == 0)
  }

  @Test("any bit of any column of an entry is found, and the column named", arguments: columns)
  func bits(column: String) async throws {
    let folder = try await Self.file(4)
    var random = SeededGenerator(seed: UInt64(column.utf8.reduce(7) { $0 &* 31 &+ Int($1) }))
    let forge = try ChainForge(Self.path(folder))
    // Entries of other applications say when they came.
    try forge.append(
      "acme", id: "activity:1:sam:1000001",
      [
        ("source", "api"), ("received_at", "2026-01-31T10:30:00.000Z"),
        ("created_at", "2026-01-31T10:30:00.000Z"), ("credit_units", 1000), ("credit_cost", 0.1),
        ("entity_id", "x"), ("entity_type", "y"), ("unit_id", "north"), ("unit_path", "/org/"),
      ])
    #expect(try Self.verify(folder).fault == nil)
    let entries = try forge.connection.all(
      "SELECT rowid, seq, id, \(column) FROM crm_activities WHERE tenant_id = 'acme'"
    ) { row in
      (
        rowID: row.integer(0) ?? 0, seq: row.integer(1) ?? 0, id: row.text(2) ?? "",
        value: row.value(3), bytes: row.blob(3)
      )
    }
    var count = 0
    for entry in entries {
      for _ in 0..<4 {
        guard let turned = ChainForge.turned(entry.value, bytes: entry.bytes, &random) else {
          continue
        }
        var place = "?"
        if case .text = entry.value { place = "CAST(? AS TEXT)" }
        do {
          try forge.run(
            "UPDATE crm_activities SET \(column) = \(place) WHERE rowid = ?",
            [turned, .integer(entry.rowID)])
        } catch let error as SQLiteError where error.isConstraint {
          continue  // Another entry has this place.
        }
        let fault = try Self.verify(folder).fault
        #expect(fault?.seq == entry.seq, "\(column): \(String(describing: fault))")
        #expect(fault?.activityID == (column == "id" ? fault?.activityID : entry.id))
        // A hash that is wrong in itself may as well be a link that is.
        #expect([column, "link"].contains(fault?.column), "\(column): \(fault?.column ?? "none")")
        if column != "hash" { #expect(fault?.column == column) }
        try forge.run(
          "UPDATE crm_activities SET \(column) = \(place) WHERE rowid = ?",
          [
            place == "?" ? entry.value : .blob(entry.bytes ?? []), .integer(entry.rowID),
          ])
        count += 1
      }
    }
    #expect(count >= 4)
    #expect(try Self.verify(folder).fault == nil)
  }

  @Test("an entry that was removed, put elsewhere or put in is found")
  func places() async throws {
    for (name, change, seq) in [
      ("removed", "DELETE FROM crm_activities WHERE tenant_id = 'acme' AND seq = 5", 5),
      ("swapped", "", 6),
      ("first", "DELETE FROM crm_activities WHERE tenant_id = 'acme' AND seq = 1", 1),
      (
        "other tenant's",
        """
        UPDATE crm_activities SET hash = (
          SELECT hash FROM crm_activities WHERE tenant_id = 'globex' AND seq = 8)
        WHERE tenant_id = 'acme' AND seq = 8
        """, 8
      ),
    ] as [(String, String, Int64)] {
      let folder = try await Self.file(12)
      let forge = try ChainForge(Self.path(folder))
      if name == "swapped" {
        try forge.run("UPDATE crm_activities SET seq = -6 WHERE tenant_id = 'acme' AND seq = 6")
        try forge.run("UPDATE crm_activities SET seq = 6 WHERE tenant_id = 'acme' AND seq = 7")
        try forge.run("UPDATE crm_activities SET seq = 7 WHERE tenant_id = 'acme' AND seq = -6")
      } else {
        try forge.run(change)
      }
      #expect(try Self.verify(folder).fault?.seq == seq, "\(name)")
      #expect(try Self.verify(folder, "globex").fault == nil, "\(name)")
    }
    let folder = try await Self.file(4)
    let forge = try ChainForge(Self.path(folder))
    let newest = try forge.number("SELECT max(seq) FROM crm_activities WHERE tenant_id = 'acme'")
    try forge.append("acme", id: "activity:1:sam:1000001")
    #expect(try Self.verify(folder).fault == nil)
    // Entered without the end of the chain.
    try forge.run("UPDATE activity_chains SET seq = \(newest) WHERE tenant_id = 'acme'")
    #expect(try Self.verify(folder).fault?.column == "head")
  }

  @Test("a log whose end was cut off is found, by what is left or by a checkpoint kept elsewhere")
  func cut() async throws {
    let folder = try await Self.file()
    let kept = try Self.checkpoint(folder)
    let forge = try ChainForge(Self.path(folder))
    func cut(to seq: Int64) throws {
      try forge.run("DELETE FROM crm_activities WHERE tenant_id = 'acme' AND seq > \(seq)")
    }
    try cut(to: 24)
    #expect(try Self.verify(folder).fault?.seq == 25)
    try forge.relink("acme")
    // The entry of the checkpoint at 20 is gone, and the checkpoint is not.
    #expect(try Self.verify(folder).fault?.column == "checkpoint")
    try cut(to: 15)
    try forge.relink("acme")
    let fault = try Self.verify(folder).fault
    #expect(fault?.column == "checkpoint" && fault?.seq == 16)
    // Whoever takes the checkpoints away too leaves a log that is right in itself.
    try forge.run("DELETE FROM activity_checkpoints WHERE tenant_id = 'acme'")
    #expect(try Self.verify(folder).fault == nil)
    let found = try Self.verify(folder, from: kept).fault
    #expect(found?.column == "checkpoint" && found?.seq == 16)
  }

  @Test("a log that was computed anew throughout is found by its checkpoints")
  func replaced() async throws {
    let folder = try await Self.file()
    let kept = try Self.checkpoint(folder)
    let forge = try ChainForge(Self.path(folder))
    try forge.run(
      "UPDATE crm_activities SET user_id = 'eve' WHERE tenant_id = 'acme' AND seq = 3")
    try forge.relink("acme")
    let fault = try Self.verify(folder).fault
    #expect(fault?.column == "checkpoint" && fault?.seq == 10)
    // A checkpoint cannot be changed along, neither here nor in its entry.
    try forge.run(
      """
      UPDATE activity_checkpoints SET head = (
        SELECT hash FROM crm_activities AS a WHERE a.tenant_id = 'acme' AND a.seq = 10)
      WHERE tenant_id = 'acme' AND seq = 10
      """)
    #expect(try Self.verify(folder).fault?.column == "checkpoint")
    try forge.run("DELETE FROM activity_checkpoints WHERE tenant_id = 'acme' AND seq = 10")
    #expect(try Self.verify(folder).fault?.column == "checkpoint")
    try forge.run("DELETE FROM activity_checkpoints WHERE tenant_id = 'acme'")
    #expect(try Self.verify(folder).fault?.column == "checkpoint")
    #expect(try Self.verify(folder, from: kept).fault?.column == "checkpoint")
    #expect(try Self.verify(folder, "globex").fault == nil)
  }

  @Test("a checkpoint of another key is a fault where the keys were named, else it is told of")
  func otherKey() async throws {
    let folder = try await Self.file()
    let other = try #require(Ed25519Key(seed: Array(100..<132)))
    let named = LogKeys(signer: other, refusesOthers: true)
    let fault = try Self.verify(folder, keys: named).fault
    #expect(fault?.column == "checkpoint" && fault?.seq == 10)
    let kept = try Self.checkpoint(folder)
    #expect(try Self.verify(folder, keys: named, from: kept).fault?.column == "checkpoint")
    let made = try Self.verify(folder, keys: LogKeys(signer: other, refusesOthers: false))
    #expect(made.fault == nil && made.keys.map(\.isKnown) == [false])
    let both = LogKeys(
      signer: other, known: [try #require(Self.key).publicKey], refusesOthers: true)
    #expect(try Self.verify(folder, keys: both).keys.map(\.isKnown) == [true])
  }

  @Test("a personal part may be gone when an erasure names the entry, and only then")
  func erasure() async throws {
    let folder = try await Self.file(4)
    let forge = try ChainForge(Self.path(folder))
    let id = try forge.connection.first(
      "SELECT id FROM crm_activities WHERE tenant_id = 'acme' AND seq = 2"
    ) { $0.text(0) ?? "" }
    let personal = ["session_id", "user_context", "permissions", "metadata", "compliance"]
    try forge.run("UPDATE crm_activities SET salt = NULL WHERE tenant_id = 'acme' AND seq = 2")
    #expect(try Self.verify(folder).fault?.column == "salt")
    let gone = personal.map { "\($0) = NULL" }.joined(separator: ", ")
    try forge.run("UPDATE crm_activities SET \(gone) WHERE tenant_id = 'acme' AND seq = 2")
    let fault = try Self.verify(folder).fault
    #expect(fault?.seq == 2 && fault?.activityID == id && fault?.column == "salt")
    for (named, isRight) in [("activity:1:nobody:1", false), (id ?? "", true)] {
      let metadata: JSONValue = ["erased": [.string(named)]]
      try forge.append(
        "acme", id: "activity:1:ada:\(named.utf8.count)000000",
        [
          ("operation", "crm.contacts.erase"), ("entity_type", "contact"),
          ("metadata", .text(metadata.text)),
        ])
      #expect((try Self.verify(folder).fault == nil) == isRight)
    }
    #expect(try Self.verify(folder).erased == 1)
    // What is never erased stays covered.
    try forge.run("UPDATE crm_activities SET user_id = 'eve' WHERE tenant_id = 'acme' AND seq = 2")
    #expect(try Self.verify(folder).fault?.seq == 2)
  }
}

extension ChainTests {
  @Test("a log that was brought without its table of checkpoints verifies, and is signed on")
  func brought() async throws {
    let folder = try await Self.file()
    let forge = try ChainForge(Self.path(folder))
    try forge.run("DELETE FROM activity_checkpoints")
    #expect(try Self.verify(folder).checkpoints == 2)
    // What others say of checkpoints says nothing of this log.
    try forge.append(
      "acme", id: "activity:1:sam:1000001",
      [
        ("source", "import"), ("received_at", "2026-01-31T10:30:00.000Z"),
        ("created_at", "2026-01-31T10:30:00.000Z"), ("operation", "crm.activities.checkpoint"),
        ("entity_type", "checkpoint"), ("entity_id", "7"), ("metadata", "{}"),
      ])
    let key = try #require(Self.key)
    try await TestServer.run(creditCheck: .off, folder: folder, checkpointEntries: 10) { server in
      for number in 0..<5 { _ = try await server.lead(["title": .string("\(number)")]) }
      try await server.store.makeCheckpoints(tenantID: "acme", key)
      let kept = try server.rows(
        "SELECT seq FROM activity_checkpoints WHERE tenant_id = 'acme' ORDER BY seq")
      #expect(kept == [["10"], ["20"], ["30"]])
    }
    let report = try Self.verify(folder)
    #expect(report.fault == nil && report.checkpoints == 3)
  }

  @Test(
    "a bit turned over in a checkpoint is found",
    arguments: [
      "seq", "head", "made_at", "previous", "public_key", "signature",
    ])
  func checkpointBits(column: String) async throws {
    let folder = try await Self.file()
    var random = SeededGenerator(seed: UInt64(column.utf8.count))
    let forge = try ChainForge(Self.path(folder))
    let stored = try forge.connection.first(
      "SELECT \(column) FROM activity_checkpoints WHERE tenant_id = 'acme' AND seq = 20"
    ) { (value: $0.value(0), bytes: $0.blob(0)) }
    let (value, bytes) = try #require(stored)
    for _ in 0..<4 {
      guard let turned = ChainForge.turned(value, bytes: bytes, &random) else { continue }
      var place = "?"
      if case .text = value { place = "CAST(? AS TEXT)" }
      try forge.run(
        """
        UPDATE activity_checkpoints SET \(column) = \(place)
        WHERE tenant_id = 'acme' AND seq = 20
        """, [turned])
      #expect(try Self.verify(folder).fault?.column == "checkpoint", "\(column)")
      let now: SQLiteValue = column == "seq" ? turned : 20
      try forge.run(
        "UPDATE activity_checkpoints SET \(column) = ? WHERE tenant_id = 'acme' AND seq = ?",
        [value, now])
    }
    #expect(try Self.verify(folder).fault == nil)
  }
}
