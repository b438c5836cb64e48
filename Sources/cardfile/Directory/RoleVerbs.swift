internal import HTTP
internal import JSON

extension DirectoryNoun {
  static let role = DirectoryNoun(
    name: "role", summary: "the roles, which carry permissions",
    verbs: [list, add, show, set, remove, grant, revoke, assign, unassign])

  private static let columns: [VerbOutput.Column] = [
    .init("ID", "id"), .init("NAME", "name"), .init("PERMISSIONS", "permissions"),
  ]

  private static let permissions = DirectoryVerb.Option(
    name: "permission", kind: .texts, value: "PERMISSION",
    summary: "A permission; may be given several times, and is then all of them.",
    member: "permissions")

  private static let list = DirectoryVerb(
    name: "list", summary: "Lists the roles.", examples: ["role list"]
  ) { call in
    .table(try await call.list("roles"), columns: columns)
  }

  private static let show = DirectoryVerb(
    name: "show", operands: ["ROLE"], summary: "Shows one role.", examples: ["role show Sales"]
  ) { call in
    let id = try await call.id(ofRole: call.operand("ROLE"))
    return .record(
      try await call.send(.get, "roles/\(PercentEncoding.encode(id))"), columns: columns)
  }

  private static let add = DirectoryVerb(
    name: "add",
    options: [
      .init(name: "name", kind: .text(), summary: "Its name.", member: "name", isRequired: true),
      .init(
        name: "id", kind: .text(), value: "ID", summary: "The id; made when left out.", member: "id"
      ),
      permissions,
    ],
    summary: "Adds a role.",
    examples: [
      #"role add --name Support --permission "crm.*.read" --permission crm.notes.create"#
    ]
  ) { call in
    let role = try await call.send(.post, "roles", try await call.body())
    return .done(
      "added \(role["name"]?.string ?? "") as \(role["id"]?.string ?? "")", role)
  }

  private static let set = DirectoryVerb(
    name: "set", operands: ["ROLE"],
    options: [
      .init(name: "name", kind: .text(), summary: "Its name.", member: "name"), permissions,
    ],
    summary: "Changes a role; what is not named stays.",
    examples: ["role set Support --name Helpdesk"]
  ) { call in
    let body = try await call.changes()
    return try await change(call, .patch, body: body) { "changed \($0)" }
  }

  private static let remove = DirectoryVerb(
    name: "remove", operands: ["ROLE"], summary: "Removes a role that nobody has.",
    examples: ["role remove Helpdesk"]
  ) { call in
    try await change(call, .delete) { "removed \($0)" }
  }

  private static let grant = DirectoryVerb(
    name: "grant", operands: ["ROLE", "PERMISSION"], summary: "Adds a permission to a role.",
    examples: ["role grant Sales crm.deals.update:team"]
  ) { call in
    let body = JSONObject([("permission", .string(call.operand("PERMISSION")))])
    return try await change(call, .post, "/permissions", body: body) {
      "granted \(call.operand("PERMISSION")) to \($0)"
    }
  }

  private static let revoke = DirectoryVerb(
    name: "revoke", operands: ["ROLE", "PERMISSION"],
    summary: "Takes a permission from a role.",
    examples: ["role revoke Sales crm.deals.update:team"]
  ) { call in
    try await change(call, .delete, "/permissions/\(call.encoded("PERMISSION"))") {
      "took \(call.operand("PERMISSION")) from \($0)"
    }
  }

  private static let assign = DirectoryVerb(
    name: "assign", operands: ["ROLE", "USER"], summary: "Gives a person a role.",
    examples: ["role assign Manager jane@example.org"]
  ) { call in
    let role = try await call.id(ofRole: call.operand("ROLE"))
    let user = PercentEncoding.encode(try await call.id(ofUser: call.operand("USER")))
    let data = try await call.send(
      .post, "users/\(user)/roles", JSONObject([("roleId", .string(role))]))
    return .done("gave \(call.operand("USER")) the role \(call.operand("ROLE"))", data)
  }

  private static let unassign = DirectoryVerb(
    name: "unassign", operands: ["ROLE", "USER"], summary: "Takes a role from a person.",
    examples: ["role unassign Manager jane@example.org"]
  ) { call in
    let role = PercentEncoding.encode(try await call.id(ofRole: call.operand("ROLE")))
    let user = PercentEncoding.encode(try await call.id(ofUser: call.operand("USER")))
    let data = try await call.send(.delete, "users/\(user)/roles/\(role)")
    return .done("took the role \(call.operand("ROLE")) from \(call.operand("USER"))", data)
  }

  private static func change(
    _ call: DirectoryCall, _ method: HTTPMethod, _ path: String = "", body: JSONObject? = nil,
    _ words: (String) -> String
  ) async throws -> VerbOutput {
    let id = try await call.id(ofRole: call.operand("ROLE"))
    let role = try await call.send(method, "roles/\(PercentEncoding.encode(id))\(path)", body)
    return .done(words(role["name"]?.string ?? id), role)
  }
}
