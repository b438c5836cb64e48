internal import SQLite

/// The statements that answer one list of the activity log.
///
/// Every filter has an index that ends with the order of lists, so that a page costs the same
/// however long the log is. One filter finds the rows, the others are looked at in them. Where it
/// means several values, such as the units below one, each is followed by itself and the ways are
/// merged.
struct ActivityStatement {
  private let tenantID: String
  /// Conditions each of which an index answers; nil where all of the tenant is walked through in
  /// order.
  private let branches: [SQLFragment]?
  private let conditions: SQLFragment

  /// - Parameters:
  ///   - filter: What is asked for.
  ///   - further: Further conditions on a row `a`, each beginning with AND.
  init(
    _ filter: ActivityFilter, tenantID: String, reach: ActivityReach,
    further: SQLFragment = SQLFragment(""), in connection: borrowing Connection
  ) throws(SQLiteError) {
    self.tenantID = tenantID
    var branches: [SQLFragment]?
    var conditions = filter.times
    for dimension in ActivityDimension.all(of: filter) {
      if branches == nil {
        branches = try dimension.branches(tenantID: tenantID, in: connection)
        if branches != nil { continue }
      }
      conditions.append(dimension.condition)
    }
    if branches == nil, case .users(let ids) = reach, ids.count <= Limits.scopeBranchesMax {
      branches = ids.map { SQLFragment(" AND a.user_id = ?", [.text($0)]) }
    } else {
      conditions.append(reach.condition)
    }
    conditions.append(further)
    self.branches = branches
    self.conditions = conditions
  }

  /// The rows of a page in order, with `columns`.
  ///
  /// - Parameters:
  ///   - keys: Time and place in the chain of the entry that the page begins behind; nil for the
  ///     first.
  ///   - isDescending: Whether the newest come first.
  func page(
    _ columns: SQLFragment, after keys: [SQLiteValue]? = nil, isDescending: Bool = true,
    limit: Int, offset: Int = 0
  ) -> SQLFragment {
    let direction = isDescending ? "DESC" : "ASC"
    var conditions = conditions
    if let keys {
      conditions.append(
        SQLFragment(" AND (a.timestamp, a.seq) \(isDescending ? "<" : ">") (?, ?)", keys))
    }
    let window = SQLFragment(" LIMIT ? OFFSET ?", [.integer(limit), .integer(offset)])
    var page = SQLFragment("SELECT \(columns.sql) ", columns.values)
    if let branches, branches.count != 1 {
      page.append(SQLFragment("FROM ("))
      page.append(union(branches, "a.timestamp AS k0, a.seq AS k1", conditions))
      page.append(SQLFragment(" ORDER BY 1 \(direction), 2 \(direction)"))
      page.append(window)
      // CROSS JOIN keeps SQLite from going the other way round.
      page.append(
        SQLFragment(
          """
          ) AS k CROSS JOIN crm_activities AS a ON a.seq = k.k1
          WHERE a.tenant_id = ? ORDER BY k.k0 \(direction), k.k1 \(direction)
          """, [.text(tenantID)]))
      return page
    }
    page.append(rows(branches?.first, conditions))
    page.append(SQLFragment(" ORDER BY a.timestamp \(direction), a.seq \(direction)"))
    page.append(window)
    return page
  }

  /// How many entries there are on all pages.
  var count: SQLFragment {
    guard let branches, branches.count != 1 else {
      var count = SQLFragment("SELECT count(*) ")
      count.append(rows(branches?.first, conditions))
      return count
    }
    var count = SQLFragment("SELECT count(*) FROM (")
    count.append(union(branches, "1", conditions))
    count.append(SQLFragment(")"))
    return count
  }

  private func rows(_ branch: SQLFragment?, _ conditions: SQLFragment) -> SQLFragment {
    var rows = SQLFragment("FROM crm_activities AS a WHERE a.tenant_id = ?", [.text(tenantID)])
    if let branch { rows.append(branch) }
    rows.append(conditions)
    return rows
  }

  /// No two branches meet in one row; without branches there are no rows.
  private func union(
    _ branches: [SQLFragment], _ columns: String, _ conditions: SQLFragment
  ) -> SQLFragment {
    let branches = branches.isEmpty ? [SQLFragment(" AND 0")] : branches
    var union = SQLFragment("")
    for (index, branch) in branches.enumerated() {
      union.append(SQLFragment("\(index == 0 ? "" : " UNION ALL ")SELECT \(columns) "))
      union.append(rows(branch, conditions))
    }
    return union
  }
}
