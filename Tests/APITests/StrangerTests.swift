import CRM
import JSON
import TestSupport
import Testing
import WrapperClient

/// What one tenant has does not exist for another: every route of the published document, walked
/// with the ids of `acme` and the token of greta, who may do everything in `globex`.
@Suite struct StrangerTests {
  /// What `acme` has, and what greta has of the same kinds.
  private struct World {
    let server: TestServer
    let operations: [DescribedOperation]
    let resources: [DescribedResource]
    let hers: RecordSamples
    /// Ids of acme by kind: records, people, units, roles, sessions.
    var ids: [String: String] = [:]
    var own: [String: String] = [:]

    /// The kind of record that the collection of this name holds.
    func kind(of collection: String) -> String {
      switch collection {
      case "customers": "contact"
      case "files": "file"
      default: resources.first { $0.name == collection }?.entityType ?? collection
      }
    }

    /// Expects 404 for each of these values of the path's parameters, and that nothing tells it
    /// from the answer for an id that nobody has.
    func refuses(_ operation: DescribedOperation, _ all: [[String: String]]) async throws {
      var unknown: [[String: String]: String] = [:]
      for values in all {
        let comment = Comment(rawValue: "\(operation.method) \(operation.path(values))")
        let refusal = try await answer(operation, values)
        #expect(
          refusal.status == 404 && refusal.code == "not_found", "\(comment): \(refusal.text)")
        let nobodys = values.mapValues { id in
          guard ids.values.contains(id) else { return id }
          // Of the same form: what is no UUID is at no path of records.
          return id.count == StrangerTests.nobody.count ? StrangerTests.nobody : "nobody"
        }
        if unknown[nobodys] == nil {
          unknown[nobodys] = told(try await answer(operation, nobodys))
        }
        #expect(told(refusal) == unknown[nobodys], comment)
      }
    }

    private func answer(
      _ operation: DescribedOperation, _ values: [String: String]
    ) async throws -> TestResponse {
      let body = operation.bodySchema.map(operation.sample)
      return try await server.send(
        operation.method, operation.path(values), as: "greta",
        operation.json["requestBody"] == nil ? nil : body ?? [:])
    }

