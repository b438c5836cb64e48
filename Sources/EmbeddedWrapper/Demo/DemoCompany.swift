internal import Cryptography
internal import JSON
internal import Values

/// A small believable company to look at: tenant `acme`.
public struct DemoCompany: Sendable {
  /// The tenant's id.
  public static let tenantID = "acme"

  /// The people of the company, by id.
  public let users: [UserRecord]

  private let directory: Directory

  /// Whom a demo signs in as by default: the administrator.
  public var administrator: UserRecord? { users.first { $0.roleIDs.contains("admin") } }

  /// The company, created in `directory` when its tenant is missing and left alone otherwise.
  ///
  /// Nobody has a password: see ``resetPassword(userID:)``.
  public static func open(in directory: Directory) async throws(DirectoryError) -> DemoCompany {
    if try directory.tenant(tenantID) == nil { try await create(in: directory) }
    return DemoCompany(users: try directory.users(tenantID: tenantID), directory: directory)
  }

  /// Gives one of the users a fresh random password.
  ///
  /// - Returns: the password, which is kept nowhere else.
  public func resetPassword(userID: String) async throws(DirectoryError) -> String {
    let password = Base64.encodeURL(directory.random.bytes(12))
    try await directory.setPassword(
      tenantID: Self.tenantID, userID: userID, password: password)
    return password
  }

  private init(users: [UserRecord], directory: Directory) {
    self.users = users
    self.directory = directory
  }

  private static func create(in directory: Directory) async throws(DirectoryError) {
    try await directory.createTenant(
      id: tenantID, name: "Acme Corp",
      settings: JSONObject([("timezone", "Europe/Paris"), ("currency", "EUR")]))
    for unit in DemoPeople.units {
      try await directory.createUnit(
        tenantID: tenantID, id: unit.id, type: unit.type, name: unit.name,
        parentID: unit.parentID)
    }
    for role in StandardRoles.all {
      try await directory.createRole(
        tenantID: tenantID, id: role.id, name: role.name, permissions: role.permissions)
    }
    for user in DemoPeople.users {
      try await directory.createUser(tenantID: tenantID, user)
    }
    try await directory.setCreditConfiguration(tenantID: tenantID, DemoPeople.plan)
    try await directory.topUp(tenantID: tenantID, units: DemoPeople.creditUnits)
  }
}
