/// How the caches of one tenant, or of all, are used and how large they are.
public struct CacheMetrics: Sendable, Equatable {
  /// How many entries each cache holds; of all tenants that are in memory.
  public struct Sizes: Sendable, Equatable {
    /// Operations that cost something.
    public var creditCosts = 0
    /// Users of whom it is known what they may.
    public var userPermissions = 0
    /// Roles that users hold, each user's by itself.
    public var userRoles = 0
    /// Users who may act at all.
    public var activeUsers = 0
    /// Users of whom it is known who they are.
    public var userProfiles = 0
    /// Units of the organisation.
    public var organizationHierarchy = 0
    /// Roles with their grants.
    public var roleDefinitions = 0
    /// Users whose unit is known.
    public var departmentMappings = 0
    /// Recent activities that came from elsewhere.
    public var activity = 0

    /// Caches that hold nothing.
    public init() {}
  }

  /// Questions about permissions, costs and active users that were answered from memory.
  public var criticalHits = 0
  /// All such questions.
  public var criticalLookups = 0
  /// Questions about profiles, departments, units, roles, plan and settings that were answered from
  /// memory within the life of the answer.
  public var operationalHits = 0
  /// All such questions.
  public var operationalLookups = 0
  /// How many entries there are.
  public var sizes = Sizes()
  /// An estimate of what all of it occupies.
  public var memoryBytes = 0
  /// What all tenants together may occupy.
  public var memoryBudgetBytes = 0

  /// Caches that hold nothing and were asked nothing.
  public init() {}

  /// All questions.
  public var totalRequests: Int { criticalLookups + operationalLookups }
}

extension CacheMetrics {
  mutating func add(_ totals: CacheUse.Totals) {
    criticalHits += totals.critical.hits
    criticalLookups += totals.critical.lookups
    operationalHits += totals.operational.hits
    operationalLookups += totals.operational.lookups
  }
}

extension CacheMetrics.Sizes {
  init(_ truth: TenantTruth) {
    creditCosts = truth.credits?.operations.count ?? 0
    userPermissions = truth.grants.count
    userRoles = truth.grants.values.reduce(0) { $0 + $1.roleIDs.count }
    activeUsers = truth.userIDs.count { truth.isActive($0) == true }
    userProfiles = truth.profiles.count
    organizationHierarchy = truth.tree.units.count
    roleDefinitions = truth.roles.count
    departmentMappings = truth.profiles.values.count { $0.departmentID != nil }
  }

  static func += (left: inout Self, right: Self) {
    left.creditCosts += right.creditCosts
    left.userPermissions += right.userPermissions
    left.userRoles += right.userRoles
    left.activeUsers += right.activeUsers
    left.userProfiles += right.userProfiles
    left.organizationHierarchy += right.organizationHierarchy
    left.roleDefinitions += right.roleDefinitions
    left.departmentMappings += right.departmentMappings
    left.activity += right.activity
  }
}
