internal import HTTP
internal import JSON

extension DirectoryNoun {
  static let user = DirectoryNoun(
    name: "user", summary: "the people of a tenant",
    verbs: [list, add, show, set, deactivate, activate, password, grant, revoke])

  private static let columns: [VerbOutput.Column] = [
    .init("ID", "id"), .init("E-MAIL", "email"), .init("NAME", "name"), .init("TITLE", "title"),
    .init("ROLES", "roleIds"), .init("UNIT", "unitId"), .init("ACTIVE", "isActive"),
  ]

  private static let profile: [DirectoryVerb.Option] = [
    .init(
      name: "title", kind: .text(isClearable: true), summary: "Job title.", member: "title"),
    .init(
      name: "location", kind: .text(isClearable: true), summary: "Where they work.",
      member: "location"),
    .init(
      name: "unit", kind: .unit, value: "UNIT", summary: "Where they belong, by id or name.",
      member: "unitId"),
    .init(
      name: "role", kind: .role, value: "ROLE",
      summary: "A role, by id or name; may be given several times, and is then all of them.",
      member: "roleIds"),
    .init(
      name: "permission", kind: .texts, value: "PERMISSION",
      summary: "A permission beside those of the roles; likewise.", member: "permissions"),
  ]

  private static let passwordFromInput = DirectoryVerb.Option(
    name: "password-stdin", kind: .flag,
    summary: "Take the password from the first line of standard input.")

  private static let list = DirectoryVerb(
    name: "list",
    options: [
      .init(name: "inactive", kind: .flag, summary: "Only those who are shut out."),
      .init(name: "search", kind: .text(), summary: "A part of the name or address."),
    ],
    summary: "Lists the people.", examples: ["user list", "user list --search doe --json"]
  ) { call in
    var query: [String] = []
    if call.has("inactive") { query.append("active=false") }
    if let text = call.arguments.options["search"]?.last {
      query.append("q=\(PercentEncoding.encode(text))")
    }
    let path = query.isEmpty ? "users" : "users?\(query.joined(separator: "&"))"
    let users = try await call.list(path)
    return .table(try await named(users, call), columns: columns)
  }

  private static let show = DirectoryVerb(
    name: "show", operands: ["USER"], summary: "Shows one person.",
    examples: ["user show jane@example.org"]
  ) { call in
    let id = try await call.id(ofUser: call.operand("USER"))
    let user = try await call.send(.get, "users/\(PercentEncoding.encode(id))")
    return .record(
      try await named([user], call).first ?? user,
      columns: columns + [
        .init("LOCATION", "location"), .init("PERMISSIONS", "permissions"),
        .init("CREATED", "createdAt"),
      ])
  }

  private static let add = DirectoryVerb(
    name: "add",
    options: [
      .init(
        name: "email", kind: .text(), summary: "The address to sign in with.", member: "email",
        isRequired: true),
      .init(
        name: "name", kind: .text(), summary: "The full name.", member: "name", isRequired: true),
      .init(
        name: "id", kind: .text(), value: "ID", summary: "The id; made when left out.", member: "id"
      ),
    ] + profile + [passwordFromInput],
    summary: "Adds a person, who can sign in once a password is set.",
    examples: [
      #"user add --email jane@example.org --name "Jane Doe" --role Sales --unit North"#,
      "user add --email jim@example.org --name Jim --role Admin --password-stdin < password.txt",
    ]
  ) { call in
    var body = try await call.body()
    if call.has("password-stdin") { body["password"] = .string(try PasswordInput.line()) }
    let user = try await call.send(.post, "users", body)
    let email = user["email"]?.string ?? ""
    let hint =
      body["password"] == nil ? "; set a password with: cardfile user password \(email)" : ""
    return .done("added \(email) as \(user["id"]?.string ?? "")\(hint)", user)
  }

