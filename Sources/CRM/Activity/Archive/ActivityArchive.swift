public import JSON
internal import SQLite
public import Values

/// What an archive of the activity log is made of: one entry a line, oldest first.
public enum ActivityArchive {
  /// The forms in which it is written.
  public enum Format: String, Sendable, CaseIterable {
    /// One JSON object a line, and the manifest as the last line: `{"manifest": {…}}`.
    case ndjson
    /// CSV (RFC 4180) under a line of names.
    case csv
  }

  /// The name in the manifest.
  static let name = "cardfile-activities"
  /// Changes when older programs could not read what is written.
  static let version: Int64 = 1

  /// What stands in an archive beside the members of an entry that every list shows.
  static let members: [(name: String, column: String, kind: JSONRowLayout.Kind)] = [
    ("seq", "a.seq", .integer), ("unitId", "a.unit_id", .text), ("unitPath", "a.unit_path", .text),
    ("salt", "nullif(lower(hex(a.salt)), '')", .text),
    ("coreHash", "lower(hex(a.core_hash))", .text),
    ("personalHash", "lower(hex(a.personal_hash))", .text), ("hash", "lower(hex(a.hash))", .text),
  ]
}

/// What an archive says of itself.
public struct ArchiveManifest: Sendable, Equatable {
  /// Whose log it is.
  public var tenantID: String
  /// When it was made.
  public var createdAt: Timestamp
  /// How many entries it holds.
  public var rows: Int64 = 0
  /// Whether it holds every entry of the tenant from the first to the last, each complete.
  public var isWhole: Bool
  /// What was asked for, by parameter; empty for everything.
  public var filter: JSONObject
  /// The newest entry of the log when it was begun: nothing after it was taken.
  public var upTo: Int64
  /// The place in the chain of the first entry in it.
  public var firstSeq: Int64?
  /// Its hash, in hexadecimal.
  public var firstHash: String?
  /// The place in the chain of the last entry in it.
  public var lastSeq: Int64?
  /// Its hash, in hexadecimal.
  public var lastHash: String?
  /// Entries of which a private part was left out.
  public var withheld: Int64 = 0

  init(
    tenantID: String, createdAt: Timestamp, isWhole: Bool, filter: JSONObject, upTo: Int64
  ) {
    self.tenantID = tenantID
    self.createdAt = createdAt
    self.isWhole = isWhole
    self.filter = filter
    self.upTo = upTo
  }

  /// Notes an entry that was written.
  mutating func count(seq: Int64, hash: String, isWithheld: Bool) {
    if rows == 0 {
      firstSeq = seq
      firstHash = hash
    }
    rows += 1
    lastSeq = seq
    lastHash = hash
    if isWithheld {
      withheld += 1
      isWhole = false
    }
  }

  /// The manifest as it is written.
  public var json: JSONValue {
    [
      "format": .string(ActivityArchive.name), "version": .integer(ActivityArchive.version),
      "tenantId": .string(tenantID), "createdAt": .string(createdAt.rfc3339),
      "rows": .integer(rows), "whole": .bool(isWhole), "filter": .object(filter),
      "upTo": .integer(upTo), "firstSeq": firstSeq.map { .integer($0) } ?? .null,
      "firstHash": firstHash.map(JSONValue.string) ?? .null,
      "lastSeq": lastSeq.map { .integer($0) } ?? .null,
      "lastHash": lastHash.map(JSONValue.string) ?? .null, "withheld": .integer(withheld),
    ]
  }

  /// Reads a manifest.
  ///
  /// - Throws: ``ArchiveFault`` for a manifest of another format or version.
  public init(_ json: JSONValue) throws(ArchiveFault) {
    guard json["format"]?.string == ActivityArchive.name else {
      throw ArchiveFault("the manifest is of no archive of activities")
    }
    guard json["version"]?.integer == ActivityArchive.version else {
      throw ArchiveFault("the manifest is of a version that this program does not know")
    }
    guard let tenantID = json["tenantId"]?.string,
      let createdAt = json["createdAt"]?.string.flatMap({ Timestamp(rfc3339: $0) }),
      let rows = json["rows"]?.integer, let upTo = json["upTo"]?.integer,
      case .bool(let isWhole)? = json["whole"]
    else { throw ArchiveFault("the manifest lacks a part") }
    self.init(
      tenantID: tenantID, createdAt: createdAt, isWhole: isWhole,
      filter: json["filter"]?.object ?? JSONObject(), upTo: upTo)
    self.rows = rows
    firstSeq = json["firstSeq"]?.integer
    firstHash = json["firstHash"]?.string
    lastSeq = json["lastSeq"]?.integer
    lastHash = json["lastHash"]?.string
    withheld = json["withheld"]?.integer ?? 0
  }
}
