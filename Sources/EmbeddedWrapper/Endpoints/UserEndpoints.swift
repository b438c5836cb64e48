internal import HTTP
internal import JSON

/// Administration of the people.
struct UserEndpoints: Sendable {
  let directory: Directory

  func add(to router: inout Router<WrapperApplication.Endpoint>) {
    let users = "/api/directory/users"
    router.administer(.get, users) { try list($0) }
    router.administer(.post, users) { try await create($0) }
    router.administer(.get, "\(users)/{id}") { call in
      .data(Self.json(try user(call.tenantID, call.parameters["id"])))
    }
    router.administer(.patch, "\(users)/{id}") { try await update($0) }
    router.administer(.delete, "\(users)/{id}") { try await deactivate($0) }
    router.administer(.put, "\(users)/{id}/password") { try await setPassword($0) }
    router.administer(.post, "\(users)/{id}/roles") { try await grantRole($0) }
    router.administer(.delete, "\(users)/{id}/roles/{roleId}") { call in
      try await change(call) { directory in
        try await directory.revokeRole(
          tenantID: call.tenantID, userID: call.parameters["id"],
          roleID: call.parameters["roleId"])
      }
    }
    router.administer(.post, "\(users)/{id}/permissions") { try await grant($0) }
    router.administer(.delete, "\(users)/{id}/permissions/{permission}") { call in
      try await change(call) { directory in
        try await directory.changePermissions(
          tenantID: call.tenantID, userID: call.parameters["id"],
          revoking: [call.parameters["permission"]])
      }
    }
  }

  private func list(_ call: AdministrationCall) throws -> AdministrationAnswer {
    let tenantID = try call.tenantID
    guard try directory.tenant(tenantID) != nil else { throw DirectoryError.notFound("tenant") }
    let page = try UserPage(call.query, limit: Limits.usersPerPage)
    let (users, nextCursor) = try page.users(of: directory, tenantID: tenantID)
    return .list(
      users.map(Self.json), nextCursor: nextCursor,
      total: try page.total(of: directory, tenantID: tenantID))
  }

  private func create(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    let tenantID = try call.tenantID
    var body = try call.body()
    let user = NewUser(
      id: body.optionalText("id") ?? directory.newID(), email: body.text("email"),
      name: body.text("name"),
      title: body.nullableText("title").applied(to: nil),
      location: body.nullableText("location").applied(to: nil),
      unitID: body.nullableText("unitId").applied(to: nil),
      roleIDs: body.optionalTexts("roleIds") ?? [],
      permissions: body.optionalTexts("permissions") ?? [])
    let password = body.optionalText("password")
    try body.finish()
    let id = try await referring(Self.references) {
      try await call.change(.user(user.id ?? ""), in: directory) { directory in
        try await directory.createUser(tenantID: tenantID, user, password: password)
      }
    }
    return .created(
      Self.json(try self.user(tenantID, id)), location: "/api/directory/users/\(id)")
  }

  private func update(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    let tenantID = try call.tenantID
    var body = try call.body()
    var changes = UserChanges()
    changes.email = body.optionalText("email")
    changes.name = body.optionalText("name")
    changes.title = body.nullableText("title")
    changes.location = body.nullableText("location")
    changes.unitID = body.nullableText("unitId")
    changes.isActive = body.optionalFlag("isActive")
    changes.roleIDs = body.optionalTexts("roleIds")
    changes.permissions = body.optionalTexts("permissions")
    try body.finish()
    return try await referring(Self.references) { [changes] in
      try await change(call) { directory in
        try await directory.updateUser(
          tenantID: tenantID, userID: call.parameters["id"], changes)
      }
    }
  }

  private func deactivate(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    var changes = UserChanges()
    changes.isActive = false
    return try await change(call) { [changes] directory in
      try await directory.updateUser(
        tenantID: call.tenantID, userID: call.parameters["id"], changes)
    }
  }

  private func setPassword(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    let tenantID = try call.tenantID
    var body = try call.body()
    let password = body.text("password")
    try body.finish()
    return try await change(call) { directory in
      let user = try user(tenantID, call.parameters["id"])
      try await directory.setPassword(tenantID: tenantID, userID: user.id, password: password)
      return user
    }
  }

  private func grantRole(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    let tenantID = try call.tenantID
    var body = try call.body()
    let roleID = body.text("roleId")
    try body.finish()
    return try await referring(["role": "roleId"]) {
      try await change(call) { directory in
        try await directory.grantRole(
          tenantID: tenantID, userID: call.parameters["id"], roleID: roleID)
      }
    }
  }

  private func grant(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    let tenantID = try call.tenantID
    var body = try call.body()
    let permission = body.text("permission")
    try body.finish()
    return try await change(call) { directory in
      try await directory.changePermissions(
        tenantID: tenantID, userID: call.parameters["id"], granting: [permission])
    }
  }

  /// Changes the user whom the path names.
  private func change(
    _ call: AdministrationCall, _ run: (Directory) async throws -> UserRecord
  ) async throws -> AdministrationAnswer {
    .data(Self.json(try await call.change(.user(call.parameters["id"]), in: directory, run)))
  }

  private func user(_ tenantID: String, _ id: String) throws -> UserRecord {
    guard let user = try directory.user(tenantID: tenantID, id: id) else {
      throw DirectoryError.notFound("user")
    }
    return user
  }

  /// The members that name others.
  private static let references = ["unit": "unitId", "role": "roleIds"]

  static func json(_ user: UserRecord) -> JSONValue {
    [
      "id": .string(user.id), "email": .string(user.email), "name": .string(user.name),
      "title": JSONValue(user.title), "location": JSONValue(user.location),
      "unitId": JSONValue(user.unitID), "roleIds": JSONValue(user.roleIDs),
      "permissions": JSONValue(user.permissions), "isActive": .bool(user.isActive),
      "createdAt": .string(user.createdAt),
    ]
  }
}
