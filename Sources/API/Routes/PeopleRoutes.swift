internal import CRM
internal import HTTP
internal import JSON
internal import Values
internal import WrapperClient

/// The tenant's users and units, as the Wrapper names them.
struct PeopleRoutes: Sendable {
  let wrapper: Wrapper

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/api/users", access: .signedIn, .users, handler: .authorized { try list($0) }),
      Endpoint(
        .get, "/api/users/{id}", access: .signedIn, .user,
        handler: .authorized { try await read($0) }),
      Endpoint(
        .get, "/api/organizations/{id}/hierarchy", access: .signedIn, .hierarchy,
        handler: .authorized { try await hierarchy($0) }),
    ]
  }

  private func list(_ context: RequestContext) throws -> HTTPResponse {
    let values = try context.queryValues(PageParameters.names + ["q", "departmentId", "active"])
    let directory = context.directory
    var users = directory.users
    if let isActive = try RequestContext.flag(values, "active") {
      users = users.filter { $0.isActive == isActive }
    }
    if let id = values["departmentId"] {
      let inside = directory.subtree(of: id)
      users = users.filter { user in user.departmentID.map(inside.contains) ?? false }
    }
    if let words = values["q"].map({ Folding.fold($0).split(whereSeparator: \.isWhitespace) }) {
      users = users.filter { user in
        let text = Folding.fold(
          [user.name, user.email, user.title].compactMap(\.self).joined(separator: "\n"))
        return words.allSatisfy { text.contains($0) }
      }
    }
    let list = MemoryList<DirectoryUser>(
      name: "users", key: { (Folding.fold($0.name ?? ""), $0.id) },
      json: { .object($0.profile) })
    return try list.response(users, values, tenantID: context.tenantID)
  }

  private func read(_ context: RequestContext) async throws -> HTTPResponse {
    _ = try context.queryValues([])
    let id = context.parameters["id"]
    guard let user = try await wrapper.person(tenantID: context.tenantID, userID: id) else {
      throw Problem.noSuchUser
    }
    var answer = user.profile
    answer["roles"] = user.roleList
    answer["organization"] = context.directory.organization(of: id)
    if id == context.session.userID || context.isAdmin {
      answer["permissions"] = .array(
        context.directory.grants(of: user).map(JSONValue.string))
    }
    return .data(.object(answer))
  }

  /// A unit with all below it; the tenant's own id stands for its whole organisation.
  private func hierarchy(_ context: RequestContext) async throws -> HTTPResponse {
    _ = try context.queryValues([])
    let (directory, id) = (context.directory, context.parameters["id"])
    if id == directory.tenantID, !directory.units.contains(where: { $0.id == id }),
      let whole = directory.organization
    {
      return .data(whole)
    }
    guard let unit = try await wrapper.hierarchy(tenantID: context.tenantID, unitID: id) else {
      throw Problem.noSuchUnit
    }
    return .data(unit)
  }
}
