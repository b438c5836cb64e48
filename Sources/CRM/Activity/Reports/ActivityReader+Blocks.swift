internal import JSON
internal import SQLite
internal import Values

extension ActivityReader {
  /// What blocks of one user tell apart.
  private static let userFacets = ["operation"] + ActivityFacet.allCases.map(\.rawValue)

  /// Adds what blocks say by operation, user and facet.
  func readBlocks(
    _ parts: Parts, into sums: inout ActivitySums, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    let (scope, ids) = self.scope
    // Of several users it is told apart whose the sums are.
    let owner = scope == .user && ids.count > 1 ? "b.id" : "''"
    let rows = blocks(parts.blocks, scope == .user ? Self.userFacets : Self.userFacets + ["user"])
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

  /// Adds what blocks say of time, and the quarters of hours that lie in two groups.
  func readTotals(
    _ parts: Parts, into sums: inout ActivitySums, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    let time = GroupedBlocks(parts.closed, parts.groups)
    if !time.blocks.isEmpty {
      let rows = blocks(time.blocks, ["total"])
      try connection.forEachRow(
        """
        SELECT b.bucket, b.span, b.entries, b.credit_units \(rows.sql)
        """, rows.values
      ) { row throws(SQLiteError) in
        guard let group = time.group(of: row.integer(0) ?? 0, span: row.integer(1) ?? 0) else {
          return
        }
        sums.groups[group, default: ActivityMeasure()] += ActivityMeasure(
          entries: row.integer(2) ?? 0, creditUnits: row.integer(3) ?? 0)
      }
    }
    guard !time.quarters.isEmpty else { return }
    let rows = rollups(in: time.quarters)
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
  ///
  /// The key has each facet by itself, so that hours of totals lie side by side.
  private func blocks(
    _ parts: [(span: Int64, quarters: Range<Int64>)], _ facets: [String]
  ) -> SQLFragment {
    let (scope, ids) = self.scope
    let ranges = JSONValue.array(
      parts.map { span, quarters in
        [.integer(span), .integer(quarters.lowerBound), .integer(quarters.upperBound)]
      })
    var rows = SQLFragment(
      """
      FROM json_each(?) AS r CROSS JOIN json_each(?) AS i CROSS JOIN activity_blocks AS b
      WHERE b.tenant_id = ? AND b.scope = ? AND b.id = i.value
        AND b.span = json_extract(r.value, '$[0]')
        AND b.facet IN (\(facets.map { "'\($0)'" }.joined(separator: ", ")))
        AND b.bucket >= json_extract(r.value, '$[1]')
        AND b.bucket < json_extract(r.value, '$[2]')
      """,
      [.text(ranges.text), .list(ids), .text(tenantID), .text(scope.rawValue)])
    if case .users(_, let units?) = subject {
      rows.append(
        SQLFragment(" AND b.unit_id IN (SELECT value FROM json_each(?))", [.list(units)]))
    }
    return rows
  }
}

/// The blocks of totals that cover a range of quarters, each with its group.
///
/// Of most zones' days all but the ends are long blocks, and the ends are hours.
private struct GroupedBlocks {
  /// From the first long block to the last; the few between them that are not wanted are passed
  /// over.
  private var longBlocks: Range<Int64>?
  private var hours: [Range<Int64>] = []
  /// The quarters of hours that lie in two groups.
  private(set) var quarters: [Range<Int64>] = []
  private var groups: [Block: Int] = [:]

  private struct Block: Hashable {
    let span: Int64
    let bucket: Int64
  }

  /// - Parameter quarters: Whole hours.
  init(_ quarters: Range<Int64>, _ grouped: GroupedQuarters) {
    let (hour, long) = ActivityBlocks.totalSpans
    var place = quarters.lowerBound
    while place < quarters.upperBound {
      if place % long == 0, place + long <= quarters.upperBound,
        let group = Self.group(of: place..<place + long, grouped)
      {
        groups[Block(span: long, bucket: place)] = group
        longBlocks = (longBlocks?.lowerBound ?? place)..<place + long
        place += long
        continue
      }
      if let group = Self.group(of: place..<place + hour, grouped) {
        groups[Block(span: hour, bucket: place)] = group
        Self.append(place..<place + hour, to: &hours)
      } else {
        Self.append(place..<place + hour, to: &self.quarters)
      }
      place += hour
    }
  }

  /// Nil for a block that is of no use, since it lies in two groups.
  func group(of bucket: Int64, span: Int64) -> Int? { groups[Block(span: span, bucket: bucket)] }

  /// What is to be read.
  var blocks: [(span: Int64, quarters: Range<Int64>)] {
    let (hour, long) = ActivityBlocks.totalSpans
    return hours.map { (hour, $0) } + (longBlocks.map { [(long, $0)] } ?? [])
  }

  private static func append(_ range: Range<Int64>, to ranges: inout [Range<Int64>]) {
    if let last = ranges.last, last.upperBound == range.lowerBound {
      ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
    } else {
      ranges.append(range)
    }
  }

  /// The group of all these quarters; nil when there are several.
  private static func group(of quarters: Range<Int64>, _ grouped: GroupedQuarters) -> Int? {
    let group = grouped.number(of: quarters.lowerBound)
    guard grouped.number(of: quarters.upperBound - 1) == group else { return nil }
    // A clock that is set back may show an hour again: then what lies between is looked at, too.
    guard grouped.isSteady(in: quarters) || quarters.allSatisfy({ grouped.number(of: $0) == group })
    else { return nil }
    return group
  }
}
