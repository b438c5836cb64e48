import EmbeddedWrapper
import JSON
import TestSupport
import Testing
import WrapperClient

/// `/api/history/…` and the timelines of contacts, companies, leads and deals.
@Suite struct HistoryTests {
  /// All pages of a history, `limit` items each.
  private static func pages(
    _ server: TestServer, _ path: String, limit: Int, as user: String = "ada"
  ) async throws -> [JSONValue] {
    var items: [JSONValue] = []
    var cursor = ""
    while true {
      let page = try await server.send(
        "GET", "\(path)\(path.contains("?") ? "&" : "?")limit=\(limit)\(cursor)", as: user)
      try #require(page.status == 200, "\(page.text)")
      #expect((page.data.array ?? []).count <= limit)
      items += page.data.array ?? []
      guard let next = page.json["nextCursor"]?.string else { return items }
      cursor = "&cursor=\(next)"
    }
  }

  @Test("the history of a record tells who changed what from what to what, newest first")
  func fieldChanges() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lead = try await server.lead(["title": "one", "value": 10])
      let path = "/api/leads/\(lead.id)"
      _ = try await server.send("PATCH", path, as: "mara", ["title": "other"])
      _ = try await server.send("PATCH", path, ["title": "two", "value": 10.5])
      _ = try await server.send("PATCH", path, ["title": "two"])
      _ = try await server.send("PATCH", path, ["unknown": 1])
      _ = try await server.send("DELETE", path)
      _ = try await server.send("POST", "\(path)/restore")
      let history = "/api/history/lead/\(lead.id)"
      let items = try await server.send("GET", history).data.array ?? []
      #expect(
        items.map { $0["operation"]?.string } == [
          "crm.leads.restore", "crm.leads.delete", "crm.leads.update", "crm.leads.create",
        ])
      #expect(items.map { $0["version"]?.integer } == [4, 3, 2, 1])
      #expect(items.allSatisfy { $0["by"] == "ada" && $0["byName"] == "Ada Admin" })
      #expect(
        items[2]["changes"] == [
          "title": ["from": "one", "to": "two"], "value": ["from": 10, "to": 10.5],
        ])
      #expect(items[3]["changes"]?["title"] == ["to": "one"])
      let ids = try server.rows("SELECT id FROM crm_activities WHERE entity_type = 'lead'")
      #expect(items.allSatisfy { item in ids.contains([item["activityId"]?.string]) })
      #expect(try await Self.pages(server, history, limit: 1) == items)

      // Who may not read the record learns nothing of it.
      #expect(try await server.send("GET", history, as: "sam").status == 404)
      #expect(try await server.send("GET", history, as: "greta").status == 404)
      #expect(try await server.send("GET", history, as: "vic").data.array == items)
      #expect(try await server.send("GET", "/api/history/deal/\(lead.id)", as: "sam").status == 403)
      for wrong in ["contact/\(lead.id)", "leads/\(lead.id)", "lead/1", "error/\(lead.id)"] {
        #expect(try await server.send("GET", "/api/history/\(wrong)").status == 404)
      }
      let cursor = try await server.send("GET", "\(history)?limit=1").json["nextCursor"]?.string
      let other = try await server.lead(["title": "x"])
      let foreign = try await server.send(
        "GET", "/api/history/lead/\(other.id)?cursor=\(cursor ?? "")")
      #expect(foreign.code == "invalid_cursor")
      #expect(try await server.send("GET", "\(history)?types=note").status == 400)
      _ = try await server.send("DELETE", path)
      #expect(try await server.send("GET", history).status == 404)
    }
  }

  @Test("a timeline merges what happened around a contact, each part as far as it may be read")
  func timeline() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let contact = try await server.contact(["firstName": "Ann"])
      let path = "/api/customers/\(contact.id)"
      func post(_ path: String, _ body: JSONValue, as user: String = "ada") async throws
        -> JSONValue
      { try await Self.created(server, path, body, as: user) }
      let call = try await post(
        "\(path)/interactions",
        ["type": "call", "subject": "Hello", "occurredAt": "2020-01-01T10:00:00.000Z"])
      let note = try await post("\(path)/notes", ["body": "She likes cheese."])
      _ = try await post("\(path)/notes", ["body": "secret", "visibility": "private"], as: "pia")
      let task = try await post(
        "/api/tasks",
        ["title": "Call back", "entityType": "contact", "entityId": .string(contact.id)])
      let deal = try await post(
        "/api/deals", ["title": "Cheese", "contactId": .string(contact.id), "stage": "new"])
      _ = try await server.send("PATCH", "/api/deals/\(deal.id)", ["stage": "proposal"])
      _ = try await server.send("PATCH", path, ["email": "ann@example.org"])

      let items = try await Self.pages(server, "\(path)/history", limit: 50)
      #expect(
        items.map { $0["kind"]?.string } == [
          "change", "stage_change", "deal", "task", "note", "change", "interaction",
        ])
      #expect(items.allSatisfy { $0["by"] == "ada" && $0["byName"] == "Ada Admin" })
      #expect(
        items.map { $0["summary"]?.string } == [
          "update: email", "Cheese: new → proposal", "Cheese", "Call back", "She likes cheese.",
          "create: firstName, lifecycle, ownerId", "Hello",
        ])
      #expect(
        items[0]["data"]?["changes"] == ["email": ["from": .null, "to": "ann@example.org"]])
      #expect(items[1]["data"]?["dealId"] == .string(deal.id))
      #expect(items[1]["data"]?["from"] == "new")
      #expect(items[2]["data"] == (try await server.send("GET", "/api/deals/\(deal.id)")).data)
      #expect(items[3]["data"] == task)
      #expect(items[4]["data"] == note)
      #expect(items[6]["data"] == call)
      #expect(items[6]["at"] == "2020-01-01T10:00:00.000Z")
      for limit in [1, 2, 3] {
        #expect(
          try await Self.pages(server, "/api/contacts/\(contact.id)/history", limit: limit) == items
        )
      }
      let some = try await Self.pages(server, "\(path)/history?types=note,deal", limit: 1)
      #expect(some.map { $0["kind"]?.string } == ["deal", "note"])
      #expect(try await server.send("GET", "\(path)/history?types=lead").status == 400)
      #expect(try await server.send("GET", "\(path)/history?page=1").status == 400)

      // Pia alone sees her note; Sam may read contacts, but nothing of the rest.
      let pias = try await Self.pages(server, "\(path)/history?types=note", limit: 5, as: "pia")
      #expect(pias.map { $0["summary"]?.string } == ["secret", "She likes cheese."])
      let sams = try await Self.pages(server, "\(path)/history", limit: 5, as: "sam")
      #expect(sams.map { $0["kind"]?.string } == ["change", "change"])
      #expect(try await server.send("GET", "\(path)/history", as: "greta").status == 404)

      // The deal's own timeline, and what the trash takes away.
      let deals = try await Self.pages(server, "/api/deals/\(deal.id)/history", limit: 5)
      #expect(deals.map { $0["kind"]?.string } == ["stage_change", "change", "change"])
      _ = try await server.send("DELETE", "/api/deals/\(deal.id)")
      let left = try await Self.pages(server, "\(path)/history", limit: 5)
      #expect(!left.contains { ["deal", "stage_change"].contains($0["kind"]?.string) })
      _ = try await server.send("DELETE", path)
      #expect(try await server.send("GET", "\(path)/history").status == 404)
    }
  }

  private static func created(
    _ server: TestServer, _ path: String, _ body: JSONValue, as user: String
  ) async throws -> JSONValue {
    let answer = try await server.send("POST", path, as: user, body)
    try #require(answer.status == 201, "\(answer.text)")
    return answer.data
  }

  /// What a timeline shows of one item, as the model knows it.
  private struct Expected: Hashable {
    let kind: String
    let id: String
    let at: String
  }

  @Test("after random changes every user's timeline is what the lists of each kind say")
  func recomputed() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      var generator = SeededGenerator(seed: 20_260_206)
      let users = ["ada", "mara", "pia"]
      let contact = try await server.contact(["firstName": "Ann", "ownerId": "sam"])
      let other = try await server.contact(["firstName": "Bea", "ownerId": "sam"])
      var made: [String] = []
      for number in 0..<150 {
        let user = users.randomElement(using: &generator) ?? "ada"
        let parent = Int.random(in: 0..<5, using: &generator) == 0 ? other : contact
        let link: JSONValue = ["entityType": "contact", "entityId": .string(parent.id)]
        let text = JSONValue.string("\(number)")
        let new = Self.randomRecord(text, link, &generator)
        guard let (path, body) = new else {
          guard let place = made.randomElement(using: &generator) else { continue }
          let method = ["PATCH", "PATCH", "DELETE"].randomElement(using: &generator) ?? "PATCH"
          let change: JSONValue =
            place.hasPrefix("/api/deals")
            ? ["stage": Bool.random(using: &generator) ? "proposal" : "won"]
            : ["tags": .array([text])]
          _ = try await server.send(method, place, as: user, method == "PATCH" ? change : nil)
          continue
        }
        let answer = try await server.send("POST", path, as: user, body)
        if answer.status == 201 { made.append("\(path)/\(answer.data.id)") }
      }
      #expect(made.count > 40)
      for user in users + ["vic", "sam"] {
        let path = "/api/contacts/\(contact.id)/history"
        let items = try await Self.pages(server, path, limit: 7, as: user)
        let whole = try await Self.pages(server, path, limit: 200, as: user)
        #expect(items == whole)
        let moments = items.compactMap { $0["at"]?.string }
        #expect(moments == moments.sorted(by: >))
        let shown = items.map {
          Expected(
            kind: $0["kind"]?.string ?? "", id: $0["id"]?.string ?? "",
            at: $0["at"]?.string ?? "")
        }
        #expect(Set(shown).count == shown.count)
        #expect(
          Set(shown.filter { !["change", "stage_change"].contains($0.kind) })
            == (try await Self.listed(server, contact.id, as: user)))
        let deals = Set(shown.filter { $0.kind == "deal" }.map(\.id))
        let moves = try server.rows(
          """
          SELECT deal_id || ':' || n, entered_at FROM deal_stage_moves AS m
          WHERE n > (SELECT min(n) FROM deal_stage_moves WHERE deal_id = m.deal_id)
          """
        ).filter { deals.contains(String(($0[0] ?? "").prefix(36))) }
        #expect(
          Set(shown.filter { $0.kind == "stage_change" })
            == Set(moves.map { Expected(kind: "stage_change", id: $0[0] ?? "", at: $0[1] ?? "") }))
      }
    }
  }

  /// A record that may stand in a timeline; nil for every other time.
  private static func randomRecord(
    _ text: JSONValue, _ link: JSONValue, _ generator: inout SeededGenerator
  ) -> (path: String, body: JSONValue)? {
    switch Int.random(in: 0..<7, using: &generator) {
    case 0:
      return (
        "/api/notes",
        link.with("body", text)
          .with("visibility", Bool.random(using: &generator) ? "private" : "public")
      )
    case 1:
      let day = Int.random(in: 1...28, using: &generator)
      return (
        "/api/interactions",
        link.with("type", "call").with("subject", text)
          .with("occurredAt", .string("2026-01-\(day < 10 ? "0" : "")\(day)T10:00:00.000Z"))
      )
    case 2:
      return ("/api/tasks", link.with("title", text))
    case 3:
      return ("/api/deals", ["title": text, "contactId": link["entityId"] ?? .null])
    default:
      return nil
    }
  }

  /// What the lists of notes, interactions, tasks and deals show of a contact.
  private static func listed(
    _ server: TestServer, _ id: String, as user: String
  ) async throws -> Set<Expected> {
    var expected: Set<Expected> = []
    for (kind, path, filter, member) in [
      ("note", "notes", "entityId", "createdAt"), ("task", "tasks", "entityId", "createdAt"),
      ("interaction", "interactions", "entityId", "occurredAt"),
      ("deal", "deals", "contactId", "createdAt"),
    ] {
      let list = try await server.send("GET", "/api/\(path)?limit=200&\(filter)=\(id)", as: user)
      for record in list.data.array ?? [] {
        expected.insert(
          Expected(kind: kind, id: record.id, at: record[member]?.string ?? ""))
      }
    }
    return expected
  }
}
