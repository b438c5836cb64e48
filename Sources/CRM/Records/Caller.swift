/// Who acts, with all that the activity log says of them; made once per request, from memory.
public struct Caller: Sendable {
  /// The tenant that the token names.
  public var tenantID: String
  /// The user.
  public var userID: String
  /// The session or the token's own id.
  public var sessionID: String
  /// Name, department and path as the answers to mutations show them.
  public var displayName: String
  /// The user's department.
  public var department: String
  /// Organisation, department and user: `Acme Corp → Sales → Jane Doe`.
  public var entityPath: String
  /// The user's unit, and the path of unit ids from the root: `/org/department/`.
  public var unitID: String?
  /// The ids of the unit's ancestors and its own, root first.
  public var unitPath: String?
  /// The entry's `userContext` as JSON text.
  public var userContext: String
  /// The entry's `compliance` as JSON text.
  public var compliance: String
  /// What the request gave as its reason.
  public var reason: String?
  /// Who really sent the request, when that is another user.
  public var impersonatedBy: String?
  /// The tenant's currency.
  public var currency: String
  /// Whether the tenant refuses members of `customFields` that it has not defined.
  public var hasStrictCustomFields: Bool
  /// The scope in which a permission is granted; nil when it is not.
  public var scope: @Sendable (_ permission: String) -> RecordScope?
  /// Whether the tenant has a user of this id.
  public var isUser: @Sendable (_ id: String) -> Bool

  /// A caller made of its parts.
  public init(
    tenantID: String, userID: String, sessionID: String, displayName: String, department: String,
    entityPath: String, unitID: String?, unitPath: String?, userContext: String,
    compliance: String, reason: String? = nil, impersonatedBy: String? = nil, currency: String,
    hasStrictCustomFields: Bool = false,
    scope: @escaping @Sendable (String) -> RecordScope?,
    isUser: @escaping @Sendable (String) -> Bool
  ) {
    self.tenantID = tenantID
    self.userID = userID
    self.sessionID = sessionID
    self.displayName = displayName
    self.department = department
    self.entityPath = entityPath
    self.unitID = unitID
    self.unitPath = unitPath
    self.userContext = userContext
    self.compliance = compliance
    self.reason = reason
    self.impersonatedBy = impersonatedBy
    self.currency = currency
    self.hasStrictCustomFields = hasStrictCustomFields
    self.scope = scope
    self.isUser = isUser
  }
}
