import EmbeddedWrapper
import JSON
import SQLite
import TestSupport
import Testing
import WrapperClient

/// Every resource that the server describes against everything that all resources can do.
///
/// The resources come from the server's own schema, so that a new one is covered by itself.
@Suite struct ResourceMatrixTests {
  private func run(
    _ body: (TestServer, [DescribedResource], RecordSamples) async throws -> Void
  ) async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let resources = try await DescribedResource.all(server)
      #expect(resources.count >= 10)
      try await body(server, resources, RecordSamples(server: server, resources: resources))
    }
  }

  @Test("every resource is created, read, changed, replaced, trashed, restored and purged alike")
  func life() async throws {
    try await run { server, resources, samples in
      for (number, resource) in resources.enumerated() {
        let comment = Comment(rawValue: resource.name)
        let body = try await samples.least(resource, number)
        let created = try await server.send("POST", resource.path, .object(body))
        #expect(created.status == 201, "\(resource.name) \(created.text)")
        let path = try #require(created.header("Location"), comment)
        #expect(path == "\(resource.path)/\(created.data.id)")
        #expect(created.header("ETag") == "\"1\"", comment)
        #expect(created.json["success"] == true, comment)
        #expect(created.json["userContext"]?["user"] == "Ada Admin", comment)
        #expect(created.data.object?.names == resource.fields.map(\.name), comment)
        for member in body.members {
          #expect(created.data[member.name] != nil && created.data[member.name] != .null, comment)
        }

        let read = try await server.send("GET", path)
        #expect(read.status == 200 && read.data == created.data, comment)
        #expect(read.header("ETag") == "\"1\"", comment)
        let unchanged = try await server.send("GET", path, headers: [("If-None-Match", "\"1\"")])
        #expect(unchanged.status == 304, comment)
        #expect(try await server.send("HEAD", path).status == 200, comment)

        try await change(resource, path, server, comment)
        try await replace(resource, path, 50 + number, server, samples, comment)
        try await remove(resource, path, created.data.id, server, comment)
        try expectEntries(resource, created.data.id, server)
      }
    }
  }

  private func change(
    _ resource: DescribedResource, _ path: String, _ server: TestServer, _ comment: Comment
  ) async throws {
    let field = try #require(resource.changeable ?? resource.writable.first { $0.type == "object" })
    let value: JSONValue = field.type == "object" ? ["changed": true] : "changed"
    let changed = try await server.send(
      "PATCH", path, .object(JSONObject([(field.name, value)])), headers: [("If-Match", "\"1\"")])
    #expect(changed.status == 200, "\(comment) \(changed.text)")
    #expect(changed.data[field.name] == value, comment)
    #expect(changed.header("ETag") == "\"2\"" && changed.data.version == 2, comment)
    let stale = try await server.send(
      "PATCH", path, .object(JSONObject([(field.name, value)])), headers: [("If-Match", "\"1\"")])
    #expect(stale.status == 412 && stale.code == "version_mismatch", comment)
    let staleByBody = try await server.send(
      "PATCH", path, .object(JSONObject([(field.name, value), ("version", 1)])))
    #expect(staleByBody.status == 412, comment)
    let same = try await server.send(
      "PATCH", path, .object(JSONObject([("id", changed.data["id"] ?? .null), ("version", 2)])))
    #expect(same.status == 200 && same.data == changed.data, comment)
  }

  private func replace(
    _ resource: DescribedResource, _ path: String, _ number: Int, _ server: TestServer,
    _ samples: RecordSamples, _ comment: Comment
  ) async throws {
    var body = try await samples.full(resource, number)
    // What cannot change any more is repeated as it is.
    let stored = try await server.send("GET", path).data
    for name in ["entityType", "entityId", "key", "pipelineId"] where body[name] != nil {
      if stored[name] != .null { body[name] = stored[name] }
    }
    let replaced = try await server.send("PUT", path, .object(body))
    #expect(replaced.status == 200, "\(comment) \(replaced.text)")
    for member in body.members where resource.entityType != "pipeline" || member.name != "stages" {
      #expect(replaced.data[member.name] == member.value, "\(comment) \(member.name)")
    }
    #expect(try await server.send("GET", path).data == replaced.data, comment)
  }

  private func remove(
    _ resource: DescribedResource, _ path: String, _ id: String, _ server: TestServer,
    _ comment: Comment
  ) async throws {
    func isListed() async throws -> Bool {
      try await server.send("GET", "\(resource.path)?limit=200").texts("id").contains(id)
    }
    #expect(try await isListed(), comment)
    let trashed = try await server.send("DELETE", path)
    #expect(trashed.status == 200 && trashed.data.id == id, "\(comment) \(trashed.text)")
    #expect(try await server.send("GET", path).status == 404, comment)
    #expect(try await !isListed(), comment)
    #expect(try await server.send("PATCH", path, [:]).status == 404, comment)
    #expect(try await server.send("DELETE", path).status == 404, comment)
    let restored = try await server.send("POST", "\(path)/restore")
    #expect(restored.status == 200, "\(comment) \(restored.text)")
    #expect(try await isListed(), comment)
    #expect(try await server.send("POST", "\(path)/restore").status == 404, comment)
    let purged = try await server.send("DELETE", "\(path)?purge=true")
    #expect(purged.status == 200 && purged.data == ["id": .string(id)], "\(comment)")
    for method in ["GET", "DELETE"] {
      #expect(try await server.send(method, path).status == 404, comment)
    }
    #expect(try await server.send("POST", "\(path)/restore").status == 404, comment)
  }

  private func expectEntries(_ resource: DescribedResource, _ id: String, _ server: TestServer)
    throws
  {
    let operations = try server.rows(
      """
      SELECT operation FROM crm_activities
      WHERE tenant_id = 'acme' AND entity_id = ? AND entity_type = ? ORDER BY seq
      """, [.text(id), .text(resource.entityType)]
    ).map { $0[0] ?? "" }
    let expected = ["create", "update", "update", "update", "delete", "restore", "purge"]
    #expect(operations == expected.map { "crm.\(resource.name).\($0)" })
    let refused = try server.rows(
      "SELECT count(*) FROM crm_activities WHERE entity_id = ? AND operation = ?",
      [.text(id), .text("crm.\(resource.name).update.failed")])
    #expect(refused != [["0"]], "\(resource.name)")
  }

  @Test("every resource refuses what is wrong in the same words")
  func refusals() async throws {
    try await run { server, resources, samples in
      let absent = "0190a0b0-0000-7000-8000-000000000000"
      for (number, resource) in resources.enumerated() {
        let comment = Comment(rawValue: resource.name)
        let needed = resource.writable.filter { $0.has("required") && $0.json["default"] == nil }
        let empty = try await server.send("POST", resource.path, [:])
        #expect(empty.status == 422, comment)
        for field in needed {
          #expect(empty.issues.contains("/\(field.name) required"), "\(comment) \(field.name)")
        }
        var body = try await samples.least(resource, number)
        let record = try await samples.create(resource, body)
        let path = "\(resource.path)/\(record.id)"
        body["wheels/~"] = 4
        let unknown = try await server.send("POST", resource.path, .object(body))
        #expect(unknown.status == 422 && unknown.issues == ["/wheels~1~0 unknown_member"], comment)
        for field in resource.fields where field.has("readOnly") && field.name != "version" {
          let body = JSONObject([(field.name, "0190a0b0-0000-7000-8000-00000000000f")])
          let answer = try await server.send("PATCH", path, .object(body))
          #expect(answer.status == 422, "\(comment) \(field.name)")
          #expect(answer.issues == ["/\(field.name) read_only"], "\(comment) \(field.name)")
        }
        let broken = try await server.client.send(
          "POST", resource.path,
          headers: [
            ("Authorization", "Bearer \(TestServer.token("ada"))"),
            ("Content-Type", "application/json"),
          ], body: Array("{\"a\":".utf8))
        #expect(broken.status == 400 && broken.code == "malformed_json", comment)
        for method in ["GET", "PATCH", "PUT", "DELETE"] {
          let body: JSONValue? = method.hasPrefix("P") ? [:] : nil
          for id in [absent, "nobody", "%20"] {
            let answer = try await server.send(method, "\(resource.path)/\(id)", body)
            #expect(answer.status == 404 && answer.code == "not_found", "\(comment) \(id)")
          }
        }
        let wrongMethod = try await server.send("DELETE", resource.path)
        #expect(wrongMethod.status == 405, comment)
        #expect(wrongMethod.header("Allow")?.contains("POST") == true, comment)
        for query in [
          "nothing=1", "id[like]=1", "limit=0", "limit=201", "fields=wheels", "sort=wheels",
        ] {
          let answer = try await server.send("GET", "\(resource.path)?\(query)")
          #expect(answer.status == 400 && answer.code == "invalid_parameter", "\(comment) \(query)")
        }
        let cursor = try await server.send("GET", "\(resource.path)?cursor=AAAA")
        #expect(cursor.status == 400 && cursor.code == "invalid_cursor", comment)
        #expect(try await server.client.send("GET", path).status == 401, comment)
      }
    }
  }

  @Test("every field is filtered by each operator that the schema names, and by no other")
  func filters() async throws {
    try await run { server, resources, samples in
      let all = [
        "eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "contains", "startsWith", "isNull",
        "all", "none",
      ]
      for resource in resources {
        let body = try await samples.full(resource, 7)
        let record = try await samples.create(resource, body)
        func find(_ query: String) async throws -> Bool {
          let answer = try await server.send("GET", "\(resource.path)?limit=200&\(query)")
          #expect(answer.status == 200, "\(resource.name) \(query) \(answer.text)")
          return answer.texts("id").contains(record.id)
        }
        for field in resource.fields where !field.operators.isEmpty {
          let comment = Comment(rawValue: "\(resource.name).\(field.name)")
          let value = Self.text(record[field.name] ?? .null)
          for asked in field.operators where asked != "isNull" {
            guard let value else { continue }
            let found = try await find("\(field.name)[\(asked)]=\(encoded(value))")
            let isExpected = !["ne", "gt", "lt", "nin", "none"].contains(asked)
            #expect(found == isExpected, "\(comment) \(asked)")
          }
          let isNull =
            record[field.name] == .null || record[field.name] == [:]
            || record[field.name] == []
          #expect(try await find("\(field.name)[isNull]=\(isNull)"), comment)
          #expect(try await !find("\(field.name)[isNull]=\(!isNull)"), comment)
          for asked in all where !field.operators.contains(asked) {
            let query = "\(field.name)[\(asked)]=\(encoded(value ?? "1"))"
            let answer = try await server.send("GET", "\(resource.path)?\(query)")
            #expect(answer.status == 400, "\(comment) \(asked)")
          }
        }
        for condition in resource.json["conditions"]?.array ?? [] {
          let name = condition["name"]?.string ?? ""
          let isTrue = try await find("\(name)=true")
          #expect(try await find("\(name)=false") == !isTrue, "\(resource.name) \(name)")
        }
      }
    }
  }

  /// A value as a query string names it; nil for what has no single value.
  private static func text(_ value: JSONValue) -> String? {
    switch value {
    case .string(let text): text.replacing(",", with: "\\,")
    case .number(let number): number.text
    case .bool(let flag): flag ? "true" : "false"
    case .array(let elements): elements.first?.string
    default: nil
    }
  }

  @Test("every sortable field sorts both ways, and sparse fields show what was asked for")
  func sorting() async throws {
    try await run { server, resources, samples in
      for resource in resources {
        for number in 1...3 {
          let body = try await samples.least(resource, number)
          _ = try await samples.create(resource, body)
        }
        for field in resource.fields {
          let comment = Comment(rawValue: "\(resource.name).\(field.name)")
          let up = try await server.send("GET", "\(resource.path)?limit=200&sort=\(field.name)")
          let down = try await server.send("GET", "\(resource.path)?limit=200&sort=-\(field.name)")
          guard field.has("sortable") else {
            #expect(up.status == 400 && down.status == 400, comment)
            continue
          }
          #expect(up.status == 200 && down.status == 200, comment)
          // Descending is the other way round among records that have a value; ties by id as well.
          func ids(_ answer: TestResponse) -> [String] {
            (answer.data.array ?? []).filter { $0[field.name] != .null }.map(\.id)
          }
          #expect(ids(up) == ids(down).reversed(), comment)
          #expect(up.texts("id").count == down.texts("id").count, comment)
          let sparse = try await server.send("GET", "\(resource.path)?fields=\(field.name)")
          let names = Set(["id", field.name])
          for record in sparse.data.array ?? [] {
            #expect(Set(record.object?.names ?? []) == names, comment)
          }
        }
      }
    }
  }

  @Test("another tenant finds nothing of any resource, whatever it tries")
  func tenants() async throws {
    try await run { server, resources, samples in
      for (number, resource) in resources.enumerated() {
        let comment = Comment(rawValue: resource.name)
        let body = try await samples.least(resource, number)
        let record = try await samples.create(resource, body)
        let path = "\(resource.path)/\(record.id)"
        for (method, path, body) in [
          ("GET", path, nil), ("PATCH", path, [:]), ("PUT", path, .object(body)),
          ("DELETE", path, nil), ("DELETE", "\(path)?purge=true", nil),
          ("POST", "\(path)/restore", nil),
        ] as [(String, String, JSONValue?)] {
          let answer = try await server.send(method, path, as: "greta", body)
          #expect(answer.status == 404 && answer.code == "not_found", "\(comment) \(method)")
          #expect(!answer.text.contains("acme"), comment)
        }
        let list = try await server.send("GET", "\(resource.path)?count=true", as: "greta")
        #expect(!list.texts("id").contains(record.id), comment)
        #expect(list.json["total"] == .integer(list.data.array?.count ?? -1), comment)
        #expect(try await server.send("GET", path).data == record, comment)
      }
    }
  }

  @Test("every resource is cut by the scopes own and team")
  func scopes() async throws {
    try await run { server, resources, samples in
      try await server.directory.createRole(
        tenantID: "acme", id: "own", name: "Own", permissions: ["crm.*.*:own"])
      try await server.directory.createUser(
        tenantID: "acme",
        NewUser(
          id: "olga", email: "olga@acme.example", name: "Olga Own", unitID: "support",
          roleIDs: ["own"]))
      var isAllowed = false
      for _ in 0..<1000 where !isAllowed {
        let path = "/api/permissions/check?permission=crm.deals.purge"
        isAllowed = try await server.send("GET", path, as: "olga").data["allowed"] == true
      }
      #expect(isAllowed)
      var hers = samples
      hers.user = "olga"
      for (number, resource) in resources.enumerated() {
        let comment = Comment(rawValue: resource.name)
        let body = try await samples.least(resource, 2 * number)
        let adas = try await samples.create(resource, body)
        var own = try await hers.least(resource, 2 * number + 1)
        let olgas = try await hers.create(resource, own)
        own["ownerId"] = "sam"
        for (user, record, status) in [
          ("olga", olgas, 200), ("olga", adas, 404), ("mara", olgas, 404), ("mara", adas, 404),
          ("vic", adas, 200), ("vic", olgas, 200),
        ] {
          let path = "\(resource.path)/\(record.id)"
          #expect(
            try await server.send("GET", path, as: user).status == status, "\(comment) \(user)")
          let list = try await server.send("GET", "\(resource.path)?limit=200&count=true", as: user)
          #expect(list.texts("id").contains(record.id) == (status == 200), "\(comment) \(user)")
          #expect(list.json["total"] == .integer(list.data.array?.count ?? -1), comment)
          let patch = try await server.send("PATCH", path, as: user, [:])
          #expect(patch.status == (user == "vic" ? 403 : status), "\(comment) \(user)")
        }
        // Handed to somebody of mara's team, it is hers to see as well.
        let handed = try await server.send(
          "PATCH", "\(resource.path)/\(olgas.id)", as: "olga", ["ownerId": "sam"])
        #expect(handed.status == 200, "\(comment) \(handed.text)")
        let seen = try await server.send("GET", "\(resource.path)/\(olgas.id)", as: "mara")
        #expect(seen.status == 200, comment)
      }
    }
  }
}
