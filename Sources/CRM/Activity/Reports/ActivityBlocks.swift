internal import SQLite
internal import Values

/// Sums over longer times than a quarter of an hour, made when these are over.
///
/// Each facet of a block is summed by itself, so that a report reads about as many rows however
/// busy the time was: who works, and what they do, is soon the same in each block.
enum ActivityBlocks {
  /// Whose entries a block sums.
  enum Scope: String, CaseIterable {
    case tenant, unit, user

    /// How long the blocks are, in quarters of an hour, the shortest first; each length is a
    /// multiple of the one before.
    ///
    /// Many do in an hour what one does in a day: of one user short blocks would be as many as the
    /// quarters they are made of.
    var spans: [Int64] {
      switch self {
      case .tenant, .unit: [4, 24, 96]
      case .user: [8, 96, 768]
      }
    }

    /// Whose block the row `s` of the sums per quarter belongs to.
    fileprivate var id: String {
      switch self {
      case .tenant: "''"
      case .unit: "s.unit_id"
      case .user: "s.user_id"
      }
    }

    /// The unit that is told apart within it.
    fileprivate var unit: String { self == .user ? "s.unit_id" : "''" }
  }

  /// What is closed ends with an hour, the shortest block.
  static let spanMin: Int64 = 4
  /// How long the blocks of totals are: most zones' days are made of hours.
  static let totalSpans: (hour: Int64, long: Int64) = (4, 24)
  private static let quartersPerDay: Int64 = 96

  /// Where ``closed(_:in:)`` ends while the sums are made anew: no block counts, none is made.
  static let beingRebuilt = Int64.min

  /// The first quarter of the block in which `bucket` lies.
  static func start(of bucket: Int64, span: Int64) -> Int64 {
    bucket.flooringQuotient(by: span) * span
  }

  /// The quarters of which all blocks are made and may be used; nil before the first.
  static func closed(
    _ tenantID: String, in connection: borrowing Connection
  ) throws(SQLiteError) -> Range<Int64>? {
    try connection.first(
      "SELECT usable_from, closed_until FROM activity_block_ends WHERE tenant_id = ?",
      [.text(tenantID)]
    ) { row in
      let until = row.integer(1) ?? 0
      return min(row.integer(0) ?? 0, until)..<until
    }
  }

  /// Lets reports read quarters instead of the blocks that begin before `quarter`.
  static func giveUp(
    _ tenantID: String, before quarter: Int64, in connection: borrowing Connection
  ) throws(SQLiteError) {
    try connection.run(
      """
      UPDATE activity_block_ends SET usable_from = max(usable_from, ?)
      WHERE tenant_id = ? AND closed_until <> ?
      """, [.integer(quarter), .text(tenantID), .integer(beingRebuilt)])
  }

  // MARK: Late entries

  /// Adds an entry to the blocks that were made before it arrived; mostly there are none.
  static func add(
    _ entry: ActivityEntry, bucket: Int64, facets: [String], in connection: borrowing Connection
  ) throws(SQLiteError) {
    guard let closed = try closed(entry.tenantID, in: connection), bucket < closed.upperBound
    else { return }
    let measure: [SQLiteValue] = [.integer(entry.creditUnits), .text(entry.timestamp.rfc3339)]
    let none: [SQLiteValue] = [0, ""]
    for scope in Scope.allCases {
      let id =
        switch scope {
        case .tenant: ""
        case .unit: entry.unitID ?? ""
        case .user: entry.userID
        }
      let unit = scope == .user ? entry.unitID ?? "" : ""
      func add(
        _ span: Int64, _ facet: String, _ value: String, _ type: String, _ rest: [SQLiteValue]
      ) {
        connection.merge(
          [1] + rest,
          into: [
            .text(entry.tenantID), .text(scope.rawValue), .text(id), .integer(span),
            .text(facet), .integer(start(of: bucket, span: span)), .text(unit), .text(value),
            .text(type),
          ], of: blocks)
      }
      func isClosed(_ span: Int64) -> Bool {
        start(of: bucket, span: span) + span <= closed.upperBound
      }
      for span in Source.totals.spans(of: scope) where isClosed(span) {
        add(span, "total", "", "", measure)
      }
      for span in scope.spans where isClosed(span) {
        add(span, "operation", entry.operation, entry.entityType ?? "", measure)
        if scope != .user { add(span, "user", entry.userID, "", measure) }
        for (facet, value) in zip(ActivityFacet.allCases, facets) {
          add(span, facet.rawValue, value, "", none)
        }
      }
    }
  }

  private static let blocks = DeferredTable(
    "activity_blocks",
    keys: [
      "tenant_id", "scope", "id", "span", "facet", "bucket", "unit_id", "value", "entity_type",
    ],
    columns: [("entries", .add), ("credit_units", .add), ("latest", .max)])

