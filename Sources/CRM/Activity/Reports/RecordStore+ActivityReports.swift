internal import Database
public import JSON
internal import SQLite
internal import Values

extension RecordStore {
  /// What a user did in a period, in numbers.
  ///
  /// - Throws: what the database throws.
  public func activityReport(
    _ query: ActivityReportQuery, tenantID: String, userID: String
  ) throws -> JSONValue {
    .object(
      try database.read(deadlineSeconds: Limits.reportSeconds) { connection in
        try Self.report(query, tenantID, userID, connection)
      })
  }

  /// A user's report with the newest entries of its period.
  ///
  /// - Parameters:
  ///   - viewerID: Who looks: what is private to others is left out.
  ///   - userContext: Who the user is now, JSON.
  /// - Throws: what the database throws.
  public func activityDashboard(
    _ query: ActivityReportQuery, tenantID: String, userID: String, seenBy viewerID: String,
    userContext: [UInt8]
  ) throws -> [UInt8] {
    try database.read(deadlineSeconds: Limits.reportSeconds) { connection in
      let report = try Self.report(query, tenantID, userID, connection)
      let recent = try RecentEntries(
        tenantID: tenantID, userID: userID, period: query.period,
        count: RecentEntries.dashboardCount, hasDetails: true, seenBy: viewerID, in: catalog,
        connection)
      var writer = JSONWriter(capacity: 8192 + recent.json.count)
      writer.beginObject()
      writer.member("userId", userID)
      writer.name("userContext")
      writer.raw(userContext)
      writer.member("report", .object(report))
      writer.name("recentActivities")
      writer.raw(recent.json)
      writer.member("recentSummary", recent.summary)
      writer.member("lastUpdated", query.now.rfc3339)
      writer.endObject()
      return writer.bytes
    }
  }

  /// A user's newest entries, and what all of the period come to.
  ///
  /// - Parameters:
  ///   - count: How many entries.
  ///   - hasDetails: Whether these carry contexts and metadata.
  ///   - viewerID: Who looks: what is private to others is left out.
  ///   - userContext: Who the user is now, JSON.
  ///   - entityPath: Where the user stands in the organisation.
  /// - Throws: what the database throws.
  public func userActivity(
    _ query: ActivityReportQuery, tenantID: String, userID: String, count: Int, hasDetails: Bool,
    seenBy viewerID: String, userContext: [UInt8], entityPath: String
  ) throws -> [UInt8] {
    try database.read(deadlineSeconds: Limits.reportSeconds) { connection in
      let sums = try Self.sums(query, tenantID, .users([userID], units: nil), connection)
      let report = ActivityReport(sums: sums, grouping: query.grouping)
      let recent = try RecentEntries(
        tenantID: tenantID, userID: userID, period: query.period, count: count,
        hasDetails: hasDetails, seenBy: viewerID, in: catalog, connection)
      let total = sums.total
      var writer = JSONWriter(capacity: 4096 + recent.json.count)
      writer.beginObject()
      writer.member("userId", userID)
      writer.name("userContext")
      writer.raw(userContext)
      writer.name("activities")
      writer.raw(recent.json)
      writer.member(
        "statistics",
        [
          "byOperation": report.countsByOperation, "byDay": report.countsByTime,
          "totalCredits": .decimal(units: total.creditUnits, scale: 4),
          "period": .string(query.name),
        ])
      writer.member(
        "summary",
        [
          "totalOperations": .integer(total.entries),
          "totalCreditsUsed": .decimal(units: total.creditUnits, scale: 4),
          "lastActivity": total.entries == 0 ? .null : .string(total.latest),
          "activePeriod": .string(query.name), "organizationalContext": .string(entityPath),
        ])
      writer.endObject()
      return writer.bytes
    }
  }

  /// Whether the user ever did anything that was logged.
  ///
  /// - Throws: what the database throws.
  public func hasActivity(tenantID: String, userID: String) throws -> Bool {
    try database.read { connection in
      try connection.first(
        """
        SELECT 1 FROM activity_rollups INDEXED BY activity_rollups_user
        WHERE tenant_id = ? AND user_id = ? LIMIT 1
        """, [.text(tenantID), .text(userID)]
      ) { _ in true } ?? false
    }
  }

  /// What was done in a part of the organisation in a period, in numbers.
  ///
  /// - Parameters:
  ///   - subject: Whose entries count.
  ///   - departmentID: The unit that was asked for; nil for all.
  ///   - hierarchy: The unit with all below it, as it is today.
  ///   - name: What a user is called.
  ///   - details: Further members of a user.
  /// - Throws: what the database throws.
  public func organizationalReport(
    _ query: ActivityReportQuery, tenantID: String, subject: ActivitySubject,
    departmentID: String?, hierarchy: JSONValue, name: (_ userID: String) -> String?,
    details: (_ userID: String) -> [(String, JSONValue)]
  ) throws -> JSONValue {
    let sums = try database.read(deadlineSeconds: Limits.reportSeconds) { connection in
      try Self.sums(query, tenantID, subject, connection)
    }
    let report = ActivityReport(sums: sums, grouping: query.grouping)
    let total = sums.total
    let users = report.users.map { userID, measure in
      JSONValue.object(
        JSONObject(
          [("userId", .string(userID)), ("name", name(userID).map(JSONValue.string) ?? .null)]
            + measure.members(count: "operationCount") + details(userID)))
    }
    return [
      "departmentId": departmentID.map(JSONValue.string) ?? .null, "hierarchy": hierarchy,
      "report": [
        "userStats": .array(users), "operationSummary": report.operationSummary,
        "temporalBreakdown": report.temporalBreakdown,
        "totalCredits": .decimal(units: total.creditUnits, scale: 4),
        "complianceSummary": report.complianceSummary,
      ],
      "summary": [
        "totalUsers": .integer(users.count), "totalOperations": .integer(total.entries),
        "totalCredits": .decimal(units: total.creditUnits, scale: 4), "period": .string(query.name),
      ],
    ]
  }

  private static func report(
    _ query: ActivityReportQuery, _ tenantID: String, _ userID: String,
    _ connection: borrowing Connection
  ) throws(SQLiteError) -> JSONObject {
    let sums = try sums(query, tenantID, .users([userID], units: nil), connection)
    let report = ActivityReport(sums: sums, grouping: query.grouping)
    let total = sums.total
    return JSONObject([
      ("userId", .string(userID)), ("period", .string(query.name)),
      ("totalActivities", .integer(total.entries)),
      ("totalCreditsUsed", .decimal(units: total.creditUnits, scale: 4)),
      ("operationBreakdown", report.operationBreakdown),
      ("temporalBreakdown", report.temporalBreakdown),
      ("entityBreakdown", report.entityBreakdown),
      ("complianceSummary", report.complianceSummary),
    ])
  }

  static func sums(
    _ query: ActivityReportQuery, _ tenantID: String, _ subject: ActivitySubject,
    _ connection: borrowing Connection
  ) throws(SQLiteError) -> ActivitySums {
    try ActivityReader(
      tenantID: tenantID, subject: subject, period: query.period, grouping: query.grouping,
      zone: query.zone
    ).sums(connection)
  }
}
