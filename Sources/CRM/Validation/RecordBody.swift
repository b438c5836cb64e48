public import HTTP
public import JSON

/// The members of a request's body that make a record, freed from what is around them.
public struct RecordBody: Sendable {
  /// The record's members.
  public let members: JSONObject
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

  private static func object(_ bytes: [UInt8]) throws(Problem) -> JSONObject {
    let json: JSONValue
    do {
      json = try JSONParser.parse(bytes)
    } catch {
      throw Problem(
        .malformedJSON, "The body is not JSON: \(error.reason), at byte \(error.offset).")
    }
    guard let object = json.object else { throw notAnObject("") }
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
