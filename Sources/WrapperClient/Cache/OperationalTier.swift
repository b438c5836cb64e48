/// What may be a little old, each kind with a life of its own.
///
/// After it the answer is given once more from memory while it is fetched again.
enum OperationalTier: Int, Sendable, CaseIterable {
  /// Who a user is.
  case profiles
  /// Where in the organisation a user stands.
  case departments
  /// The organisation's units.
  case hierarchy
  /// Roles with their names and grants.
  case roles
  /// The plan around the costs.
  case creditConfiguration
  /// The tenant's name, branding, features and settings.
  case tenantConfiguration

  /// The collection that brings it.
  var collection: WrapperCollection {
    switch self {
    case .profiles, .departments: .employees
    case .hierarchy: .organization
    case .roles: .permissions
    case .creditConfiguration: .creditConfiguration
    case .tenantConfiguration: .tenant
    }
  }

  /// How long an answer is fresh, unless the Wrapper says less.
  func lifeSeconds(_ configuration: WrapperConfiguration) -> Double {
    switch self {
    case .profiles: configuration.cacheTTLMinutes * 60
    case .departments: 10 * 60
    case .hierarchy: 15 * 60
    case .roles: 30 * 60
    case .creditConfiguration: 60 * 60
    case .tenantConfiguration: 24 * 60 * 60
    }
  }
}
