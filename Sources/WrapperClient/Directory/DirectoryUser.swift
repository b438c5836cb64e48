/// A person as the Wrapper knows them.
public struct DirectoryUser: Sendable {
  /// The user's id.
  public let id: String
  /// The full name.
  public let name: String?
  /// The address.
  public let email: String?
  /// The job title.
  public let title: String?
  /// The department's name as the profile gives it.
  public let department: String?
  /// The unit the user belongs to: a department, or a team below one.
  public let departmentID: String?
  /// The organisation the user belongs to.
  public let organizationID: String?
  /// Where the user works.
  public let location: String?
  /// Whether the user may act at all.
  public let isActive: Bool
  /// The grants given to the user directly, as they were received.
  public let directPermissions: [String]
  /// The ids of the user's roles, also of roles that are not known here.
  public let roleIDs: [String]
  /// The user's roles that are known here.
  public let roles: [(id: String, name: String)]

  init(id: String, profile: UserProfile?, grants: UserGrants?, roles: [String: DirectoryRole]) {
    self.id = id
    name = profile?.name
    email = profile?.email
    title = profile?.title
    department = profile?.department
    departmentID = profile?.departmentID
    organizationID = profile?.organizationID
    location = profile?.location
    // Either collection may be the first to say that somebody left.
    isActive = (profile?.isActive ?? true) && (grants?.isActive ?? true)
    directPermissions = grants?.permissions ?? []
    roleIDs = grants?.roleIDs ?? []
    self.roles = roleIDs.compactMap { id in roles[id].map { (id: id, name: $0.name) } }
  }
}

/// A named set of grants.
public struct DirectoryRole: Sendable, Hashable {
  /// The role's id.
  public let id: String
  /// The role's name.
  public let name: String
  /// The grants as they were received; one that is no string stands as its JSON text.
  public let permissions: [String]
}

/// What `GET /api/employees` says of a user.
struct UserProfile: Sendable, Hashable {
  var name: String?
  var email: String?
  var title: String?
  var department: String?
  var departmentID: String?
  var organizationID: String?
  var location: String?
  var isActive: Bool
}

/// What `GET /api/permissions` says of a user.
struct UserGrants: Sendable, Hashable {
  var permissions: [String]
  var roleIDs: [String]
  var isActive: Bool
}
