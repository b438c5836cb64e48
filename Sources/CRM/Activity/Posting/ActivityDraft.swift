public import HTTP
public import JSON
public import Values

/// An entry that another application wants in the activity log.
public struct ActivityDraft: Sendable {
  /// The user that it names; must be the caller's, unless the caller may act for others.
  public let userID: String?
  /// What it costs, in 1/10,000 credit.
  public let creditUnits: Int64
  let operation: String
  let entityType: String?
  let entityID: String?
  let sessionID: String?
  /// When it was done; nil for now.
  let timestamp: Timestamp?
  let metadata: JSONObject

  /// The members that are taken.
  private static let names = [
    "userId", "operation", "entityType", "entityId", "creditCost", "timestamp", "sessionId",
    "metadata",
  ]
  /// What the server alone writes into metadata.
  private static let ownMetadata = ["impersonatedBy", "offline"]
  /// How operations begin that only this server performs.
  private static let ownPrefix = "crm."

  /// Reads one entry.
  ///
  /// - Parameters:
  ///   - json: The entry.
  ///   - pointer: Where it stands in the body, as the beginning of a JSON Pointer.
  ///   - now: What its time is compared with.
  /// - Throws: 422 naming every member at fault.
  public init(_ json: JSONValue, at pointer: String = "", now: Timestamp) throws(Problem) {
    var reader = Reader(json, pointer)
    userID = reader.text("userId", charactersMax: Limits.nameCharactersMax)
    operation = reader.operation() ?? ""
    entityType = reader.text("entityType", charactersMax: Limits.labelCharactersMax)
    entityID = reader.text("entityId", charactersMax: Limits.nameCharactersMax)
    sessionID = reader.text("sessionId", charactersMax: Limits.nameCharactersMax)
    creditUnits = reader.cost()
    timestamp = reader.time(now)
    metadata = reader.metadata()
    guard reader.issues.isEmpty else { throw RecordBody.validation(reader.issues) }
  }

  /// Reads a body of one entry.
  ///
  /// - Throws: 400 `malformed_json`; 422.
  public static func one(_ bytes: [UInt8], now: Timestamp) throws(Problem) -> ActivityDraft {
    try ActivityDraft(RecordBody.json(bytes), now: now)
  }

  /// Reads `{"activities": […]}`.
  ///
  /// - Throws: 400 `malformed_json`; 422, with `index` where one of them is at fault.
  public static func several(_ bytes: [UInt8], now: Timestamp) throws(Problem) -> [ActivityDraft] {
    let body = try RecordBody.parse(bytes).members
    let unknown = body.names.filter { $0 != "activities" }
    guard unknown.isEmpty else {
      throw RecordBody.validation(unknown.map { RecordBody.unknownMember($0, under: "") })
    }
    guard let list = body["activities"]?.array else {
      throw RecordBody.validation([
        .init(pointer: "/activities", code: "invalid_type", detail: "a list is wanted")
      ])
    }
    guard (1...Limits.activitiesPerBatchMax).contains(list.count) else {
      throw RecordBody.validation([
        .init(
          pointer: "/activities", code: "out_of_range",
          detail: "1 to \(Limits.activitiesPerBatchMax) entries fit")
      ])
    }
    var drafts: [ActivityDraft] = []
    drafts.reserveCapacity(list.count)
    for (index, entry) in list.enumerated() {
      do throws(Problem) {
        drafts.append(try ActivityDraft(entry, at: "/activities/\(index)", now: now))
      } catch {
        throw error.at(index: index)
      }
    }
    return drafts
  }

  /// Reads members one by one and notes what is wrong with each.
  private struct Reader {
    let members: JSONObject
    let pointer: String
    var issues: [Problem.Issue] = []

    init(_ json: JSONValue, _ pointer: String) {
      self.pointer = pointer
      members = json.object ?? JSONObject()
      guard json.object != nil else {
        issues = [.init(pointer: pointer, code: "invalid_type", detail: "an object is wanted")]
        return
      }
      issues = members.names.filter { !ActivityDraft.names.contains($0) }
        .map { RecordBody.unknownMember($0, under: pointer) }
    }

    private mutating func note(_ name: String, _ issue: FieldIssue) {
      issues.append(
        .init(pointer: "\(pointer)/\(name)", code: issue.code, detail: issue.detail))
    }

    mutating func text(_ name: String, charactersMax: Int) -> String? {
      switch members[name] {
      case nil, .null?: return nil
      case .string(let text)?:
        do throws(FieldIssue) {
          if text.isEmpty { throw FieldIssue("required", "a text that is not empty is wanted") }
          return try TextField.checked(text, .text(charactersMax: charactersMax))
        } catch {
          note(name, error)
        }
      default: note(name, FieldIssue("invalid_type", "a string is wanted"))
      }
      return nil
    }

    mutating func operation() -> String? {
      let known = issues.count
      let operation = text("operation", charactersMax: Limits.nameCharactersMax)
      guard let operation else {
        if issues.count == known, members["operation"]?.string == nil {
          note("operation", FieldIssue("required", "the member is missing"))
        }
        return nil
      }
      if operation.lowercased().hasPrefix(ActivityDraft.ownPrefix) {
        note(
          "operation",
          FieldIssue("reserved", "operations that begin with \(ActivityDraft.ownPrefix) are ours"))
      }
      return operation
    }

    mutating func cost() -> Int64 {
      switch members["creditCost"] {
      case nil, .null?: return 0
      case .number(let number)?:
        guard let units = number.units(scale: 4), (0..<Limits.decimalUnitsMax).contains(units)
        else {
          note(
            "creditCost",
            FieldIssue("out_of_range", "a number from 0 with at most 4 decimals is wanted"))
          return 0
        }
        return units
      default:
        note("creditCost", FieldIssue("invalid_type", "a number is wanted"))
        return 0
      }
    }

    mutating func time(_ now: Timestamp) -> Timestamp? {
      switch members["timestamp"] {
      case nil, .null?: return nil
      case .string(let text)?:
        guard let time = Timestamp(rfc3339: text) else { break }
        let distance = (time.milliseconds - now.milliseconds).magnitude
        guard distance <= Limits.activityDistanceMillisecondsMax.magnitude else {
          note("timestamp", FieldIssue("out_of_range", "a time within 24 hours of now is wanted"))
          return nil
        }
        return time
      default: break
      }
      note(
        "timestamp",
        FieldIssue("invalid_timestamp", "a time like 2026-01-31T10:30:00.000Z is wanted"))
      return nil
    }

    mutating func metadata() -> JSONObject {
      guard let json = members["metadata"], json != .null else { return JSONObject() }
      do throws(FieldIssue) {
        let object = try StructuredField.object(json).object ?? JSONObject()
        for name in ActivityDraft.ownMetadata where object[name] != nil {
          note("metadata/\(name)", FieldIssue("read_only", "the server alone sets this"))
        }
        return object
      } catch {
        note("metadata", error)
        return JSONObject()
      }
    }
  }
}

extension Problem {
  /// The same, as the fault of one entry of a list, counted from 0.
  public func at(index: Int) -> Problem {
    var problem = self
    problem.members["index"] = .integer(index)
    return problem
  }
}
