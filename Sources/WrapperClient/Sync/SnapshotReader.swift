internal import JSON
internal import Values

/// Why an answer was refused as a whole.
///
/// Nothing of it reaches a cache.
struct AnswerRejection: Error, Hashable {
  /// What was wrong, without any of the answer's own content.
  let reason: String

  init(_ reason: String) {
    self.reason = reason
  }
}

/// Reads the Wrapper's answers strictly: one wrong member refuses the whole answer.
struct SnapshotReader {
  /// The tenant that was asked for; an answer that names another one is refused.
  let tenantID: String
  /// Operation codes that were left out because they do not begin with `crm.`.
  private(set) var foreignOperations = 0
  /// What the answer says more than once is held once.
  private let pool = TextPool()

  init(tenantID: String) {
    self.tenantID = tenantID
  }

  /// Reads `body` as the answer for `collection`.
  mutating func read(
    _ collection: WrapperCollection, _ body: [UInt8]
  ) throws(AnswerRejection) -> CollectionSnapshot {
    let value: JSONValue
    do {
      value = try JSONParser.parse(body)
    } catch {
      throw AnswerRejection("no JSON: \(error.reason) at byte \(error.offset)")
    }
    switch collection {
    case .permissions: return try permissions(value)
    case .creditConfiguration: return .credits(try credits(value))
    case .employees: return .employees(try profiles(Self.employees(in: value)))
    case .organization: return .organization(try tree(value))
    case .tenant: return .tenant(try object(value, "the tenant"))
    }
  }

  /// The elements of a page of employees and where the next one begins.
  static func page(_ body: [UInt8]) throws(AnswerRejection) -> (
    employees: [JSONValue], nextCursor: String?
  ) {
    let value: JSONValue
    do {
      value = try JSONParser.parse(body)
    } catch {
      throw AnswerRejection("no JSON: \(error.reason) at byte \(error.offset)")
    }
    return (try employees(in: value), value["nextCursor"]?.string)
  }

  private static func employees(in value: JSONValue) throws(AnswerRejection) -> [JSONValue] {
    guard let list = value.array ?? value["employees"]?.array ?? value["data"]?.array else {
      throw AnswerRejection("the employees are no list")
    }
    return list
  }

  private func permissions(_ value: JSONValue) throws(AnswerRejection) -> CollectionSnapshot {
    let answer = try object(value, "the permissions")
    guard let users = answer["users"]?.array, let roles = answer["roles"]?.array else {
      throw AnswerRejection("users or roles are no list")
    }
    var grants: [String: UserGrants] = [:]
    for user in users {
      let user = try object(user, "a user")
      grants[try text(user, "userId")] = try self.grants(user)
    }
    var known: [String: DirectoryRole] = [:]
    for role in roles {
      let role = try self.role(try object(role, "a role"))
      known[role.id] = role
    }
    return .permissions(grants: grants, roles: known)
  }

  /// What is said of one user's rights.
  func grants(_ user: JSONObject) throws(AnswerRejection) -> UserGrants {
    UserGrants(
      permissions: try permissionTexts(user), roleIDs: try texts(user, "roleIds"),
      isActive: try flag(user, "isActive") ?? true)
  }

  /// What is said of one role.
  func role(_ role: JSONObject) throws(AnswerRejection) -> DirectoryRole {
    let id = try text(role, "roleId")
    return DirectoryRole(
      id: id, name: try optionalText(role, "name") ?? id, permissions: try permissionTexts(role))
  }

  /// The profile that the members of `employee` make of `held`; absent ones leave it as it is.
  func profile(
    _ employee: JSONObject, over held: UserProfile?
  ) throws(AnswerRejection) -> UserProfile {
    func part(_ name: String, _ held: String?) throws(AnswerRejection) -> String? {
      employee[name] == nil ? held : try optionalText(employee, name)
    }
    return UserProfile(
      name: try part("name", held?.name), email: try part("email", held?.email),
      title: try part("title", held?.title),
      department: try part("department", held?.department),
      departmentID: try part("departmentId", held?.departmentID),
      organizationID: try part("organizationId", held?.organizationID),
      location: try part("location", held?.location),
      isActive: try flag(employee, "isActive") ?? held?.isActive ?? true)
  }

  /// What one operation costs.
  func operation(
    _ operation: JSONObject
  ) throws(AnswerRejection) -> (code: String, units: Int64) {
    let code = SharedTexts.grant(try text(operation, "operationCode"))
    guard case .number(let number)? = operation["creditCost"],
      let units = number.units(scale: 4, rounding: .up),
      (0...Limits.amountUnitsMax).contains(units)
    else { throw AnswerRejection("creditCost is no amount") }
    return (code, units)
  }

  private func profiles(_ list: [JSONValue]) throws(AnswerRejection) -> [String: UserProfile] {
    var profiles: [String: UserProfile] = [:]
    for element in list {
      let employee = try object(element, "an employee")
      profiles[try text(employee, "userId")] = try profile(employee, over: nil)
    }
    return profiles
  }

