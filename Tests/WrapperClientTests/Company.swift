import HTTP

@testable import WrapperClient

/// The answers of a Wrapper about companies of 20 users, four roles and a tree of eleven units.
enum Company {
  static let users = 20
  static let permissions = [
    "leads", "contacts", "companies", "deals", "tasks", "notes", "interactions",
  ].flatMap { resource in
    ["create", "read", "update", "delete"].map { "crm.\(resource).\($0)" }
  }

  /// The answer for `call`, whatever tenant it is about; nil for what is no matter of a company.
  static func answer(_ call: ScriptedWrapper.Seen) -> HTTPResponse? {
    let tenantID = call.headers["X-Tenant-Id"] ?? "t"
    switch call.path {
    case "/api/permissions": return .json(Array(grants(tenantID).utf8))
    case "/api/employees": return .json(Array(employees(tenantID).utf8))
    case let path where path.hasPrefix("/api/organizations/"):
      return .json(Array(organization(tenantID).utf8))
    case let path where path.hasPrefix("/api/billing/credit-configs/"):
      return .json(Array(credits.utf8))
    case let path where path.hasPrefix("/api/tenants/"):
      return .json(
        Array(
          """
          {"tenantId":"\(tenantID)","name":"Company \(tenantID)","branding":{"color":"#336699"},
          "features":{"reports":true},"settings":{"timezone":"Europe/Berlin","currency":"EUR"}}
          """.utf8))
    default: return nil
    }
  }

  static func userID(_ number: Int) -> String { "user-\(number)" }

  private static func grants(_ tenantID: String) -> String {
    let people = (0..<users).map { number in
      #"{"userId":"\#(userID(number))","permissions":["crm.reports.read:own"],"#
        + #""roleIds":["role-\#(number % 4)"],"isActive":true}"#
    }
    let roles = (0..<4).map { number in
      let held = permissions.prefix(7 * (number + 1)).map { "\"\($0)\"" }
      return #"{"roleId":"role-\#(number)","name":"Role number \#(number) of the company","#
        + #""permissions":[\#(held.joined(separator: ","))]}"#
    }
    return #"{"users":[\#(people.joined(separator: ","))],"#
      + #""roles":[\#(roles.joined(separator: ","))]}"#
  }

  private static func employees(_ tenantID: String) -> String {
    let people = (0..<users).map { number in
      """
      {"userId":"\(userID(number))","tenantId":"\(tenantID)","name":"Given Surname \(number)",
      "email":"given.surname\(number)@\(tenantID).example.com","title":"Sales Representative",
      "department":"Sales Department","departmentId":"department-\(number % 10)",
      "organizationId":"organization","location":"Frankfurt am Main","isActive":true}
      """
    }
    return #"{"employees":[\#(people.joined(separator: ","))]}"#
  }

  private static func organization(_ tenantID: String) -> String {
    let departments = (0..<10).map { number in
      #"{"entityId":"department-\#(number)","entityType":"department","#
        + #""name":"Sales Department \#(number)"}"#
    }
    return #"{"entityId":"organization","entityType":"organization","#
      + #""name":"Company \#(tenantID)","children":[\#(departments.joined(separator: ","))]}"#
  }

  private static let credits: String = {
    let operations = permissions.map { #"{"operationCode":"\#($0)","creditCost":1}"# }
    return #"{"planType":"business","monthlyLimit":100000,"operations":"#
      + "[\(operations.joined(separator: ","))]}"
  }()
}

extension Company {
  /// What a client holds of such a company.
  static func truth(_ tenantID: String) throws -> TenantTruth {
    try Fixture.truth(
      [
        .permissions: grants(tenantID), .employees: employees(tenantID),
        .organization: organization(tenantID), .creditConfiguration: credits,
        .tenant: #"{"name":"Company"}"#,
      ], tenantID: tenantID)
  }
}
