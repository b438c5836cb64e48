import EmbeddedWrapper
import JSON
import SQLite
import TestSupport
import Testing
import WrapperClient

/// Fields that a tenant defines for its records.
@Suite struct CustomFieldTests {
  /// Defines a field of leads.
  private func define(_ server: TestServer, _ members: JSONValue) async throws -> JSONValue {
    var body = members.object ?? JSONObject()
    if body["entityType"] == nil { body["entityType"] = "lead" }
    if body["label"] == nil { body["label"] = body["key"] }
    let answer = try await server.send("POST", "/api/custom-fields", .object(body))
    guard answer.status == 201 else {
      throw TestServer.Unexpected(answer: "\(answer.status) \(answer.text)")
    }
    return answer.data
  }

  private func create(_ server: TestServer, _ fields: JSONValue?) async throws -> TestResponse {
    try await server.send(
      "POST", "/api/leads", (["title": "t"] as JSONValue).with("customFields", fields))
  }

  private static let options: JSONValue = ["red", "green", "blue"]

  @Test(
    "a value of a defined field is checked by its type",
    arguments: [
      ("text", "any", 1), ("number", 12.5, "12.5"), ("number", -3, true), ("boolean", false, "no"),
      ("date", "2026-02-28", "2026-02-30"), ("date", "2026-02-28", "2026-02-28T10:00:00Z"),
      ("url", "https://example.org/a?b#c", "ftp://example.org"),
      ("url", "HTTP://EXAMPLE.org", "http://"),
      ("url", "http://a", "http://a b"),
      ("email", "a@example.org", "a@example"), ("select", "green", "grey"),
      ("multiselect", ["blue", "red"], ["blue", "grey"]), ("multiselect", [], "blue"),
      ("number", 123456789012345, 1234567890123456), ("number", 0.1, 0.1234567890123456),
    ] as [(String, JSONValue, JSONValue)])
  func types(_ type: String, _ good: JSONValue, _ bad: JSONValue) async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await define(
        server,
        (["key": "it", "type": .string(type)] as JSONValue)
          .with("options", type.hasSuffix("select") ? Self.options : nil))
      let fine = try await create(server, ["it": good, "free": [1, 2]])
      #expect(fine.status == 201, "\(fine.text)")
      #expect(fine.data["customFields"] == ["it": good, "free": [1, 2]])
      let refused = try await create(server, ["it": bad])
      #expect(refused.status == 422)
      #expect(refused.json["errors"]?.array?.first?["pointer"] == "/customFields/it")
      let path = "/api/leads/\(fine.data.id)"
      let patch = try await server.send("PATCH", path, ["customFields": ["it": bad]])
      #expect(patch.status == 422)
      #expect(patch.json["errors"]?.array?.first?["pointer"] == "/customFields/it")
      // Null, and what says as much, takes the member away.
      let gone = try await server.send("PATCH", path, ["customFields": ["it": nil]])
      #expect(gone.data["customFields"] == ["free": [1, 2]])
      let empty = try await create(server, ["it": ""])
      #expect(empty.status == 201 && empty.data["customFields"] == [:])
      // In the seed's envelope the pointer begins there.
      let enveloped = try await server.send(
        "POST", "/api/leads", ["leadData": ["title": "t", "customFields": ["it": bad]]])
      #expect(enveloped.json["errors"]?.array?.first?["pointer"] == "/leadData/customFields/it")
      // Other kinds of record, and other tenants, know nothing of it.
      let contact = try await server.send(
        "POST", "/api/contacts", ["firstName": "A", "customFields": ["it": bad]])
      #expect(contact.status == 201)
      let foreign = try await server.send(
        "POST", "/api/leads", as: "greta", ["title": "t", "customFields": ["it": bad]])
      #expect(foreign.status == 201)
    }
  }

  @Test("a required field is wanted of new records, and cannot be taken away from any")
  func required() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let older = try await server.lead(["title": "older"])
      let definition = try await define(server, ["key": "region", "required": true])
      let missing = try await create(server, nil)
      #expect(missing.status == 422)
      #expect(missing.issues == ["/customFields/region required"])
      #expect(try await create(server, ["region": " "]).issues == ["/customFields/region required"])
      let created = try await create(server, ["region": "EMEA"])
      #expect(created.status == 201)
      let path = "/api/leads/\(created.data.id)"
      for (method, body) in [
        ("PATCH", ["customFields": ["region": nil]]), ("PATCH", ["customFields": nil]),
        ("PUT", ["title": "t"]), ("PUT", ["title": "t", "customFields": ["other": 1]]),
      ] as [(String, JSONValue)] {
        let answer = try await server.send(method, path, body)
        #expect(answer.issues == ["/customFields/region required"], "\(method) \(body)")
      }
      // A record that never had it can be changed as before, and be given it.
      let old = "/api/leads/\(older.id)"
      #expect(try await server.send("PATCH", old, ["title": "still"]).status == 200)
      #expect(try await server.send("PATCH", old, ["customFields": ["a": 1]]).status == 200)
      #expect(
        try await server.send("PATCH", old, ["customFields": ["region": "APAC"]]).status == 200)
      #expect(try await server.send("PATCH", old, ["customFields": ["region": ""]]).status == 422)
      // From the moment on at which the definition is gone, nobody asks for it.
      let removed = try await server.send("DELETE", "/api/custom-fields/\(definition.id)")
      #expect(removed.status == 200)
      #expect(try await create(server, nil).status == 201)
      #expect(
        try await server.send("POST", "/api/custom-fields/\(definition.id)/restore").status == 200)
      #expect(try await create(server, nil).status == 422)
    }
  }

  @Test("a default fills records that are new or replaced, and no others")
  func defaults() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let older = try await server.lead(["title": "older"])
      let definition = try await define(
        server, ["key": "score", "type": "number", "required": true, "default": 1.50])
      #expect(definition["default"]?.text == "1.5")
      let created = try await create(server, nil)
      #expect(created.data["customFields"]?.text == "{\"score\":1.5}")
      #expect(try await create(server, ["score": 3]).data["customFields"] == ["score": 3])
      #expect(
        try await create(server, ["score": nil]).data["customFields"]?.text == "{\"score\":1.5}")
      let changed = try await server.send("PATCH", "/api/leads/\(older.id)", ["title": "x"])
      #expect(changed.data["customFields"] == [:])
      // What PUT does not name falls back to what it would be in a new record.
      let replaced = try await server.send(
        "PUT", "/api/leads/\(created.data.id)", ["title": "replaced"])
      #expect(replaced.data["customFields"] == ["score": 1.5], "\(replaced.text)")
      let path = "/api/custom-fields/\(definition.id)"
      #expect(try await server.send("PATCH", path, ["default": 2]).status == 200)
      #expect(try await create(server, nil).data["customFields"] == ["score": 2])
      // The entry of the create tells of it like of any other value.
      let entry = try server.rows(
        """
        SELECT json_extract(metadata, '$.customFields.score') FROM crm_activities
        WHERE operation = 'crm.leads.create' ORDER BY seq DESC LIMIT 1
        """)
      #expect(entry == [["2"]])
    }
  }

  @Test(
    "a definition that contradicts itself is refused",
    arguments: [
      (["key": "1st"], "/key invalid_key"), (["key": "a-b"], "/key invalid_key"),
      (["key": "a.b"], "/key invalid_key"), (["key": nil], "/key required"),
      (["key": "a", "type": "select"], "/options required"),
      (["key": "a", "type": "multiselect", "options": []], "/options required"),
      (["key": "a", "type": "text", "options": ["x"]], "/options not_allowed"),
      (["key": "a", "type": "colour"], "/type invalid_choice"),
      (["key": "a", "entityType": "boat"], "/entityType invalid_choice"),
      (["key": "a", "type": "number", "default": "1"], "/default invalid_type"),
      (["key": "a", "type": "date", "default": "soon"], "/default invalid_date"),
      (
        ["key": "a", "type": "select", "options": ["x"], "default": "y"], "/default invalid_choice"
      ),
      (["key": "a", "required": "yes"], "/required invalid_type"),
      (["key": "a", "entityType": "file", "required": true], "/required not_allowed"),
    ] as [(JSONValue, String)])
  func contradictions(_ members: JSONValue, _ issue: String) async throws {
    try await TestServer.run(creditCheck: .off) { server in
      var body = JSONObject([("entityType", "lead"), ("label", "L")])
      for member in members.object?.members ?? [] { body[member.name] = member.value }
      let answer = try await server.send("POST", "/api/custom-fields", .object(body))
      #expect(answer.status == 422)
      #expect(answer.issues == [issue])
    }
  }

  @Test("key, type and kind of record cannot change, all else can")
  func changes() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let definition = try await define(
        server, ["key": "colour", "type": "select", "options": Self.options, "default": "red"])
      let path = "/api/custom-fields/\(definition.id)"
      for (name, value) in [("key", "color"), ("type", "multiselect"), ("entityType", "deal")] {
        let answer = try await server.send(
          "PATCH", path, .object(JSONObject([(name, .string(value))])))
        #expect(answer.issues.contains("/\(name) read_only"), "\(name)")
      }
      let record = try await create(server, ["colour": "blue"])
      let changed = try await server.send(
        "PATCH", path, ["label": "Colour", "options": ["red", "black"], "required": true])
      #expect(changed.status == 200)
      // A value that is no option any more stays until somebody changes it.
      let lead = "/api/leads/\(record.data.id)"
      #expect(try await server.send("PATCH", lead, ["title": "new"]).status == 200)
      #expect(try await server.send("PATCH", lead, ["customFields": ["a": 1]]).status == 200)
      #expect(
        try await server.send("PATCH", lead, ["customFields": ["colour": "green"]]).status == 422)
      #expect(
        try await server.send("PATCH", lead, ["customFields": ["colour": "black"]]).status == 200)
      let gone = try await server.send("PATCH", path, ["options": ["black"]])
      #expect(gone.issues == ["/default invalid_choice"])
    }
  }

  @Test("a key is unique for its kind of record among what is not in the trash")
  func unique() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let first = try await define(server, ["key": "region"])
      let body: JSONValue = ["entityType": "lead", "key": "region", "label": "R"]
      let second = try await server.send("POST", "/api/custom-fields", body)
      #expect(second.status == 409 && second.code == "duplicate")
      #expect(second.json["existingId"] == first["id"])
      _ = try await define(server, ["key": "region", "entityType": "deal"])
      _ = try await server.send("DELETE", "/api/custom-fields/\(first.id)")
      _ = try await define(server, ["key": "region"])
      let restored = try await server.send("POST", "/api/custom-fields/\(first.id)/restore")
      #expect(restored.status == 409)
    }
  }

  @Test("a kind of record has 200 custom fields at most, those in the trash included")
  func bound() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      var last = JSONValue.null
      for number in 1...200 { last = try await define(server, ["key": .string("f\(number)")]) }
      let body: JSONValue = ["entityType": "lead", "key": "more", "label": "M"]
      _ = try await server.send("DELETE", "/api/custom-fields/\(last.id)")
      let refused = try await server.send("POST", "/api/custom-fields", body)
      #expect(refused.status == 409 && refused.code == "conflict")
      _ = try await define(server, ["key": "more", "entityType": "contact"])
      _ = try await server.send("DELETE", "/api/custom-fields/\(last.id)?purge=true")
      #expect(try await server.send("POST", "/api/custom-fields", body).status == 201)
      let all = JSONObject((1...199).map { ("f\($0)", JSONValue.string("v\($0)")) })
      let record = try await create(server, .object(all))
      #expect(record.data["customFields"] == .object(all))
    }
  }

  @Test("undefined members are kept, unless the tenant is strict")
  func strict() async throws {
    try await TestServer.run(creditCheck: .off, pollSeconds: 0.05) { server in
      _ = try await define(server, ["key": "region"])
      let older = try await create(server, ["region": "EMEA", "loose": true])
      #expect(older.status == 201)
      var changes = TenantChanges()
      changes.settings = JSONObject([("strictCustomFields", true)])
      try await server.directory.updateTenant(id: "acme", changes)
      try await signIn(server)
      var refused = try await create(server, ["loose": 1])
      for _ in 0..<500 where refused.status != 422 {
        refused = try await create(server, ["loose": 1])
      }
      #expect(refused.issues == ["/customFields/loose unknown_member"])
      #expect(try await create(server, ["region": "EMEA"]).status == 201)
      // What was there before may stay, and may go.
      let path = "/api/leads/\(older.data.id)"
      #expect(try await server.send("PATCH", path, ["title": "x"]).status == 200)
      #expect(
        try await server.send("PATCH", path, ["customFields": ["region": "APAC"]]).status == 200)
      let worse = try await server.send("PATCH", path, ["customFields": ["loose": 2]])
      #expect(worse.issues == ["/customFields/loose unknown_member"])
      let better = try await server.send("PATCH", path, ["customFields": ["loose": nil]])
      #expect(better.data["customFields"] == ["region": "APAC"])
      let foreign = try await server.send(
        "POST", "/api/leads", as: "greta", ["title": "t", "customFields": ["loose": 1]])
      #expect(foreign.status == 201)
    }
  }

  /// A sign-in lets the tenant's settings be looked at again.
  private func signIn(_ server: TestServer) async throws {
    let body: JSONValue = ["email": "ada@acme.example", "password": "correct horse battery"]
    let answer = try await server.client.send(
      "POST", "/auth/login", headers: [("Content-Type", "application/json")], body: body.bytes)
    let token = try #require(answer.json["token"]?.string)
    let me = try await server.client.send(
      "GET", "/api/me", headers: [("Authorization", "Bearer \(token)")])
    #expect(me.status == 200)
  }

  @Test("filters compare by the definition")
  func filters() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (key, type) in [
        ("n", "number"), ("d", "date"), ("b", "boolean"), ("s", "select"), ("m", "multiselect"),
        ("t", "text"),
      ] {
        let hasOptions = ["select", "multiselect"].contains(type)
        _ = try await define(
          server,
          (["key": .string(key), "type": .string(type)] as JSONValue)
            .with("options", hasOptions ? Self.options : nil))
      }
      for (title, fields) in [
        ("A", ["n": 9, "d": "2026-01-31", "b": true, "s": "red", "m": ["red", "blue"], "t": "9"]),
        ("B", ["n": 10.5, "d": "2025-12-01", "b": false, "s": "blue", "m": ["blue"], "t": "10"]),
        ("C", [:]),
      ] as [(String, JSONValue)] {
        _ = try await server.lead(["title": .string(title), "customFields": fields])
      }
      for (query, expected) in [
        ("n=9", "A"), ("n=9.0", "A"), ("n[gt]=9", "B"), ("n[gte]=9", "AB"), ("n[ne]=9", "BC"),
        ("n[in]=9,10.50", "AB"), ("n[nin]=9", "BC"), ("n[isNull]=true", "C"),
        ("d=2026-01-31", "A"), ("d[lt]=2026-01-01", "B"), ("d[lte]=2026-01-31", "AB"),
        ("d[lt]=-0d", "AB"), ("d[isNull]=false", "AB"),
        ("b=true", "A"), ("b=false", "B"), ("b[ne]=true", "BC"),
        ("s=RED", "A"), ("s[in]=red,blue", "AB"), ("s[ne]=red", "BC"),
        ("m=red", "A"), ("m=red,blue", "AB"), ("m[all]=red,blue", "A"), ("m[none]=red", "BC"),
        ("m[ne]=blue", "C"), ("m[contains]=blue", "AB"),
        ("t=9", "A"), ("t[lt]=9", "B"), ("t[startsWith]=1", "B"), ("t[contains]=0", "B"),
      ] {
        let answer = try await server.send("GET", "/api/leads?customFields.\(query)&sort=title")
        #expect(answer.texts("title").joined() == expected, "\(query) \(answer.text)")
      }
      for query in [
        "n=nine", "n[contains]=1", "d=soon", "d[startsWith]=2026", "b=yes", "b[gt]=true",
        "s[lt]=red", "m[gt]=red", "t[all]=9", "n[isNull]=maybe",
      ] {
        let answer = try await server.send("GET", "/api/leads?customFields.\(query)")
        #expect(answer.status == 400 && answer.code == "invalid_parameter", "\(query)")
      }
    }
  }

  @Test("a definition counts for every write that comes after it, however they race")
  func racing() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for round in 0..<10 {
        let key = "k\(round)"
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
          for _ in 0..<8 {
            group.addTask { try await create(server, nil).status }
          }
          group.addTask {
            _ = try await define(server, ["key": .string(key), "required": true])
            // What is sent after the answer meets the definition for certain.
            return try await create(server, nil).status == 422 ? 0 : -1
          }
          return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(!statuses.contains(-1))
        #expect(statuses.allSatisfy { [0, 201, 422].contains($0) })
        let definition = try await server.send("GET", "/api/custom-fields?key=\(key)")
        let id = try #require(definition.data.array?.first?.id)
        // Records that were committed behind the definition would lack what it requires.
        let behind = try server.rows(
          """
          SELECT count(*) FROM crm_activities AS a
          WHERE a.operation = 'crm.leads.create' AND a.seq > (
            SELECT seq FROM crm_activities
            WHERE operation = 'crm.custom-fields.create' AND entity_id = ?)
          """, [.text(id)])
        #expect(behind == [["0"]])
        #expect(
          try await server.send("DELETE", "/api/custom-fields/\(id)?purge=true").status == 200)
      }
    }
  }
}
