internal import HTTP
internal import JSON

/// The collections of a tenant.
struct SnapshotEndpoints: Sendable {
  let directory: Directory

  func add(to router: inout Router<WrapperApplication.Endpoint>) {
    get("/api/tenants/{tenantId}", in: &router) { _, parameters in
      try tenant(parameters["tenantId"])
    }
    get("/api/employees", in: &router) { query, _ in
      try employees(Self.tenantID(query), query.items)
    }
    get("/api/employees/{userId}", in: &router) { query, parameters in
      try employee(parameters["userId"], Self.tenantID(query))
    }
    get("/api/users/{userId}/comprehensive", in: &router) { query, parameters in
      try comprehensive(parameters["userId"], Self.tenantID(query))
    }
    get("/api/organizations/{tenantId}", in: &router) { _, parameters in
      try organization(parameters["tenantId"])
    }
    get("/api/organizations/{unitId}/hierarchy", in: &router) { query, parameters in
      try hierarchy(parameters["unitId"], Self.tenantID(query))
    }
    get("/api/permissions", in: &router) { query, _ in
      try permissions(Self.tenantID(query))
    }
    get("/api/billing/credit-configs/{tenantId}", in: &router) { _, parameters in
      try creditConfiguration(parameters["tenantId"])
    }
    get("/api/billing/credits/{tenantId}", in: &router) { _, parameters in
      try credits(parameters["tenantId"])
    }
  }

  private typealias Answer = @Sendable (Query, PathParameters) throws -> JSONValue

  /// What a request says beside its path.
  private struct Query {
    var items: QueryItems
    var tenantHeader: String?
  }

  private func get(
    _ pattern: String, in router: inout Router<WrapperApplication.Endpoint>,
    _ answer: @escaping Answer
  ) {
    router.add(
      .get, pattern,
      WrapperApplication.Endpoint { request, parameters in
        let query = Query(
          items: try QueryItems(parsing: request.head.query),
          tenantHeader: request.head.headers["X-Tenant-Id"])
        return .json(try answer(query, parameters).bytes)
      })
  }

  private static func tenantID(_ query: Query) throws(Problem) -> String {
    guard let tenantID = query.items["tenantId"] ?? query.tenantHeader else {
      throw Problem(.invalidParameter, "tenantId is missing.")
    }
    return tenantID
  }
}

extension SnapshotEndpoints {
  private func tenant(_ tenantID: String) throws -> JSONValue {
    guard let tenant = try directory.tenant(tenantID) else {
      throw DirectoryError.notFound("tenant")
    }
    return .object(tenant.document)
  }

  /// A page of the people; what is left out is told by `nextCursor`.
  private func employees(_ tenantID: String, _ items: QueryItems) throws -> JSONValue {
    try requireTenant(tenantID)
    let page = try UserPage(items, limit: Limits.usersPerPageMax)
    let units = try Units(directory, tenantID)
    let (users, nextCursor) = try page.users(of: directory, tenantID: tenantID)
    var answer = JSONObject([
      ("employees", .array(users.map { .object($0.employeeDocument(units)) }))
    ])
    if let nextCursor { answer["nextCursor"] = .string(nextCursor) }
    return .object(answer)
  }

  private func employee(_ userID: String, _ tenantID: String) throws -> JSONValue {
    let user = try user(userID, tenantID)
    return .object(user.employeeDocument(try Units(directory, tenantID)))
  }

  private func comprehensive(_ userID: String, _ tenantID: String) throws -> JSONValue {
    let user = try user(userID, tenantID)
    var answer = user.employeeDocument(try Units(directory, tenantID))
    answer["permissions"] = JSONValue(user.permissions)
    answer["roles"] = .array(
      try directory.roles(tenantID: tenantID).filter { user.roleIDs.contains($0.id) }
        .map { .object($0.document) })
    return .object(answer)
  }

  private func organization(_ tenantID: String) throws -> JSONValue {
    try requireTenant(tenantID)
    let units = try Units(directory, tenantID)
    // A tenant with one root, the usual case, answers the tree itself.
    let roots = units.roots.map { units.tree($0) }
    return roots.count == 1 ? roots[0] : .array(roots)
  }

  private func hierarchy(_ unitID: String, _ tenantID: String) throws -> JSONValue {
    let units = try Units(directory, tenantID)
    guard let unit = units.byID[unitID] else { throw DirectoryError.notFound("unit") }
    return units.tree(unit)
  }

  private func permissions(_ tenantID: String) throws -> JSONValue {
    try requireTenant(tenantID)
    return [
      "users": .array(
        try directory.users(tenantID: tenantID).map { .object($0.grantsDocument) }),
      "roles": .array(try directory.roles(tenantID: tenantID).map { .object($0.document) }),
    ]
  }

  private func creditConfiguration(_ tenantID: String) throws -> JSONValue {
    guard let plan = try directory.creditConfiguration(tenantID: tenantID) else {
      throw DirectoryError.notFound("tenant")
    }
    return .object(plan.document)
  }

  private func credits(_ tenantID: String) throws -> JSONValue {
    guard let account = try directory.creditAccount(tenantID: tenantID) else {
      throw DirectoryError.notFound("tenant")
    }
    return .object(account.document)
  }

  private func requireTenant(_ tenantID: String) throws {
    guard try directory.tenant(tenantID) != nil else { throw DirectoryError.notFound("tenant") }
  }

  private func user(_ userID: String, _ tenantID: String) throws -> UserRecord {
    guard let user = try directory.user(tenantID: tenantID, id: userID) else {
      throw DirectoryError.notFound("user")
    }
    return user
  }
}
