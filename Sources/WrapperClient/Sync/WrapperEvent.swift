internal import JSON

/// One change of the Wrapper's truth about a tenant.
///
/// Snapshots are compared with what is held and become events, so that one handler applies
/// whatever arrives, however it arrives.
enum WrapperEvent: Sendable, Hashable {
  /// `credit-config-changed` of one operation; nil units remove its cost.
  case operationCostChanged(operation: String, units: Int64?)
  /// `credit-config-changed` of the plan around the costs; its own costs do not count.
  case creditPlanChanged(CreditConfiguration)
  /// `role-changed`; a nil role was deleted.
  case roleChanged(id: String, role: DirectoryRole?)
  /// `user-changed` in what the user may; nil grants were taken away.
  case userGrantsChanged(id: String, grants: UserGrants?)
  /// `user-changed` in who the user is; a nil profile was removed.
  case userProfileChanged(id: String, profile: UserProfile?)
  /// `hierarchy-changed`.
  case hierarchyChanged(OrganizationTree)
  /// The tenant's own settings; only snapshots bring them.
  case tenantChanged(JSONObject)
}
