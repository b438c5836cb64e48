import CRM
import Foundation
import JSON
import Values

/// Statistics as plainly as they can be told from the raw rows.
struct StatisticsModel {
  struct Row {
    let columns: [String: String]

    subscript(_ name: String) -> String? { columns[name] }
    var owner: String? { columns["owner_id"] }
    var cents: Int64? { columns["value"].flatMap(Int64.init) }
  }

  /// Who asks, and how far the scope reaches.
  enum Scope: CaseIterable {
    case tenant, own, team

    static let user = "u1"

    var scope: RecordScope {
      switch self {
      case .tenant: RecordScope(userID: Self.user, reaching: .tenant)
      case .own: RecordScope(userID: Self.user, reaching: .own)
      case .team:
        RecordScope(userID: Self.user, reaching: .team(members: StatisticsWorld.team))
      }
    }

    func reaches(_ row: Row) -> Bool {
      let isTheirs = ["owner_id", "created_by", "assigned_to"].contains { row[$0] == Self.user }
      return switch self {
      case .tenant: true
      case .own: isTheirs
      case .team: isTheirs || row.owner.map(StatisticsWorld.team.contains) ?? false
      }
    }
  }

  let scope: Scope
  let now: String
  let calendar: Calendar
  private let tables: [String: [Row]]
  private let stages: [(pipeline: String, stage: String, probability: Int64)]
  private let stays: [(row: Row, pipeline: String, stage: String, entered: String, left: String)]

  init(_ world: StatisticsWorld, _ scope: Scope, timeZone: String) throws {
    self.scope = scope
    now = world.clock.now.rfc3339
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = TimeZone(identifier: timeZone) ?? .gmt
    self.calendar = calendar
    var tables: [String: [Row]] = [:]
    for (table, columns) in Self.columns {
      let names = ["id", "owner_id", "created_by", "created_at"] + columns
      tables[table] = try world.rows(
        """
        SELECT \(names.joined(separator: ", ")) FROM \(table)
        WHERE tenant_id = 'acme' AND deleted_at IS NULL
        """
      ).map { values in
        Row(
          columns: Dictionary(
            uniqueKeysWithValues: zip(names, values).compactMap { name, value in
              value.map { (name, $0) }
            }))
      }.filter(scope.reaches)
    }
    self.tables = tables
    stages = try world.rows(
      """
      SELECT p.id, s.value ->> 'id', s.value ->> 'probability'
      FROM pipelines AS p, json_each(p.stages) AS s
      WHERE p.tenant_id = 'acme' ORDER BY p.created_at, p.id, s.key
      """
    ).map { ($0[0] ?? "", $0[1] ?? "", Int64($0[2] ?? "") ?? 0) }
    let deals = Dictionary(
      uniqueKeysWithValues: (tables["deals"] ?? []).map { ($0["id"] ?? "", $0) })
    stays = try world.rows(
      """
      SELECT deal_id, pipeline_id, stage, entered_at, left_at FROM deal_stage_moves
      WHERE tenant_id = 'acme' AND left_at IS NOT NULL
      """
    ).compactMap { values in
      deals[values[0] ?? ""].map {
        ($0, values[1] ?? "", values[2] ?? "", values[3] ?? "", values[4] ?? "")
      }
    }
  }

  private static let columns: [String: [String]] = [
    "contacts": ["lifecycle"], "companies": [], "leads": ["status", "converted_at"],
    "deals": [
      "value", "currency", "pipeline_id", "stage", "status", "probability", "closed_at",
      "assigned_to",
    ],
    "tasks": ["status", "due_at", "completed_at", "assigned_to"],
    "interactions": ["type", "status", "occurred_at"],
  ]

  private func rows(_ table: String) -> [Row] { tables[table] ?? [] }

  // MARK: What the store should answer

  var statistics: JSONValue {
    let deals = Dictionary(grouping: rows("deals")) { $0["status"] ?? "" }
    return [
      "contacts": counted("contacts", "byLifecycle", "lifecycle"),
      "companies": .integer(rows("companies").count),
      "leads": counted("leads", "byStatus", "status"),
      "deals": [
        "open": .integer(deals["open"]?.count ?? 0), "won": .integer(deals["won"]?.count ?? 0),
        "lost": .integer(deals["lost"]?.count ?? 0), "openValue": money(deals["open"] ?? []),
        "wonValue": money(deals["won"] ?? []),
      ],
      "tasks": [
        "open": .integer(rows("tasks").count { Self.isOpen($0) }),
        "overdue": .integer(overdue),
      ],
      "interactions": counted("interactions", "byType", "type"),
    ]
  }

