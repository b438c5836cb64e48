internal import SQLite
internal import Values

/// A sum of the activity log that is not what the log says.
public struct ActivitySumDifference: Sendable, Equatable, CustomStringConvertible {
  /// Which sum: its kind, quarter or block, unit, user, and what is summed there.
  public let row: String
  /// How many entries the sum says there are.
  public let summed: Int64
  /// How many there are.
  public let actual: Int64

  /// One line for whoever verifies a file.
  public var description: String {
    summed == actual
      ? "\(row): \(summed) entries, whose credits or newest differ"
      : "\(row): \(summed) summed, \(actual) there"
  }
}

/// Compares a tenant's sums of activity with the log, a day at a time.
struct ActivitySumCheck {
  let tenantID: String
  /// Where the log begins: what was before it is removed, and only sums tell of it.
  let since: Timestamp?
  /// How many differences are named.
  let differencesMax: Int
  private(set) var differences: [ActivitySumDifference] = []

  static let quartersPerDay: Int64 = 96

  init(tenantID: String, since: Timestamp?, differencesMax: Int) {
    self.tenantID = tenantID
    self.since = since
    self.differencesMax = differencesMax
  }

  private var isFull: Bool { differences.count >= differencesMax }

  /// The first quarter whose entries are all in the log.
  static func firstQuarter(since: Timestamp?) -> Int64? {
    since.map { CounterPeriod.bucket(of: $0.advanced(byMilliseconds: -1)) + 1 }
  }

  mutating func run(_ connection: borrowing Connection) throws(SQLiteError) {
    var place = Self.firstQuarter(since: since) ?? .min
    while !isFull, let next = try Self.nextQuarter(from: place, tenantID, connection) {
      let day =
        next..<ActivityBlocks.start(of: next, span: Self.quartersPerDay) + Self.quartersPerDay
      try compare("quarter", Self.rollupSQL, day, connection)
      try compare("facet", Self.facetSQL, day, connection)
      place = day.upperBound
    }
    guard let closed = try ActivityBlocks.closed(tenantID, in: connection) else { return }
    guard closed.upperBound != ActivityBlocks.beingRebuilt else {
      differences.append(
        ActivitySumDifference(row: "blocks, whose rebuilding did not end", summed: 0, actual: 0))
      return
    }
    for scope in ActivityBlocks.Scope.allCases {
      for source in ActivityBlocks.Source.allCases {
        for span in source.spans(of: scope) where !isFull {
          try compare(source, scope, span, closed, connection)
        }
      }
    }
  }