    /// What an answer says, less what is new in each.
    private func told(_ answer: TestResponse) -> String {
      (ids.values + [StrangerTests.nobody, "nobody"]).reduce(
        answer.json.with("requestId", nil).with("instance", nil).text
      ) { $0.replacing($1, with: "?") }
    }
  }

  private static let nobody = "0190a0b0-0000-7000-8000-000000000000"

  private func run(_ body: (World) async throws -> Void) async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let resources = try await DescribedResource.all(server)
      let samples = RecordSamples(server: server, resources: resources)
      let document = try await server.client.send("GET", "/openapi.json").json
      var world = World(
        server: server, operations: DescribedOperation.all(document), resources: resources,
        hers: RecordSamples(server: server, resources: resources, user: "greta"))
      for (number, resource) in resources.enumerated() {
        var body = try await samples.full(resource, 100 + number)
        if resource.entityType == "task" { body["remindAt"] = "2020-01-01T00:00:00.000Z" }
        world.ids[resource.entityType] = try await samples.create(resource, body).id
        let least = try await world.hers.least(resource, 500 + number)
        world.own[resource.entityType] = try await world.hers.create(resource, least).id
      }
      let bytes = Array("secret".utf8)
      for (user, contact) in [("ada", world.ids["contact"]), ("greta", world.own["contact"])] {
        let file = try await server.file(
          bytes, named: "plan.txt", at: "/api/contacts/\(contact ?? "")", as: user)
        if user == "ada" { world.ids["file"] = file.id } else { world.own["file"] = file.id }
      }
      let note: JSONValue = ["body": "hidden", "visibility": "private"]
      world.ids["private"] = try await server.created(
        "/api/contacts/\(world.ids["contact"] ?? "")/notes", note
      ).id
      let gone = try await server.lead(["title": "trashed"])
      world.ids["trashed"] = gone.id
      _ = try await server.send("DELETE", "/api/leads/\(gone.id)")
      _ = try await server.send("PUT", "/api/preferences/theme", ["dark": true])
      _ = try await server.store.fireReminders()
      let reminders = try await server.send("GET", "/api/reminders")
      world.ids["reminder"] = reminders.texts("id").first
      let sessions = try await server.send("GET", "/api/sessions")
      world.ids["session"] = sessions.texts("id").first
      for kind in ["reminder", "session"] { try #require(world.ids[kind] != nil, "\(kind)") }
      world.ids.merge(["user": "sam", "unit": "north", "role": "viewer"]) { $1 }
      try await body(world)
    }
  }

  /// Paths whose parameter names no record: settings by key, costs by operation, upserts by value.
  private static func namesNoRecord(_ operation: DescribedOperation) -> Bool {
    operation.parameters(in: "path").contains {
      ["key", "operationCode", "operation"].contains($0)
    }
      || operation.words.contains("by")
  }

  @Test("every route answers 404 to the ids of another tenant, as to ids that nobody has")
  func routes() async throws {
    try await run { world in
      let before = try Self.contents(world.server)
      var walked = 0
      for operation in world.operations {
        let names = operation.parameters(in: "path")
        guard !names.isEmpty, !Self.namesNoRecord(operation) else { continue }
        let more = ["role": "admin", "permission": "crm.leads.read"]
        let values: [[String: String]]
        if operation.path.hasPrefix("/api/history/") {
          values = world.ids.map { kind, id in
            ["entityType": kind == "private" ? "note" : kind, "id": id]
          }
        } else if names.count == 1 {
          values = world.ids.values.sorted().map { [names[0]: $0] }
        } else if operation.path.hasPrefix("/api/directory/") {
          values = ["user", "unit", "role"].map { kind in
            more.merging(["id": world.ids[kind] ?? ""]) { $1 }
          }
        } else {
          let (parent, child) = (
            world.kind(of: operation.words[1]), world.kind(of: operation.words[2])
          )
          let pairs = [
            (world.ids[parent], world.ids[child]), (world.own[parent], world.ids[child]),
            (world.ids[parent], world.own[child]),
          ]
          values = try pairs.map { pair in
            let (parent, child) = (try #require(pair.0), try #require(pair.1))
            return [names[0]: parent, names[1]: child]
          }
        }
        try await world.refuses(operation, values)
        walked += 1
      }
      #expect(walked > 100)
      // Of all that nothing has come to acme.
      #expect(try Self.contents(world.server) == before)
    }
  }

  /// All that the file holds of acme.
  private static func contents(_ server: TestServer) throws -> [String: [String]] {
    var contents: [String: [String]] = [:]
    for table in [
      "contacts", "companies", "leads", "deals", "pipelines", "tasks", "notes", "interactions",
      "files", "segments", "custom_field_definitions", "preferences", "crm_activities",
      "change_log", "deal_stage_moves", "record_tags", "record_counters", "directory_users",
      "directory_roles", "directory_units",
    ] {
      contents[table] = try server.rows("SELECT * FROM \(table) WHERE tenant_id = 'acme'")
        .map { "\($0)" }.sorted()
      #expect(contents[table]?.isEmpty == false, "\(table)")
    }
    return contents
  }

  @Test("settings and upserts by what another tenant has find nothing of it")
  func names() async throws {
    try await run { world in
      let before = try Self.contents(world.server)
      let theme = try await world.server.send("GET", "/api/preferences/theme", as: "greta")
      #expect(theme.status == 404)
      #expect(
        try await world.server.send("DELETE", "/api/preferences/theme", as: "greta").status == 404)
      for operation in world.operations where operation.words.contains("by") {
        let resource = try #require(
          world.resources.first { $0.entityType == world.kind(of: operation.words[1]) })
        let member = try #require(operation.words.last)
        let path = "\(resource.path)/\(world.ids[resource.entityType] ?? "")"
        let value = try await world.server.send("GET", path).data[member]?.string ?? ""
        try #require(!value.isEmpty)
        let body = try await world.hers.least(resource, 900).members.filter { $0.name != member }
        let answer = try await world.server.send(
          "PUT", operation.path(["value": value]), as: "greta",
          .object(JSONObject(body.map { ($0.name, $0.value) })))
        // By the second path of contacts it is there already.
        #expect([200, 201].contains(answer.status), "\(operation.name) \(answer.text)")
        #expect(answer.data["tenantId"] == "globex")
        #expect(answer.data.id != world.ids[resource.entityType])
      }
      #expect(try Self.contents(world.server) == before)
    }
  }

  @Test("no body may refer to a record or a person of another tenant")
  func references() async throws {
    try await run { world in
      for (number, resource) in world.resources.enumerated() {
        for field in resource.writable where ["reference", "user"].contains(field.type) {
          let kinds =
            switch field.name {
            case "entityId": ["contact", "company", "lead", "deal"]
            default: [field.json["references"]?.string ?? "user"]
            }
          for kind in kinds {
            let comment = Comment(rawValue: "\(resource.name).\(field.name): \(kind)")
            let id = JSONValue.string(try #require(world.ids[kind], comment))
            var body = try await world.hers.least(resource, 700 + number)
            body[field.name] = id
            var patch = JSONObject([(field.name, id)])
            if field.name == "entityId" {
              body["entityType"] = .string(kind)
              patch["entityType"] = .string(kind)
            }
            let path = "\(resource.path)/\(world.own[resource.entityType] ?? "")"
            for (method, path, body) in [
              ("POST", resource.path, body), ("PATCH", path, patch),
            ] {
              let answer = try await world.server.send(method, path, as: "greta", .object(body))
              #expect(answer.status == 422, "\(comment) \(method) \(answer.text)")
              #expect(
                answer.issues == ["/\(field.name) unknown_reference"], "\(comment) \(method)")
            }
          }
        }
      }
    }
  }

  @Test("lists, searches, boards and batches show nothing of another tenant, whatever is asked")
  func questions() async throws {
    try await run { world in
      let server = world.server
      let known = world.ids.filter { !["user", "unit", "role"].contains($0.key) }.values
      func isSilent(_ answer: TestResponse, _ asked: String, besides id: String = "") {
        for secret in known where secret != id {
          #expect(!answer.text.contains(secret), "\(asked)")
        }
        #expect(!answer.text.contains("acme"), "\(asked)")
      }
      for operation in world.operations
      where operation.method == "GET" && operation.path.hasPrefix("/api/")
        && operation.parameters(in: "path").isEmpty
      {
        isSilent(
          try await server.send("GET", operation.path, as: "greta"), operation.name)
        let asked = operation.parameters(in: "query")
        guard asked.contains("count"), asked.contains("createdBy") else { continue }
        for name in asked
        where ["id", "ownerId", "createdBy", "assignedTo", "externalId"].contains(name)
          || name.hasSuffix("Id")
        {
          for id in [world.ids["user"] ?? ""] + known {
            let query = "count=true&\(name)=\(encoded(id))"
            let answer = try await server.send("GET", "\(operation.path)?\(query)", as: "greta")
            #expect(answer.status == 200 || answer.code == "invalid_parameter", "\(answer.text)")
            if answer.status == 200 { #expect(answer.json["total"] == 0, "\(query)") }
            isSilent(answer, query, besides: id)
          }
        }
      }
      for (number, resource) in world.resources.enumerated() {
        let found = try await server.search("word\(100 + number)", as: "greta")
        #expect(found.data == [], "\(resource.name)")
      }
      for (path, status) in [
        ("/api/deals/board?pipelineId=\(world.ids["pipeline"] ?? "")", 404),
        ("/api/deals/forecast?pipelineId=\(world.ids["pipeline"] ?? "")", 404),
        ("/api/permissions/check?userId=sam&permission=crm.leads.read", 404),
      ] {
        #expect(try await server.send("GET", path, as: "greta").status == status, "\(path)")
      }
      try await segments(world)
      try await batches(world)
    }
  }

  private func segments(_ world: World) async throws {
    let segment = try await world.server.created(
      "/api/segments",
      [
        "name": "theirs", "entityType": "lead",
        "filter": .string("contactId=\(world.ids["contact"] ?? "")"),
      ], as: "greta")
    let records = try await world.server.send(
      "GET", "/api/segments/\(segment.id)/records", as: "greta")
    #expect(records.status == 200 && records.data == [])
  }

  private func batches(_ world: World) async throws {
    for resource in world.resources {
      let path = "\(resource.path)/\(world.ids[resource.entityType] ?? "")"
      for (method, path) in [
        ("PATCH", path), ("DELETE", path), ("DELETE", "\(path)?purge=true"),
        ("POST", "\(path)/restore"),
      ] {
        let operation: JSONValue = ["method": .string(method), "path": .string(path)]
        let answer = try await world.server.send(
          "POST", "/api/batch", as: "greta",
          [
            "operations": [
              ["method": "POST", "path": "/api/leads", "body": ["title": "batched"]],
              method == "PATCH" ? operation.with("body", [:]) : operation,
            ]
          ])
        #expect(answer.status == 404 && answer.json["index"] == 1, "\(path) \(answer.text)")
      }
    }
    let list = try await world.server.send("GET", "/api/leads?title=batched", as: "greta")
    #expect(list.data == [])
  }
}
