internal import JSON
internal import SQLite
internal import Values

extension ActivityReader {
  /// Adds what blocks say by operation, user and facet.
  func readBlocks(
    _ parts: Parts, into sums: inout ActivitySums, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    let (scope, ids) = self.scope
    let ranges = JSONValue.array(
      parts.blocks.map { part in
        [
          .integer(part.span), .integer(part.quarters.lowerBound),
          .integer(part.quarters.upperBound),
        ]
      })
    // Of several users it is told apart whose the sums are.
    let owner = scope == .user && ids.count > 1 ? "b.id" : "''"
    let rows = blocks(
      """
      AND b.span = json_extract(r.value, '$[0]') AND b.bucket >= json_extract(r.value, '$[1]')
      AND b.bucket < json_extract(r.value, '$[2]')
      """, .text(ranges.text))
    try connection.forEachRow(
      """
      SELECT b.facet, b.value, b.entity_type, \(owner), sum(b.entries), sum(b.credit_units),
        max(b.latest)
      \(rows.sql) GROUP BY b.facet, b.value, b.entity_type\(owner == "b.id" ? ", b.id" : "")
      """, rows.values
    ) { row throws(SQLiteError) in
      let facet = row.text(0) ?? ""
      let value = row.text(1) ?? ""
      let measure = ActivityMeasure(
        entries: row.integer(4) ?? 0, creditUnits: row.integer(5) ?? 0, latest: row.text(6) ?? "")
      switch facet {
      case "operation":
        let deed = ActivityDeed(operation: value, entityType: row.text(2) ?? "")
        sums.deeds[deed, default: ActivityMeasure()] += measure
        if scope == .user {
          let user = ids.count > 1 ? row.text(3) ?? "" : ids[0]
          sums.users[user, default: ActivityMeasure()] += measure
        }
      case "user":
        sums.users[value, default: ActivityMeasure()] += measure
      default:
        guard let facet = ActivityFacet(rawValue: facet) else { return }
        sums.count(facet, value, measure.entries)
      }
    }
  }

  /// Adds what blocks say of time: hours, and the quarters of those that lie in two groups.
  func readTotals(
    _ parts: Parts, into sums: inout ActivitySums, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    let hours = Hours(parts.closed, parts.groups)
    if !hours.isAllSplit {
      let rows = blocks(
        "AND b.span = ? AND b.bucket >= ? AND b.bucket < ?", "[0]",
        [
          .integer(ActivityBlocks.totalSpan), .integer(parts.closed.lowerBound),
          .integer(parts.closed.upperBound),
        ])
      try connection.forEachRow(
        "SELECT b.bucket, b.entries, b.credit_units \(rows.sql)", rows.values
      ) { row throws(SQLiteError) in
        guard let group = hours.group(of: row.integer(0) ?? 0) else { return }
        sums.groups[group, default: ActivityMeasure()] += ActivityMeasure(
          entries: row.integer(1) ?? 0, creditUnits: row.integer(2) ?? 0)
      }
    }
    guard !hours.split.isEmpty else { return }
    let rows = rollups(in: hours.split)
    try connection.forEachRow(
      """
      SELECT s.bucket, sum(s.entries), sum(s.credit_units) \(rows.sql) GROUP BY s.bucket
      """, rows.values
    ) { row throws(SQLiteError) in
      let group = parts.groups.number(of: row.integer(0) ?? 0)
      sums.groups[group, default: ActivityMeasure()] += ActivityMeasure(
        entries: row.integer(1) ?? 0, creditUnits: row.integer(2) ?? 0)
    }
  }

  /// FROM and WHERE of the subject's rows `b` of blocks.
  private func blocks(
    _ condition: String, _ ranges: SQLiteValue, _ values: [SQLiteValue] = []
  ) -> SQLFragment {
    let (scope, ids) = self.scope
    var rows = SQLFragment(
      """
      FROM json_each(?) AS r CROSS JOIN json_each(?) AS i CROSS JOIN activity_blocks AS b
      WHERE b.tenant_id = ? AND b.scope = ? AND b.id = i.value \(condition)
      """, [ranges, .list(ids), .text(tenantID), .text(scope.rawValue)] + values)
    if case .users(_, let units?) = subject {
      rows.append(
        SQLFragment(
          " AND b.unit_id IN (SELECT value FROM json_each(?))", [.list(units)]))
    }
    return rows
  }
}

/// The hours of UTC in a range of quarters, each with its group.
private struct Hours {
  /// The hours that lie in two groups, as ranges of quarters; neighbours are one range.
  private(set) var split: [Range<Int64>] = []
  private let first: Int64
  private var groups: [Int?] = []

  init(_ quarters: Range<Int64>, _ grouped: GroupedQuarters) {
    first = quarters.lowerBound
    let span = ActivityBlocks.totalSpan
    for hour in stride(from: first, to: quarters.upperBound, by: Int(span)) {
      let group = grouped.number(of: hour)
      if (1..<span).allSatisfy({ grouped.number(of: hour + $0) == group }) {
        groups.append(group)
        continue
      }
      groups.append(nil)
      if split.last?.upperBound == hour {
        split[split.count - 1] = split[split.count - 1].lowerBound..<hour + span
      } else {
        split.append(hour..<hour + span)
      }
    }
  }

  var isAllSplit: Bool { groups.allSatisfy { $0 == nil } }

  /// Nil for an hour that lies in two groups.
  func group(of bucket: Int64) -> Int? {
    groups[Int((bucket - first) / ActivityBlocks.totalSpan)]
  }
}
