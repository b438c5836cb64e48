internal import JSON
internal import SQLite
internal import Values

/// What of a tenant's directory one change is about.
enum DirectoryThing: Sendable {
  case tenant(String)
  case user(String)
  case role(String)
  case unit(String)
  /// Balance, plan and costs.
  case credits
  /// What one operation costs.
  case operation(String)

  /// The thing as the administration shows it; nil while there is none.
  func state(
    _ tenantID: String, at now: Timestamp, _ connection: borrowing Connection
  ) throws -> JSONValue? {
    switch self {
    case .tenant(let id):
      return try Directory.tenant(id, connection).map { TenantEndpoints.json($0) }
    case .user(let id):
      return try Directory.user(id, tenantID, connection).map { UserEndpoints.json($0) }
    case .role(let id):
      return try Directory.role(id, tenantID, connection).map { RoleEndpoints.json($0) }
    case .unit(let id):
      return try Directory.unit(id, tenantID, connection).map { UnitEndpoints.json($0) }
    case .credits:
      return try Directory.credits(tenantID, CreditDay(now), connection)
    case .operation(let code):
      let costs = try Directory.creditPlan(tenantID, connection)?.operations
      return costs.map { CreditEndpoints.json(code, units: $0[code]) }
    }
  }

  /// The tag of what a client has read that wants to change the thing; nil while there is nothing
  /// to read.
  ///
  /// A cost is read as a part of the credits.
  func entityTag(
    of state: JSONValue?, _ tenantID: String, at now: Timestamp,
    _ connection: borrowing Connection
  ) throws -> String? {
    var shown = state
    if case .operation = self {
      shown = try Directory.credits(tenantID, CreditDay(now), connection)
    }
    return shown.map { EntityTag.text(of: (["data": $0] as JSONValue).bytes) }
  }
}
