internal import Cryptography
internal import HTTP
internal import JSON
internal import Values

/// The collections of a tenant, each with a strong ETag.
struct SnapshotEndpoints: Sendable {
  let directory: Directory

  func add(to router: inout Router<WrapperApplication.Endpoint>) {
    get("/api/tenants/{tenantId}", in: &router) { _, parameters in
      try tenant(parameters["tenantId"])
    }
    get("/api/employees", in: &router) { query, _ in
      try employees(Self.tenantID(query))
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
        return Self.conditional(try answer(query, parameters).bytes, request.head)
      })
  }

  /// The answer with a tag made of its bytes, or 304 where the client holds these bytes already.
  private static func conditional(_ body: [UInt8], _ head: HTTPRequestHead) -> HTTPResponse {
    let etag = "\"\(Hexadecimal.text(SHA256.hash(body).prefix(16)))\""
    let held = head.headers.values("If-None-Match").flatMap { $0.split(separator: ",") }
    let isHeld = held.contains { tag in
      let tag = tag.drop { $0 == " " }
      return tag == "*" || tag == etag || tag == "W/\(etag)"
    }
    if isHeld { return HTTPResponse(status: 304, headers: ["ETag": etag]) }
    var response = HTTPResponse.json(body)
    response.headers.add("ETag", etag)
    return response
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
    return [
      "tenantId": .string(tenant.id), "name": .string(tenant.name),
      "branding": .object(tenant.branding), "features": .object(tenant.features),
      "settings": .object(tenant.settings),
    ]
  }

  private func employees(_ tenantID: String) throws -> JSONValue {
    try requireTenant(tenantID)
    let units = try Units(directory, tenantID)
    return [
      "employees": .array(
        try directory.users(tenantID: tenantID).map { .object(Self.employee($0, units)) })
    ]
  }

  private func employee(_ userID: String, _ tenantID: String) throws -> JSONValue {
    let user = try user(userID, tenantID)
    return .object(Self.employee(user, try Units(directory, tenantID)))
  }

  private func comprehensive(_ userID: String, _ tenantID: String) throws -> JSONValue {
    let user = try user(userID, tenantID)
    var answer = Self.employee(user, try Units(directory, tenantID))
    answer["permissions"] = .array(user.permissions.map { .string($0) })
    answer["roles"] = .array(
      try directory.roles(tenantID: tenantID).filter { user.roleIDs.contains($0.id) }
        .map(Self.role))
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
        try directory.users(tenantID: tenantID).map { user in
          [
            "userId": .string(user.id),
            "permissions": .array(user.permissions.map { .string($0) }),
            "roleIds": .array(user.roleIDs.map { .string($0) }),
            "isActive": .bool(user.isActive),
          ]
        }),
      "roles": .array(try directory.roles(tenantID: tenantID).map(Self.role)),
    ]
  }

  private func creditConfiguration(_ tenantID: String) throws -> JSONValue {
    guard let plan = try directory.creditConfiguration(tenantID: tenantID) else {
      throw DirectoryError.notFound("tenant")
    }
    func limit(_ units: Int64?) -> JSONValue {
      units.map { .decimal(units: $0, scale: 4) } ?? .null
    }
    return [
      "planType": .string(plan.planType), "monthlyLimit": limit(plan.monthlyLimitUnits),
      "dailyLimit": limit(plan.dailyLimitUnits), "overageAllowed": .bool(plan.overageAllowed),
      "featureLimits": .object(plan.featureLimits), "pricing": .object(plan.pricing),
      "operations": .array(
        plan.operations.sorted { $0.key < $1.key }.map { operation, units in
          [
            "operationCode": .string(operation),
            "creditCost": .decimal(units: units, scale: 4),
          ]
        }),
    ]
  }

  private func credits(_ tenantID: String) throws -> JSONValue {
    guard let account = try directory.creditAccount(tenantID: tenantID) else {
      throw DirectoryError.notFound("tenant")
    }
    return [
      "available": .decimal(units: account.availableUnits, scale: 4),
      "dailyUsage": .decimal(units: account.dailyUsageUnits, scale: 4),
      "monthlyUsage": .decimal(units: account.monthlyUsageUnits, scale: 4),
    ]
  }

  private func requireTenant(_ tenantID: String) throws {
    guard try directory.tenant(tenantID) != nil else { throw DirectoryError.notFound("tenant") }
  }

  private func user(_ userID: String, _ tenantID: String) throws -> UserRecord {
    let users = try directory.users(tenantID: tenantID)
    guard let user = users.first(where: { $0.id == userID }) else {
      throw DirectoryError.notFound("user")
    }
    return user
  }

  private static func employee(_ user: UserRecord, _ units: Units) -> JSONObject {
    func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    let unit = user.unitID.flatMap { units.byID[$0] }
    let department = unit.flatMap { units.nearest(.department, from: $0) }
    return JSONObject([
      ("userId", .string(user.id)), ("tenantId", .string(user.tenantID)),
      ("name", .string(user.name)), ("email", .string(user.email)), ("title", text(user.title)),
      ("department", text(department?.name)),
      // The unit itself, which may be a team: a client that knows the tree finds its department.
      ("departmentId", text(unit?.id)),
      ("organizationId", text(unit.flatMap { units.nearest(.organization, from: $0) }?.id)),
      ("location", text(user.location)), ("isActive", .bool(user.isActive)),
    ])
  }

  private static func role(_ role: RoleRecord) -> JSONValue {
    [
      "roleId": .string(role.id), "name": .string(role.name),
      "permissions": .array(role.permissions.map { .string($0) }),
    ]
  }
}
