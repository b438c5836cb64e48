internal import CRM
internal import HTTP
internal import JSON
internal import WrapperClient

extension RequestContext {
  /// Who administers the tenant.
  static let adminPermission = "crm.admin"

  /// Whether the caller has a permission for the whole tenant.
  ///
  /// What has no owner is reached by no narrower scope.
  func may(_ permission: String) -> Bool {
    let decision = directory.check(userID: session.userID, permission: permission)
    return decision.isAllowed && decision.scope == .tenant
  }

  /// Whether the caller administers the tenant.
  var isAdmin: Bool { may(Self.adminPermission) }

  /// What the caller may see of that which records refer to.
  var related: RelatedAccess {
    RelatedAccess(
      scope: { [directory, session] permission in
        let decision = directory.check(userID: session.userID, permission: permission)
        return decision.isAllowed
          ? RecordScope(decision, userID: session.userID, directory) : nil
      },
      user: { [directory] id in
        guard let user = directory.user(id) else { return nil }
        return [
          "id": .string(user.id), "name": JSONValue(user.name), "email": JSONValue(user.email),
          "title": JSONValue(user.title), "department": JSONValue(user.department),
        ]
      })
  }

  /// Lets those pass who have `permission` or administer the tenant.
  ///
  /// - Throws: 403 naming `permission`.
  func require(_ permission: String) throws(Problem) {
    guard may(permission) || isAdmin else { throw .insufficientPermissions(permission) }
  }

  /// The same request, as one that `permission` allows.
  func acting(by permission: String) -> RequestContext {
    RequestContext(
      request: request, parameters: parameters, session: session, directory: directory,
      permission: permission, operation: operation,
      decision: directory.check(userID: session.userID, permission: permission),
      address: address, idempotencyKey: idempotencyKey)
  }

  /// The same request, as one that does `operation`.
  func doing(_ operation: Endpoint.Operation) -> RequestContext {
    RequestContext(
      request: request, parameters: parameters, session: session, directory: directory,
      permission: operation.permission, operation: operation.name,
      decision: directory.check(userID: session.userID, permission: operation.permission),
      address: address, idempotencyKey: idempotencyKey, createdBefore: createdBefore)
  }

  /// The query's values by name; each parameter may stand once.
  ///
  /// - Throws: 400 naming a parameter that is not among `names` or stands twice.
  func queryValues(_ names: [String]) throws(Problem) -> [String: String] {
    try request.head.queryValues(names)
  }

  /// A parameter that is `true` or `false`.
  ///
  /// - Throws: 400 for anything else.
  static func flag(_ values: [String: String], _ name: String) throws(Problem) -> Bool? {
    switch values[name] {
    case nil: return nil
    case "true": return true
    case "false": return false
    default: throw .invalidParameter(name, "must be true or false")
    }
  }
}

extension HTTPRequestHead {
  /// The query's values by name; each parameter may stand once.
  ///
  /// - Throws: 400 naming a parameter that is not among `names` or stands twice.
  func queryValues(_ names: [String]) throws(Problem) -> [String: String] {
    var values: [String: String] = [:]
    guard !query.isEmpty else { return values }
    for item in try QueryItems(parsing: query).items {
      guard names.contains(item.name) else {
        throw .invalidParameter(item.name, "is not known here", in: .name)
      }
      guard values.updateValue(item.value, forKey: item.name) == nil else {
        throw .invalidParameter(item.name, "stands twice", in: .name)
      }
    }
    return values
  }
}

extension HTTPResponse {
  /// An answer that holds for this caller and this moment only.
  static func personal(_ body: [UInt8]) -> HTTPResponse {
    var response = HTTPResponse.json(body)
    response.headers.add("Vary", "Authorization, Accept-Encoding")
    response.headers.add("Cache-Control", "private, no-cache")
    return response
  }

  /// `{"data": …}` for this caller.
  static func data(_ value: JSONValue) -> HTTPResponse {
    var writer = JSONWriter(capacity: 1024)
    writer.beginObject()
    writer.member("data", value)
    writer.endObject()
    return .personal(writer.bytes)
  }
}
