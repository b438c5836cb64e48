public import JSON

/// What becomes of one field.
public enum FieldChange<Value: Sendable>: Sendable {
  /// It stays as it is.
  case kept
  /// It becomes this.
  case set(Value)

  /// The value after the change.
  public func applied(to value: Value) -> Value {
    switch self {
    case .kept: value
    case .set(let new): new
    }
  }
}

/// A new person.
public struct NewUser: Sendable {
  /// The id; made when nil.
  public var id: String?
  /// The address to sign in with.
  public var email: String
  /// The full name.
  public var name: String
  /// The job title.
  public var title: String?
  /// Where the user works.
  public var location: String?
  /// The unit the user belongs to.
  public var unitID: String?
  /// The roles held from the start.
  public var roleIDs: [String]
  /// Grants held beside those of the roles.
  public var permissions: [String]

  /// A person of the given address and name.
  public init(
    id: String? = nil, email: String, name: String, title: String? = nil,
    location: String? = nil, unitID: String? = nil, roleIDs: [String] = [],
    permissions: [String] = []
  ) {
    self.id = id
    self.email = email
    self.name = name
    self.title = title
    self.location = location
    self.unitID = unitID
    self.roleIDs = roleIDs
    self.permissions = permissions
  }
}

/// What becomes of a person; nil leaves a field as it is.
public struct UserChanges: Sendable {
  /// The address to sign in with.
  public var email: String?
  /// The full name.
  public var name: String?
  /// The job title.
  public var title: FieldChange<String?> = .kept
  /// Where the user works.
  public var location: FieldChange<String?> = .kept
  /// The unit the user belongs to.
  public var unitID: FieldChange<String?> = .kept
  /// Whether the user may sign in and act.
  public var isActive: Bool?
  /// All roles held.
  public var roleIDs: [String]?
  /// All grants held beside those of the roles.
  public var permissions: [String]?

  /// Changes nothing until a field is set.
  public init() {}
}

/// What becomes of a tenant; nil leaves a field as it is.
public struct TenantChanges: Sendable {
  /// The tenant's name.
  public var name: String?
  /// Merged into `branding` (RFC 7396).
  public var branding: JSONObject?
  /// Merged into `features` (RFC 7396).
  public var features: JSONObject?
  /// Merged into `settings` (RFC 7396).
  public var settings: JSONObject?

  /// Changes nothing until a field is set.
  public init() {}
}

/// What becomes of a unit; nil leaves a field as it is.
public struct UnitChanges: Sendable {
  /// What kind of place it is.
  public var type: UnitType?
  /// Its name.
  public var name: String?
  /// The unit above it.
  public var parentID: FieldChange<String?> = .kept

  /// Changes nothing until a field is set.
  public init() {}
}

/// What becomes of a plan around its costs; nil leaves a field as it is.
public struct CreditPlanChanges: Sendable {
  /// The plan's name.
  public var planType: String?
  /// The most per calendar month, in 1/10,000 credit; nil is no limit.
  public var monthlyLimitUnits: FieldChange<Int64?> = .kept
  /// The most per day, in 1/10,000 credit; nil is no limit.
  public var dailyLimitUnits: FieldChange<Int64?> = .kept
  /// Whether balance and limits may be exceeded.
  public var overageAllowed: Bool?
  /// `contacts`, `deals`, `emails` and `storage`, merged into those that are there (RFC 7396).
  public var featureLimits: JSONObject?
  /// The price list, merged into the one that is there (RFC 7396).
  public var pricing: JSONObject?

  /// Changes nothing until a field is set.
  public init() {}
}
