public import HTTP
public import JSON

/// The members of a request's body that make a record, freed from what is around them.
public struct RecordBody: Sendable {
  /// The record's members.
  public private(set) var members: JSONObject
  /// The user the body names; must be the caller's, unless the caller may act for others.
  public let userID: String?
  /// Where the members stand in the body, as the beginning of a JSON Pointer.
  let pointer: String

  /// Reads `bytes` as an object, or as `{"userId", "<envelope>": {…}}` where the resource has an
  /// envelope.
  ///
  /// - Throws: 400 `malformed_json`, 422 `validation_failed` for a body that is no object.
  public static func parse(_ bytes: [UInt8], for description: ResourceDescription? = nil)
    throws(Problem) -> RecordBody
  {
    var object = try object(bytes)
    var userID: String?
    if let named = object["userId"], description?.places.contains("userId") != true {
      guard let text = named.string else {
        throw validation([
          .init(pointer: "/userId", code: "invalid_type", detail: "a string is wanted")
        ])
      }
      userID = text
      object["userId"] = nil
    }
    guard let envelope = description?.bodyEnvelope, let inner = object[envelope] else {
      return RecordBody(members: object, userID: userID, pointer: "")
    }
    guard let members = inner.object else { throw notAnObject("/\(envelope)") }
    object[envelope] = nil
    if !object.isEmpty {
      throw validation(object.names.map { unknownMember($0, under: "") })
    }
    return RecordBody(members: members, userID: userID, pointer: "/\(envelope)")
  }

  /// Reads what a verb takes, and adds what it sets; no body at all is an empty object.
  ///
  /// - Throws: 400 `malformed_json`, 422 `validation_failed` for a member that it does not take.
  public static func parse(
    _ bytes: [UInt8], for verb: ResourceDescription.Verb, _ resource: Resource
  ) throws(Problem) -> RecordBody {
    let body = try parse(bytes.isEmpty ? Array("{}".utf8) : bytes, for: resource.description)
    let unknown = body.members.names.filter { !verb.takes.contains($0) }
    guard unknown.isEmpty else { throw validation(unknown.map { unknownMember($0, under: "") }) }
    return RecordBody(
      members: verb.sets.merged(with: body.members), userID: body.userID, pointer: "")
  }

  /// A body of the given members, which stand at `pointer` in the request's body.
  init(members: JSONObject, pointer: String = "") {
    self.init(members: members, userID: nil, pointer: pointer)
  }

  private init(members: JSONObject, userID: String?, pointer: String) {
    self.members = members
    self.userID = userID
    self.pointer = pointer
  }

  /// Lets the record hang from what the path names.
  ///
  /// - Throws: 422 when the body names something else.
  public mutating func hang(from parent: ParentReference) throws(Problem) {
    let named = [("entityType", parent.resource.description.entityType), ("entityId", parent.id)]
    for (name, value) in named {
      if let given = members[name], given != .string(value) {
        throw Self.validation([
          .init(
            pointer: "\(pointer)/\(name)", code: "read_only",
            detail: "the path says what it hangs from")
        ])
      }
      members[name] = .string(value)
    }
  }

  /// Lets the record bear the value by which the path names it.
  ///
  /// - Throws: 422 when the body names a value that is not the same.
  mutating func bear(
    _ field: Field, _ value: String, isSame: (_ given: String) -> Bool
  ) throws(Problem) {
    guard let given = members[field.name] else {
      members[field.name] = .string(value)
      return
    }
    guard let text = given.string, isSame(text) else {
      throw Self.validation([
        .init(
          pointer: "\(pointer)/\(field.name)", code: "read_only",
          detail: "the path says what \(field.name) is")
      ])
    }
  }

  /// The members of a body that takes these texts and nothing else, in the order of `names`.
  ///
  /// - Throws: 400 `malformed_json`, 422 naming every member that is unknown, missing or no text.
  public static func texts(_ names: [String], in bytes: [UInt8]) throws(Problem) -> [String] {
    let members = try object(bytes)
    var issues = members.names.filter { !names.contains($0) }.map { unknownMember($0, under: "") }
    let texts = names.map { name in
      switch members[name] {
      case .string(let text)?: return text
      case nil, .null?:
        issues.append(
          .init(pointer: "/\(name)", code: "required", detail: "the member is missing"))
      default:
        issues.append(
          .init(pointer: "/\(name)", code: "invalid_type", detail: "a string is wanted"))
      }
      return ""
    }
    guard issues.isEmpty else { throw validation(issues) }
    return texts
  }

  /// 422 with the members at fault.
  static func validation(_ issues: [Problem.Issue]) -> Problem {
    let first = issues.first.map { "\($0.pointer): \($0.detail)" } ?? ""
    let rest = issues.count > 1 ? ", and \(issues.count - 1) more" : ""
    return Problem(.validationFailed, "The body is not valid: \(first)\(rest).", issues: issues)
  }

  static func unknownMember(_ name: String, under pointer: String) -> Problem.Issue {
    Problem.Issue(
      pointer: "\(pointer)/\(escaped(name))", code: "unknown_member",
      detail: "there is no member \(name.prefix(64))")
  }

  /// A name as a JSON Pointer writes it (RFC 6901 section 3).
  static func escaped(_ name: String) -> String {
    String(name.prefix(64)).replacing("~", with: "~0").replacing("/", with: "~1")
  }

  /// Any JSON.
  ///
  /// - Throws: 400 `malformed_json`.
  static func json(_ bytes: [UInt8]) throws(Problem) -> JSONValue {
    do {
      return try JSONParser.parse(bytes)
    } catch {
      throw Problem(
        .malformedJSON, "The body is not JSON: \(error.reason), at byte \(error.offset).")
    }
  }

  private static func object(_ bytes: [UInt8]) throws(Problem) -> JSONObject {
    guard let object = try json(bytes).object else { throw notAnObject("") }
    return object
  }

  private static func notAnObject(_ pointer: String) -> Problem {
    validation([.init(pointer: pointer, code: "invalid_type", detail: "an object is wanted")])
  }
}

extension ResourceDescription {
  /// The names of all members.
  fileprivate var places: [String] { fields.map(\.name) }
}
