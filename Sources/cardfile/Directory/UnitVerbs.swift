internal import HTTP
internal import JSON

extension DirectoryNoun {
  static let unit = DirectoryNoun(
    name: "unit", summary: "the organisation: departments and teams",
    verbs: [list, add, show, set, move, remove])

  private static let columns: [VerbOutput.Column] = [
    .init("ID", "id"), .init("NAME", "name"), .init("TYPE", "type"), .init("BELOW", "parentId"),
  ]

  private static let type = DirectoryVerb.Option(
    name: "type", kind: .choice(["organization", "department", "team"]), value: "TYPE",
    summary: "organization, department or team.", member: "type")

  private static let list = DirectoryVerb(
    name: "list", summary: "Lists the units.", examples: ["unit list"]
  ) { call in
    .table(try await call.list("units"), columns: columns)
  }

  private static let show = DirectoryVerb(
    name: "show", operands: ["UNIT"], summary: "Shows one unit.", examples: ["unit show North"]
  ) { call in
    let id = try await call.id(ofUnit: call.operand("UNIT"))
    return .record(
      try await call.send(.get, "units/\(PercentEncoding.encode(id))"), columns: columns)
  }

  private static let add = DirectoryVerb(
    name: "add",
    options: [
      .init(name: "name", kind: .text(), summary: "Its name.", member: "name", isRequired: true),
      type,
      .init(
        name: "parent", kind: .unit, value: "UNIT", summary: "The unit above it, by id or name.",
        member: "parentId"),
      .init(
        name: "id", kind: .text(), value: "ID", summary: "The id; made when left out.", member: "id"
      ),
    ],
    summary: "Adds a unit.", examples: [#"unit add --name North --type team --parent Sales"#]
  ) { call in
    let unit = try await call.send(.post, "units", try await call.body())
    return .done(
      "added \(unit["name"]?.string ?? "") as \(unit["id"]?.string ?? "")", unit)
  }

  private static let set = DirectoryVerb(
    name: "set", operands: ["UNIT"],
    options: [.init(name: "name", kind: .text(), summary: "Its name.", member: "name"), type],
    summary: "Changes a unit; what is not named stays.",
    examples: ["unit set North --type department"]
  ) { call in
    let body = try await call.changes()
    return try await change(call, .patch, body: body) { "changed \($0)" }
  }

  private static let move = DirectoryVerb(
    name: "move", operands: ["UNIT"],
    options: [
      .init(
        name: "parent", kind: .unit, value: "UNIT",
        summary: "The unit that it comes below, by id or name; empty for none.",
        member: "parentId", isRequired: true)
    ],
    summary: "Moves a unit with all below it.", examples: ["unit move North --parent Support"]
  ) { call in
    let body = try await call.body()
    return try await change(call, .patch, body: body) { "moved \($0)" }
  }

  private static let remove = DirectoryVerb(
    name: "remove", operands: ["UNIT"], summary: "Removes a unit that nothing hangs from.",
    examples: ["unit remove South"]
  ) { call in
    try await change(call, .delete) { "removed \($0)" }
  }

  private static func change(
    _ call: DirectoryCall, _ method: HTTPMethod, body: JSONObject? = nil,
    _ words: (String) -> String
  ) async throws -> VerbOutput {
    let id = try await call.id(ofUnit: call.operand("UNIT"))
    let unit = try await call.send(method, "units/\(PercentEncoding.encode(id))", body)
    return .done(words(unit["name"]?.string ?? id), unit)
  }
}
