internal import JSON

/// What events of the feed do to one tenant, worked out beside what is held.
///
/// An event may be older than the snapshot that is held, because the cursor lags behind. Where that
/// cannot be excluded the collection is in *doubt*: then the event only takes away, and whatever
/// else it says is fetched. So no decision is ever more permissive than the last truth received,
/// and a revocation holds from the moment it arrived, even while nothing can be fetched.
struct FeedEffect: Sendable {
  /// What is held after the events so far.
  private(set) var truth: TenantTruth
  /// The events for the tenant's one handler, in order.
  private(set) var events: [WrapperEvent] = []
  /// What was changed, and so is kept beside the stored collections.
  private(set) var subjects: Set<OverlaySubject> = []
  /// What must be fetched again.
  private(set) var wanted: Set<WrapperCollection> = []

  /// The collections of which there is something to change.
  private let held: Set<WrapperCollection>
  private let doubtful: Set<WrapperCollection>

  init(on truth: TenantTruth, held: Set<WrapperCollection>, doubtful: Set<WrapperCollection>) {
    self.truth = truth
    self.held = held
    self.doubtful = doubtful
  }

  /// The collections in which something was changed or must be fetched.
  var touched: Set<WrapperCollection> { wanted.union(subjects.map(\.collection)) }

  /// What is kept of the changes in the database.
  var overlays: [Overlay] {
    subjects.map { Overlay($0, in: truth) }.sorted { $0.subject.rowID < $1.subject.rowID }
  }

  /// Takes the next event.
  mutating func take(_ event: FeedEvent) {
    switch event.change {
    case .cost(let operation, let units): takeCost(operation, units)
    case .role(let id, let name, let permissions): takeRole(id, name, permissions)
    case .roleDeleted(let id): takeDeletedRole(id)
    case .user(let change):
      takeGrants(change)
      takeProfile(change)
    case .activity: break
    case .unspecified, nil: wanted.formUnion(event.channel.topic.collections)
    }
  }

  private mutating func apply(_ event: WrapperEvent, _ subject: OverlaySubject) {
    truth.apply(event)
    events.append(event)
    subjects.insert(subject)
  }

  private mutating func takeCost(_ operation: String, _ units: Int64) {
    guard held.contains(.creditConfiguration) else {
      wanted.insert(.creditConfiguration)
      return
    }
    let present = truth.credits?.operations[operation] ?? 0
    let allowed = doubtful.contains(.creditConfiguration) ? max(present, units) : units
    if allowed != units { wanted.insert(.creditConfiguration) }
    if doubtful.contains(.creditConfiguration), allowed == present { return }
    if doubtful.contains(.creditConfiguration) { wanted.insert(.creditConfiguration) }
    apply(
      .operationCostChanged(operation: operation, units: allowed), .operation(operation))
  }

  private mutating func takeRole(_ id: String, _ name: String?, _ permissions: [String]?) {
    guard held.contains(.permissions) else {
      wanted.insert(.permissions)
      return
    }
    let present = truth.roles[id]
    if name == nil || permissions == nil { wanted.insert(.permissions) }
    guard let said = permissions ?? present?.permissions else { return }
    var role = DirectoryRole(id: id, name: name ?? present?.name ?? id, permissions: said)
    if doubtful.contains(.permissions) {
      guard role != present else { return }
      wanted.insert(.permissions)
      guard let present else { return }
      role = DirectoryRole(
        id: id, name: present.name,
        permissions: PermissionGrant.narrowed(said, to: present.permissions))
    }
    guard role != present else { return }
    apply(.roleChanged(id: id, role: role), .role(id))
  }

  private mutating func takeDeletedRole(_ id: String) {
    guard held.contains(.permissions) else {
      wanted.insert(.permissions)
      return
    }
    guard truth.roles[id] != nil else { return }
    if doubtful.contains(.permissions) { wanted.insert(.permissions) }
    apply(.roleChanged(id: id, role: nil), .role(id))
  }

  private mutating func takeGrants(_ change: FeedChange.UserChange) {
    let isComplete =
      change.permissions != nil && change.roleIDs != nil && change.isActive != nil
    if !isComplete { wanted.insert(.permissions) }
    guard held.contains(.permissions) else {
      wanted.insert(.permissions)
      return
    }
    let present = truth.grants[change.id]
    guard let permissions = change.permissions ?? present?.permissions,
      let roleIDs = change.roleIDs ?? present?.roleIDs
    else { return }
    var grants = UserGrants(
      permissions: permissions, roleIDs: roleIDs,
      isActive: change.isActive ?? present?.isActive ?? true)
    if doubtful.contains(.permissions) {
      guard grants != present else { return }
      wanted.insert(.permissions)
      // Of somebody who holds nothing, nothing can be taken.
      guard let present else { return }
      grants = UserGrants(
        permissions: PermissionGrant.narrowed(permissions, to: present.permissions),
        roleIDs: roleIDs.filter { present.roleIDs.contains($0) },
        isActive: present.isActive && grants.isActive)
    }
    guard grants != present else { return }
    apply(.userGrantsChanged(id: change.id, grants: grants), .user(change.id))
  }

  private mutating func takeProfile(_ change: FeedChange.UserChange) {
    let isComplete = change.profile.map { Overlay.profileMembers.isSubset(of: $0.names) } ?? false
    if !isComplete { wanted.insert(.employees) }
    guard held.contains(.employees) else {
      wanted.insert(.employees)
      return
    }
    let present = truth.profiles[change.id]
    guard change.profile != nil || present != nil else { return }
    let reader = SnapshotReader(tenantID: "")
    // The event was read before; it would not be here if its profile could not be.
    var profile =
      change.profile.flatMap { try? reader.profile($0, over: present) } ?? present
      ?? UserProfile(isActive: true)
    if let isActive = change.isActive { profile.isActive = isActive }
    if doubtful.contains(.employees) {
      guard profile != present else { return }
      wanted.insert(.employees)
      guard var narrowed = present, narrowed.isActive, !profile.isActive else { return }
      narrowed.isActive = false
      profile = narrowed
    }
    guard profile != present else { return }
    apply(.userProfileChanged(id: change.id, profile: profile), .profile(change.id))
  }
}
