import CRM
import Database
import JSON
import TestSupport
import Testing
import Values
import WrapperClient

/// Archives of the activity log on their way into a log.
@Suite struct ActivityImportTests {
  /// The whole log of `acme` after some work, as it was exported.
  private func archive(
    _ format: ActivityArchive.Format = .ndjson
  ) async throws -> (bytes: [UInt8], stored: [[String?]]) {
    try await TestServer.run(creditCheck: .off) { server in
      try await server.workForArchives()
      let stored = try rows(server, "")
      let answer = try await server.send(
        "GET", "/api/activities/export?format=\(format.rawValue)")
      return (answer.body, stored)
    }
  }

  /// All columns of the entries of `acme`, in the order of the chain.
  private func rows(_ server: TestServer, _ condition: String) throws -> [[String?]] {
    try server.rows(
      """
      SELECT id, tenant_id, user_id, operation, entity_id, entity_type, credit_cost,
        typeof(credit_cost), timestamp, session_id, user_context, permissions, metadata,
        compliance, created_at, seq, credit_units, unit_id, unit_path, source, received_at,
        hex(salt), hex(core_hash), hex(personal_hash), hex(hash)
      FROM crm_activities WHERE tenant_id = 'acme'\(condition) ORDER BY seq
      """)
  }

  private static let sums = """
    SELECT bucket, unit_id, user_id, operation, entity_type, entries, credit_units, latest
    FROM activity_rollups WHERE tenant_id = 'acme' ORDER BY 1, 2, 3, 4, 5
    """

  private static let recomputed = """
    SELECT CAST(strftime('%s', timestamp) AS INTEGER) / 900, coalesce(unit_id, ''), user_id,
      operation, coalesce(entity_type, ''), count(*), sum(credit_units), max(timestamp)
    FROM crm_activities WHERE tenant_id = 'acme'
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    """

  /// Runs `body` with a server whose log is empty.
  private func withEmptyLog(_ body: (TestServer) async throws -> Void) async throws {
    try await TestServer.run(creditCheck: .off, isEmpty: true, body)
  }

