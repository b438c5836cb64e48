internal import Cryptography
internal import JSON
public import Values

/// An entry of the activity log as an archive carries it: on its way out of a log or into one.
public struct ArchivedActivity: Sendable, Equatable {
  /// Its place in the chain, from 1; nil where it has none yet.
  public var seq: Int64?
  /// `activity:<unix ms>:<userId>:<n>`.
  public var id: String
  /// The tenant.
  public var tenantID: String
  /// Who acted.
  public var userID: String
  /// What was done.
  public var operation: String
  /// The record it was done to.
  public var entityID: String?
  /// The record's kind.
  public var entityType: String?
  /// What it cost, in 1/10,000 credit.
  public var creditUnits: Int64 = 0
  /// When.
  public var timestamp: Timestamp
  /// The session.
  public var sessionID: String?
  /// The unit of the user at that time.
  public var unitID: String?
  /// The ids of its ancestors and its own, root first.
  public var unitPath: String?
  /// Who and where in the organisation, JSON; nil once erased, like all that tells of persons.
  public var userContext: String?
  /// By which right, JSON.
  public var permissions: String?
  /// Details, JSON.
  public var metadata: String?
  /// From where and how, JSON.
  public var compliance: String?
  /// Whose word it is.
  public var source = ActivitySource.cardfile
  /// When another application's entry arrived.
  public var receivedAt: Timestamp?
  /// Goes before the personal part when it is hashed.
  public var salt: [UInt8]?
  /// The hash of what is never erased.
  public var coreHash: [UInt8]?
  /// The hash of what tells of persons.
  public var personalHash: [UInt8]?
  /// The link of the chain.
  public var hash: [UInt8]?
  /// Whether a part of it was left out because it is private to another than who exported it.
  public var isWithheld = false

  /// An entry of which only that much is known.
  public init(
    id: String, tenantID: String, userID: String, operation: String, timestamp: Timestamp
  ) {
    self.id = id
    self.tenantID = tenantID
    self.userID = userID
    self.operation = operation
    self.timestamp = timestamp
  }

  /// Whether what tells of persons was erased.
  var isErased: Bool { salt == nil }

  /// Whether a context goes over several lines, which no entry of ours does.
  var spansLines: Bool {
    [userContext, permissions, metadata, compliance].contains { context in
      context?.utf8.contains(0x0a) ?? false
    }
  }

  /// The entry that the hashes are taken over.
  var entry: ActivityEntry {
    ActivityEntry(
      id: id, tenantID: tenantID, userID: userID, operation: operation, entityID: entityID,
      entityType: entityType, creditUnits: creditUnits, timestamp: timestamp,
      sessionID: sessionID ?? "", unitID: unitID, unitPath: unitPath,
      userContext: userContext ?? "", permissions: permissions ?? "", metadata: metadata ?? "",
      compliance: compliance ?? "", salt: salt ?? [], source: source, receivedAt: receivedAt)
  }

  /// Takes the hashes of its two parts.
  ///
  /// Not in the writer's transaction: others wait for that.
  public mutating func seal() {
    let entry = entry
    coreHash = entry.coreHash
    personalHash = entry.personalHash
  }

  /// Which part is not what its hash was taken over; nil when both are.
  var changedPart: String? {
    let entry = entry
    guard coreHash == entry.coreHash else { return "coreHash" }
    return isErased || personalHash == entry.personalHash ? nil : "personalHash"
  }
}

/// The end of a tenant's chain.
public struct ActivityPlace: Sendable, Equatable {
  /// The newest entry's place, 0 when there is none.
  public var seq: Int64
  /// Its hash, empty when there is none.
  public var head: [UInt8]

  /// A place in a chain.
  public init(seq: Int64 = 0, head: [UInt8] = []) {
    self.seq = seq
    self.head = head
  }
}

/// What is wrong with one line of an archive.
public struct ArchiveFault: Error, Sendable, Equatable {
  /// What is wrong, in words for the person who has the file.
  public var reason: String

  /// A fault for a reason.
  public init(_ reason: String) { self.reason = reason }
}

/// Follows the chain of an archive entry by entry.
public struct ArchiveCheck: Sendable {
  /// The newest entry that was checked.
  public private(set) var place: ActivityPlace
  /// How many entries lacked what tells of persons.
  public private(set) var erasedCount = 0

  /// A check that goes on behind `place`.
  public init(after place: ActivityPlace = ActivityPlace()) { self.place = place }

  /// Takes the next entry.
  ///
  /// - Throws: ``ArchiveFault`` naming what does not fit; the entry counts as not taken.
  public mutating func take(_ entry: ArchivedActivity) throws(ArchiveFault) {
    guard let seq = entry.seq, let core = entry.coreHash, let personal = entry.personalHash,
      let hash = entry.hash
    else { throw ArchiveFault("it lacks seq or its hashes") }
    guard seq == place.seq + 1 else {
      throw ArchiveFault(
        seq <= place.seq
          ? "seq \(seq) stands behind seq \(place.seq): a line is doubled or moved"
          : "seq \(place.seq + 1) is missing: seq \(seq) follows \(place.seq)")
    }
    guard !entry.isWithheld else {
      throw ArchiveFault("a private part of seq \(seq) was withheld when it was exported")
    }
    guard !entry.spansLines else {
      throw ArchiveFault("seq \(seq), \(entry.id), holds JSON that goes over several lines")
    }
    if let part = entry.changedPart {
      throw ArchiveFault("seq \(seq), \(entry.id), was changed: its \(part) does not fit")
    }
    guard
      hash == EntryHash.link(previous: place.head, core: core, personal: personal)
    else {
      throw ArchiveFault("seq \(seq), \(entry.id), is not linked to the entry before it")
    }
    place = ActivityPlace(seq: seq, head: hash)
    if entry.isErased { erasedCount += 1 }
  }
}

extension ArchivedActivity {
  /// The entry as a line of an archive, without the end of the line.
  public var line: [UInt8] {
    var writer = JSONWriter(capacity: 4096)
    writer.beginObject()
    writer.member("id", id)
    writer.member("tenantId", tenantID)
    writer.member("userId", userID)
    writer.member("operation", operation)
    writer.member("entityId", entityID)
    writer.member("entityType", entityType)
    writer.name("creditCost")
    writer.decimal(units: creditUnits, scale: 4)
    writer.member("timestamp", timestamp.rfc3339)
    writer.member("sessionId", sessionID)
    for (name, context) in [
      ("userContext", userContext), ("permissions", permissions), ("metadata", metadata),
      ("compliance", compliance),
    ] {
      writer.name(name)
      switch context {
      case nil: writer.null()
      // An object that goes over several lines would tear the line apart; as a text it does not.
      case let context? where context.utf8.contains(0x0a): writer.string(context)
      case let context?: writer.raw(context.utf8)
      }
    }
    writer.member("source", source.rawValue)
    writer.member("receivedAt", receivedAt?.rfc3339)
    writer.name("seq")
    if let seq { writer.integer(seq) } else { writer.null() }
    writer.member("unitId", unitID)
    writer.member("unitPath", unitPath)
    for (name, bytes) in [
      ("salt", salt), ("coreHash", coreHash), ("personalHash", personalHash), ("hash", hash),
    ] {
      writer.member(name, bytes.map { Hexadecimal.text($0) })
    }
    if isWithheld { writer.member("withheld", ["metadata"]) }
    writer.endObject()
    return writer.bytes
  }
}
