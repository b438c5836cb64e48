internal import SQLite
internal import Values

/// An entry as a file holds it, byte by byte, with what can be said against it.
struct StoredEntry {
  /// What a column may hold.
  private struct Column {
    let name: String
    let classes: [Statement.StorageClass]

    init(_ name: String, _ classes: Statement.StorageClass...) {
      self.name = name
      self.classes = classes
    }
  }

  /// What is wrong with an entry.
  struct Fault {
    /// The column at fault, or `link` for the place in the chain.
    let column: String
    let reason: String
  }

  /// What an entry turned out to be.
  enum Verdict {
    case sound
    /// Sound but for its personal part, which is gone; another entry must say why.
    case erased
    case broken(Fault)
  }

  /// Every column of `crm_activities`: what the core hash covers, what the personal hash covers,
  /// and what follows from these.
  private static let columns = [
    Column("id", .text), Column("tenant_id", .text), Column("user_id", .text),
    Column("operation", .text), Column("entity_id", .text, .null),
    Column("entity_type", .text, .null), Column("credit_units", .integer),
    Column("timestamp", .text), Column("unit_id", .text, .null),
    Column("unit_path", .text, .null), Column("source", .text),
    Column("received_at", .text, .null), Column("salt", .blob, .null),
    Column("session_id", .text, .null), Column("user_context", .text, .null),
    Column("permissions", .text, .null), Column("metadata", .text, .null),
    Column("compliance", .text, .null), Column("credit_cost", .integer, .real),
    Column("created_at", .text), Column("seq", .integer), Column("core_hash", .blob),
    Column("personal_hash", .blob), Column("hash", .blob),
  ]
  /// Places of the columns above.
  private enum Place {
    static let id = 0
    static let tenantID = 1
    static let operation = 3
    static let creditUnits = 6
    static let timestamp = 7
    static let source = 10
    static let receivedAt = 11
    static let salt = 12
    static let personal = 13...17
    static let metadata = 16
    static let creditCost = 18
    static let createdAt = 19
    static let seq = 20
    static let coreHash = 21
    static let personalHash = 22
    static let hash = 23
  }

  /// The columns of a SELECT whose rows ``init(row:)`` reads: all, and what SQLite makes of the
  /// cost, since it does not round every decimal to the nearest double.
  static let selected =
    columns.map { "a.\($0.name)" }.joined(separator: ", ")
    + ", CAST(printf('%d.%04d', a.credit_units / 10000, a.credit_units % 10000) AS NUMERIC)"

  private let classes: [Statement.StorageClass]
  /// Text and blobs; nil for NULL and numbers.
  private let bytes: [[UInt8]?]
  private let creditUnits: Int64
  private let creditCost: Double
  private let isCostRight: Bool
  let seq: Int64

  init(row: borrowing Statement) {
    var classes: [Statement.StorageClass] = []
    var bytes: [[UInt8]?] = []
    classes.reserveCapacity(Self.columns.count)
    bytes.reserveCapacity(Self.columns.count)
    for place in Self.columns.indices {
      let storage = row.storageClass(place)
      classes.append(storage)
      bytes.append(storage == .text || storage == .blob ? row.blob(place) : nil)
    }
    self.classes = classes
    self.bytes = bytes
    creditUnits = row.integer(Place.creditUnits) ?? 0
    creditCost = row.real(Place.creditCost) ?? 0
    isCostRight =
      creditCost == Double(FixedPoint.text(units: creditUnits, scale: 4))
      || creditCost == row.real(Self.columns.count)
    seq = row.integer(Place.seq) ?? 0
  }

  var id: String { text(Place.id) }
  var tenantID: String { text(Place.tenantID) }
  var operation: String { text(Place.operation) }
  /// Whether it is this program's own word, which alone says something of the chain.
  var isOwn: Bool { bytes[Place.source] == Array(ActivitySource.cardfile.rawValue.utf8) }
  var metadata: [UInt8] { bytes[Place.metadata] ?? [] }
  var hash: [UInt8] { bytes[Place.hash] ?? [] }

  private func text(_ place: Int) -> String {
    String(decoding: bytes[place] ?? [], as: UTF8.self)
  }

  /// Whether what is stored of the hashes makes it the follower of `previous`, whatever its other
  /// columns say.
  func follows(_ previous: [UInt8]) -> Bool {
    let core = bytes[Place.coreHash] ?? []
    let personal = bytes[Place.personalHash] ?? []
    return EntryHash.link(previous: previous, core: core, personal: personal) == hash
  }

