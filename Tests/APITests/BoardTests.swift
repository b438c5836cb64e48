import Database
import JSON
import SQLite
import TestSupport
import Testing
import Values
import WrapperClient

/// Deals by stage and by month.
@Suite struct BoardTests {
  private static func column(_ answer: TestResponse, _ stage: String) -> JSONValue {
    answer.data["columns"]?.array?.first { $0["stage"] == .string(stage) } ?? .null
  }

  private static func titles(_ column: JSONValue) -> [String] {
    (column["cards"]?.array ?? []).compactMap { $0["title"]?.string }
  }

  @Test("a board has a column for each stage, with counts, sums by currency and cards in order")
  func board() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      let empty = try await server.send("GET", "/api/deals/board")
      #expect(empty.status == 200)
      #expect(empty.data["name"] == "Sales")
      let columns = empty.data["columns"]?.array ?? []
      #expect(
        columns.compactMap { $0["stage"]?.string } == [
          "new", "qualified", "proposal", "negotiation", "won", "lost",
        ])
      #expect(
        columns.first?.text == """
          {"stage":"new","name":"New","probability":10,"kind":"open","count":0,"value":{},\
          "weightedValue":{},"cards":[],"nextCursor":null}
          """)
      let deals: [JSONValue] = [
        ["title": "a", "stage": "qualified", "value": 10.01, "currency": "EUR"],
        ["title": "b", "stage": "qualified", "value": 5, "currency": "USD", "position": 2],
        ["title": "c", "stage": "qualified", "value": 0.1, "currency": "EUR", "position": 1.5],
        ["title": "d", "stage": "qualified", "position": -3],
        ["title": "e", "stage": "qualified"],
        ["title": "f", "stage": "won", "value": 7.77, "currency": "EUR"],
      ]
      for deal in deals { _ = try await server.deal(deal) }
      clock.advance(hours: 50)
      let answer = try await server.send("GET", "/api/deals/board")
      let qualified = Self.column(answer, "qualified")
      #expect(Self.titles(qualified) == ["d", "c", "b", "e", "a"])
      #expect(qualified["count"] == 5)
      #expect(qualified["value"] == ["EUR": 10.11, "USD": 5])
      // A quarter of 10.11 is 2.5275.
      #expect(qualified["weightedValue"] == ["EUR": 2.53, "USD": 1.25])
      #expect(qualified["nextCursor"] == .null)
      #expect(qualified["cards"]?.array?.first?["daysInStage"] == 2)
      #expect(Self.column(answer, "won")["weightedValue"] == ["EUR": 7.77])
      #expect(Self.column(answer, "lost")["count"] == 0)
    }
  }

  @Test("a column's cards go on in the list, and the filters of the list apply to all of a board")
  func pagesAndFilters() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      for number in 0..<7 {
        _ = try await server.deal([
          "title": .string("deal \(number)"), "value": 10,
          "position": number < 4 ? .integer(number) : nil,
          "tags": number.isMultiple(of: 2) ? ["even"] : [],
        ])
      }
      var seen: [String] = []
      let board = try await server.send(
        "GET", "/api/deals/board?limit=2&value[gt]=5&fields=id,title")
      let column = Self.column(board, "new")
      #expect(column["count"] == 7)
      seen += Self.titles(column)
      #expect(column["cards"]?.array?.first?.object?.names == ["id", "title", "daysInStage"])
      var cursor = column["nextCursor"]?.string
      let pipelineID = board.data["pipelineId"]?.string ?? ""
      while let next = cursor {
        let page = try await server.send(
          "GET",
          """
          /api/deals?limit=2&value[gt]=5&pipelineId=\(pipelineID)&stage=new\
          &sort=position,-createdAt&cursor=\(next)
          """)
        #expect(page.status == 200)
        seen += page.texts("title")
        cursor = page.json["nextCursor"]?.string
      }
      #expect(seen == [0, 1, 2, 3, 6, 5, 4].map { "deal \($0)" })
      let even = Self.column(try await server.send("GET", "/api/deals/board?tags=even"), "new")
      #expect(even["count"] == 4)
      #expect(even["value"] == ["USD": 40])
      #expect(Self.titles(even) == ["deal 0", "deal 2", "deal 6", "deal 4"])
      let found = try await server.send("GET", "/api/deals/board?q=deal%203")
      #expect(Self.titles(Self.column(found, "new")) == ["deal 3"])
      for wrong in [
        "sort=title", "cursor=x", "page=1", "count=true", "stage=new", "limit=0", "colour=red",
        "value[gt]=much", "pipelineId=\(pipelineID)&pipelineId=\(pipelineID)",
      ] {
        let answer = try await server.send("GET", "/api/deals/board?\(wrong)")
        #expect(answer.status == 400, "\(wrong)")
        #expect(answer.code == "invalid_parameter", "\(wrong)")
      }
    }
  }

  @Test("a board is one pipeline's, the oldest if none is named, and another tenant's is 404")
  func pipelines() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let deal = try await server.deal(["title": "first"])
      let other = try await server.created(
        "/api/pipelines",
        ["name": "Other", "stages": [["name": "Start", "probability": 50]]])
      _ = try await server.deal(["title": "second", "pipelineId": .string(other.id), "value": 3])
      let first = try await server.send("GET", "/api/deals/board")
      #expect(first.data["pipelineId"] == deal["pipelineId"])
      #expect(Self.titles(Self.column(first, "new")) == ["first"])
      let second = try await server.send("GET", "/api/deals/board?pipelineId=\(other.id)")
      #expect(second.data["name"] == "Other")
      #expect(Self.titles(Self.column(second, "start")) == ["second"])
      #expect(Self.column(second, "start")["weightedValue"] == ["USD": 1.5])
      for path in ["board", "forecast"] {
        let strange = try await server.send(
          "GET", "/api/deals/\(path)?pipelineId=\(other.id)", as: "greta")
        #expect(strange.status == 404)
        let none = try await server.send("GET", "/api/deals/\(path)?pipelineId=\(deal.id)")
        #expect(none.status == 404)
      }
    }
  }

  @Test("board and forecast show only what the scope reaches, and need the permission to read")
  func scope() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      try await server.addUsers([("own", ["crm.deals.read:own"]), ("none", ["crm.leads.read"])])
      let deals: [JSONValue] = [
        ["title": "ada's"], ["title": "theirs", "ownerId": "own"],
        ["title": "assigned", "assignedTo": "own"], ["title": "north", "ownerId": "sam"],
      ]
      for deal in deals {
        _ = try await server.deal(
          deal.with("value", 1).with("expectedCloseOn", "2031-05-06"))
      }
      for (user, titles) in [
        ("ada", ["north", "assigned", "theirs", "ada's"]), ("own", ["assigned", "theirs"]),
        ("mara", ["north"]), ("vic", ["north", "assigned", "theirs", "ada's"]),
      ] {
        let board = try await server.send("GET", "/api/deals/board", as: user)
        let column = Self.column(board, "new")
        #expect(Self.titles(column) == titles, "\(user)")
        #expect(column["count"] == .integer(titles.count), "\(user)")
        #expect(column["value"] == ["USD": .integer(titles.count)], "\(user)")
        let forecast = try await server.send("GET", "/api/deals/forecast", as: user)
        #expect(forecast.all("count") == [.integer(titles.count)], "\(user)")
      }
      for path in ["board", "forecast"] {
        let refused = try await server.send("GET", "/api/deals/\(path)", as: "none")
        #expect(refused.status == 403)
        #expect(refused.json["requiredPermission"] == "crm.deals.read")
      }
    }
  }

  @Test("sums are exact beyond what 64 bits hold")
  func largeSums() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      let deal = try await server.deal([
        "title": "first", "value": 9_999_999_999_999.99, "expectedCloseOn": "2030-01-01",
      ])
      try await Self.copy(deal, times: 10_000, server)
      let column = Self.column(try await server.send("GET", "/api/deals/board"), "new")
      #expect(column["count"] == 10_001)
      // 9,999,999,999,999.99 × 10,001, which is more than 2^63 cents.
      let sum = JSONNumber(unchecked: "100009999999999899.99")
      #expect(column["value"] == ["USD": .number(sum)])
      #expect(
        column["weightedValue"] == ["USD": .number(JSONNumber(unchecked: "10000999999999990"))])
      let forecast = try await server.send("GET", "/api/deals/forecast")
      #expect(forecast.data.array?.first?["value"] == ["USD": .number(sum)])
    }
  }

  @Test("a forecast adds up open deals by month, weighted, and the won ones beside them")
  func forecast() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      #expect(try await server.send("GET", "/api/deals/forecast").data == [])
      let deals: [JSONValue] = [
        ["title": "a", "value": 100, "currency": "EUR", "expectedCloseOn": "2031-03-05"],
        [
          "title": "b", "value": 50, "currency": "EUR", "expectedCloseOn": "2031-03-31",
          "stage": "negotiation",
        ],
        ["title": "c", "value": 8, "currency": "USD", "expectedCloseOn": "2031-01-01"],
        ["title": "d", "value": 1, "currency": "USD"],
        ["title": "e", "expectedCloseOn": "2031-01-01"],
        [
          "title": "f", "value": 20, "currency": "EUR", "stage": "won",
          "expectedCloseOn": "2032-01-01", "closedAt": "2031-03-01T00:00:00Z",
        ],
        [
          "title": "g", "value": 20, "stage": "lost", "expectedCloseOn": "2031-03-01",
          "closedAt": "2031-03-01T00:00:00Z",
        ],
      ]
      for deal in deals { _ = try await server.deal(deal) }
      let gone = try await server.deal(["title": "h", "expectedCloseOn": "2033-01-01"])
      _ = try await server.send("DELETE", "/api/deals/\(gone.id)")
      let forecast = try await server.send("GET", "/api/deals/forecast")
      #expect(
        forecast.data.array?.map(\.text) == [
          #"{"month":"2031-01","count":2,"value":{"USD":8},"weightedValue":{"USD":0.8},"#
            + #""wonCount":0,"wonValue":{}}"#,
          #"{"month":"2031-03","count":2,"value":{"EUR":150},"weightedValue":{"EUR":47.5},"#
            + #""wonCount":1,"wonValue":{"EUR":20}}"#,
          #"{"month":null,"count":1,"value":{"USD":1},"weightedValue":{"USD":0.1},"#
            + #""wonCount":0,"wonValue":{}}"#,
        ])
      let euros = try await server.send("GET", "/api/deals/forecast?currency=EUR")
      #expect(euros.texts("month") == ["2031-03"])
      for wrong in ["months=0", "months=x", "limit=5", "sort=value", "months=1&months=1"] {
        let answer = try await server.send("GET", "/api/deals/forecast?\(wrong)")
        #expect(answer.status == 400, "\(wrong)")
      }
    }
  }

  @Test("with months, a forecast shows the present one and those behind it")
  func months() async throws {
    let clock = TestClock()
    try await TestServer.run(creditCheck: .off, time: clock.source) { server in
      let today = clock.source.now().day
      let first = today.year * 12 + today.month - 1
      func day(_ month: Int) -> String {
        CalendarDay(year: month / 12, month: month % 12 + 1, day: 15)?.text ?? ""
      }
      for month in (first - 1)...(first + 13) {
        _ = try await server.deal(["title": "D", "expectedCloseOn": .string(day(month))])
      }
      _ = try await server.deal(["title": "Some time"])
      let answer = try await server.send("GET", "/api/deals/forecast?months=3")
      #expect(
        answer.all("month") == (first...(first + 2)).map { .string(String(day($0).prefix(7))) }
          + [.null])
      let all = try await server.send("GET", "/api/deals/forecast?months=120")
      #expect(all.data.array?.count == 15)
    }
  }

  @Test("the cards and the sums of a board come from indexes, in their order")
  func plans() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await server.deal(["title": "D"])
      for user in ["ada", "mara"] {
        #expect(try await server.send("GET", "/api/deals/board", as: user).status == 200)
      }
      let statements = PreparedStatements.prepared(server.path).filter { sql in
        sql.contains("FROM deals AS t WHERE") && sql.contains("(t.pipeline_id = ?)")
          && (sql.contains("GROUP BY t.stage") || sql.contains("ORDER BY t.position ASC"))
      }
      #expect(statements.count >= 4)
      for sql in statements {
        let values = sql.filter { $0 == "?" }.map { _ in SQLiteValue.null }
        let plan = try server.rows("EXPLAIN QUERY PLAN \(sql)", values).map { $0[3] ?? "" }
        let index = sql.contains("GROUP BY") ? "COVERING INDEX deals_sums" : "INDEX deals_board"
        #expect(plan.first?.contains("SEARCH t USING \(index)") == true, "\(sql)\n\(plan)")
        #expect(!plan.contains { $0.hasPrefix("USE TEMP B-TREE") }, "\(sql)\n\(plan)")
      }
    }
  }

  @Test("a forecast comes from an index in the order of its months, whoever looks")
  func forecastPlans() async throws {
    try await TestServer.run(creditCheck: .off) { server in
      _ = try await server.deal(["title": "D", "expectedCloseOn": "2026-05-01"])
      for user in ["ada", "mara"] {
        #expect(try await server.send("GET", "/api/deals/forecast", as: user).status == 200)
      }
      let statements = PreparedStatements.prepared(server.path).filter {
        $0.contains("FROM deals AS t WHERE") && $0.contains("GROUP BY 1, t.status")
      }
      #expect(statements.count == 2)
      for sql in statements {
        let values = sql.filter { $0 == "?" }.map { _ in SQLiteValue.null }
        let plan = try server.rows("EXPLAIN QUERY PLAN \(sql)", values).map { $0[3] ?? "" }
        #expect(plan.first?.contains("SEARCH t USING INDEX deals_forecast") == true, "\(plan)")
        #expect(!plan.contains { $0.hasPrefix("USE TEMP B-TREE") }, "\(sql)\n\(plan)")
      }
    }
  }

  /// Copies a deal behind the API's back.
  static func copy(_ deal: JSONValue, times count: Int, _ server: TestServer) async throws {
    _ = try await server.database.write { connection in
      try connection.run(
        """
        /* test */ WITH RECURSIVE numbers (i) AS (
          SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ?)
        INSERT INTO deals (tenant_id, id, owner_id, created_by, created_at, updated_at, version,
          title, title_folded, value, currency, pipeline_id, stage, status, probability,
          stage_changed_at, expected_close_on)
        SELECT tenant_id, 'copy ' || i, owner_id, created_by, created_at, updated_at, version,
          title, title_folded, value, currency, pipeline_id, stage, status, probability,
          stage_changed_at, expected_close_on
        FROM deals, numbers WHERE id = ?
        """, [.integer(Int64(count)), .text(deal.id)])
    }
  }
}
