internal import JSON
internal import SQLite
internal import Values

extension ActivityReader {
  /// Adds the quarters that no block covers.
  func readQuarters(
    _ parts: Parts, into sums: inout ActivitySums, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    guard !parts.quarters.isEmpty else { return }
    let rows = rollups(in: parts.quarters)
    var places: Set<Place> = []
    let isOfUsers = scope.0 == .user
    try connection.forEachRow(
      """
      SELECT s.bucket, s.user_id, s.operation, s.entity_type, s.entries, s.credit_units, s.latest,
        s.unit_id
      \(rows.sql)
      """, rows.values
    ) { row throws(SQLiteError) in
      let bucket = row.integer(0) ?? 0
      let user = row.text(1) ?? ""
      let measure = ActivityMeasure(
        entries: row.integer(4) ?? 0, creditUnits: row.integer(5) ?? 0, latest: row.text(6) ?? "")
      let deed = ActivityDeed(operation: row.text(2) ?? "", entityType: row.text(3) ?? "")
      sums.deeds[deed, default: ActivityMeasure()] += measure
      sums.users[user, default: ActivityMeasure()] += measure
      sums.groups[parts.groups.number(of: bucket), default: ActivityMeasure()] += measure
      if isOfUsers {
        places.insert(Place(bucket: bucket, unitID: row.text(7) ?? "", userID: user))
      }
    }
    let facets = isOfUsers ? facets(at: places) : facets(in: parts.quarters)
    try connection.forEachRow(
      "SELECT s.facet, s.value, sum(s.entries) \(facets.sql) GROUP BY s.facet, s.value",
      facets.values
    ) { row throws(SQLiteError) in
      guard let facet = row.text(0).flatMap(ActivityFacet.init) else { return }
      sums.count(facet, row.text(1) ?? "", row.integer(2) ?? 0)
    }
  }

  /// Where the facets of a user's quarter stand.
  private struct Place: Hashable {
    let bucket: Int64
    let unitID: String
    let userID: String
  }

  /// FROM and WHERE of the rows `s` of the sums, in ranges of quarters.
  func rollups(in quarters: [Range<Int64>]) -> SQLFragment {
    let ranges = SQLiteValue.ranges(quarters)
    guard case .users(let ids, let units) = subject else {
      return everybodys("activity_rollups", ranges)
    }
    var rows = SQLFragment(
      """
      FROM json_each(?) AS r CROSS JOIN json_each(?) AS u
      CROSS JOIN activity_rollups AS s INDEXED BY activity_rollups_user
      WHERE s.tenant_id = ? AND s.user_id = u.value
        AND s.bucket >= json_extract(r.value, '$[0]') AND s.bucket < json_extract(r.value, '$[1]')
      """, [ranges, SQLiteValue.list(ids), .text(tenantID)])
    if let units {
      rows.append(
        SQLFragment(
          " AND s.unit_id IN (SELECT value FROM json_each(?))", [SQLiteValue.list(units)]))
    }
    return rows
  }

  private func facets(in quarters: [Range<Int64>]) -> SQLFragment {
    everybodys("activity_facets", SQLiteValue.ranges(quarters))
  }

  /// The key has them by quarter, unit and user: with all three known no index is needed.
  private func facets(at places: Set<Place>) -> SQLFragment {
    let list = JSONValue.array(
      places.map { [.integer($0.bucket), .string($0.unitID), .string($0.userID)] })
    return SQLFragment(
      """
      FROM json_each(?) AS p CROSS JOIN activity_facets AS s
      WHERE s.tenant_id = ? AND s.bucket = json_extract(p.value, '$[0]')
        AND s.unit_id = json_extract(p.value, '$[1]') AND s.user_id = json_extract(p.value, '$[2]')
      """, [.text(list.text), .text(tenantID)])
  }

  private func everybodys(_ table: String, _ ranges: SQLiteValue) -> SQLFragment {
    var rows = SQLFragment(
      """
      FROM json_each(?) AS r CROSS JOIN \(table) AS s
      WHERE s.tenant_id = ?
        AND s.bucket >= json_extract(r.value, '$[0]') AND s.bucket < json_extract(r.value, '$[1]')
      """, [ranges, .text(tenantID)])
    if case .units(let ids) = subject {
      rows.append(
        SQLFragment(" AND s.unit_id IN (SELECT value FROM json_each(?))", [SQLiteValue.list(ids)]))
    }
    return rows
  }

  // MARK: Entries

  /// Calls `body` with the quarter of each of the subject's entries in `time`, and the entry.
  func forEachEntry(
    in time: Range<Timestamp>, _ connection: borrowing Connection,
    _ body: (Int64, LoggedEntry) -> Void
  ) throws(SQLiteError) {
    let bucket = CounterPeriod.bucket(of: time.lowerBound)
    let rows = entries(in: time)
    // Most entries of a quarter come from few places.
    var known: [String: [String]] = [:]
    try connection.forEachRow(
      """
      SELECT a.user_id, a.operation, a.entity_type, a.credit_units, a.timestamp, a.compliance
      \(rows.sql)
      """, rows.values
    ) { row throws(SQLiteError) in
      let compliance = row.text(5) ?? ""
      let facets = known[compliance] ?? ActivityFacet.values(in: compliance)
      known[compliance] = facets
      body(
        bucket,
        LoggedEntry(
          userID: row.text(0) ?? "",
          deed: ActivityDeed(operation: row.text(1) ?? "", entityType: row.text(2) ?? ""),
          measure: ActivityMeasure(
            entries: 1, creditUnits: row.integer(3) ?? 0, latest: row.text(4) ?? ""),
          facets: facets))
    }
  }

  private func entries(in time: Range<Timestamp>) -> SQLFragment {
    let bounds: [SQLiteValue] = [
      .text(tenantID), .text(time.lowerBound.rfc3339), .text(time.upperBound.rfc3339),
    ]
    let condition = "a.tenant_id = ? AND a.timestamp >= ? AND a.timestamp < ?"
    let units = " AND coalesce(a.unit_id, '') IN (SELECT value FROM json_each(?))"
    switch subject {
    case .tenant:
      return SQLFragment("FROM crm_activities AS a WHERE \(condition)", bounds)
    case .units(let ids):
      return SQLFragment(
        "FROM crm_activities AS a INDEXED BY crm_activities_time WHERE \(condition)\(units)",
        bounds + [SQLiteValue.list(ids)])
    case .users(let ids, let unitIDs):
      var rows = SQLFragment(
        """
        FROM json_each(?) AS u CROSS JOIN crm_activities AS a INDEXED BY crm_activities_user
        WHERE \(condition) AND a.user_id = u.value
        """, [SQLiteValue.list(ids)] + bounds)
      if let unitIDs { rows.append(SQLFragment(units, [SQLiteValue.list(unitIDs)])) }
      return rows
    }
  }
}

extension SQLiteValue {
  /// Ids as a JSON array.
  static func list(_ ids: [String]) -> SQLiteValue { .text(RecordScope.list(ids)) }

  /// Ranges as a JSON array of pairs.
  static func ranges(_ ranges: [Range<Int64>]) -> SQLiteValue {
    .text(
      JSONValue.array(ranges.map { [.integer($0.lowerBound), .integer($0.upperBound)] }).text)
  }
}