  /// Looks at every column, as the entry of `tenantID` that follows `previous`.
  func verdict(tenantID: String, previous: [UInt8]) -> Verdict {
    for (place, column) in Self.columns.enumerated() where !column.classes.contains(classes[place])
    {
      return .broken(Fault(column: column.name, reason: "holds a value of another type"))
    }
    guard bytes[Place.tenantID] == Array(tenantID.utf8) else {
      return .broken(Fault(column: "tenant_id", reason: "names another tenant than the index"))
    }
    if let fault = hashFault(previous: previous) ?? derivedFault { return .broken(fault) }
    return isErased ? .erased : .sound
  }

  /// Whether the personal part is gone as a whole.
  private var isErased: Bool {
    bytes[Place.salt] == nil && Place.personal.allSatisfy { bytes[$0] == nil }
  }

  /// What the three hashes say.
  private func hashFault(previous: [UInt8]) -> Fault? {
    let core = coreInput(coreParts).hash
    let personal = isErased ? bytes[Place.personalHash] ?? [] : personalInput(personalParts).hash
    let isCoreRight = core == bytes[Place.coreHash]
    let isPersonalRight = personal == bytes[Place.personalHash]
    if isCoreRight, isPersonalRight {
      return follows(previous)
        ? nil : Fault(column: "link", reason: "does not follow the entry before it")
    }
    // Where the content still makes the link, the stored hash of it is what was changed.
    if EntryHash.link(previous: previous, core: core, personal: personal) == hash {
      return Fault(
        column: isCoreRight ? "personal_hash" : "core_hash",
        reason: "is not the hash of the entry's content")
    }
    return Fault(
      column: isCoreRight ? personalCulprit : coreCulprit, reason: "is not what was written")
  }

  /// What is stored twice must be the same twice.
  private var derivedFault: Fault? {
    guard isCostRight else {
      return Fault(column: "credit_cost", reason: "is not what credit_units says")
    }
    let isCostWhole = creditUnits % 10_000 == 0
    guard classes[Place.creditCost] == (isCostWhole ? .integer : .real) else {
      return Fault(column: "credit_cost", reason: "holds a value of another type")
    }
    guard bytes[Place.createdAt] == bytes[Place.receivedAt] ?? bytes[Place.timestamp] else {
      return Fault(column: "created_at", reason: "is not what timestamp or received_at says")
    }
    return nil
  }
}

// Which column it was.
extension StoredEntry {
  /// Names of the parts that the core hash is taken over, then of the one that may follow them.
  private static let coreNames = (Place.id...Place.receivedAt).map { columns[$0].name }
  /// The same of the personal hash.
  private static let personalNames = ([Place.salt] + Place.personal).map { columns[$0].name }

  /// What one bit is looked for in at most, in bytes: each bit costs a hash.
  private static let searchedBytesMax = 4096

  private var coreParts: [[UInt8]?] {
    (Place.id...Place.receivedAt).map { place in
      place == Place.creditUnits
        ? Array(FixedPoint.text(units: creditUnits, scale: 4).utf8) : bytes[place]
    }
  }

  private var personalParts: [[UInt8]?] { ([Place.salt] + Place.personal).map { bytes[$0] } }

  private func coreInput(_ parts: [[UInt8]?]) -> HashInput {
    EntryHash.coreInput(Array(parts.dropLast()), receivedAt: parts.last.flatMap(\.self))
  }

  private func personalInput(_ parts: [[UInt8]?]) -> HashInput {
    EntryHash.personalInput(
      salt: parts.first.flatMap(\.self) ?? [], Array(parts.dropFirst()))
  }

  /// Whether it was written as an entry of `tenantID`, whatever its column says now.
  func was(of tenantID: String) -> Bool {
    var parts = coreParts
    parts[Place.tenantID] = Array(tenantID.utf8)
    return coreInput(parts).hash == bytes[Place.coreHash]
  }

  /// The column whose change the core hash tells of.
  private var coreCulprit: String {
    // The two columns of the cost tell each other's changes.
    if !isCostRight {
      var parts = coreParts
      let units = Int64((creditCost * 10_000).rounded())
      parts[Place.creditUnits] = Array(FixedPoint.text(units: units, scale: 4).utf8)
      if coreInput(parts).hash == bytes[Place.coreHash] {
        return Self.columns[Place.creditUnits].name
      }
    }
    return Self.culprit(coreInput(coreParts), bytes[Place.coreHash], Self.coreNames)
  }

  /// The column whose change the personal hash tells of.
  private var personalCulprit: String {
    if bytes[Place.salt] == nil { return Self.columns[Place.salt].name }
    return Self.culprit(personalInput(personalParts), bytes[Place.personalHash], Self.personalNames)
  }

  /// The name of the part at fault; of all where more than a bit was changed.
  private static func culprit(_ input: HashInput, _ hash: [UInt8]?, _ names: [String]) -> String {
    guard let hash, input.bytes.count <= searchedBytesMax,
      let number = input.partWithTurnedBit(for: hash)
    else { return names.joined(separator: ", ") }
    return names[number]
  }
}
