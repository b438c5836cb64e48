internal import JSON

/// What a change of the directory says on the feed.
struct DirectoryEvent: Sendable {
  /// The last part of a channel's name, `crm:<tenant>:<channel>`.
  enum Channel: String, Sendable, CaseIterable {
    case creditConfigs = "credit-configs"
    case roles
    case users
    case hierarchy
    case activities

    /// The one type of event that the channel carries.
    var eventType: String {
      switch self {
      case .creditConfigs: "credit-config-changed"
      case .roles: "role-changed"
      case .users: "user-changed"
      case .hierarchy: "hierarchy-changed"
      case .activities: "activity-logged"
      }
    }
  }

  let tenantID: String
  let channel: Channel
  let data: JSONObject

  private init(_ tenantID: String, _ channel: Channel, _ members: [(String, JSONValue)]) {
    self.tenantID = tenantID
    self.channel = channel
    data = JSONObject([("tenantId", .string(tenantID))] + members)
  }

  /// The cost of one operation; without units it has none any more, and a reader looks again.
  static func operationCost(_ tenantID: String, _ operation: String, units: Int64?) -> Self {
    let cost = units.map { [("creditCost", JSONValue.decimal(units: $0, scale: 4))] } ?? []
    return Self(tenantID, .creditConfigs, [("operationCode", .string(operation))] + cost)
  }

  /// The plan, its limits or the balance: more than an event carries, so a reader looks again.
  static func creditPlan(_ tenantID: String, reason: String? = nil) -> Self {
    Self(tenantID, .creditConfigs, reason.map { [("reason", .string($0))] } ?? [])
  }

  /// A role as it is now, or as it was when it was deleted.
  static func role(_ tenantID: String, _ role: RoleRecord, isDeleted: Bool = false) -> Self {
    let mark: [(String, JSONValue)] = isDeleted ? [("deleted", true)] : []
    return Self(tenantID, .roles, role.document.members.map { ($0.name, $0.value) } + mark)
  }

  /// A user as they are now.
  static func user(_ user: UserRecord, _ units: Units) -> Self {
    Self(
      user.tenantID, .users,
      user.grantsDocument.members.map { ($0.name, $0.value) }
        + [("profile", .object(user.employeeDocument(units)))])
  }

  /// Users of whom nothing is said but that something about them has changed: the name of the
  /// department that their profiles carry, say.
  ///
  /// A reader looks again.
  static func users(_ tenantID: String) -> Self {
    Self(tenantID, .users, [])
  }

  /// A unit that came, changed or went.
  static func unit(_ tenantID: String, _ unitID: String) -> Self {
    Self(tenantID, .hierarchy, [("entityId", .string(unitID))])
  }

  /// The tenant itself: it has no channel of its own, and its organisation's is the nearest.
  static func tenant(_ tenantID: String) -> Self {
    Self(tenantID, .hierarchy, [])
  }

  /// An entry that was accepted.
  static func activity(_ tenantID: String, _ activity: JSONValue) -> Self {
    Self(tenantID, .activities, [("activity", activity)])
  }
}