  @Test(
    "an archive goes into an empty log byte for byte, and the sums with it",
    arguments: ActivityArchive.Format.allCases)
  func roundTrip(format: ActivityArchive.Format) async throws {
    let (bytes, stored) = try await archive(format)
    let entries = ActivityArchiveText.entries(try ActivityArchiveText.read(bytes, format))
    #expect(entries.count == stored.count)
    try await withEmptyLog { server in
      var place = ActivityPlace()
      for start in stride(from: 0, to: entries.count, by: 50) {
        place = try await server.store.restoreActivities(
          Array(entries[start..<min(entries.count, start + 50)]), tenantID: "acme", after: place)
      }
      #expect(try rows(server, "") == stored)
      #expect(try server.rows(Self.sums) == server.rows(Self.recomputed))
      #expect(try server.rows("SELECT count(*) FROM activity_outbox") == [["0"]])
      #expect(try server.store.activityPlace(tenantID: "acme") == place)
      #expect(
        try server.rows("SELECT seq FROM activity_chains WHERE tenant_id = 'acme'")
          == [["\(stored.count)"]])
    }
  }

  @Test("a line that was changed, lost, doubled or moved is found, in every member")
  func tampering() async throws {
    let (bytes, _) = try await archive()
    let lines = Array(bytes.split(separator: 0x0a).map { Array($0) }.dropLast())
    func fault(_ lines: [[UInt8]]) throws -> String? {
      var check = ArchiveCheck()
      for line in try ActivityArchiveText.read(Array(lines.joined(separator: [0x0a]))) {
        switch line.content {
        case .fault(let fault): return fault.reason
        case .manifest: return nil
        case .entry(let entry):
          do throws(ArchiveFault) {
            try check.take(entry)
          } catch {
            return error.reason
          }
        }
      }
      return nil
    }
    #expect(try fault(lines) == nil)
    var lost = lines
    lost.remove(at: 10)
    #expect(try fault(lost)?.contains("seq 11 is missing") == true)
    var doubled = lines
    doubled.insert(lines[10], at: 10)
    #expect(try fault(doubled)?.contains("doubled or moved") == true)
    var swapped = lines
    swapped.swapAt(10, 11)
    #expect(try fault(swapped)?.contains("missing") == true)
    let members = try #require(try JSONParser.parse(lines[20]).object).members
    for member in members where member.name != "withheld" && member.name != "receivedAt" {
      var object = try #require(try JSONParser.parse(lines[20]).object)
      object[member.name] = changed(member.value)
      var other = lines
      other[20] = JSONValue.object(object).bytes
      #expect(try fault(other) != nil, "\(member.name)")
    }
  }

  private func changed(_ value: JSONValue) -> JSONValue {
    switch value {
    case .object(var object):
      object["more"] = true
      return .object(object)
    case .number(let number): return .integer((number.units(scale: 0) ?? 0) + 1)
    case .string(let text) where text.count >= 32 && text.allSatisfy(\.isHexDigit):
      return .string((text.hasPrefix("0") ? "1" : "0") + text.dropFirst())
    case .string(let text) where Timestamp(rfc3339: text) != nil:
      return "2020-01-01T00:00:00.000Z"
    case .string("cardfile"): return "api"
    case .string(let text): return .string(text + "x")
    default: return "x"
    }
  }

  @Test("what does not follow the end of the log is refused, and nothing of it is kept")
  func notFollowing() async throws {
    let (bytes, _) = try await archive()
    let entries = ActivityArchiveText.entries(try ActivityArchiveText.read(bytes))
    try await withEmptyLog { server in
      var forged = Array(entries[0..<20])
      forged[10].operation = "crm.leads.delete"
      await #expect(throws: ArchiveFault.self) {
        try await server.store.restoreActivities(
          forged, tenantID: "acme", after: ActivityPlace())
      }
      await #expect(throws: ArchiveFault.self) {
        try await server.store.restoreActivities(
          Array(entries[0..<5]), tenantID: "globex", after: ActivityPlace())
      }
      let place = try await server.store.restoreActivities(
        Array(entries[0..<20]), tenantID: "acme", after: ActivityPlace())
      await #expect(throws: ArchiveDoesNotContinue.self) {
        try await server.store.restoreActivities(
          Array(entries[0..<5]), tenantID: "acme", after: ActivityPlace())
      }
      #expect(place.seq == 20)
      #expect(try rows(server, "").count == 20)
    }
  }

  private static let foreign = """
    {"userId":"old-1","operation":"leads.create","timestamp":"2019-05-04 03:02:01",\
    "creditCost":0.5,\
    "entityType":"lead","entityId":17,"metadata":"{\\"a\\":1}","userContext":{"hierarchy":\
    {"organizationId":"org","departmentId":"north"}}}
    {"id":"activity:1556938921000:old-2","user_id":"old-2","operation":"x",\
    "timestamp":"2019-05-04T05:02:01+02:00"}
    {"id":"made up","userId":"old-3","operation":"y","timestamp":"2019-05-04T03:02:01Z"}
    {"userId":"old-4","timestamp":"2019-05-04T03:02:01Z"}
    {"userId":"old-5","operation":"z","timestamp":"soon"}
    {"userId":"old-6","operation":"z","timestamp":"2019-05-04T03:02:01Z","creditCost":0.12345}
    {"userId":"old-7","operation":"z","timestamp":"2019-05-04T03:02:01Z","metadata":[1]}
    no JSON
    {"userId":"old-8","operation":"a\\u0007b","timestamp":"2019-05-04T03:02:01Z"}
    """

  @Test("entries of another program become new ones; bad lines are refused with their reason")
  func foreignEntries() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await server.lead(["title": "t"])
      let lines = try ActivityArchiveText.read(Array(Self.foreign.utf8))
      let faults = lines.compactMap { line -> (Int, String)? in
        if case .fault(let fault) = line.content { (line.number, fault.reason) } else { nil }
      }
      #expect(faults.map(\.0) == [4, 5, 6, 7, 8])
      for (fault, words) in zip(
        faults.map(\.1),
        ["operation is missing", "timestamp", "4 decimals", "metadata", "no JSON object"])
      {
        #expect(fault.contains(words), "\(fault)")
      }
      let outcomes = try await server.store.importActivities(
        ActivityArchiveText.entries(lines), tenantID: "acme")
      #expect(outcomes.prefix(3) == [.added, .added, .added])
      guard case .rejected(let reason)? = outcomes.last else {
        Issue.record("\(outcomes)")
        return
      }
      #expect(reason.contains("control characters"))
      let stored = try rows(server, " AND source = 'import'")
      #expect(stored.count == 3)
      #expect(stored[0][8] == "2019-05-04T03:02:01.000Z")
      #expect(stored[0][4] == "17")
      #expect(stored[0][12] == #"{"a":1}"#)
      #expect(stored[0][16] == "5000")
      #expect(stored[0][17] == "north" && stored[0][18] == "/org/north/")
      #expect(stored[0][20] != nil)
      #expect(stored[1][0] == "activity:1556938921000:old-2")
      #expect(stored[1][8] == "2019-05-04T03:02:01.000Z")
      #expect(stored[2][0]?.hasPrefix("activity:1556938921000:old-3:") == true)
      #expect(try server.rows(Self.sums) == server.rows(Self.recomputed))
      #expect(
        try server.rows("SELECT count(*) FROM activity_outbox WHERE activity_id LIKE '%old%'")
          == [["0"]])
      // They are part of the chain, and can be exported and proved with the rest.
      let archive = try await ActivityArchiveText.get(server)
      var check = ArchiveCheck()
      for entry in ActivityArchiveText.entries(
        try ActivityArchiveText.read(Array(archive.lines.joined(separator: [0x0a]))))
      {
        try check.take(entry)
      }
      let again = try await server.store.importActivities(
        Array(ActivityArchiveText.entries(lines)[1..<2]), tenantID: "acme")
      #expect(again == [.duplicate])
    }
  }

  @Test("an archive into a log that has entries: new entries, old ids where they are free")
  func intoAnotherLog() async throws {
    let (bytes, stored) = try await archive(.csv)
    let entries = ActivityArchiveText.entries(try ActivityArchiveText.read(bytes, .csv))
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await server.lead(["title": "t"])
      let tried = try await server.store.importActivities(
        entries, tenantID: "acme", isTrial: true)
      #expect(tried.allSatisfy { $0 == .added })
      #expect(try rows(server, "").count == 1)
      let outcomes = try await server.store.importActivities(entries, tenantID: "acme")
      #expect(outcomes.allSatisfy { $0 == .added })
      let imported = try rows(server, " AND source = 'import'")
      #expect(imported.map { $0[0] } == stored.map { $0[0] })
      #expect(imported.map { $0[12] } == stored.map { $0[12] })
      #expect(
        try await server.store.importActivities(entries, tenantID: "acme")
          .allSatisfy { $0 == .duplicate })
      // The same id for another deed: a new id, and both are kept.
      var other = try #require(entries.first)
      other.operation = "other"
      (other.coreHash, other.personalHash) = (nil, nil)
      #expect(try await server.store.importActivities([other], tenantID: "acme") == [.added])
      // A line that was changed since it was exported is no longer believed.
      var forged = entries[3]
      forged.userID = "eve"
      guard
        case .rejected(let reason)? = try await server.store.importActivities(
          [forged], tenantID: "acme"
        ).first
      else {
        Issue.record("taken")
        return
      }
      #expect(reason.contains("changed"))
      #expect(try server.rows(Self.sums) == server.rows(Self.recomputed))
    }
  }

  @Test("a file that is no archive is refused as a whole, lines without end one by one")
  func nonsense() throws {
    #expect(throws: ArchiveFault.self) {
      try ActivityArchiveText.read(Array("a,b\n1,2\n".utf8), .csv)
    }
    #expect(throws: ArchiveFault.self) {
      try ActivityArchiveText.read(
        Array("userId,user_id,operation,timestamp\n".utf8), .csv)
    }
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<300 {
      let bytes = (0..<200).map { _ in
        Array("{}[]\",:\\ \nmanifest01eé".utf8).randomElement(using: &generator) ?? 0
      }
      for format in ActivityArchive.Format.allCases {
        // Refused or read: it must only come to an end.
        _ = try? ActivityArchiveText.read(bytes, format, pieces: 7)
      }
    }
    let long = try ActivityArchiveText.read(
      [UInt8](repeating: 0x61, count: 17 * 1024 * 1024)
        + Array("\n{\"userId\":\"u\",\"operation\":\"o\",\"timestamp\":\"2020-01-01\"}\n".utf8),
      pieces: 65_536)
    #expect(long.map(\.number) == [1, 2])
  }
}
