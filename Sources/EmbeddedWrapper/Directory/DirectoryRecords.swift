public import JSON

/// A tenant of the directory.
public struct TenantRecord: Sendable, Hashable {
  /// The tenant's id.
  public let id: String
  /// The tenant's name.
  public let name: String
  /// `branding`, `features` and `settings` as objects.
  public let branding: JSONObject
  /// What is switched on.
  public let features: JSONObject
  /// `timezone`, `currency` and the like.
  public let settings: JSONObject

  init(
    id: String, name: String, branding: JSONObject = JSONObject(),
    features: JSONObject = JSONObject(), settings: JSONObject = JSONObject()
  ) {
    self.id = id
    self.name = name
    self.branding = branding
    self.features = features
    self.settings = settings
  }
}

/// What kind of place a unit is.
public enum UnitType: String, Sendable, CaseIterable {
  /// A whole organisation.
  case organization
  /// A department of it.
  case department
  /// A team of a department.
  case team
}

/// A unit of a tenant's organisation.
public struct UnitRecord: Sendable, Hashable {
  /// The unit's id.
  public let id: String
  /// The unit above it.
  public let parentID: String?
  /// What kind of place it is.
  public let type: UnitType
  /// Its name.
  public let name: String
}

/// A role of a tenant.
public struct RoleRecord: Sendable, Hashable {
  /// The role's id.
  public let id: String
  /// Its name.
  public let name: String
  /// Its grants.
  public let permissions: [String]
}

/// A person of a tenant.
public struct UserRecord: Sendable, Hashable {
  /// The user's id.
  public let id: String
  /// The tenant.
  public let tenantID: String
  /// The address, as it was written.
  public let email: String
  /// The full name.
  public let name: String
  /// The job title.
  public let title: String?
  /// Where the user works.
  public let location: String?
  /// The unit the user belongs to.
  public let unitID: String?
  /// Whether the user may sign in and act.
  public let isActive: Bool
  /// Whether a password is set.
  public let hasPassword: Bool
  /// The ids of the user's roles.
  public let roleIDs: [String]
  /// Grants beside those of the roles.
  public let permissions: [String]
  /// When the user was added.
  public let createdAt: String
}

/// What a tenant's operations cost and how much it may spend; amounts are 1/10,000 credit.
public struct CreditPlan: Sendable, Hashable {
  /// The plan's name.
  public var planType: String
  /// The most per calendar month; nil is no limit.
  public var monthlyLimitUnits: Int64?
  /// The most per day; nil is no limit.
  public var dailyLimitUnits: Int64?
  /// Whether balance and limits may be exceeded.
  public var overageAllowed: Bool
  /// `contacts`, `deals`, `emails` and `storage`.
  public var featureLimits: JSONObject
  /// The price list, for showing only.
  public var pricing: JSONObject
  /// The cost of each operation that has one.
  public var operations: [String: Int64]

  /// A plan of the given name without limits and costs, unless said otherwise.
  public init(
    planType: String, monthlyLimitUnits: Int64? = nil, dailyLimitUnits: Int64? = nil,
    overageAllowed: Bool = false, featureLimits: JSONObject = JSONObject(),
    pricing: JSONObject = JSONObject(), operations: [String: Int64] = [:]
  ) {
    self.planType = planType
    self.monthlyLimitUnits = monthlyLimitUnits
    self.dailyLimitUnits = dailyLimitUnits
    self.overageAllowed = overageAllowed
    self.featureLimits = featureLimits
    self.pricing = pricing
    self.operations = operations
  }
}

/// What a tenant has and has spent; amounts are 1/10,000 credit.
public struct CreditAccountRecord: Sendable, Hashable {
  /// What is left.
  public let availableUnits: Int64
  /// Spent today, in UTC.
  public let dailyUsageUnits: Int64
  /// Spent in this calendar month, in UTC.
  public let monthlyUsageUnits: Int64
}
