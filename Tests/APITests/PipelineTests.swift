import JSON
import TestSupport
import Testing
import WrapperClient

/// Ways that deals go, and their stages.
@Suite struct PipelineTests {
  private static let stages = "/api/pipelines"

  @Test("every tenant starts with one pipeline of six stages, made once however many ask first")
  func start() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let lists = try await withThrowingTaskGroup(of: TestResponse.self) { group in
        for path in ["/api/pipelines", "/api/deals/board", "/api/deals", "/api/pipelines"] {
          group.addTask { try await server.send("GET", path) }
        }
        return try await group.reduce(into: [TestResponse]()) { $0.append($1) }
      }
      #expect(lists.allSatisfy { $0.status == 200 })
      let pipelines = try await server.send("GET", "/api/pipelines")
      #expect(pipelines.data.array?.count == 1)
      let stages = pipelines.data.array?.first?["stages"]?.array ?? []
      #expect(
        stages.map(\.text) == [
          #"{"id":"new","name":"New","probability":10,"kind":"open"}"#,
          #"{"id":"qualified","name":"Qualified","probability":25,"kind":"open"}"#,
          #"{"id":"proposal","name":"Proposal","probability":50,"kind":"open"}"#,
          #"{"id":"negotiation","name":"Negotiation","probability":75,"kind":"open"}"#,
          #"{"id":"won","name":"Won","probability":100,"kind":"won"}"#,
          #"{"id":"lost","name":"Lost","probability":0,"kind":"lost"}"#,
        ])
      let other = try await server.send("GET", "/api/pipelines", as: "greta")
      #expect(other.data.array?.count == 1)
      #expect(other.texts("id") != pipelines.texts("id"))
    }
  }

  @Test("a stage without id gets the slug of its name; what is no stage is 422")
  func stageIDs() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let pipeline = try await server.created(
        "/api/pipelines",
        [
          "name": "Service",
          "stages": [
            ["name": "Être en contact!"], ["name": "Être en contact"], ["id": "x", "name": "X"],
            ["name": "Done", "kind": "won"],
          ],
        ])
      let stages = pipeline["stages"]?.array ?? []
      #expect(
        stages.compactMap { $0["id"]?.string } == [
          "etre-en-contact", "etre-en-contact-2", "x", "done",
        ])
      #expect(stages.compactMap { $0["probability"]?.integer } == [0, 0, 0, 100])
      let wrong: [(JSONValue, String)] = [
        ([], "invalid_type"), ([["id": "a"]], "required"),
        ([["name": "A", "kind": "later"]], "invalid_choice"),
        ([["name": "A", "probability": 101]], "out_of_range"),
        ([["name": "A", "colour": "red"]], "unknown_member"),
        ([["id": "a", "name": "A"], ["id": "a", "name": "B"]], "duplicate"),
      ]
      for (stages, code) in wrong {
        let answer = try await server.send(
          "POST", "/api/pipelines", ["name": "P", "stages": stages])
        #expect(answer.status == 422, "\(stages.text)")
        #expect(answer.issues == ["/stages \(code)"], "\(stages.text)")
      }
      let none = try await server.send("POST", "/api/pipelines", ["name": "P"])
      #expect(none.issues == ["/stages required"])
      let gone = try await server.send(
        "PATCH", "/api/pipelines/\(pipeline.id)", ["stages": nil])
      #expect(gone.issues == ["/stages required"])
    }
  }

  @Test("a stage or pipeline in use cannot go, also while the deal lies in the trash")
  func inUse() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let deal = try await server.deal(["title": "D", "stage": "proposal"])
      let pipelineID = deal["pipelineId"]?.string ?? ""
      let path = "/api/pipelines/\(pipelineID)"
      let stages = try await server.send("GET", path).data["stages"]?.array ?? []
      let without: JSONValue = ["stages": .array(stages.filter { $0["id"] != "proposal" })]
      let refused = try await server.send("PATCH", path, without)
      #expect(refused.status == 409)
      #expect(refused.code == "conflict")
      #expect(refused.issues == ["/stages in_use"])
      let other = try await server.created(
        "/api/pipelines", ["name": "Other", "stages": [["name": "Only"]]])
      #expect(try await server.send("DELETE", path).status == 409)
      #expect(try await server.send("DELETE", "\(path)?purge=true").status == 409)
      _ = try await server.send("DELETE", "/api/deals/\(deal.id)")
      #expect(try await server.send("PATCH", path, without).status == 409)
      #expect(try await server.send("DELETE", path).status == 409)
      _ = try await server.send("POST", "/api/deals/\(deal.id)/restore")
      // Elsewhere it holds nothing back any more.
      _ = try await server.changed(
        "/api/deals/\(deal.id)", ["pipelineId": .string(other.id)])
      #expect(try await server.send("PATCH", path, without).status == 200)
      #expect(try await server.send("DELETE", path).status == 200)
      // The last one stays.
      _ = try await server.send("DELETE", "/api/deals/\(deal.id)?purge=true")
      let last = try await server.send("DELETE", "/api/pipelines/\(other.id)")
      #expect(last.status == 409)
      #expect(last.text.contains("the last one"))
    }
  }

  @Test(
    "a stage's new kind and probability are carried over to its deals, which keep their version")
  func carriedOver() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let deal = try await server.deal(["title": "D", "value": 100, "stage": "negotiation"])
      let stays = try await server.deal(["title": "E", "stage": "new"])
      let path = "/api/pipelines/\(deal["pipelineId"]?.string ?? "")"
      let stages = try await server.send("GET", path).data["stages"]?.array ?? []
      func with(_ kind: String, _ probability: Int) -> JSONValue {
        [
          "stages": .array(
            stages.map { stage in
              stage["id"] == "negotiation"
                ? stage.with("kind", .string(kind)).with("probability", .integer(probability))
                : stage
            })
        ]
      }
      _ = try await server.changed(path, with("won", 90))
      var now = try await server.send("GET", "/api/deals/\(deal.id)").data
      #expect(now["status"] == "won")
      #expect(now["probability"] == 90)
      #expect(now["closedAt"]?.string != nil)
      #expect(now.version == 1)
      #expect(try await server.send("GET", "/api/deals/\(stays.id)").data["status"] == "open")
      _ = try await server.changed(path, with("open", 60))
      now = try await server.send("GET", "/api/deals/\(deal.id)").data
      #expect(now["status"] == "open")
      #expect(now["probability"] == 60)
      #expect(now["closedAt"] == .null)
      #expect(
        try await server.send("GET", "/api/deals?status=won&count=true").json["total"] == 0)
    }
  }
}
