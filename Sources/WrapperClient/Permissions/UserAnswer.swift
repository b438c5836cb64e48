internal import HTTP
internal import JSON

/// What the Wrapper says of one user, asked for alone: who they are and what they may.
struct UserAnswer: Sendable {
  let userID: String
  private let grants: UserGrants?
  private let roles: [DirectoryRole]
  private let profile: Profile?

  /// Who the user is, as far as the answer says; what it leaves out stays as it is held.
  private struct Profile {
    var texts: [String: String?]
    var isActive: Bool

    func merged(into held: UserProfile?) -> UserProfile {
      func part(_ name: String, _ held: String?) -> String? { texts[name] ?? held }
      return UserProfile(
        name: part("name", held?.name), email: part("email", held?.email),
        title: part("title", held?.title), department: part("department", held?.department),
        departmentID: part("departmentId", held?.departmentID),
        organizationID: part("organizationId", held?.organizationID),
        location: part("location", held?.location), isActive: isActive)
    }
  }

  /// The user is unknown to the Wrapper.
  init(unknown userID: String) {
    self.userID = userID
    grants = nil
    roles = []
    profile = nil
  }

  /// Reads the answer to `GET /api/users/:userId/comprehensive`.
  ///
  /// Without permissions and roles it is no answer: taking it would take everything from the user.
  init(_ body: [UInt8], userID: String, tenantID: String) throws(AnswerRejection) {
    let value: JSONValue
    do {
      value = try JSONParser.parse(body)
    } catch {
      throw AnswerRejection("no JSON: \(error.reason) at byte \(error.offset)")
    }
    let reader = SnapshotReader(tenantID: tenantID)
    let answer = try reader.object(value["data"] ?? value, "the user")
    guard answer["userId"] == nil || answer["userId"]?.string == userID else {
      throw AnswerRejection("the answer names another user")
    }
    guard answer["permissions"]?.array != nil, let list = answer["roles"]?.array else {
      throw AnswerRejection("permissions or roles are no list")
    }
    var roles: [DirectoryRole] = []
    for element in list { roles.append(try Self.role(element, reader)) }
    let isActive = try reader.flag(answer, "isActive") ?? true
    var texts: [String: String?] = [:]
    for name in Self.profileMembers where answer[name] != nil {
      texts[name] = .some(try reader.optionalText(answer, name))
    }
    self.userID = userID
    self.roles = roles
    grants = UserGrants(
      permissions: try reader.permissionTexts(answer), roleIDs: roles.map(\.id),
      isActive: isActive)
    profile = Profile(texts: texts, isActive: isActive)
  }

  /// The events that lead from what is held to what the answer says.
  func events(on truth: TenantTruth) -> [WrapperEvent] {
    var events: [WrapperEvent] = []
    for role in roles where truth.roles[role.id] != role {
      events.append(.roleChanged(id: role.id, role: role))
    }
    if truth.grants[userID] != grants {
      events.append(.userGrantsChanged(id: userID, grants: grants))
    }
    let held = truth.profiles[userID]
    let profile = profile?.merged(into: held)
    if profile != held { events.append(.userProfileChanged(id: userID, profile: profile)) }
    return events
  }

  static func path(userID: String) -> String {
    "/api/users/\(PercentEncoding.encode(userID))/comprehensive"
  }

  private static let profileMembers = [
    "name", "email", "title", "department", "departmentId", "organizationId", "location",
  ]

  private static func role(
    _ value: JSONValue, _ reader: SnapshotReader
  ) throws(AnswerRejection) -> DirectoryRole {
    let role = try reader.object(value, "a role")
    let id = try reader.text(role, "roleId")
    return DirectoryRole(
      id: id, name: try reader.optionalText(role, "name") ?? id,
      permissions: try reader.permissionTexts(role))
  }
}
