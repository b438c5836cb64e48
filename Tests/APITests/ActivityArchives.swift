import CRM
import Database
import JSON
import TestSupport
import Testing
import Values
import WrapperClient

/// An export as it was answered, taken apart.
struct ActivityArchiveText {
  var lines: [[UInt8]]
  var manifest: JSONValue

  /// Asks for all that `query` says, as NDJSON.
  static func get(
    _ server: TestServer, _ query: String = "", as user: String = "ada"
  ) async throws -> ActivityArchiveText {
    let answer = try await server.send("GET", "/api/activities/export\(query)", as: user)
    guard answer.status == 200 else {
      throw TestServer.Unexpected(answer: "\(answer.status) \(answer.text)")
    }
    var lines = answer.body.split(separator: 0x0a).map { Array($0) }
    guard let last = lines.popLast(), let manifest = try JSONParser.parse(last)["manifest"] else {
      throw TestServer.Unexpected(answer: "there is no manifest")
    }
    return ActivityArchiveText(lines: lines, manifest: manifest)
  }

  var entries: [JSONValue] {
    get throws { try lines.map { try JSONParser.parse($0) } }
  }

  /// Everything that an archive's reader makes of the lines.
  static func read(
    _ bytes: [UInt8], _ format: ActivityArchive.Format = .ndjson, pieces: Int = 1000
  ) throws -> [ActivityArchiveReader.Line] {
    var reader = ActivityArchiveReader(format)
    var lines: [ActivityArchiveReader.Line] = []
    for start in stride(from: 0, to: bytes.count, by: pieces) {
      reader.append(Array(bytes[start..<min(bytes.count, start + pieces)]))
      while let line = try reader.next() { lines.append(line) }
    }
    reader.finish()
    while let line = try reader.next() { lines.append(line) }
    return lines
  }

  static func entries(_ lines: [ActivityArchiveReader.Line]) -> [ArchivedActivity] {
    lines.compactMap { line in
      if case .entry(let entry) = line.content { entry } else { nil }
    }
  }
}

extension ArchivedActivity {
  /// A sealed entry that was made up.
  static func made(_ number: Int, tenant: String, metadata: String = "") -> ArchivedActivity {
    let time = Timestamp(milliseconds: 1_700_000_000_000 + Int64(number) * 1000)
    var entry = ArchivedActivity(
      id: "activity:\(time.milliseconds):made:\(number)", tenantID: tenant, userID: "made",
      operation: "crm.leads.update", timestamp: time)
    entry.entityType = "lead"
    entry.entityID = "lead-\(number)"
    entry.creditUnits = Int64(number % 7) * 1000
    entry.unitID = "sales"
    entry.sessionID = "session"
    entry.userContext = "{}"
    entry.permissions = "{}"
    entry.metadata = "{\"n\":\(number),\"text\":\"\(metadata)\"}"
    entry.compliance = "{\"location\":\"Paris\"}"
    entry.salt = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 16)
    entry.seal()
    return entry
  }
}

extension TestServer {
  /// Every entry of a list, page by page, oldest first.
  func allActivities(_ query: String, as user: String = "ada") async throws -> [JSONValue] {
    var entries: [JSONValue] = []
    var cursor: String?
    repeat {
      let page = cursor.map { "&cursor=\($0)" } ?? ""
      let answer = try await send(
        "GET", "/api/activities?limit=20&sort=timestamp\(query)\(page)", as: user)
      guard answer.status == 200 else {
        throw Unexpected(answer: "\(answer.status) \(answer.text)")
      }
      entries += answer.json["data"]?.array ?? []
      cursor = answer.json["nextCursor"]?.string
    } while cursor != nil
    return entries
  }

  /// Work of several users, in the order of the clock.
  func workForArchives() async throws {
    for number in 0..<30 {
      for user in ["ada", "sam"] {
        let lead = try await lead(
          ["title": .string("\(number) é \"=1\" \n")], as: user)
        _ = try await send(
          "PATCH", "/api/leads/\(lead.id)", as: user, ["source": .string("=cmd \(number)")],
          headers: [("X-Reason", "why, \"not\"")])
        _ = try await send("PATCH", "/api/leads/\(lead.id)", as: user, ["value": "no"])
      }
    }
  }
}
