public import JSON
internal import Synchronization

/// Everything the Wrapper said of one tenant, as it was at one moment.
///
/// A snapshot never changes; a change makes another one of the next ``generation``. What is asked
/// often is worked out once and remembered inside it.
public final class TenantDirectory: Sendable {
  /// The tenant.
  public let tenantID: String
  /// Counts the snapshots of the tenant in this process, from 1.
  public let generation: Int

  private let truth: TenantTruth
  private let use: CacheUse
  private let derived = Mutex(DerivedAnswers())

  /// The truth as it is now, which is shared and not copied.
  init(tenantID: String, truth: TenantTruth, generation: Int, use: CacheUse) {
    self.tenantID = tenantID
    self.truth = truth
    self.generation = generation
    self.use = use
  }

  /// An estimate of what was worked out from the truth and is remembered, in bytes.
  var derivedBytes: Int { derived.withLock { $0.heldBytes } }

  /// The tenant's own answer: branding, features, settings.
  public var configuration: JSONObject {
    use.count(.tenantConfiguration)
    return truth.tenant
  }

  /// The tenant's name, its id when none is known.
  public var name: String { configuration["name"]?.string ?? tenantID }

  /// What operations cost and how much may be spent.
  public var creditConfiguration: CreditConfiguration {
    use.count(.creditConfiguration)
    return truth.credits ?? .empty
  }

  /// Every user, by id.
  public var users: [DirectoryUser] {
    use.count(.profiles)
    return truth.userIDs.sorted().map(person)
  }

  /// Every role, by id.
  public var roles: [DirectoryRole] {
    use.count(.roles)
    return truth.roles.values.sorted { $0.id < $1.id }
  }

  /// Every unit of the organisation, parents before children.
  public var units: [OrganizationUnit] {
    use.count(.hierarchy)
    return truth.tree.units
  }

  /// The user of that id.
  public func user(_ id: String) -> DirectoryUser? {
    guard truth.knows(id) else { return nil }
    use.count(.profiles)
    return person(id)
  }

  /// Whether the user may act at all; nil for a user whom nobody knows.
  public func isActive(_ userID: String) -> Bool? {
    use.countCritical()
    return truth.isActive(userID)
  }

  /// Whether the user's grants, direct and by role, reach `permission`, and how far.
  ///
  /// The widest grant wins; where a role and a direct grant are equally wide, the role is named.
  /// Inactive and unknown users may nothing.
  public func check(userID: String, permission: String) -> PermissionDecision {
    use.countCritical()
    if let decision = derived.withLock({ $0.decision(userID: userID, permission: permission) }) {
      return decision
    }
    let decision = decide(userID: userID, permission: permission)
    derived.withLock { $0.remember(decision, userID: userID, permission: permission) }
    return decision
  }

  /// The users whose current unit is the user's own or lies below it, and the user.
  ///
  /// Somebody without a known unit is alone in their team.
  public func teamMembers(of userID: String) -> [String] {
    use.count(.hierarchy)
    guard let unitID = truth.profiles[userID]?.departmentID, truth.tree.unit(unitID) != nil else {
      return [userID]
    }
    if let team = derived.withLock({ $0.team(unitID: unitID) }) { return team }
    let unitIDs = truth.tree.subtree(of: unitID)
    let team = truth.profiles.filter { member in
      member.value.departmentID.map { unitIDs.contains($0) } ?? false
    }.map(\.key).sorted()
    derived.withLock { $0.remember(team: team, unitID: unitID) }
    return team
  }

  /// What `operation` costs in 1/10,000 credit, 0 when nothing is said of it.
  public func creditUnits(for operation: String) -> Int64 {
    use.countCritical()
    return truth.credits?.operations[operation] ?? 0
  }

  /// Who the user is, for activities; also for users that nobody knows.
  public func context(for userID: String) -> ActivityContext {
    use.count(.profiles)
    use.count(.departments)
    if let context = derived.withLock({ $0.context(for: userID) }) { return context }
    guard truth.knows(userID) else { return ActivityContext(unknownUser: userID) }
    let user = person(userID)
    let context = ActivityContext(
      user: user, granted: grants(of: user),
      unit: user.departmentID.flatMap { truth.tree.unit($0) }, tree: truth.tree)
    return derived.withLock { $0.remember(context, for: userID) }
  }

  /// Every grant of the user, direct ones first, each once.
  public func grants(of user: DirectoryUser) -> [String] {
    var seen: Set<String> = []
    let all = user.directPermissions + user.roleIDs.flatMap { truth.roles[$0]?.permissions ?? [] }
    return all.filter { seen.insert($0).inserted }
  }

  /// The unit and everything below it, as `GET /api/organizations/:id/hierarchy` shows it.
  public func hierarchy(of unitID: String) -> JSONValue? {
    use.count(.hierarchy)
    return truth.tree.json(of: unitID)
  }

  /// The whole organisation: its root, or where the Wrapper names several a unit that bears the
  /// tenant's id and name and has all of them below it; nil while none is known.
  public var organization: JSONValue? {
    let roots = units.filter { $0.parentID == nil }
    guard let first = roots.first else { return nil }
    guard roots.count > 1 else { return truth.tree.json(of: first.id) }
    return truth.tree.json(above: roots, id: tenantID, name: name)
  }

  /// Whether nothing is known of the organisation.
  var holdsNoUnits: Bool { truth.tree.units.isEmpty }

  /// Whether the organisation has the unit.
  func holds(unit id: String) -> Bool { truth.tree.unit(id) != nil }

  /// The user as a newer answer shows them, with the grants that are held.
  ///
  /// - Throws: ``WrapperError/unavailable`` when the answer cannot be read.
  func person(_ id: String, _ answer: JSONObject) throws(WrapperError) -> DirectoryUser {
    do throws(AnswerRejection) {
      let profile = try SnapshotReader(tenantID: tenantID).profile(answer, over: nil)
      return DirectoryUser(id: id, profile: profile, grants: truth.grants[id], roles: truth.roles)
    } catch {
      throw .unavailable
    }
  }

  private func person(_ id: String) -> DirectoryUser {
    DirectoryUser(
      id: id, profile: truth.profiles[id], grants: truth.grants[id], roles: truth.roles)
  }

  private func decide(userID: String, permission: String) -> PermissionDecision {
    guard truth.isActive(userID) == true, let held = truth.grants[userID] else { return .denied }
    let parts = permission.split(separator: ".", omittingEmptySubsequences: false)
    var widest = PermissionDecision.denied
    func consider(_ grants: [String], source: @autoclosure () -> String) {
      for grant in grants.lazy.compactMap({ PermissionGrant($0) }) where grant.covers(parts) {
        guard !widest.isAllowed || grant.scope > widest.scope else { continue }
        widest = PermissionDecision(isAllowed: true, scope: grant.scope, source: source())
      }
    }
    for role in held.roleIDs.lazy.compactMap({ self.truth.roles[$0] }) {
      consider(role.permissions, source: "role:\(role.name)")
    }
    consider(held.permissions, source: "direct")
    return widest
  }
}
