import CRM
import Database
import Foundation
import HTTP
import JSON
import SQLite
import TestSupport
import Values

/// A store without a server around it, people who act on it at moments that a test chooses, and a
/// plain recomputation of what reports should say of that.
final class ActivityWorld: Sendable {
  static let tenant = "acme"
  static let users = ["ann", "bob", "cleo", "dan"]
  static let units = ["north", "south", nil]
  static let operations: [(name: String, entityType: String)] = [
    ("crm.leads.create", "lead"), ("crm.leads.update", "lead"), ("crm.deals.update", "deal"),
    ("crm.export", "lead"), ("crm.export", "deal"),
  ]

  let folder: TemporaryFolder
  let database: Database
  let store: RecordStore
  let clock: StandingClock

  init(start: Timestamp) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/activity.db"
    try PreparedStatements.observe(path)
    self.folder = folder
    let clock = StandingClock(start)
    self.clock = clock
    database = try Database(DatabaseConfiguration(path: path))
    store = try RecordStore(
      database, catalog: .standard,
      time: TimeSource(
        now: { clock.now }, monotonicNanoseconds: TimeSource.system.monotonicNanoseconds),
      activityWritten: { _ in })
  }

  /// What somebody does, and from where.
  struct Deed {
    var user = "ann"
    var unit: String? = "north"
    var operation = "crm.leads.create"
    var entityType = "lead"
    var creditUnits: Int64 = 0
    var compliance =
      #"{"ipAddress":"10.0.0.1","location":"Paris","authenticationMethod":"jwt"}"#
    var hasFailed = false
    var tenant = ActivityWorld.tenant

    init() {}

    /// Any of what can be done.
    init(_ generator: inout SeededGenerator) {
      func pick<Element>(_ elements: [Element], _ other: Element) -> Element {
        elements.randomElement(using: &generator) ?? other
      }
      user = pick(ActivityWorld.users, user)
      unit = pick(ActivityWorld.units, unit)
      (operation, entityType) = pick(ActivityWorld.operations, (operation, entityType))
      creditUnits = pick([0, 1, 1000, 50_000, 123_456], 0)
      hasFailed = pick([true, false, false, false, false, false], false)
      let address = pick(["10.0.0.1", "10.0.0.2", "192.0.2.7", "unknown"], "")
      compliance = pick(
        [
          #"{"ipAddress":"\#(address)","location":"Paris","authenticationMethod":"jwt"}"#,
          #"{"ipAddress":"\#(address)","location":"Ōsaka","authenticationMethod":"api_key"}"#,
          #"{"ipAddress":"\#(address)","location":"","authenticationMethod":7}"#, "{}",
        ], "{}")
    }
  }

  /// Does it now.
  func act(_ deed: Deed) async throws {
    let user = deed.user
    let mutation = Mutation(
      caller: Caller(
        tenantID: deed.tenant, userID: user, sessionID: "s", displayName: user,
        department: "Sales", entityPath: user, unitID: deed.unit, unitPath: nil,
        userContext: #"{"user":{"name":"\#(user)"}}"#, compliance: deed.compliance,
        currency: "EUR", scope: { _ in nil }, isUser: { _ in true }),
      operation: deed.operation, scope: RecordScope(userID: user, reaching: .tenant),
      permissions: "{}", creditUnits: deed.creditUnits)
    if deed.hasFailed {
      try await store.logFailure(of: mutation, entityID: nil, problem: .noSuchThing)
    } else {
      _ = try await store.log(
        OutsideChange(
          status: 200, entityType: deed.entityType, entityID: "x", data: [:],
          changes: JSONObject()), mutation)
    }
  }

  // MARK: Recomputation

  /// An entry as it is stored.
  struct Entry {
    let at: Timestamp
    let user: String
    let unit: String?
    let operation: String
    let entityType: String?
    let units: Int64
    let compliance: JSONValue?
  }

  /// All entries of the tenant.
  func entries() throws -> [Entry] {
    try database.read { connection in
      try connection.all(
        """
        \(PreparedStatements.testMark)SELECT timestamp, user_id, unit_id, operation, entity_type,
          credit_units, compliance
        FROM crm_activities WHERE tenant_id = '\(Self.tenant)'
        """
      ) { row in
        Entry(
          at: Timestamp(rfc3339: row.text(0) ?? "") ?? Timestamp(milliseconds: 0),
          user: row.text(1) ?? "", unit: row.text(2), operation: row.text(3) ?? "",
          entityType: row.text(4), units: row.integer(5) ?? 0,
          // What cannot be read is compared as what is missing.
          compliance: try? JSONParser.parse(Array((row.text(6) ?? "").utf8)))
      }
    }
  }

  /// The key of a moment, by the calendar of Foundation.
  static func key(_ at: Timestamp, _ grouping: String, _ zone: TimeZone) -> String {
    var calendar = Calendar(identifier: grouping == "week" ? .iso8601 : .gregorian)
    calendar.timeZone = zone
    let date = Date(timeIntervalSince1970: (Double(at.milliseconds) / 1000).rounded(.down))
    func two(_ number: Int?) -> String { String(format: "%02d", number ?? 0) }
    let parts = calendar.dateComponents(
      [.year, .month, .day, .hour, .weekOfYear, .yearForWeekOfYear], from: date)
    let day = "\(parts.year ?? 0)-\(two(parts.month))-\(two(parts.day))"
    switch grouping {
    case "hour": return "\(day)T\(two(parts.hour))"
    case "day": return day
    case "week": return "\(parts.yearForWeekOfYear ?? 0)-W\(two(parts.weekOfYear))"
    default: return String(day.prefix(7))
    }
  }

  static func text(_ compliance: JSONValue?, _ name: String) -> String {
    let text = compliance?[name]?.string ?? ""
    return text.isEmpty ? "unknown" : text
  }

  /// `[name: (count, credits, latest)]` by a key of each entry.
  static func sums(
    _ entries: [Entry], by key: (Entry) -> String
  ) -> [(key: String, count: Int, credits: JSONValue, latest: String)] {
    Dictionary(grouping: entries, by: key).map { key, entries in
      (
        key, entries.count,
        .decimal(units: entries.reduce(0) { $0 + $1.units }, scale: 4),
        entries.map(\.at).max()?.rfc3339 ?? ""
      )
    }.sorted { ($1.count, $0.key) < ($0.count, $1.key) }
  }

  static func temporal(
    _ entries: [Entry], _ grouping: String, _ zone: TimeZone
  ) -> JSONValue {
    .array(
      sums(entries) { key($0.at, grouping, zone) }.sorted { $0.key < $1.key }.map {
        ["date": .string($0.key), "count": .integer($0.count), "totalCredits": $0.credits]
      })
  }

  static func compliance(_ entries: [Entry]) -> JSONValue {
    func counts(_ name: String) -> JSONValue {
      .object(
        JSONObject(
          sums(entries) { text($0.compliance, name) }.sorted { $0.key < $1.key }
            .map { ($0.key, .integer($0.count)) }))
    }
    return [
      "uniqueUsers": .integer(Set(entries.map(\.user)).count),
      "totalOperations": .integer(entries.count),
      "operationsByLocation": counts("location"),
      "authenticationMethods": counts("authenticationMethod"),
      "ipAddresses": .integer(Set(entries.map { text($0.compliance, "ipAddress") }).count),
    ]
  }

  static func credits(_ entries: [Entry]) -> JSONValue {
    .decimal(units: entries.reduce(0) { $0 + $1.units }, scale: 4)
  }

  /// What a user's report of these entries says beside user and period.
  static func report(_ entries: [Entry], _ grouping: String, _ zone: TimeZone) -> JSONValue {
    [
      "totalActivities": .integer(entries.count), "totalCreditsUsed": credits(entries),
      "operationBreakdown": .array(
        sums(entries) { $0.operation }.map {
          [
            "operation": .string($0.key), "count": .integer($0.count),
            "totalCredits": $0.credits, "latest": .string($0.latest),
          ]
        }),
      "temporalBreakdown": temporal(entries, grouping, zone),
      "entityBreakdown": .array(
        sums(entries) { $0.entityType ?? "" }.map {
          [
            "entityType": $0.key.isEmpty ? .null : .string($0.key),
            "count": .integer($0.count), "totalCredits": $0.credits,
          ]
        }),
      "complianceSummary": compliance(entries),
    ]
  }

  /// What the report of a part of the organisation says under `report`.
  static func organization(_ entries: [Entry], _ grouping: String, _ zone: TimeZone) -> JSONValue {
    [
      "userStats": .array(
        sums(entries) { $0.user }.map {
          [
            "userId": .string($0.key), "name": .null, "operationCount": .integer($0.count),
            "totalCredits": $0.credits,
          ]
        }),
      "operationSummary": .object(
        JSONObject(
          sums(entries) { $0.operation }.map {
            ($0.key, ["count": .integer($0.count), "totalCredits": $0.credits])
          })),
      "temporalBreakdown": temporal(entries, grouping, zone), "totalCredits": credits(entries),
      "complianceSummary": compliance(entries),
    ]
  }
}
