internal import HTTP
internal import JSON

/// Administration of the roles.
struct RoleEndpoints: Sendable {
  let directory: Directory

  func add(to router: inout Router<WrapperApplication.Endpoint>) {
    let roles = "/api/directory/roles"
    router.administer(.get, roles) { call in
      let tenantID = try call.tenantID
      guard try directory.tenant(tenantID) != nil else { throw DirectoryError.notFound("tenant") }
      return .list(try directory.roles(tenantID: tenantID).map(Self.json), nextCursor: nil)
    }
    router.administer(.post, roles) { try await create($0) }
    router.administer(.get, "\(roles)/{id}") { call in
      let id = call.parameters["id"]
      let role = try directory.roles(tenantID: call.tenantID).first { $0.id == id }
      guard let role else { throw DirectoryError.notFound("role") }
      return .data(Self.json(role))
    }
    router.administer(.patch, "\(roles)/{id}") { try await update($0) }
    router.administer(.delete, "\(roles)/{id}") { call in
      try await change(call) { directory in
        try await directory.deleteRole(tenantID: call.tenantID, id: call.parameters["id"])
      }
    }
    router.administer(.post, "\(roles)/{id}/permissions") { call in
      let permission = try Self.permission(call)
      return try await change(call) { directory in
        try await directory.updateRole(
          tenantID: call.tenantID, id: call.parameters["id"], granting: [permission])
      }
    }
    router.administer(.delete, "\(roles)/{id}/permissions") { call in
      let permission = try Self.permission(call)
      return try await change(call) { directory in
        try await directory.updateRole(
          tenantID: call.tenantID, id: call.parameters["id"], revoking: [permission])
      }
    }
    router.administer(.delete, "\(roles)/{id}/permissions/{permission}") { call in
      try await change(call) { directory in
        try await directory.updateRole(
          tenantID: call.tenantID, id: call.parameters["id"],
          revoking: [call.parameters["permission"]])
      }
    }
  }

  private func create(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    let tenantID = try call.tenantID
    var body = try call.body()
    let id = body.optionalText("id") ?? directory.newID()
    let name = body.text("name")
    let permissions = body.optionalTexts("permissions") ?? []
    try body.finish()
    let made = try await call.change(.role(id), in: directory) { directory in
      try await directory.createRole(
        tenantID: tenantID, id: id, name: name, permissions: permissions)
    }
    let role = RoleRecord(
      id: made, name: name, permissions: try Directory.checkedGrants(permissions))
    return .created(Self.json(role), location: "/api/directory/roles/\(made)")
  }

  private func update(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    let tenantID = try call.tenantID
    var body = try call.body()
    let name = body.optionalText("name")
    let permissions = body.optionalTexts("permissions")
    try body.finish()
    return try await change(call) { directory in
      try await directory.updateRole(
        tenantID: tenantID, id: call.parameters["id"], name: name, permissions: permissions)
    }
  }

  /// Changes the role that the path names.
  private func change(
    _ call: AdministrationCall, _ run: (Directory) async throws -> RoleRecord
  ) async throws -> AdministrationAnswer {
    .data(Self.json(try await call.change(.role(call.parameters["id"]), in: directory, run)))
  }

  private static func permission(_ call: AdministrationCall) throws -> String {
    var body = try call.body()
    let permission = body.text("permission")
    try body.finish()
    return permission
  }

  static func json(_ role: RoleRecord) -> JSONValue {
    [
      "id": .string(role.id), "name": .string(role.name),
      "permissions": JSONValue(role.permissions),
    ]
  }
}
