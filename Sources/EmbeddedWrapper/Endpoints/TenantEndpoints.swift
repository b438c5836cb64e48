internal import HTTP
internal import JSON

/// Administration of the tenants: the operator's business, so no `X-Tenant-Id` is asked for.
struct TenantEndpoints: Sendable {
  let directory: Directory

  func add(to router: inout Router<WrapperApplication.Endpoint>) {
    let tenants = "/api/directory/tenants"
    router.administer(.get, tenants) { _ in
      .list(try directory.tenants().map(Self.json), nextCursor: nil)
    }
    router.administer(.post, tenants) { try await create($0) }
    router.administer(.get, "\(tenants)/{id}") { call in
      .data(Self.json(try tenant(call.parameters["id"])))
    }
    router.administer(.patch, "\(tenants)/{id}") { try await update($0) }
  }

  private func create(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    var body = try call.body()
    let id = body.optionalText("id") ?? directory.newID()
    let name = body.text("name")
    let branding = body.optionalObject("branding") ?? JSONObject()
    let features = body.optionalObject("features") ?? JSONObject()
    let settings = body.optionalObject("settings") ?? JSONObject()
    try body.finish()
    _ = try await call.change(.tenant(id), of: id, in: directory) { directory in
      try await directory.createCompany(
        id: id, name: name, branding: branding, features: features, settings: settings)
    }
    return .created(Self.json(try tenant(id)), location: "/api/directory/tenants/\(id)")
  }

  private func update(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    var body = try call.body()
    var changes = TenantChanges()
    changes.name = body.optionalText("name")
    changes.branding = body.optionalObject("branding")
    changes.features = body.optionalObject("features")
    changes.settings = body.optionalObject("settings")
    try body.finish()
    let id = call.parameters["id"]
    return .data(
      Self.json(
        try await call.change(.tenant(id), of: id, in: directory) { [changes] directory in
          try await directory.updateTenant(id: id, changes)
        }))
  }

  private func tenant(_ id: String) throws -> TenantRecord {
    guard let tenant = try directory.tenant(id) else { throw DirectoryError.notFound("tenant") }
    return tenant
  }

  static func json(_ tenant: TenantRecord) -> JSONValue {
    [
      "id": .string(tenant.id), "name": .string(tenant.name),
      "branding": .object(tenant.branding), "features": .object(tenant.features),
      "settings": .object(tenant.settings),
    ]
  }
}
