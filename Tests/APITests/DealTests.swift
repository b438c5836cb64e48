import JSON
import TestSupport
import Testing
import WrapperClient

/// One deal, through its stages.
@Suite struct DealTests {
  @Test("a deal without pipeline or stage gets the oldest pipeline's first stage")
  func defaults() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let first = try await server.deal(["title": "First"])
      let other = try await server.created(
        "/api/pipelines",
        ["name": "Other", "stages": [["name": "Start", "probability": 5], ["name": "End"]]])
      let second = try await server.deal(["title": "Second", "value": 12.5])
      #expect(second["pipelineId"] == first["pipelineId"])
      #expect(second["stage"] == "new")
      #expect(second["status"] == "open")
      #expect(second["probability"] == 10)
      #expect(second["currency"] == "USD")
      #expect(second["closedAt"] == .null)
      #expect(second["ownerId"] == "ada")
      let third = try await server.deal(["title": "Third", "pipelineId": .string(other.id)])
      #expect(third["stage"] == "start")
      #expect(third["probability"] == 5)
      let wrong: [(JSONValue, [String])] = [
        (["title": "D", "stage": "start"], ["/stage unknown_reference"]),
        (
          ["title": "D", "pipelineId": .string(first.id)],
          ["/pipelineId unknown_reference"]
        ),
        (["title": "D", "status": "won"], ["/status read_only"]),
        (["title": "D", "value": 1.005], ["/value too_many_decimals"]),
        (["title": "D", "value": 1e13], ["/value out_of_range"]),
        (["title": "D", "currency": "EURO"], ["/currency invalid_currency"]),
        (["title": "D", "contactId": .string(first.id)], ["/contactId unknown_reference"]),
        (["title": "D", "assignedTo": "nobody"], ["/assignedTo unknown_reference"]),
        (["title": "D", "expectedCloseOn": "2026-02-30"], ["/expectedCloseOn invalid_date"]),
      ]
      for (body, issues) in wrong {
        let answer = try await server.send("POST", "/api/deals", body)
        #expect(answer.status == 422, "\(body.text)")
        #expect(answer.issues == issues, "\(body.text)")
      }
    }
  }

  @Test("moving to won or lost sets closedAt, moving back clears it and the reason of the loss")
  func closing() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      let deal = try await server.deal(["title": "D", "value": 1000])
      let path = "/api/deals/\(deal.id)"
      let won = try await server.changed(path, ["stage": "won"])
      #expect(won["status"] == "won")
      #expect(won["probability"] == 100)
      let wonAt = try #require(won["closedAt"]?.string)
      clock.advance(hours: 1)
      // What says nothing of the stage leaves the time of closing alone, a PUT as well.
      let replaced = try await server.send(
        "PUT", path, ["title": "E", "stage": "won", "value": 1000])
      #expect(replaced.data["closedAt"]?.string == wonAt)
      let lost = try await server.changed(path, ["stage": "lost", "lostReason": "Too dear"])
      #expect(lost["status"] == "lost")
      #expect(lost["lostReason"] == "Too dear")
      #expect((lost["closedAt"]?.string ?? "") > wonAt)
      let back = try await server.changed(path, ["stage": "proposal"])
      #expect(back["status"] == "open")
      #expect(back["closedAt"] == .null)
      #expect(back["lostReason"] == .null)
      // Somebody may know better when it was decided.
      let dated = try await server.changed(
        path, ["stage": "won", "closedAt": "2026-01-31T10:30:00+01:00"])
      #expect(dated["closedAt"] == "2026-01-31T09:30:00.000Z")
      let born = try await server.deal(["title": "Born won", "stage": "won"])
      #expect(born["closedAt"]?.string != nil)
    }
  }

  @Test("each move is kept with its time in stage and who made it; other changes are no moves")
  func stageHistory() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      let deal = try await server.deal(["title": "D"])
      let path = "/api/deals/\(deal.id)"
      clock.advance(hours: 2)
      _ = try await server.changed(path, ["stage": "qualified", "position": 1.5], as: "pia")
      clock.advance(hours: 1)
      _ = try await server.changed(path, ["stage": "qualified", "title": "E"])
      clock.advance(hours: 3)
      let moved = try await server.changed(path, ["stage": "won"])
      clock.advance(hours: 1)
      let history = try await server.send("GET", "\(path)/stages?count=true")
      #expect(history.status == 200)
      #expect(history.json["nextCursor"] == .null)
      #expect(history.json["total"] == 3)
      #expect(history.texts("stage") == ["new", "qualified", "won"])
      #expect(history.texts("name") == ["New", "Qualified", "Won"])
      #expect(history.texts("by") == ["ada", "pia", "ada"])
      #expect(Set(history.texts("pipelineId")) == [deal["pipelineId"]?.string ?? ""])
      let seconds = history.all("seconds").compactMap(\.integer)
      for (second, hours) in zip(seconds, [2, 4, 1] as [Int64]) {
        #expect((hours * 3600..<hours * 3600 + 60).contains(second))
      }
      #expect(history.all("leftAt") == history.all("enteredAt").dropFirst() + [.null])
      #expect(history.texts("enteredAt").last == moved["stageChangedAt"]?.string)
      // By pages, and only for those who may read the deal.
      let page = try await server.send("GET", "\(path)/stages?limit=2")
      #expect(page.texts("stage") == ["new", "qualified"])
      let cursor = try #require(page.json["nextCursor"]?.string)
      let rest = try await server.send("GET", "\(path)/stages?limit=2&cursor=\(cursor)")
      #expect(rest.texts("stage") == ["won"])
      #expect(rest.json["nextCursor"] == .null)
      #expect(try await server.send("GET", "\(path)/stages", as: "greta").status == 404)
      #expect(try await server.send("GET", "\(path)/stages", as: "sam").status == 403)
      #expect(try await server.send("GET", "\(path)/stages?all=1").status == 400)
      // They go with the deal.
      _ = try await server.send("DELETE", path)
      #expect(try await server.send("GET", "\(path)/stages").status == 404)
      _ = try await server.send("DELETE", "\(path)?purge=true")
      #expect(try server.rows("SELECT count(*) FROM deal_stage_moves") == [["0"]])
    }
  }

  @Test("another pipeline begins at its first stage, unless the move names one")
  func otherPipeline() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let other = try await server.created(
        "/api/pipelines",
        ["name": "Other", "stages": [["name": "Start"], ["name": "Won", "kind": "won"]]])
      let deal = try await server.deal(["title": "D", "stage": "proposal"])
      let path = "/api/deals/\(deal.id)"
      let moved = try await server.changed(path, ["pipelineId": .string(other.id)])
      #expect(moved["stage"] == "start")
      #expect(moved["probability"] == 0)
      let back = try await server.changed(
        path, ["pipelineId": deal["pipelineId"] ?? .null, "stage": "won"])
      #expect(back["status"] == "won")
      // The same id in another pipeline is another stage.
      let same = try await server.changed(path, ["pipelineId": .string(other.id)])
      #expect(same["stage"] == "won")
      let history = try await server.send("GET", "\(path)/stages")
      #expect(history.texts("stage") == ["proposal", "start", "won", "won"])
    }
  }

  @Test("of two who move with If-Match one gets 412; without, both land and the history is gapless")
  func races() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let stages = ["qualified", "proposal", "negotiation", "won", "lost", "new"]
      for _ in 0..<5 {
        let deal = try await server.deal(["title": "D"])
        let statuses = try await Self.move(
          deal, to: ["qualified", "lost"], server, headers: [("If-Match", "\"1\"")])
        #expect(statuses.sorted() == [200, 412])
      }
      for _ in 0..<5 {
        let deal = try await server.deal(["title": "D"])
        let statuses = try await Self.move(deal, to: stages + stages, server)
        #expect(statuses.allSatisfy { $0 == 200 })
        let now = try await server.send("GET", "/api/deals/\(deal.id)").data
        let history = try await server.send("GET", "/api/deals/\(deal.id)/stages")
        let kept = history.texts("stage")
        #expect(kept.last == now["stage"]?.string)
        #expect(zip(kept, kept.dropFirst()).allSatisfy { $0 != $1 })
        #expect(history.all("leftAt") == history.all("enteredAt").dropFirst() + [.null])
        // Each change of the record is one more stage, and one entry.
        #expect(kept.count == Int(now.version))
        let moves = try server.rows(
          """
          SELECT json_extract(metadata, '$.changes.stage.from'),
            json_extract(metadata, '$.changes.stage.to') FROM crm_activities
          WHERE entity_id = '\(deal.id)' AND operation = 'crm.deals.update'
            AND json_extract(metadata, '$.changes.stage') IS NOT NULL ORDER BY seq
          """)
        #expect(moves.map { $0[0] } == kept.dropLast().map { $0 })
        #expect(moves.map { $0[1] } == kept.dropFirst().map { $0 })
      }
    }
  }

  private static func move(
    _ deal: JSONValue, to stages: [String], _ server: TestServer,
    headers: [(String, String)] = []
  ) async throws -> [Int] {
    try await withThrowingTaskGroup(of: Int.self) { group in
      for stage in stages {
        group.addTask {
          try await server.send(
            "PATCH", "/api/deals/\(deal.id)", ["stage": .string(stage)], headers: headers
          ).status
        }
      }
      return try await group.reduce(into: [Int]()) { $0.append($1) }
    }
  }
}
