internal import HTTP
internal import JSON

extension DirectoryNoun {
  static let tenant = DirectoryNoun(
    name: "tenant", summary: "the tenants of the file", verbs: [list, add, show, set])

  private static let columns: [VerbOutput.Column] = [.init("ID", "id"), .init("NAME", "name")]

  private static let parts: [DirectoryVerb.Option] = [
    .init(
      name: "setting", kind: .members, value: "NAME=VALUE",
      summary: "A setting such as timezone=Europe/Paris or currency=EUR; several together are all.",
      member: "settings"),
    .init(
      name: "feature", kind: .members, value: "NAME=VALUE", summary: "A feature; likewise.",
      member: "features"),
    .init(
      name: "branding", kind: .members, value: "NAME=VALUE",
      summary: "A part of the branding; likewise.", member: "branding"),
  ]

  private static let list = DirectoryVerb(
    name: "list", summary: "Lists the tenants.", examples: ["tenant list"], needsTenant: false
  ) { call in
    .table(try await call.list("tenants"), columns: columns)
  }

  private static let show = DirectoryVerb(
    name: "show", operands: ["TENANT"], summary: "Shows one tenant.",
    examples: ["tenant show acme"], needsTenant: false
  ) { call in
    .record(
      try await call.send(.get, "tenants/\(call.encoded("TENANT"))"),
      columns: columns + [
        .init("SETTINGS", "settings"), .init("FEATURES", "features"),
        .init("BRANDING", "branding"),
      ])
  }

  private static let add = DirectoryVerb(
    name: "add",
    options: [
      .init(name: "name", kind: .text(), summary: "Its name.", member: "name", isRequired: true),
      .init(
        name: "id", kind: .text(), value: "ID", summary: "The id; made when left out.", member: "id"
      ),
    ] + parts,
    summary: "Adds a tenant; makes the file where there is none.",
    examples: [#"tenant add --id acme --name "Acme Corp" --setting currency=USD"#],
    needsTenant: false, makesFile: true
  ) { call in
    let tenant = try await call.send(.post, "tenants", try await call.body())
    return .done(
      "added \(tenant["name"]?.string ?? "") as \(tenant["id"]?.string ?? "")", tenant)
  }

  private static let set = DirectoryVerb(
    name: "set", operands: ["TENANT"],
    options: [.init(name: "name", kind: .text(), summary: "Its name.", member: "name")] + parts,
    summary: "Changes a tenant; what is not named stays.",
    examples: ["tenant set acme --setting timezone=Europe/Paris --setting currency=EUR"],
    needsTenant: false
  ) { call in
    let body = try await call.changes()
    let tenant = try await call.send(.patch, "tenants/\(call.encoded("TENANT"))", body)
    return .done("changed \(tenant["name"]?.string ?? "")", tenant)
  }
}
