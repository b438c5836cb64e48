internal import JSON
internal import SQLite
internal import Values

/// A user's newest entries in a period.
struct RecentEntries {
  /// The entries, the newest first, as a JSON array.
  let json: [UInt8]
  private let operations: [String]
  private let creditUnits: Int64
  private let latest: String?
  private let userID: String

  /// How many a dashboard shows.
  static let dashboardCount = 20

  /// - Parameters:
  ///   - count: How many.
  ///   - hasDetails: Whether they carry contexts and metadata.
  ///   - viewerID: Who looks: what is private to others is left out.
  init(
    tenantID: String, userID: String, period: Range<Timestamp>, count: Int, hasDetails: Bool,
    seenBy viewerID: String, in catalog: Catalog, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    let names = Set(StoredActivity.names)
    let layout = StoredActivity.layout(
      of: hasDetails ? names : names.subtracting(StoredActivity.detailNames))
    func column(_ name: String) -> Int {
      StoredActivity.keyCount + (StoredActivity.names.firstIndex(of: name) ?? 0)
    }
    let (operation, credits) = (column("operation"), column("creditCost"))
    var operations: [String] = []
    var creditUnits: Int64 = 0
    var latest: String?
    var writer = JSONWriter(capacity: 2048 * min(count, 50))
    writer.beginArray()
    var rows = StoredActivity.columns(seenBy: viewerID, in: catalog)
    rows.sql = """
      SELECT \(rows.sql)
      FROM crm_activities AS a INDEXED BY crm_activities_user
      WHERE a.tenant_id = ? AND a.user_id = ? AND a.timestamp >= ? AND a.timestamp < ?
      ORDER BY a.timestamp DESC, a.seq DESC LIMIT ?
      """
    rows.values += [
      .text(tenantID), .text(userID), .text(period.lowerBound.rfc3339),
      .text(period.upperBound.rfc3339), .integer(count),
    ]
    try connection.forEachRow(rows.sql, rows.values) { row throws(SQLiteError) in
      if latest == nil { latest = row.text(0) }
      operations.append(row.text(operation) ?? "")
      creditUnits += row.integer(credits) ?? 0
      row.appendJSONObject(layout, to: &writer)
    }
    writer.endArray()
    json = writer.bytes
    self.operations = operations
    self.creditUnits = creditUnits
    self.latest = latest
    self.userID = userID
  }

  /// What these entries come to.
  var summary: JSONValue {
    let counts = operations.reduce(into: [:]) { $0[$1, default: Int64(0)] += 1 }
    let ranked = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return [
      "totalOperations": .integer(operations.count),
      "operationsByType": .object(JSONObject(ranked.map { ($0.key, .integer($0.value)) })),
      "totalCreditsUsed": .decimal(units: creditUnits, scale: 4),
      "lastActivity": latest.map(JSONValue.string) ?? .null,
      "mostActiveUser": operations.isEmpty
        ? .null : ["userId": .string(userID), "count": .integer(operations.count)],
    ]
  }
}
