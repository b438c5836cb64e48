internal import HTTP
internal import JSON

/// What the Wrapper says of one user, asked for alone: who they are and what they may.
struct UserAnswer: Sendable {
  let userID: String
  /// The members of the answer; nil when the Wrapper knows no such user.
  private let members: JSONObject?
  private let grants: UserGrants?
  private let roles: [DirectoryRole]

  /// The user is unknown to the Wrapper.
  init(unknown userID: String) {
    self.userID = userID
    members = nil
    grants = nil
    roles = []
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
    for element in list { roles.append(try reader.role(try reader.object(element, "a role"))) }
    self.userID = userID
    members = answer
    self.roles = roles
    grants = UserGrants(
      permissions: try reader.permissionTexts(answer), roleIDs: roles.map(\.id),
      isActive: try reader.flag(answer, "isActive") ?? true)
    // What is wrong with the profile is told now, not when it is applied.
    _ = try reader.profile(answer, over: nil)
  }

  /// The events that lead from what is held to what the answer says.
  func events(on truth: TenantTruth, tenantID: String) -> [WrapperEvent] {
    var events: [WrapperEvent] = []
    for role in roles where truth.roles[role.id] != role {
      events.append(.roleChanged(id: role.id, role: role))
    }
    if truth.grants[userID] != grants {
      events.append(.userGrantsChanged(id: userID, grants: grants))
    }
    let held = truth.profiles[userID]
    let profile = members.flatMap {
      // The members were read once already, so this cannot fail.
      try? SnapshotReader(tenantID: tenantID).profile($0, over: held)
    }
    if profile != held { events.append(.userProfileChanged(id: userID, profile: profile)) }
    return events
  }

  /// The user by this answer alone.
  func user(tenantID: String) -> DirectoryUser {
    DirectoryUser(
      id: userID,
      profile: members.flatMap {
        // The members were read once already, so this cannot fail.
        try? SnapshotReader(tenantID: tenantID).profile($0, over: nil)
      },
      grants: grants, roles: Dictionary(roles.map { ($0.id, $0) }) { first, _ in first })
  }

  static func path(userID: String) -> String {
    "/api/users/\(PercentEncoding.encode(userID))/comprehensive"
  }
}