  // MARK: Making blocks

  /// Makes the next blocks that end before `bucket`, those of a day at most.
  ///
  /// - Returns: Whether there may be more of them.
  static func closeNext(
    _ tenantID: String, before bucket: Int64, in connection: borrowing Connection
  ) throws(SQLiteError) -> Bool {
    let limit = start(of: bucket, span: spanMin)
    let tenant = SQLiteValue.text(tenantID)
    func firstQuarter(from quarter: Int64) throws(SQLiteError) -> Int64? {
      try connection.first(
        """
        SELECT bucket FROM activity_rollups WHERE tenant_id = ? AND bucket >= ?
        ORDER BY bucket LIMIT 1
        """, [tenant, .integer(quarter)]
      ) { $0.integer(0) ?? 0 }
    }
    let closed: Int64
    if let known = try self.closed(tenantID, in: connection) {
      guard known.upperBound != beingRebuilt else { return false }
      closed = known.upperBound
    } else if let first = try firstQuarter(from: .min) {
      closed = start(of: first, span: spanMin)
    } else {
      return false
    }
    guard closed < limit else { return false }
    // Where nothing happened for long, all that time is passed at once.
    var next = start(of: closed, span: quartersPerDay) + quartersPerDay
    let first = try firstQuarter(from: closed)
    if first.map({ $0 >= next }) ?? true {
      next = first.map { start(of: $0, span: spanMin) } ?? limit
    }
    next = min(next, limit)
    try make(tenantID, from: closed, to: next, in: connection)
    try connection.run(
      """
      INSERT INTO activity_block_ends (tenant_id, usable_from, closed_until) VALUES (?, ?, ?)
      ON CONFLICT (tenant_id) DO UPDATE SET closed_until = excluded.closed_until
      """, [tenant, .integer(Int64.min), .integer(next)])
    return next < limit
  }

  /// Makes the blocks that end behind `closed` and not behind `next`.
  private static func make(
    _ tenantID: String, from closed: Int64, to next: Int64, in connection: borrowing Connection
  ) throws(SQLiteError) {
    for scope in Scope.allCases {
      for source in Source.allCases {
        for span in source.spans(of: scope) {
          let (from, to) = (start(of: closed, span: span), start(of: next, span: span))
          guard from < to else { continue }
          try connection.run(
            """
            INSERT OR REPLACE INTO activity_blocks (
              tenant_id, scope, id, span, bucket, unit_id, facet, value, entity_type, entries,
              credit_units, latest)
            \(source.sumSQL(scope))
            """, [.integer(span), .text(tenantID), .integer(from), .integer(to)])
        }
      }
    }
  }

  /// What blocks are made from.
  enum Source: CaseIterable {
    case totals, operations, users, facets

    /// How long the blocks are that are made of it.
    func spans(of scope: Scope) -> [Int64] {
      switch self {
      case .totals: [totalSpans.hour, totalSpans.long]
      case .users where scope == .user: []
      default: scope.spans
      }
    }

    /// The facet's name; that of all three facets together is not stored.
    var facet: String {
      switch self {
      case .totals: "total"
      case .operations: "operation"
      case .users: "user"
      case .facets: "facet"
      }
    }

    /// The facet, its value and the kind of record, of the row `s`.
    private var columns: String {
      switch self {
      case .totals: "'total' AS facet, '' AS value, '' AS entity_type"
      case .operations: "'operation' AS facet, s.operation AS value, s.entity_type"
      case .users: "'user' AS facet, s.user_id AS value, '' AS entity_type"
      case .facets: "s.facet, s.value, '' AS entity_type"
      }
    }

    /// The rows of blocks, from the sums per quarter.
    ///
    /// Its values are the span, the tenant, and the range of quarters.
    func sumSQL(_ scope: Scope) -> String {
      let sums = """
        sum(s.entries) AS entries, sum(s.credit_units) AS credit_units, max(s.latest) AS latest
        FROM activity_rollups AS s
        """
      let counts = """
        sum(s.entries) AS entries, 0 AS credit_units, '' AS latest FROM activity_facets AS s
        """
      return """
        SELECT s.tenant_id, '\(scope.rawValue)' AS scope, \(scope.id) AS id, ?1 AS span,
          s.bucket - (s.bucket % ?1 + ?1) % ?1 AS bucket, \(scope.unit) AS unit_id, \(columns),
          \(self == .facets ? counts : sums)
        WHERE s.tenant_id = ?2 AND s.bucket >= ?3 AND s.bucket < ?4
        GROUP BY 3, 5, 6, 7, 8, 9
        """
    }
  }
}
