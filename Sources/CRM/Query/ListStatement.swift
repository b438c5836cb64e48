internal import SQLite

/// The statements that answer one list request.
///
/// A grant that reaches only some records is a condition of the form `owner = me OR creator = me`,
/// and so are some filters. SQLite has no good way for it: it walks through the whole tenant. So
/// each branch is followed by an index of its own, and the ways are merged.
struct ListStatement {
  /// How the rows are found.
  enum Way {
    /// In the order of one index, or by an index and sorted.
    case plain
    /// By one index for each branch; all of them give the order that is asked for.
    case merged([SQLFragment])
    /// By one index for each branch, and sorted: there are not many.
    case gathered([SQLFragment])
  }

  let query: ListQuery
  let way: Way
  private let table: String
  /// FROM and WHERE of the tenant's live rows.
  private let live: SQLFragment
  /// The count by full text alone, where nothing else is asked for.
  private let wordsCount: SQLFragment?
  /// The conditions of the scope and of all filters that no branch stands for.
  private let filters: SQLFragment
  /// What the branches stand for as one condition, where a count does better without them.
  private let countedScope: SQLFragment?

  init(
    _ query: ListQuery, tenantID: String, scope: RecordScope, in connection: borrowing Connection
  ) throws(SQLiteError) {
    self.query = query
    table = query.resource.description.table
    let live = SQLFragment(
      "FROM \(table) AS t WHERE t.tenant_id = ? AND t.deleted_at IS NULL", [.text(tenantID)])
    self.live = live
    var filters = SQLFragment("")
    for filter in query.filters { filters.append(filter) }
    let words = try query.words?.condition(
      query.resource, tenantID: tenantID, scope: scope, in: connection)
    wordsCount =
      query.filters.isEmpty
      ? query.words?.count(query.resource, tenantID: tenantID, scope: scope) : nil
    let predicate = scope.predicate(query.resource)
    if let words, words.isNarrow {
      // Few records are found by their ids, and sorted: SQLite would rather walk in order.
      filters.append(predicate)
      self.filters = filters
      countedScope = nil
      way = .gathered([words.sql])
      return
    }
    if let words { filters.append(words.sql) }
    guard let branches = query.branches ?? scope.branches(query.resource),
      (predicate.values.count + filters.values.count + 10) * branches.count
        <= Limits.boundValuesMax
    else {
      filters.append(predicate)
      self.filters = filters
      countedScope = nil
      way = .plain
      return
    }
    if query.sort.isByCreation {
      way = .merged(branches)
    } else {
      way = try Self.areFew(branches, live, in: connection) ? .gathered(branches) : .plain
    }
    // Branches of the scope stand for the grant; where they are not followed, or are those of a
    // filter, the whole predicate stands beside the filters.
    if case .plain = way {
      filters.append(predicate)
    } else {
      filters.append(query.branches == nil ? scope.privacy(query.resource) : predicate)
    }
    self.filters = filters
    // Many branches that reach much look up more rows than there are. What is asked for besides
    // then leaves fewer.
    var isWide = false
    if case .merged = way, query.isCounted, !query.filters.isEmpty,
      branches.count > Limits.countedBranchesMax
    {
      isWide = try !Self.areFew(branches, live, in: connection)
    }
    countedScope = isWide ? predicate : nil
  }

  /// Whether the scope reaches so few records that sorting them is faster than walking through
  /// the others.
  private static func areFew(
    _ branches: [SQLFragment], _ live: SQLFragment, in connection: borrowing Connection
  ) throws(SQLiteError) -> Bool {
    let bound = Limits.sortedRecordsMax / branches.count
    var probe = SQLFragment("SELECT max(n) FROM (")
    for (index, branch) in branches.enumerated() {
      probe.append(
        SQLFragment(
          """
          \(index == 0 ? "" : " UNION ALL ")SELECT count(*) AS n FROM \
          (SELECT 1 \(live.sql)\(branch.sql) LIMIT ?)
          """, live.values + branch.values + [.integer(bound + 1)]))
    }
    let most = try connection.first(probe.sql + ")", probe.values) { $0.integer(0) ?? 0 }
    return (most ?? 0) <= bound
  }

  /// The page: the resource's columns, then the keys of the order.
  ///
  /// - Parameter after: The keys of the row that it begins behind; nil for the first row.
  func page(after keys: [SQLiteValue]?) -> SQLFragment {
    let after = keys.map(query.sort.after) ?? SQLFragment("")
    let columns =
      "\(query.resource.columns), "
      + query.sort.keys.map(\.expression).joined(separator: ", ")
    var page = SQLFragment("SELECT \(columns) ")
    switch way {
    case .plain:
      page.append(live)
      page.append(filters)
      page.append(after)
      page.append(SQLFragment(" ORDER BY \(query.sort.sql)"))
      page.append(window)
    case .merged(let branches):
      var conditions = filters
      conditions.append(after)
      let keys = query.sort.keys.map(\.expression)
      let direction = query.sort.keys[0].isDescending ? "DESC" : "ASC"
      page.append(SQLFragment("FROM ("))
      page.append(
        union(of: branches, "\(keys[0]) AS k0, \(keys[1]) AS k1", conditions))
      page.append(SQLFragment(" ORDER BY 1 \(direction), 2 \(direction)"))
      page.append(window)
      page.append(join(" ON t.id = k.k1"))
      page.append(SQLFragment(" ORDER BY k.k0 \(direction), k.k1 \(direction)"))
    case .gathered(let branches):
      page.append(SQLFragment("FROM ("))
      page.append(union(of: branches, "t.id AS k1", filters))
      page.append(join(" ON t.id = k.k1"))
      page.append(after)
      page.append(SQLFragment(" ORDER BY \(query.sort.sql)"))
      page.append(window)
    }
    return page
  }

  /// How many rows the list has.
  var count: SQLFragment {
    if let wordsCount { return wordsCount }
    switch way {
    case .plain:
      return plainCount
    case .merged(let branches), .gathered(let branches):
      if countedScope != nil { return plainCount }
      var count = SQLFragment("SELECT count(*) FROM (")
      count.append(union(of: branches, "t.id AS k1", filters))
      count.append(SQLFragment(")"))
      return count
    }
  }

  private var plainCount: SQLFragment {
    var count = SQLFragment("SELECT count(*) ")
    count.append(live)
    count.append(filters)
    if let countedScope { count.append(countedScope) }
    return count
  }

  /// The rows of all branches, each row once.
  private func union(
    of branches: [SQLFragment], _ columns: String, _ conditions: SQLFragment
  ) -> SQLFragment {
    var union = SQLFragment("")
    for (index, branch) in branches.enumerated() {
      union.append(SQLFragment("\(index == 0 ? "" : " UNION ")SELECT \(columns) "))
      union.append(live)
      union.append(branch)
      union.append(conditions)
    }
    return union
  }

  /// The rows `t` of what was found; the words CROSS JOIN keep SQLite from going the other way
  /// round.
  private func join(_ on: String) -> SQLFragment {
    SQLFragment(
      ") AS k CROSS JOIN \(table) AS t\(on) WHERE t.tenant_id = ?", [live.values[0]])
  }

  /// Which of the rows are wanted; one more than the page holds tells whether it is the last.
  private var window: SQLFragment {
    var window = SQLFragment(" LIMIT ?", [.integer(query.limit + 1)])
    if let number = query.page {
      window.append(SQLFragment(" OFFSET ?", [.integer((number - 1) * query.limit)]))
    }
    return window
  }
}
