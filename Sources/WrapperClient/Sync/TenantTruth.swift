internal import JSON

/// What is held of a tenant, part by part, as events change it.
struct TenantTruth: Sendable {
  private(set) var tenant = JSONObject()
  private(set) var tree = OrganizationTree()
  private(set) var profiles: [String: UserProfile] = [:]
  private(set) var grants: [String: UserGrants] = [:]
  private(set) var roles: [String: DirectoryRole] = [:]
  /// Nil until the first credit configuration arrived.
  private(set) var credits: CreditConfiguration?

  /// The ids of everybody, in no order.
  var userIDs: Set<String> { Set(profiles.keys).union(grants.keys) }

  func knows(_ userID: String) -> Bool { profiles[userID] != nil || grants[userID] != nil }

  /// Whether the user may act at all; nil for one that nobody knows.
  func isActive(_ userID: String) -> Bool? {
    guard knows(userID) else { return nil }
    // Either collection may be the first to say that somebody left.
    return (profiles[userID]?.isActive ?? true) && (grants[userID]?.isActive ?? true)
  }

  /// An estimate of what all of it occupies, in bytes.
  var heldBytes: Int {
    var held = HeldBytes()
    held.add(tenant)
    tree.addHeldBytes(to: &held)
    held.add(bytes: HeldBytes.dictionary(profiles) + HeldBytes.dictionary(grants))
    for (id, profile) in profiles {
      held.add(bytes: HeldBytes.text(id))
      for text in [
        profile.name, profile.email, profile.title, profile.department, profile.departmentID,
        profile.organizationID, profile.location,
      ] {
        held.add(text)
      }
    }
    for (id, grants) in grants {
      held.add(bytes: HeldBytes.text(id))
      held.add(shared: grants.permissions)
      held.add(shared: grants.roleIDs)
    }
    held.add(bytes: HeldBytes.dictionary(roles))
    for (id, role) in roles {
      held.add(bytes: HeldBytes.text(id))
      held.add(role.name)
      held.add(shared: role.permissions)
    }
    if let credits {
      held.add(credits.planType)
      held.add(credits.pricing)
      held.add(bytes: HeldBytes.dictionary(credits.operations))
      for code in credits.operations.keys { held.add(code) }
    }
    return held.total
  }

  /// Forgets what can be read from the file again.
  mutating func dropOperational() {
    tenant = JSONObject()
    tree = OrganizationTree()
    profiles = [:]
  }

  mutating func apply(_ event: WrapperEvent) {
    switch event {
    case .operationCostChanged(let operation, let units):
      var operations = credits?.operations ?? [:]
      operations[operation] = units
      credits = (credits ?? .empty).with(operations: operations)
    case .creditPlanChanged(let plan):
      credits = plan.with(operations: credits?.operations ?? [:])
    case .roleChanged(let id, let role):
      roles[id] = role
    case .userGrantsChanged(let id, let grants):
      self.grants[id] = grants
    case .userProfileChanged(let id, let profile):
      profiles[id] = profile
    case .hierarchyChanged(let tree):
      self.tree = tree
    case .tenantChanged(let tenant):
      self.tenant = tenant
    }
  }

  /// The events that lead from what is held to what a whole collection says.
  func events(for snapshot: CollectionSnapshot) -> [WrapperEvent] {
    switch snapshot {
    case .permissions(let grants, let roles):
      Self.changes(from: self.roles, to: roles).map { .roleChanged(id: $0, role: $1) }
        + Self.changes(from: self.grants, to: grants).map {
          .userGrantsChanged(id: $0, grants: $1)
        }
    case .employees(let profiles):
      Self.changes(from: self.profiles, to: profiles).map {
        .userProfileChanged(id: $0, profile: $1)
      }
    case .organization(let tree):
      tree == self.tree ? [] : [.hierarchyChanged(tree)]
    case .tenant(let tenant):
      tenant == self.tenant ? [] : [.tenantChanged(tenant)]
    case .credits(let credits):
      creditEvents(for: credits)
    }
  }

  /// Whether taking `snapshot` loses all of the users, or half of them where there are several.
  ///
  /// Who is not active is no loss.
  func losesMany(to snapshot: CollectionSnapshot) -> Bool {
    switch snapshot {
    case .permissions(let grants, _):
      Self.losesMany(of: self.grants.filter(\.value.isActive).keys, to: grants)
    case .employees(let profiles):
      Self.losesMany(of: self.profiles.filter(\.value.isActive).keys, to: profiles)
    case .credits, .organization, .tenant: false
    }
  }

  private static func losesMany<Value>(
    of users: some Collection<String>, to new: [String: Value]
  ) -> Bool {
    let lost = users.count { new[$0] == nil }
    if new.isEmpty { return lost > 0 }
    return users.count >= Limits.usersUntilLossCounts && lost * 2 >= users.count
  }

  private func creditEvents(for new: CreditConfiguration) -> [WrapperEvent] {
    let costs: [WrapperEvent] = Self.changes(
      from: credits?.operations ?? [:], to: new.operations
    ).map { .operationCostChanged(operation: $0, units: $1) }
    let samePlan = credits?.with(operations: [:]) == new.with(operations: [:])
    return samePlan ? costs : [.creditPlanChanged(new)] + costs
  }

  /// The keys whose value differs, with the new value; nil where there is none any more.
  private static func changes<Value: Equatable>(
    from old: [String: Value], to new: [String: Value]
  ) -> [(String, Value?)] {
    let changed = new.filter { old[$0.key] != $0.value }.map { ($0.key, Value?.some($0.value)) }
    let removed = old.keys.filter { new[$0] == nil }.map { ($0, Value?.none) }
    return changed + removed
  }
}
