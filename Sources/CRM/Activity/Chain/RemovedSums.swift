internal import SQLite

/// The quarters of an hour of which entries are about to be removed.
struct RemovedSums {
  private let tenantID: String
  private var quarters: [Range<Int64>] = []

  /// Notes the quarters of the entries behind `after` up to `through`, while they are there.
  init(
    tenantID: String, after: Int64, through: Int64, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    self.tenantID = tenantID
    let found = try connection.all(
      """
      SELECT DISTINCT \(ActivitySumCheck.bucketSQL) FROM crm_activities AS a
      WHERE a.tenant_id = ? AND a.seq > ? AND a.seq <= ? ORDER BY 1
      """, [.text(tenantID), .integer(after), .integer(through)]
    ) { $0.integer(0) ?? 0 }
    for quarter in found {
      if let last = quarters.last, last.upperBound == quarter {
        quarters[quarters.count - 1] = last.lowerBound..<quarter + 1
      } else {
        quarters.append(quarter..<quarter + 1)
      }
    }
  }

  /// Takes them out, once they are gone: a sum that is left is that of the entries that are.
  func subtract(_ connection: borrowing Connection) throws(SQLiteError) {
    for range in quarters {
      try QuarterSums.sumAnew(range, tenantID, in: connection)
    }
    guard let end = quarters.last?.upperBound else { return }
    try ActivityBlocks.giveUp(tenantID, before: end, in: connection)
  }
}