  private static let set = DirectoryVerb(
    name: "set", operands: ["USER"],
    options: [
      .init(name: "email", kind: .text(), summary: "The address to sign in with.", member: "email"),
      .init(name: "name", kind: .text(), summary: "The full name.", member: "name"),
    ] + profile,
    summary: "Changes a person; what is not named stays, and an empty value clears.",
    examples: [
      #"user set jane@example.org --title "Head of Sales" --unit Sales"#,
      "user set jane@example.org --role Manager --role Sales",
    ]
  ) { call in
    let body = try await call.changes()
    return try await change(call, .patch, body: body) { "changed \($0)" }
  }

  private static let deactivate = DirectoryVerb(
    name: "deactivate", aliases: ["remove"], operands: ["USER"],
    summary: "Shuts a person out and ends their sessions; what they did stays.",
    examples: ["user deactivate jane@example.org"]
  ) { call in
    try await change(call, .delete) { "\($0) is shut out" }
  }

  private static let activate = DirectoryVerb(
    name: "activate", operands: ["USER"], summary: "Lets a person in again.",
    examples: ["user activate jane@example.org"]
  ) { call in
    try await change(call, .patch, body: JSONObject([("isActive", true)])) { "\($0) may sign in" }
  }

  private static let password = DirectoryVerb(
    name: "password", operands: ["USER"], options: [passwordFromInput],
    summary: "Sets a person's password and ends their sessions; asks for it on the terminal.",
    examples: [
      "user password jane@example.org",
      "user password jane@example.org --password-stdin < password.txt",
    ]
  ) { call in
    let id = try await call.id(ofUser: call.operand("USER"))
    let password = try call.has("password-stdin") ? PasswordInput.line() : PasswordInput.ask()
    try await call.send(
      .put, "users/\(PercentEncoding.encode(id))/password",
      JSONObject([("password", .string(password))]))
    return .done(
      "set the password of \(call.operand("USER"))", ["id": .string(id)])
  }

  private static let grant = DirectoryVerb(
    name: "grant", operands: ["USER", "PERMISSION"],
    summary: "Grants a permission beside those of the roles.",
    examples: ["user grant jane@example.org crm.contacts.delete:own"]
  ) { call in
    let body = JSONObject([("permission", .string(call.operand("PERMISSION")))])
    return try await change(call, .post, "/permissions", body: body) {
      "granted \(call.operand("PERMISSION")) to \($0)"
    }
  }

  private static let revoke = DirectoryVerb(
    name: "revoke", operands: ["USER", "PERMISSION"],
    summary: "Takes a permission away that was granted to the person.",
    examples: ["user revoke jane@example.org crm.contacts.delete:own"]
  ) { call in
    try await change(call, .delete, "/permissions/\(call.encoded("PERMISSION"))") {
      "took \(call.operand("PERMISSION")) from \($0)"
    }
  }

  private static func change(
    _ call: DirectoryCall, _ method: HTTPMethod, _ path: String = "", body: JSONObject? = nil,
    _ words: (String) -> String
  ) async throws -> VerbOutput {
    let id = try await call.id(ofUser: call.operand("USER"))
    let user = try await call.send(method, "users/\(PercentEncoding.encode(id))\(path)", body)
    return .done(words(user["email"]?.string ?? id), user)
  }

  /// People with the names of their roles and units, where they are for a person to read.
  private static func named(
    _ users: [JSONValue], _ call: DirectoryCall
  ) async throws -> [JSONValue] {
    guard !call.arguments.isJSON, !users.isEmpty else { return users }
    let roles = try await call.names("roles")
    let units = try await call.names("units")
    return users.map { user in
      var user = user.object ?? JSONObject()
      let ids = user["roleIds"]?.array ?? []
      user["roleIds"] = .array(ids.map { id in .string(roles[id.string ?? ""] ?? id.string ?? "") })
      if let unit = user["unitId"]?.string { user["unitId"] = .string(units[unit] ?? unit) }
      return .object(user)
    }
  }
}
