internal import JSON

// The directory's records as the Wrapper's endpoints and its feed show them.

extension UserRecord {
  /// Who the user is.
  func employeeDocument(_ units: Units) -> JSONObject {
    let unit = unitID.flatMap { units.byID[$0] }
    let department = unit.flatMap { units.nearest(.department, from: $0) }
    return JSONObject([
      ("userId", .string(id)), ("tenantId", .string(tenantID)), ("name", .string(name)),
      ("email", .string(email)), ("title", JSONValue(title)),
      ("department", JSONValue(department?.name)),
      // The unit itself, which may be a team: a client that knows the tree finds its department.
      ("departmentId", JSONValue(unit?.id)),
      ("organizationId", JSONValue(unit.flatMap { units.nearest(.organization, from: $0) }?.id)),
      ("location", JSONValue(location)), ("isActive", .bool(isActive)),
    ])
  }

  /// What the user may.
  var grantsDocument: JSONObject {
    JSONObject([
      ("userId", .string(id)), ("permissions", JSONValue(permissions)),
      ("roleIds", JSONValue(roleIDs)), ("isActive", .bool(isActive)),
    ])
  }
}

extension RoleRecord {
  /// The role with its grants.
  var document: JSONObject {
    JSONObject([
      ("roleId", .string(id)), ("name", .string(name)), ("permissions", JSONValue(permissions)),
    ])
  }
}

extension TenantRecord {
  /// What describes the tenant.
  var document: JSONObject {
    JSONObject([
      ("tenantId", .string(id)), ("name", .string(name)), ("branding", .object(branding)),
      ("features", .object(features)), ("settings", .object(settings)),
    ])
  }
}

extension CreditPlan {
  /// The plan with its costs.
  var document: JSONObject {
    JSONObject([
      ("planType", .string(planType)), ("monthlyLimit", JSONValue(credits: monthlyLimitUnits)),
      ("dailyLimit", JSONValue(credits: dailyLimitUnits)),
      ("overageAllowed", .bool(overageAllowed)), ("featureLimits", .object(featureLimits)),
      ("pricing", .object(pricing)),
      (
        "operations",
        .array(
          operations.sorted { $0.key < $1.key }.map { operation, units in
            ["operationCode": .string(operation), "creditCost": JSONValue(credits: units)]
          })
      ),
    ])
  }
}

extension CreditAccountRecord {
  /// What is left and what was used.
  var document: JSONObject {
    JSONObject([
      ("available", JSONValue(credits: availableUnits)),
      ("dailyUsage", JSONValue(credits: dailyUsageUnits)),
      ("monthlyUsage", JSONValue(credits: monthlyUsageUnits)),
    ])
  }
}

extension JSONValue {
  /// A string, or null for nil.
  init(_ text: String?) { self = text.map { .string($0) } ?? .null }

  /// An array of strings.
  init(_ texts: [String]) { self = .array(texts.map { .string($0) }) }

  /// Credits from 1/10,000 of one, or null for nil.
  init(credits units: Int64?) { self = units.map { .decimal(units: $0, scale: 4) } ?? .null }
}
