import JSON
import SQLite
import TestSupport
import Testing
import WrapperClient

/// The activity log as lists, and its entries one by one.
@Suite struct ActivityListTests {
  private static let members = [
    "id", "tenantId", "userId", "operation", "entityId", "entityType", "creditCost", "timestamp",
    "sessionId", "userContext", "permissions", "metadata", "compliance", "source", "receivedAt",
  ]

  @Test("an entry has the members that its consumers know, in a list and by itself")
  func shape() async throws {
    try await TestServer.run { server in
      let answer = try await server.send(
        "POST", "/api/leads", as: "sam", ["title": "Big", "value": 5],
        headers: [("X-Reason", "a fair"), ("User-Agent", "probe/1")])
      let id = try #require(answer.json["activityId"]?.string)
      let list = try await server.send("GET", "/api/activities")
      #expect(list.status == 200)
      #expect(list.json["nextCursor"] == .null)
      let entry = try #require(list.data.array?.first)
      #expect(entry.object?.names == Self.members)
      #expect(entry["id"]?.string == id)
      #expect(entry["tenantId"] == "acme" && entry["userId"] == "sam")
      #expect(entry["operation"] == "crm.leads.create" && entry["entityType"] == "lead")
      #expect(entry["entityId"]?.string == answer.data.id)
      #expect(entry["creditCost"] == 5)
      #expect(entry["source"] == "cardfile" && entry["receivedAt"] == .null)
      let context = entry["userContext"]
      #expect(context?["user"]?["email"] == "sam@acme.example")
      #expect(context?["entityPath"] == "Acme Corp → Sales Department → Sam Sales")
      #expect(context?["hierarchy"]?["departmentName"] == "Sales Department")
      let permission = entry["permissions"]?["operationContext"]
      #expect(permission?["requiredPermission"] == "crm.leads.create")
      #expect(permission?["permissionSource"] == "role:Sales")
      #expect(entry["metadata"]?["leadTitle"] == "Big" && entry["metadata"]?["reason"] == "a fair")
      #expect(entry["compliance"]?["userAgent"] == "probe/1")
      for path in [id, encoded(id)] {
        let one = try await server.send("GET", "/api/activities/\(path)")
        #expect(one.status == 200 && one.data == entry, "\(path)")
      }
      let brief = try await server.send("GET", "/api/activities?includeDetails=false")
      #expect(
        brief.data.array?.first?.object?.names
          == Self.members.filter {
            !["userContext", "permissions", "metadata", "compliance"].contains($0)
          })
      let some = try await server.send("GET", "/api/activities?fields=operation,userId")
      #expect(some.data.array?.first?.object?.names == ["id", "userId", "operation"])
    }
  }

  /// Work of ada, mara, sam, sue and vic, from which lists are made.
  private func work(_ server: TestServer) async throws -> JSONValue {
    let lead = try await server.lead(["title": "a"])
    for user in ["mara", "sam", "sue"] {
      _ = try await server.lead(["title": "b"], as: user)
    }
    _ = try await server.changed("/api/leads/\(lead.id)", ["value": 1])
    _ = try await server.contact(["lastName": "c"], as: "sam")
    _ = try await server.send("POST", "/api/leads", as: "vic", ["title": "no"])
    return lead
  }

  @Test("each filter finds its entries; a unit means those below it; patterns mean several")
  func filters() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await work(server)
      let session = try #require(
        server.rows("SELECT session_id FROM crm_activities WHERE user_id = 'sue'").first?.first)
      for (query, users) in [
        ("", ["vic", "sam", "ada", "sue", "sam", "mara", "ada"]),
        ("sort=timestamp", ["ada", "mara", "sam", "sue", "ada", "sam", "vic"]),
        ("userId=sam", ["sam", "sam"]), ("operation=crm.leads.update", ["ada"]),
        ("operation=crm.leads.*", ["vic", "ada", "sue", "sam", "mara", "ada"]),
        ("operation=*.failed", ["vic"]),
        ("operation=crm.*.create", ["sam", "sue", "sam", "mara", "ada"]),
        ("operation=crm.nothing.*", []), ("operation=crm.leads.update*&userId=sam", []),
        ("entityType=contact", ["sam"]), ("entityType=error", ["vic"]),
        ("entityId=\(lead.id)", ["ada", "ada"]),
        ("entityType=lead&entityId=\(lead.id)&operation=crm.leads.create", ["ada"]),
        ("departmentId=org", ["vic", "sam", "ada", "sue", "sam", "mara", "ada"]),
        ("departmentId=sales", ["vic", "sam", "sam", "mara"]),
        ("departmentId=north", ["sam", "sam"]), ("departmentId=gone", []),
        ("departmentId=sales&userId=sam&operation=crm.leads.*", ["sam"]),
        ("sessionId=\(encoded(session ?? ""))", ["sue"]), ("since=1h&userId=sue", ["sue"]),
        ("until=2020-01-01", []), ("since=2020-01-01&until=0m&userId=mara", ["mara"]),
      ] {
        let answer = try await server.send("GET", "/api/activities?count=true&\(query)")
        #expect(answer.status == 200, "\(query): \(answer.text)")
        #expect(answer.texts("userId") == users, "\(query)")
        #expect(answer.json["total"] == .integer(users.count), "\(query)")
        var walked: [String] = []
        var cursor: String?
        repeat {
          let page = try await server.send(
            "GET", "/api/activities?limit=2&\(query)" + (cursor.map { "&cursor=\($0)" } ?? ""))
          walked += page.texts("userId")
          cursor = page.json["nextCursor"]?.string
        } while cursor != nil
        #expect(walked == users, "\(query)")
      }
      let second = try await server.send("GET", "/api/activities?page=2&pageSize=3")
      #expect(second.texts("userId") == ["sue", "sam", "mara"])
      #expect(second.json["total"] == 7 && second.json["page"] == 2)
    }
  }

  @Test("what cannot be asked is 400 and says where")
  func refusals() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for (query, parameter) in [
        ("userid=sam", "userid"), ("sort=id", "sort"), ("includeDetails=maybe", "includeDetails"),
        ("fields=salt", "fields"), ("since=yesterday", "since"), ("userId=", "userId"),
        ("limit=0", "limit"), ("operation=a&operation=b", "operation"),
      ] {
        let answer = try await server.send("GET", "/api/activities?\(query)")
        #expect(answer.status == 400 && answer.code == "invalid_parameter", "\(query)")
        #expect(answer.json["errors"]?.array?.first?["parameter"]?.string == parameter, "\(query)")
      }
      _ = try await work(server)
      let page = try await server.send("GET", "/api/activities?limit=1&userId=ada")
      let cursor = try #require(page.json["nextCursor"]?.string)
      for query in ["cursor=\(cursor)", "cursor=x", "userId=ada&sort=timestamp&cursor=\(cursor)"] {
        let answer = try await server.send("GET", "/api/activities?\(query)")
        #expect(answer.status == 400 && answer.code == "invalid_cursor", "\(query)")
      }
      #expect(try await server.send("GET", "/api/activities/x?y=1").status == 400)
    }
  }

  @Test("one's own is always there; others' as far as crm.activities.read reaches, else it is not")
  func scopes() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await server.addUsers([("olga", ["crm.activities.read:own", "crm.leads.create"])])
      _ = try await work(server)
      _ = try await server.lead(["title": "o"], as: "olga")
      let all = try await server.send("GET", "/api/activities?fields=userId")
      for (user, visible) in [
        ("ada", Set(["ada", "mara", "sam", "sue", "vic", "olga"])),
        ("vic", Set(["ada", "mara", "sam", "sue", "vic", "olga"])),
        ("mara", Set(["mara", "sam", "vic"])), ("sam", ["sam"]), ("olga", ["olga"]),
        ("greta", []),
      ] {
        let answer = try await server.send("GET", "/api/activities?count=true", as: user)
        #expect(Set(answer.texts("userId")) == visible, "\(user)")
        let expected = all.data.array?.filter { visible.contains($0["userId"]?.string ?? "") }
        #expect(answer.texts("id") == expected?.map(\.id), "\(user)")
        #expect(answer.json["total"] == .integer(expected?.count ?? 0), "\(user)")
        for entry in all.data.array ?? [] {
          let one = try await server.send("GET", "/api/activities/\(entry.id)", as: user)
          let isVisible = visible.contains(entry["userId"]?.string ?? "")
          #expect(one.status == (isVisible ? 200 : 404), "\(user) \(entry.id)")
        }
      }
      let others = try await server.send("GET", "/api/activities?userId=ada&count=true", as: "sam")
      #expect(others.data == [] && others.json["total"] == 0)
    }
  }

  @Test("of a note that is private to another the log tells that it was changed, and not how")
  func privateNotes() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["lastName": "Curie"])
      let path = "/api/contacts/\(contact.id)/notes"
      let hidden = try await server.created(path, ["body": "s3cret", "visibility": "private"])
      let turned = try await server.created(path, ["body": "s3cret too"])
      let open = try await server.created(path, ["body": "open"])
      _ = try await server.changed("/api/notes/\(turned.id)", ["visibility": "private"])
      let purged = try await server.created(path, ["body": "s3cret gone"])
      #expect(try await server.send("DELETE", "/api/notes/\(purged.id)?purge=true").status == 200)
      let query = "/api/activities?entityType=note"
      let theirs = try await server.send("GET", query, as: "vic")
      #expect(theirs.texts("entityId").contains(hidden.id))
      #expect(theirs.texts("entityId").count(where: { $0 == turned.id }) == 2)
      #expect(!theirs.text.contains("s3cret"))
      #expect(theirs.text.contains("\"open\""))
      for entry in theirs.data.array ?? [] {
        let one = try await server.send("GET", "/api/activities/\(entry.id)", as: "vic")
        #expect(one.data == entry)
        let isOpen = entry["entityId"]?.string == open.id
        #expect((entry["metadata"]?["changes"] != nil) == isOpen)
      }
      #expect(try await server.send("GET", query).text.contains("s3cret too"))
    }
  }

  @Test("the entries of one moment stand in the order in which they were written")
  func ties() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let operations: JSONValue = .array(
        (0..<120).map { number in
          ["method": "POST", "path": "/api/leads", "body": ["title": .string("\(number)")]]
        })
      let batch = try await server.send("POST", "/api/batch", ["operations": operations])
      #expect(batch.status == 200)
      let ids = (batch.data.array ?? []).compactMap { $0["body"]?["activityId"]?.string }
      #expect(ids.count == 120)
      #expect(
        try await server.send("GET", "/api/activities?limit=200").texts("id") == ids.reversed())
      let first = try await server.send("GET", "/api/activities?sort=timestamp&limit=50")
      #expect(first.texts("id") == Array(ids[..<50]))
      let cursor = try #require(first.json["nextCursor"]?.string)
      let second = try await server.send(
        "GET", "/api/activities?sort=timestamp&limit=50&cursor=\(cursor)")
      #expect(second.texts("id") == Array(ids[50..<100]))
    }
  }
}
