internal import HTTP
internal import JSON

/// Administration of the organisation.
struct UnitEndpoints: Sendable {
  let directory: Directory

  func add(to router: inout Router<WrapperApplication.Endpoint>) {
    let units = "/api/directory/units"
    router.administer(.get, units) { call in
      let tenantID = try call.tenantID
      guard try directory.tenant(tenantID) != nil else { throw DirectoryError.notFound("tenant") }
      return .list(try directory.units(tenantID: tenantID).map(Self.json), nextCursor: nil)
    }
    router.administer(.post, units) { try await create($0) }
    router.administer(.get, "\(units)/{id}") { call in
      .data(Self.json(try unit(call.tenantID, call.parameters["id"])))
    }
    router.administer(.patch, "\(units)/{id}") { try await update($0) }
    router.administer(.delete, "\(units)/{id}") { call in
      let unit = try unit(call.tenantID, call.parameters["id"])
      try await call.change(.unit(unit.id), in: directory) { directory in
        try await directory.deleteUnit(tenantID: call.tenantID, id: unit.id)
      }
      return .data(Self.json(unit))
    }
  }

  private func create(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    let tenantID = try call.tenantID
    var body = try call.body()
    let id = body.optionalText("id") ?? directory.newID()
    let name = body.text("name")
    let parentID = body.nullableText("parentId").applied(to: nil)
    // What stands alone is an organisation, what stands below one most likely a department.
    let type =
      body.optionalChoice("type", UnitType.self)
      ?? (parentID == nil ? .organization : .department)
    try body.finish()
    let made = try await referring(["unit": "parentId"]) {
      try await call.change(.unit(id), in: directory) { directory in
        try await directory.createUnit(
          tenantID: tenantID, id: id, type: type, name: name, parentID: parentID)
      }
    }
    let unit = UnitRecord(id: made, parentID: parentID, type: type, name: name)
    return .created(Self.json(unit), location: "/api/directory/units/\(made)")
  }

  private func update(_ call: AdministrationCall) async throws -> AdministrationAnswer {
    let tenantID = try call.tenantID
    var body = try call.body()
    var changes = UnitChanges()
    changes.name = body.optionalText("name")
    changes.type = body.optionalChoice("type", UnitType.self)
    changes.parentID = body.nullableText("parentId")
    try body.finish()
    let unit = try unit(tenantID, call.parameters["id"])
    let changed = try await referring(["unit": "parentId"]) { [changes] in
      try await call.change(.unit(unit.id), in: directory) { directory in
        try await directory.updateUnit(tenantID: tenantID, id: unit.id, changes)
      }
    }
    return .data(Self.json(changed))
  }

  private func unit(_ tenantID: String, _ id: String) throws -> UnitRecord {
    guard let unit = try directory.units(tenantID: tenantID).first(where: { $0.id == id }) else {
      throw DirectoryError.notFound("unit")
    }
    return unit
  }

  static func json(_ unit: UnitRecord) -> JSONValue {
    [
      "id": .string(unit.id), "name": .string(unit.name), "type": .string(unit.type.rawValue),
      "parentId": JSONValue(unit.parentID),
    ]
  }
}