  private func tree(_ value: JSONValue) throws(AnswerRejection) -> OrganizationTree {
    let content = value["data"] ?? value
    var tree = OrganizationTree()
    for root in content.array ?? [content] { try add(root, below: nil, to: &tree) }
    return tree
  }

  /// Recursion is bounded by the parser's nesting limit.
  private func add(
    _ value: JSONValue, below parent: OrganizationUnit?, to tree: inout OrganizationTree
  ) throws(AnswerRejection) {
    let unit = try object(value, "a unit")
    let id = try text(unit, "entityId")
    let type = try optionalText(unit, "entityType") ?? "department"
    let name = try optionalText(unit, "name") ?? id
    guard tree.add(id: id, type: type, name: name, parent: parent), let added = tree.unit(id)
    else { throw AnswerRejection("a unit's id stands twice or holds a slash") }
    switch unit["children"] {
    case nil, .null: break
    case .array(let children)?:
      for child in children { try add(child, below: added, to: &tree) }
    default: throw AnswerRejection("children is no list")
    }
  }

  private mutating func credits(
    _ value: JSONValue
  ) throws(AnswerRejection) -> CreditConfiguration {
    let answer = try object(value, "the credit configuration")
    var operations: [String: Int64] = [:]
    switch answer["operations"] {
    case nil, .null: break
    case .array(let list)?:
      for element in list {
        let (code, units) = try self.operation(try object(element, "an operation"))
        if code.hasPrefix("crm.") {
          operations[code] = units
        } else {
          foreignOperations += 1
        }
      }
    default: throw AnswerRejection("operations is no list")
    }
    let features = answer["featureLimits"]
    return CreditConfiguration(
      planType: try optionalText(answer, "planType") ?? "unknown",
      monthlyLimitUnits: try limit(answer["monthlyLimit"], scale: 4),
      dailyLimitUnits: try limit(answer["dailyLimit"], scale: 4),
      overageAllowed: try flag(answer, "overageAllowed") ?? false,
      featureLimits: FeatureLimits(
        contacts: try limit(features?["contacts"], scale: 0),
        deals: try limit(features?["deals"], scale: 0),
        emails: try limit(features?["emails"], scale: 0),
        storageBytes: try storage(features?["storage"])),
      pricing: answer["pricing"] ?? .object(JSONObject()), operations: operations)
  }

  /// A missing or negative limit is none.
  private func limit(_ value: JSONValue?, scale: Int) throws(AnswerRejection) -> Int64? {
    switch value {
    case nil, .null: return nil
    case .number(let number)?:
      guard let units = number.units(scale: scale, rounding: .down) else {
        throw AnswerRejection("a limit has too many digits")
      }
      return units < 0 ? nil : units
    default: throw AnswerRejection("a limit is no number")
    }
  }

  private func storage(_ value: JSONValue?) throws(AnswerRejection) -> Int64? {
    guard case .string(let text)? = value else { return try limit(value, scale: 0) }
    guard let bytes = StorageSize.bytes(text) else {
      throw AnswerRejection("the storage limit is no size")
    }
    return bytes
  }
}

extension SnapshotReader {
  /// The object, refused when it names another tenant than the one asked for.
  func object(_ value: JSONValue, _ what: String) throws(AnswerRejection) -> JSONObject {
    guard let object = value.object else { throw AnswerRejection("\(what) is no object") }
    switch object["tenantId"] {
    case nil, .null: return object
    case .string(tenantID)?: return object
    default: throw AnswerRejection("\(what) names another tenant")
    }
  }

  private func text(_ object: JSONObject, _ name: String) throws(AnswerRejection) -> String {
    guard let text = object[name]?.string, !text.isEmpty else {
      throw AnswerRejection("\(name) is no text")
    }
    return text
  }

  func optionalText(
    _ object: JSONObject, _ name: String
  ) throws(AnswerRejection) -> String? {
    switch object[name] {
    case nil, .null: return nil
    case .string(let text)?: return text.isEmpty ? nil : pool.share(text)
    default: throw AnswerRejection("\(name) is no text")
    }
  }

  func flag(_ object: JSONObject, _ name: String) throws(AnswerRejection) -> Bool? {
    switch object[name] {
    case nil, .null: return nil
    case .bool(let flag)?: return flag
    default: throw AnswerRejection("\(name) is neither true nor false")
    }
  }

  func texts(_ object: JSONObject, _ name: String) throws(AnswerRejection) -> [String] {
    let texts = try list(object, name).map { value throws(AnswerRejection) in
      guard let text = value.string else { throw AnswerRejection("\(name) holds no text") }
      return text
    }
    return pool.share(texts)
  }

  /// Grants of any form are kept; only their owner's list must be one.
  func permissionTexts(_ object: JSONObject) throws(AnswerRejection) -> [String] {
    pool.share(
      try list(object, "permissions").map { SharedTexts.grant($0.string ?? $0.text) })
  }

  private func list(_ object: JSONObject, _ name: String) throws(AnswerRejection) -> [JSONValue] {
    switch object[name] {
    case nil, .null: return []
    case .array(let values)?: return values
    default: throw AnswerRejection("\(name) is no list")
    }
  }
}
