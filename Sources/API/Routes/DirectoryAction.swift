internal import HTTP

/// One method of one path below `/api/directory`, which the embedded Wrapper answers.
struct DirectoryAction: Sendable {
  /// What of the directory it is about.
  enum Subject: String, Sendable {
    case users
    case roles
    case units
    case credits

    /// The word in the activity log.
    var entityType: String {
      switch self {
      case .users: "user"
      case .roles: "role"
      case .units: "unit"
      case .credits: "credits"
      }
    }

    /// What a body or an answer holds.
    var schema: String {
      switch self {
      case .users: "DirectoryUser"
      case .roles: "DirectoryRole"
      case .units: "DirectoryUnit"
      case .credits: "DirectoryCredits"
      }
    }
  }

  let method: HTTPMethod
  let subject: Subject
  /// The path below the subject's own.
  let path: String
  /// What is done, the end of the operation's name.
  let verb: String
  let summary: String
  /// The members of the body that must be there; nil when none is taken.
  var body: [String]?

  var pattern: String { "\(Self.root)/\(subject.rawValue)\(path)" }
  var operation: String { "crm.directory.\(subject.rawValue).\(verb)" }
  var isMutation: Bool { method != .get }
  /// Whether the answer is a page.
  var isList: Bool { method == .get && path.isEmpty && subject != .credits }

  static let root = "/api/directory"

  /// All that may be done; tenants are made by commands only.
  static let all: [DirectoryAction] = users + roles + units + credits

  private static let users: [DirectoryAction] = [
    .init(method: .get, subject: .users, path: "", verb: "read", summary: "Lists the people."),
    .init(
      method: .post, subject: .users, path: "", verb: "create", summary: "Adds a person.",
      body: ["email", "name"]),
    .init(method: .get, subject: .users, path: "/{id}", verb: "read", summary: "Reads a person."),
    .init(
      method: .patch, subject: .users, path: "/{id}", verb: "update", summary: "Changes a person.",
      body: []),
    .init(
      method: .delete, subject: .users, path: "/{id}", verb: "deactivate",
      summary: "Shuts a person out; what they did stays."),
    .init(
      method: .put, subject: .users, path: "/{id}/password", verb: "password",
      summary: "Sets a person's password and ends their sessions.", body: ["password"]),
    .init(
      method: .post, subject: .users, path: "/{id}/roles", verb: "assign",
      summary: "Gives a person a role.", body: ["roleId"]),
    .init(
      method: .delete, subject: .users, path: "/{id}/roles/{role}", verb: "unassign",
      summary: "Takes a role from a person."),
    .init(
      method: .post, subject: .users, path: "/{id}/permissions", verb: "grant",
      summary: "Grants a person a permission.", body: ["permission"]),
    .init(
      method: .delete, subject: .users, path: "/{id}/permissions/{permission}", verb: "revoke",
      summary: "Takes a permission from a person."),
  ]

  private static let roles: [DirectoryAction] = [
    .init(method: .get, subject: .roles, path: "", verb: "read", summary: "Lists the roles."),
    .init(
      method: .post, subject: .roles, path: "", verb: "create", summary: "Adds a role.",
      body: ["name"]),
    .init(method: .get, subject: .roles, path: "/{id}", verb: "read", summary: "Reads a role."),
    .init(
      method: .patch, subject: .roles, path: "/{id}", verb: "update", summary: "Changes a role.",
      body: []),
    .init(
      method: .delete, subject: .roles, path: "/{id}", verb: "delete",
      summary: "Removes a role that nobody has."),
    .init(
      method: .post, subject: .roles, path: "/{id}/permissions", verb: "grant",
      summary: "Adds a permission to a role.", body: ["permission"]),
    .init(
      method: .delete, subject: .roles, path: "/{id}/permissions", verb: "revoke",
      summary: "Takes a permission from a role.", body: ["permission"]),
    .init(
      method: .delete, subject: .roles, path: "/{id}/permissions/{permission}", verb: "revoke",
      summary: "Takes a permission from a role."),
  ]

  private static let units: [DirectoryAction] = [
    .init(method: .get, subject: .units, path: "", verb: "read", summary: "Lists the units."),
    .init(
      method: .post, subject: .units, path: "", verb: "create", summary: "Adds a unit.",
      body: ["name", "type"]),
    .init(method: .get, subject: .units, path: "/{id}", verb: "read", summary: "Reads a unit."),
    .init(
      method: .patch, subject: .units, path: "/{id}", verb: "update",
      summary: "Renames or moves a unit.", body: []),
    .init(
      method: .delete, subject: .units, path: "/{id}", verb: "delete",
      summary: "Removes a unit that nothing hangs from."),
  ]

  private static let credits: [DirectoryAction] = [
    .init(
      method: .get, subject: .credits, path: "", verb: "read",
      summary: "Reads balance, plan and costs."),
    .init(
      method: .patch, subject: .credits, path: "", verb: "update", summary: "Changes the plan.",
      body: []),
    .init(
      method: .post, subject: .credits, path: "/top-up", verb: "top-up",
      summary: "Adds credits to the account.", body: ["amount"]),
    .init(
      method: .put, subject: .credits, path: "/operations/{operation}", verb: "price",
      summary: "Sets what an operation costs.", body: ["creditCost"]),
    .init(
      method: .delete, subject: .credits, path: "/operations/{operation}", verb: "unprice",
      summary: "Makes an operation free."),
  ]
}
