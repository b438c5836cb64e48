internal import Cryptography
internal import JSON
internal import Values

/// The members of an archived entry by name, whether they came as JSON or as cells.
///
/// Names may be those of the API (`userId`) or of the table (`user_id`).
struct ArchiveFields {
  private enum Value {
    case json(JSONValue, text: String)
    case cell(String)
  }

  /// The most that one context may take, in bytes.
  private static let contextBytesMax = 4 * 1024 * 1024
  /// The most that any other text may take, in bytes.
  private static let textBytesMax = 16 * 1024

  private var values: [String: Value] = [:]

  /// Reads an object.
  init(ndjson line: [UInt8]) throws(ArchiveFault) {
    do throws(JSONSyntaxError) {
      for member in try JSONParser.locatedMembers(line) where member.value != .null {
        values[Self.name(member.name)] = .json(
          member.value, text: String(decoding: line[member.range], as: UTF8.self))
      }
    } catch {
      throw ArchiveFault("it is no JSON object: \(error.reason) (byte \(error.offset + 1))")
    }
  }

  /// Takes a line of CSV under the header `names`.
  init(_ names: [String], _ cells: [String?]) throws(ArchiveFault) {
    guard cells.count == names.count else {
      throw ArchiveFault("it has \(cells.count) cells under \(names.count) names")
    }
    for (name, cell) in zip(names, cells) {
      if let cell { values[name] = .cell(CSVFormula.restored(cell)) }
    }
  }

  /// `user_id` as `userId`.
  static func name(_ name: String) -> String {
    guard name.contains("_") else { return name }
    let words = name.lowercased().split(separator: "_").map(String.init)
    let rest = words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }
    return (words.prefix(1) + rest).joined()
  }

  func text(_ name: String) throws(ArchiveFault) -> String? {
    let text: String
    switch values[name] {
    case nil: return nil
    case .cell(let cell)?: text = cell
    case .json(.string(let value), _)?: text = value
    case .json(.number(let number), _)?: text = number.text
    case .json?: throw ArchiveFault("\(name) must be a text")
    }
    guard text.utf8.count <= Self.textBytesMax else {
      throw ArchiveFault("\(name) has more than \(Self.textBytesMax) bytes")
    }
    return text
  }

  /// A text that must be there.
  func wanted(_ name: String) throws(ArchiveFault) -> String {
    guard let text = try text(name), !text.isEmpty else { throw ArchiveFault("\(name) is missing") }
    return text
  }

  /// A JSON object as it was written; also one that is in a text, as tables hold it.
  func object(_ name: String) throws(ArchiveFault) -> String? {
    let text: String
    switch values[name] {
    case nil: return nil
    case .json(.object, let written)?: text = written
    case .json(.string(let value), _)?, .cell(let value)?:
      // What is wrong with it is said below.
      guard let parsed = try? JSONParser.parse(value), parsed.object != nil else {
        throw ArchiveFault("\(name) must be a JSON object")
      }
      text = value
    case .json?: throw ArchiveFault("\(name) must be a JSON object")
    }
    guard text.utf8.count <= Self.contextBytesMax else {
      throw ArchiveFault("\(name) has more than \(Self.contextBytesMax) bytes")
    }
    return text
  }

  func integer(_ name: String) throws(ArchiveFault) -> Int64? {
    guard let text = try text(name) else { return nil }
    guard let integer = Int64(text) else { throw ArchiveFault("\(name) must be a whole number") }
    return integer
  }

  /// An amount in 1/10,000 credit, 0 when there is none.
  func units(_ name: String) throws(ArchiveFault) -> Int64 {
    guard let text = try text(name) else { return 0 }
    do throws(FixedPoint.ParseError) {
      let units = try FixedPoint.units(text, scale: 4)
      guard (0...Limits.decimalUnitsMax).contains(units) else {
        throw FixedPoint.ParseError.outOfRange
      }
      return units
    } catch {
      switch error {
      case .notANumber: throw ArchiveFault("\(name) must be a number")
      case .tooManyDecimals: throw ArchiveFault("\(name) may have 4 decimals")
      case .outOfRange:
        throw ArchiveFault("\(name) must be from 0 to \(Limits.decimalUnitsMax / 10_000)")
      }
    }
  }

  /// A time, in UTC where it has no offset.
  func time(_ name: String) throws(ArchiveFault) -> Timestamp? {
    guard let text = try text(name) else { return nil }
    guard let time = Timestamp(rfc3339: text) ?? Timestamp(rfc3339: text + "Z"),
      time.milliseconds >= 0
    else { throw ArchiveFault("\(name) must be a time since 1970, such as 2026-01-31T10:30:00Z") }
    return time
  }

  /// Bytes in hexadecimal.
  func bytes(_ name: String, count: Int) throws(ArchiveFault) -> [UInt8]? {
    guard let text = try text(name) else { return nil }
    guard let bytes = Hexadecimal.bytes(text), bytes.count == count else {
      throw ArchiveFault("\(name) must be \(count) bytes in hexadecimal")
    }
    return bytes
  }

  func has(_ name: String) -> Bool { values[name] != nil }
}

extension ArchivedActivity {
  /// Reads a line of NDJSON.
  ///
  /// - Throws: ``ArchiveFault`` with what is wrong.
  public init(ndjson line: [UInt8]) throws(ArchiveFault) {
    try self.init(ArchiveFields(ndjson: line))
  }

  /// Takes a line of CSV under the header `names`.
  ///
  /// - Throws: ``ArchiveFault`` with what is wrong.
  public init(names: [String], cells: [String?]) throws(ArchiveFault) {
    try self.init(ArchiveFields(names, cells))
  }

  private init(_ fields: ArchiveFields) throws(ArchiveFault) {
    guard let timestamp = try fields.time("timestamp") else {
      throw ArchiveFault("timestamp is missing")
    }
    self.init(
      id: try fields.text("id") ?? "", tenantID: try fields.text("tenantId") ?? "",
      userID: try fields.wanted("userId"), operation: try fields.wanted("operation"),
      timestamp: timestamp)
    seq = try fields.integer("seq")
    entityID = try fields.text("entityId")
    entityType = try fields.text("entityType")
    creditUnits = try fields.units("creditCost")
    sessionID = try fields.text("sessionId")
    unitID = try fields.text("unitId")
    unitPath = try fields.text("unitPath")
    userContext = try fields.object("userContext")
    permissions = try fields.object("permissions")
    metadata = try fields.object("metadata")
    compliance = try fields.object("compliance")
    if let name = try fields.text("source") {
      guard let known = ActivitySource(rawValue: name) else {
        throw ArchiveFault("source must be cardfile, api or import")
      }
      source = known
    }
    receivedAt = try fields.time("receivedAt")
    salt = try fields.bytes("salt", count: Self.saltBytes)
    coreHash = try fields.bytes("coreHash", count: Self.hashBytes)
    personalHash = try fields.bytes("personalHash", count: Self.hashBytes)
    hash = try fields.bytes("hash", count: Self.hashBytes)
    isWithheld = fields.has("withheld")
  }

  static let saltBytes = 16
  static let hashBytes = 32
}
