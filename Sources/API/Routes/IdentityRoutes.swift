internal import CRM
internal import HTTP
internal import JSON
internal import Values
internal import WrapperClient

/// Who the caller is, what they may do, and for which tenant they work.
struct IdentityRoutes: Sendable {
  let wrapper: Wrapper

  /// What it takes to ask about another user's permissions.
  static let readPermission = "crm.permissions.read"

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/api/me", access: .signedIn, .me, handler: .authorized { try me($0) }),
      Endpoint(
        .get, "/api/permissions/check", access: .signedIn, .checkPermission,
        handler: .authorized { try check($0) }),
      Endpoint(
        .get, "/api/tenant", access: .signedIn, .tenant, handler: .authorized { try tenant($0) }),
    ]
  }

  private func me(_ context: RequestContext) throws -> HTTPResponse {
    _ = try context.queryValues([])
    let directory = context.directory
    let session = context.session
    let user = directory.user(session.userID)
    let unknown: JSONObject = .init([("id", .string(session.userID)), ("isActive", false)])
    return .data([
      "user": .object(user?.profile ?? unknown),
      "tenant": ["id": .string(directory.tenantID), "name": .string(directory.name)],
      "roles": user?.roleList ?? [],
      "permissions": .array((user.map(directory.grants) ?? []).map(JSONValue.string)),
      "organization": directory.organization(of: session.userID),
      "session": [
        "id": .string(session.sessionID),
        "authenticationMethod": .string(session.authenticationMethod),
        "expiresAt": JSONValue(session.expiresAt?.rfc3339),
      ],
      "mode": .string(wrapper.mode(tenantID: context.tenantID).rawValue),
    ])
  }

  private func check(_ context: RequestContext) throws -> HTTPResponse {
    let values = try context.queryValues(["userId", "permission"])
    guard let permission = values["permission"], Wrapper.isPermission(permission) else {
      throw Problem.invalidParameter(
        "permission", "must be a permission such as crm.leads.read, without wildcard and scope")
    }
    let userID = values["userId"] ?? context.session.userID
    if userID != context.session.userID {
      guard try reaches(userID, context), context.directory.user(userID) != nil else {
        throw Problem.noSuchUser
      }
    }
    let decision = context.directory.check(userID: userID, permission: permission)
    return .data([
      "allowed": .bool(decision.isAllowed),
      "source": decision.isAllowed ? .string(decision.source) : .null,
      "scope": decision.isAllowed ? .string(decision.scope.text) : .null,
    ])
  }

  /// Whether the caller may ask about that user's permissions.
  ///
  /// - Throws: 403 when they may ask about nobody's but their own.
  private func reaches(_ userID: String, _ context: RequestContext) throws(Problem) -> Bool {
    if context.isAdmin { return true }
    let caller = context.session.userID
    let decision = context.directory.check(userID: caller, permission: Self.readPermission)
    guard decision.isAllowed else { throw .insufficientPermissions(Self.readPermission) }
    switch decision.scope {
    case .tenant: return true
    case .team: return context.directory.teamMembers(of: caller).contains(userID)
    case .own: return false
    }
  }

  private func tenant(_ context: RequestContext) throws -> HTTPResponse {
    _ = try context.queryValues([])
    let directory = context.directory
    func part(_ name: String) -> JSONValue {
      .object(directory.configuration[name]?.object ?? JSONObject())
    }
    return .data([
      "id": .string(directory.tenantID), "name": .string(directory.name),
      "branding": part("branding"), "features": part("features"), "settings": part("settings"),
    ])
  }
}

extension Problem {
  /// 404 for a user that the tenant does not have.
  static let noSuchUser = Problem(.notFound, "There is no such user.")
  /// 404 for a unit that the tenant does not have.
  static let noSuchUnit = Problem(
    .notFound, "There is no such organisation, department or team.")
}
