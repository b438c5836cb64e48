internal import HTTP
internal import JSON

/// A part of the Wrapper's truth that is fetched as a whole.
enum WrapperCollection: String, Sendable, CaseIterable {
  case permissions
  case creditConfiguration = "credit-config"
  case employees
  case organization
  case tenant

  /// Whether nothing may be decided without it.
  var isCritical: Bool {
    switch self {
    case .permissions, .creditConfiguration: true
    case .employees, .organization, .tenant: false
    }
  }

  /// The path and query of the collection for a tenant.
  func path(tenantID: String) -> String {
    let tenant = PercentEncoding.encode(tenantID)
    return switch self {
    case .permissions: "/api/permissions?tenantId=\(tenant)"
    case .creditConfiguration: "/api/billing/credit-configs/\(tenant)"
    case .employees: "/api/employees?tenantId=\(tenant)"
    case .organization: "/api/organizations/\(tenant)"
    case .tenant: "/api/tenants/\(tenant)"
    }
  }
}

/// A whole collection as it was read.
enum CollectionSnapshot: Sendable {
  case permissions(grants: [String: UserGrants], roles: [String: DirectoryRole])
  case credits(CreditConfiguration)
  case employees([String: UserProfile])
  case organization(OrganizationTree)
  case tenant(JSONObject)
}
