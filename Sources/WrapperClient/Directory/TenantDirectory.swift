public import JSON
internal import Synchronization

/// Everything the Wrapper said of one tenant, as it was at one moment.
///
/// A snapshot never changes; a change makes another one of the next ``generation``. What is asked
/// often is worked out once and remembered inside it.
public final class TenantDirectory: Sendable {
  /// The tenant.
  public let tenantID: String
  /// The tenant's name, its id when none is known.
  public let name: String
  /// The tenant's own answer: branding, features, settings.
  public let configuration: JSONObject
  /// Counts the snapshots of the tenant in this process, from 1.
  public let generation: Int
  /// What operations cost and how much may be spent.
  public let creditConfiguration: CreditConfiguration
  /// Every user, by id.
  public let users: [DirectoryUser]
  /// Every role, by id.
  public let roles: [DirectoryRole]

  private let tree: OrganizationTree
  private let rolesByID: [String: DirectoryRole]
  private let userIndexes: [String: Int]
  private let derived = Mutex(Derived())

  /// What was asked already.
  private struct Derived {
    var decisions: [Question: PermissionDecision] = [:]
    var contexts: [String: ActivityContext] = [:]
    var teams: [String: [String]] = [:]
  }

  private struct Question: Hashable {
    var userID: String
    var permission: String
  }

  init(tenantID: String, truth: TenantTruth, generation: Int) {
    self.tenantID = tenantID
    self.generation = generation
    configuration = truth.tenant
    name = truth.tenant["name"]?.string ?? tenantID
    creditConfiguration = truth.credits ?? .empty
    tree = truth.tree
    rolesByID = truth.roles
    roles = truth.roles.values.sorted { $0.id < $1.id }
    users = Set(truth.profiles.keys).union(truth.grants.keys).sorted().map { id in
      DirectoryUser(
        id: id, profile: truth.profiles[id], grants: truth.grants[id], roles: truth.roles)
    }
    userIndexes = Dictionary(
      uniqueKeysWithValues: users.enumerated().map { ($0.element.id, $0.offset) })
  }

  /// Every unit of the organisation, parents before children.
  public var units: [OrganizationUnit] { tree.units }

  /// The user of that id.
  public func user(_ id: String) -> DirectoryUser? {
    userIndexes[id].map { users[$0] }
  }

  /// Whether the user's grants, direct and by role, reach `permission`, and how far.
  ///
  /// The widest grant wins; where a role and a direct grant are equally wide, the role is named.
  /// Inactive and unknown users may nothing.
  public func check(userID: String, permission: String) -> PermissionDecision {
    let question = Question(userID: userID, permission: permission)
    if let decision = derived.withLock({ $0.decisions[question] }) { return decision }
    let decision = decide(userID: userID, permission: permission)
    derived.withLock { derived in
      if derived.decisions.count >= Limits.decisionsPerTenantMax { derived.decisions = [:] }
      derived.decisions[question] = decision
    }
    return decision
  }

  /// The users whose current unit is the user's own or lies below it, and the user.
  ///
  /// Somebody without a known unit is alone in their team.
  public func teamMembers(of userID: String) -> [String] {
    if let team = derived.withLock({ $0.teams[userID] }) { return team }
    guard let user = user(userID) else { return [userID] }
    let unitIDs = user.departmentID.map { tree.subtree(of: $0) } ?? []
    let team = users.filter { member in
      member.id == userID || (member.departmentID.map { unitIDs.contains($0) } ?? false)
    }.map(\.id)
    derived.withLock { $0.teams[userID] = team }
    return team
  }

  /// What `operation` costs in 1/10,000 credit, 0 when nothing is said of it.
  public func creditUnits(for operation: String) -> Int64 {
    creditConfiguration.operations[operation] ?? 0
  }

  /// Who the user is, for activities; also for users that nobody knows.
  public func context(for userID: String) -> ActivityContext {
    if let context = derived.withLock({ $0.contexts[userID] }) { return context }
    guard let user = user(userID) else { return ActivityContext(unknownUser: userID) }
    let context = ActivityContext(
      user: user, granted: grants(of: user),
      unit: user.departmentID.flatMap { tree.unit($0) }, tree: tree)
    derived.withLock { $0.contexts[userID] = context }
    return context
  }

  /// Every grant of the user, direct ones first, each once.
  public func grants(of user: DirectoryUser) -> [String] {
    var seen: Set<String> = []
    let all = user.directPermissions + user.roleIDs.flatMap { rolesByID[$0]?.permissions ?? [] }
    return all.filter { seen.insert($0).inserted }
  }

  /// The unit and everything below it, as `GET /api/organizations/:id/hierarchy` shows it.
  public func hierarchy(of unitID: String) -> JSONValue? {
    tree.json(of: unitID)
  }

  private func decide(userID: String, permission: String) -> PermissionDecision {
    guard let user = user(userID), user.isActive else { return .denied }
    let parts = permission.split(separator: ".", omittingEmptySubsequences: false)
    var widest = PermissionDecision.denied
    func consider(_ grants: [String], source: @autoclosure () -> String) {
      for grant in grants.lazy.compactMap({ PermissionGrant($0) }) where grant.covers(parts) {
        guard !widest.isAllowed || grant.scope > widest.scope else { continue }
        widest = PermissionDecision(isAllowed: true, scope: grant.scope, source: source())
      }
    }
    for role in user.roleIDs.lazy.compactMap({ self.rolesByID[$0] }) {
      consider(role.permissions, source: "role:\(role.name)")
    }
    consider(user.directPermissions, source: "direct")
    return widest
  }
}
