internal import CRM
internal import HTTP
internal import JSON

/// What a batch may hold, and how its parts refer to each other.
enum Batch {
  /// `POST /api/batch`.
  static var endpoint: Endpoint {
    Endpoint(
      .post, "/api/batch", access: .signedIn, isMutation: true,
      bodyBytesMax: CRM.Limits.batchBodyBytesMax, .batch, handler: .batch)
  }

  /// One request of a batch, as the body describes it.
  struct Operation: Sendable {
    let method: HTTPMethod
    /// With the query.
    var path: String
    /// Null where there is none.
    var body: JSONValue
    let headers: HTTPHeaders
    /// The ids that stand in the path in the place of references.
    var referredIDs: Set<String> = []
  }

  /// The header fields that an operation may carry.
  private static let headerNames = ["If-Match", "If-None-Match", "X-Reason"]

  /// Reads `{"operations": […]}`.
  ///
  /// - Throws: 400, 422 naming the first operation at fault.
  static func operations(_ bytes: [UInt8]) throws(Problem) -> [JSONValue] {
    let body = try RecordBody.parse(bytes).members
    for name in body.names where name != "operations" {
      throw fault("/\(name.prefix(64))", "unknown_member", "only operations is known here")
    }
    guard let operations = body["operations"]?.array else {
      throw fault("/operations", "invalid_type", "a list is wanted")
    }
    guard (1...CRM.Limits.batchOperationsMax).contains(operations.count) else {
      throw fault(
        "/operations", "out_of_range", "1 to \(CRM.Limits.batchOperationsMax) operations fit")
    }
    return operations
  }

  /// Reads one of them.
  ///
  /// - Throws: 422 naming the member at fault.
  static func operation(_ json: JSONValue, at index: Int) throws(Problem) -> Operation {
    let pointer = "/operations/\(index)"
    guard let members = json.object else {
      throw fault(pointer, "invalid_type", "an object is wanted")
    }
    for name in members.names where !["method", "path", "body", "headers"].contains(name) {
      throw fault("\(pointer)/\(name.prefix(64))", "unknown_member", "there is no such member")
    }
    guard let method = members["method"]?.string.flatMap(HTTPMethod.init),
      [.post, .put, .patch, .delete].contains(method)
    else {
      throw fault(
        "\(pointer)/method", "invalid_value", "a batch takes POST, PUT, PATCH and DELETE")
    }
    guard let path = members["path"]?.string, path.hasPrefix("/") else {
      throw fault("\(pointer)/path", "invalid_value", "a path that begins with / is wanted")
    }
    var headers = HTTPHeaders()
    let given = members["headers"] ?? [:]
    for header in given.object?.members ?? [] {
      guard let value = header.value.string,
        headerNames.contains(where: { HTTPHeaders.areEqual($0, header.name) })
      else {
        throw fault(
          "\(pointer)/headers/\(header.name.prefix(64))", "unknown_member",
          "texts are taken for \(headerNames.joined(separator: ", "))")
      }
      headers.add(header.name, value)
    }
    guard given.object != nil else {
      throw fault("\(pointer)/headers", "invalid_type", "an object is wanted")
    }
    return Operation(
      method: method, path: path, body: members["body"] ?? .null, headers: headers)
  }

  /// 422 for one member of a batch's body.
  static func fault(_ pointer: String, _ code: String, _ detail: String) -> Problem {
    Problem(
      .validationFailed, "The body is not valid: \(pointer): \(detail).",
      issues: [.init(pointer: pointer, code: code, detail: detail)])
  }
}

/// The ids that later operations of a batch call `$0.id`, `$1.id` and so on.
struct BatchReferences {
  /// The id of each operation's record; nil where it has none.
  private(set) var ids: [String?] = []
  /// The places of those that others refer to.
  private(set) var referred: Set<Int> = []

  /// Notes the record of the next operation.
  mutating func append(_ id: String?) { ids.append(id) }

  /// The operation with ids in the place of references.
  ///
  /// - Throws: 422 for a reference to no earlier operation, or to one without a record.
  mutating func resolve(_ operation: Batch.Operation, at index: Int) throws(Problem)
    -> Batch.Operation
  {
    var operation = operation
    let pointer = "/operations/\(index)"
    let parts = operation.path.split(
      separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var segments: [String] = []
    for segment in parts[0].split(separator: "/", omittingEmptySubsequences: false) {
      let id = try id(String(segment), at: "\(pointer)/path")
      if let id { operation.referredIDs.insert(id) }
      segments.append(id ?? String(segment))
    }
    operation.path = segments.joined(separator: "/") + (parts.count > 1 ? "?\(parts[1])" : "")
    operation.body = try resolve(operation.body, at: "\(pointer)/body")
    return operation
  }

  private mutating func resolve(_ json: JSONValue, at pointer: String) throws(Problem)
    -> JSONValue
  {
    switch json {
    case .string(let text):
      return try id(text, at: pointer).map(JSONValue.string) ?? json
    case .array(let elements):
      var resolved: [JSONValue] = []
      for (index, element) in elements.enumerated() {
        resolved.append(try resolve(element, at: "\(pointer)/\(index)"))
      }
      return .array(resolved)
    case .object(let object):
      var resolved = object
      for member in object.members {
        resolved[member.name] = try resolve(
          member.value, at: "\(pointer)/\(member.name.prefix(64))")
      }
      return .object(resolved)
    case .null, .bool, .number:
      return json
    }
  }

  /// The id that `text` stands for; nil when it is no reference.
  private mutating func id(_ text: String, at pointer: String) throws(Problem) -> String? {
    guard text.hasPrefix("$"), text.hasSuffix(".id") else { return nil }
    let digits = text.dropFirst().dropLast(3)
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    guard let place = Int(digits), place < ids.count else {
      throw Batch.fault(pointer, "unknown_reference", "\(text.prefix(64)) is no earlier operation")
    }
    guard let id = ids[place] else {
      throw Batch.fault(pointer, "unknown_reference", "operation \(place) has no record")
    }
    referred.insert(place)
    return id
  }
}