  private static func isOpen(_ task: Row) -> Bool {
    ["open", "in_progress"].contains(task["status"])
  }

  private var overdue: Int {
    rows("tasks").count { Self.isOpen($0) && ($0["due_at"] ?? "9") < now }
  }

  /// The dashboard without the activity, which is no matter of counting.
  func dashboard(since: String, until: String) -> JSONValue {
    func within(_ table: String, _ column: String) -> [Row] {
      rows(table).filter { row in row[column].map { $0 >= since && $0 < until } ?? false }
    }
    let leads = within("leads", "created_at")
    let closed = within("deals", "closed_at")
    let won = closed.filter { $0["status"] == "won" }
    return [
      "newContactsByDay": byDay(within("contacts", "created_at"), "created_at") { _ in [] },
      "newLeadsByDay": byDay(leads, "created_at") { _ in [] },
      "wonByDay": byDay(won, "closed_at") { [("value", money($0))] },
      "pipeline": pipeline,
      "conversion": [
        "leadsToDeals": ratio(leads.count { $0["status"] == "converted" }, leads.count),
        "dealsWon": ratio(won.count, closed.count),
      ],
      "overdueTasks": .integer(overdue),
      "topOwners": .array(
        ranked(Dictionary(grouping: won.filter { $0.owner != nil }) { $0.owner ?? "" }).map {
          [
            "userId": .string($0.key), "name": .string("N\($0.key)"),
            "wonCount": .integer($0.value.count), "wonValue": money($0.value),
          ]
        }),
    ]
  }

  func performance(since: String, until: String) -> JSONValue {
    func within(_ table: String, _ column: String) -> [Row] {
      rows(table).filter { row in row[column].map { $0 >= since && $0 < until } ?? false }
    }
    let leads = within("leads", "created_at")
    let converted = within("leads", "converted_at")
    let closed = within("deals", "closed_at")
    let interactions = within("interactions", "occurred_at").filter { $0["status"] == "completed" }
    let tasks = within("tasks", "completed_at")
    func doer(_ task: Row) -> String? { task["assigned_to"] ?? task.owner }
    let owners = Set(
      (leads + converted + closed + interactions).compactMap(\.owner) + tasks.compactMap(doer))
    let figures = owners.map { owner -> (key: String, value: [Row], json: JSONValue) in
      let won = closed.filter { $0["status"] == "won" && $0.owner == owner }
      let lost = closed.count { $0["status"] == "lost" && $0.owner == owner }
      let milliseconds = won.reduce(0) {
        $0 + span($1["created_at"] ?? "", $1["closed_at"] ?? "")
      }
      return (
        owner, won,
        [
          "userId": .string(owner), "name": .string("N\(owner)"),
          "leadsCreated": .integer(leads.count { $0.owner == owner }),
          "leadsConverted": .integer(converted.count { $0.owner == owner }),
          "dealsWon": .integer(won.count), "dealsLost": .integer(lost),
          "winRate": ratio(won.count, won.count + lost), "wonValue": money(won),
          "averageDaysToClose": days(milliseconds, won.count),
          "interactions": .integer(interactions.count { $0.owner == owner }),
          "tasksCompleted": .integer(tasks.count { doer($0) == owner }),
        ]
      )
    }
    let order = ranked(Dictionary(uniqueKeysWithValues: figures.map { ($0.key, $0.value) }))
      .map(\.key)
    return .array(order.compactMap { owner in figures.first { $0.key == owner }?.json })
  }

  func timeInStage(since: String, until: String) -> JSONValue {
    .array(
      stages.compactMap { stage in
        let stays = stays.filter {
          $0.pipeline == stage.pipeline && $0.stage == stage.stage && $0.left >= since
            && $0.left < until
        }
        guard !stays.isEmpty else { return nil }
        return [
          "stage": .string(stage.stage), "pipelineId": .string(stage.pipeline),
          "days": days(stays.reduce(0) { $0 + span($1.entered, $1.left) }, stays.count),
        ]
      })
  }