  /// The first quarter from `place` on of which there is an entry or a sum.
  static func nextQuarter(
    from place: Int64, _ tenantID: String, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Int64? {
    var next: Int64?
    for table in ["activity_rollups", "activity_facets"] {
      let found = try connection.first(
        """
        SELECT bucket FROM \(table) WHERE tenant_id = ? AND bucket >= ? ORDER BY bucket LIMIT 1
        """, [.text(tenantID), .integer(place)]
      ) { $0.integer(0) ?? 0 }
      if let found { next = min(next ?? found, found) }
    }
    let from = place == .min ? "" : CounterPeriod.start(of: place).rfc3339
    let entry = try connection.first(
      """
      SELECT timestamp FROM crm_activities WHERE tenant_id = ? AND timestamp >= ?
      ORDER BY timestamp LIMIT 1
      """, [.text(tenantID), .text(from)]
    ) { $0.text(0).flatMap(Timestamp.init(rfc3339:)) }
    if let entry = entry ?? nil {
      let bucket = CounterPeriod.bucket(of: entry)
      next = min(next ?? bucket, bucket)
    }
    return next
  }

  // MARK: Quarters

  private mutating func compare(
    _ kind: String, _ sql: String, _ quarters: Range<Int64>, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    guard !isFull else { return }
    differences += try connection.all(
      sql + " LIMIT ?6",
      [
        .text(tenantID), .integer(quarters.lowerBound), .integer(quarters.upperBound),
        .text(CounterPeriod.start(of: quarters.lowerBound).rfc3339),
        .text(CounterPeriod.start(of: quarters.upperBound).rfc3339),
        .integer(differencesMax - differences.count),
      ]
    ) { row in
      let start = CounterPeriod.start(of: row.integer(0) ?? 0).rfc3339
      return ActivitySumDifference(
        row: ([kind, start] + (1..<5).map { row.text($0) ?? "" }).joined(separator: " "),
        summed: row.integer(5) ?? 0, actual: row.integer(6) ?? 0)
    }
  }

  /// The quarter of the row `a` of the log.
  static let bucketSQL = """
    ((unixepoch(a.timestamp) - (unixepoch(a.timestamp) % 900 + 900) % 900) / 900)
    """

  /// The tenant, the quarters from and to, and the same two as times are the values from ?1 to ?5.
  private static let entriesSQL = """
    FROM crm_activities AS a
    WHERE a.tenant_id = ?1 AND a.timestamp >= ?4 AND a.timestamp < ?5
    """

  private static let rollupSQL = """
    SELECT bucket, unit_id, user_id, operation, entity_type, sum(summed), sum(actual) FROM (
      SELECT s.bucket, s.unit_id, s.user_id, s.operation, s.entity_type, s.entries AS summed,
        0 AS actual, s.credit_units AS credits, s.latest AS latest, '' AS newest
      FROM activity_rollups AS s
      WHERE s.tenant_id = ?1 AND s.bucket >= ?2 AND s.bucket < ?3
      UNION ALL
      SELECT \(bucketSQL), coalesce(a.unit_id, ''), a.user_id, a.operation,
        coalesce(a.entity_type, ''), 0, 1, -a.credit_units, '', a.timestamp
      \(entriesSQL))
    GROUP BY 1, 2, 3, 4, 5
    HAVING sum(summed) <> sum(actual) OR sum(credits) <> 0 OR max(latest) <> max(newest)
    """

  /// What was erased from entries cannot be compared any more: there the whole quarter of the user
  /// is left out.
  private static let facetSQL = """
    WITH erased AS (
      SELECT \(bucketSQL) AS bucket, coalesce(a.unit_id, '') AS unit_id, a.user_id
      \(entriesSQL) AND a.salt IS NULL)
    SELECT bucket, unit_id, user_id, facet, value, sum(summed), sum(actual) FROM (
      SELECT s.bucket, s.unit_id, s.user_id, s.facet, s.value, s.entries AS summed, 0 AS actual
      FROM activity_facets AS s
      WHERE s.tenant_id = ?1 AND s.bucket >= ?2 AND s.bucket < ?3
    \(ActivityFacet.allCases.map(facetOfEntries).joined(separator: "\n")))
    WHERE (bucket, unit_id, user_id) NOT IN (SELECT bucket, unit_id, user_id FROM erased)
    GROUP BY 1, 2, 3, 4, 5
    HAVING sum(summed) <> sum(actual)
    """

  private static func facetOfEntries(_ facet: ActivityFacet) -> String {
    """
    UNION ALL
    SELECT \(bucketSQL), coalesce(a.unit_id, ''), a.user_id, '\(facet.rawValue)', \(facet.sql), 0, 1
    \(entriesSQL)
    """
  }

  // MARK: Blocks

  /// Compares blocks with the quarters that they are made of.
  private mutating func compare(
    _ source: ActivityBlocks.Source, _ scope: ActivityBlocks.Scope, _ span: Int64,
    _ closed: Range<Int64>, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    let step = max(span, Self.quartersPerDay)
    let end = ActivityBlocks.start(of: closed.upperBound, span: span)
    // Numbers cannot be rounded up beyond the last of them.
    let start =
      closed.lowerBound == .min
      ? closed.lowerBound : -ActivityBlocks.start(of: -closed.lowerBound, span: span)
    var place = start
    var found: Int64 = 0
    while !isFull, let next = try Self.nextQuarter(from: place, tenantID, connection), next < end {
      let from = ActivityBlocks.start(of: next, span: step)
      let to = from + step
      found += try compareBlocks(
        source, scope, span, max(from, start)..<min(to, end), connection)
      place = to
    }
    guard !isFull else { return }
    let facets = source == .facets ? "IN ('location', 'method', 'address')" : "= '\(source.facet)'"
    let stored = try connection.first(
      """
      SELECT count(*) FROM activity_blocks
      WHERE tenant_id = ? AND scope = ? AND span = ? AND facet \(facets) AND bucket >= ?
      """, [.text(tenantID), .text(scope.rawValue), .integer(span), .integer(start)]
    ) { $0.integer(0) ?? 0 }
    guard let stored, stored != found else { return }
    differences.append(
      ActivitySumDifference(
        row: "all \(source.facet) blocks of \(span) quarters, scope \(scope.rawValue)",
        summed: stored, actual: found))
  }

  /// - Returns: How many of the blocks are there.
  private mutating func compareBlocks(
    _ source: ActivityBlocks.Source, _ scope: ActivityBlocks.Scope, _ span: Int64,
    _ quarters: Range<Int64>, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Int64 {
    var found: Int64 = 0
    var wrong: [ActivitySumDifference] = []
    try connection.forEachRow(
      """
      SELECT s.id, s.bucket, s.unit_id, s.facet, s.value, s.entity_type, b.entries, s.entries,
        b.credit_units IS s.credit_units AND b.latest IS s.latest
      FROM (\(source.sumSQL(scope))) AS s
      LEFT JOIN activity_blocks AS b ON b.tenant_id = s.tenant_id AND b.scope = s.scope
        AND b.id = s.id AND b.span = s.span AND b.bucket = s.bucket AND b.unit_id = s.unit_id
        AND b.facet = s.facet AND b.value = s.value AND b.entity_type = s.entity_type
      """,
      [
        .integer(span), .text(tenantID), .integer(quarters.lowerBound),
        .integer(quarters.upperBound),
      ]
    ) { row throws(SQLiteError) in
      let stored = row.integer(6)
      if stored != nil { found += 1 }
      guard stored != row.integer(7) || row.integer(8) != 1 else { return }
      let start = CounterPeriod.start(of: row.integer(1) ?? 0).rfc3339
      wrong.append(
        ActivitySumDifference(
          row: (["block of \(span)", start, scope.rawValue]
            + [0, 2, 3, 4, 5].map { row.text($0) ?? "" }).joined(separator: " "),
          summed: stored ?? 0, actual: row.integer(7) ?? 0))
    }
    differences += wrong.prefix(differencesMax - differences.count)
    return found
  }
}