  // MARK: How it is put together

  private func counted(_ table: String, _ name: String, _ column: String) -> JSONValue {
    let groups = Dictionary(grouping: rows(table)) { $0[column] ?? "" }
    return .object(
      JSONObject([
        ("total", .integer(rows(table).count)),
        (
          name,
          .object(
            JSONObject(
              groups.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value.count)) }))
        ),
      ]))
  }

  private func money(_ rows: [Row]) -> JSONValue {
    let valued = rows.filter { $0.cents != nil && $0["currency"] != nil }
    let sums = Dictionary(grouping: valued) { $0["currency"] ?? "" }
      .mapValues { $0.reduce(Int64(0)) { $0 + ($1.cents ?? 0) } }
    return .object(
      JSONObject(
        sums.sorted { $0.key < $1.key }.map { ($0.key, .decimal(units: $0.value, scale: 2)) }))
  }

  private func weighted(_ rows: [Row]) -> JSONValue {
    let valued = rows.filter { $0.cents != nil && $0["currency"] != nil }
    let sums = Dictionary(grouping: valued) { $0["currency"] ?? "" }.mapValues { rows in
      var sum = rows.reduce(Decimal(0)) { sum, row in
        sum + Decimal(row.cents ?? 0) * Decimal(Int(row["probability"] ?? "") ?? 0) / 100
      }
      var rounded = Decimal()
      NSDecimalRound(&rounded, &sum, 0, .bankers)
      return NSDecimalNumber(decimal: rounded).int64Value
    }
    return .object(
      JSONObject(
        sums.sorted { $0.key < $1.key }.map { ($0.key, .decimal(units: $0.value, scale: 2)) }))
  }

  private var pipeline: JSONValue {
    let open = rows("deals").filter { $0["status"] == "open" }
    return .array(
      stages.compactMap { stage in
        let deals = open.filter {
          $0["pipeline_id"] == stage.pipeline && $0["stage"] == stage.stage
        }
        guard !deals.isEmpty else { return nil }
        return [
          "stage": .string(stage.stage), "pipelineId": .string(stage.pipeline),
          "count": .integer(deals.count), "value": money(deals), "weightedValue": weighted(deals),
        ]
      })
  }

  private func byDay(
    _ rows: [Row], _ column: String, _ further: ([Row]) -> [(String, JSONValue)]
  ) -> JSONValue {
    let days = Dictionary(grouping: rows) { day($0[column] ?? "") }
    return .array(
      days.sorted { $0.key < $1.key }.map { day, rows in
        .object(
          JSONObject([("date", .string(day)), ("count", .integer(rows.count))] + further(rows)))
      })
  }

  /// The day in the calendar's time zone.
  private func day(_ text: String) -> String {
    let moment = Timestamp(rfc3339: text)?.milliseconds ?? 0
    let parts = calendar.dateComponents(
      [.year, .month, .day], from: Date(timeIntervalSince1970: Double(moment) / 1000))
    return CalendarDay(year: parts.year ?? 1, month: parts.month ?? 1, day: parts.day ?? 1)?.text
      ?? ""
  }

  private func ranked(_ won: [String: [Row]]) -> [(key: String, value: [Row])] {
    func euros(_ rows: [Row]) -> Int64 {
      rows.reduce(0) { $0 + ($1["currency"] == "EUR" ? $1.cents ?? 0 : 0) }
    }
    return won.sorted { left, right in
      if left.value.count != right.value.count { return left.value.count > right.value.count }
      if euros(left.value) != euros(right.value) { return euros(left.value) > euros(right.value) }
      return left.key < right.key
    }
  }

  private func span(_ start: String, _ end: String) -> Int64 {
    (Timestamp(rfc3339: end)?.milliseconds ?? 0) - (Timestamp(rfc3339: start)?.milliseconds ?? 0)
  }

  private func ratio(_ part: Int, _ whole: Int) -> JSONValue {
    whole == 0 ? 0 : JSONValue(floatLiteral: Double(part) / Double(whole))
  }

  private func days(_ milliseconds: Int64, _ count: Int) -> JSONValue {
    count == 0
      ? .null : JSONValue(floatLiteral: Double(milliseconds) / Double(count) / 86_400_000)
  }
}
