internal import Database
internal import HTTP
public import JSON
internal import SQLite
public import Values

extension RecordStore {
  /// The entries of the activity log on a page; none where it begins behind what is held here.
  ///
  /// - Parameters:
  ///   - query: Which.
  ///   - tenantID: Whose log.
  ///   - reach: Whose entries may be seen.
  ///   - viewerID: Who looks.
  /// - Throws: what the database throws.
  public func activities(
    _ query: ActivityQuery, tenantID: String, reach: ActivityReach, seenBy viewerID: String
  ) throws -> ActivityRows {
    let keys: [SQLiteValue]?
    switch query.start {
    case .first: keys = nil
    case .behind(let timestamp, let seq): keys = [.text(timestamp), .integer(seq)]
    case .behindOlder: return ActivityRows()
    }
    return try database.read { connection in
      let statement = try ActivityStatement(
        query.filter, tenantID: tenantID, reach: reach, in: connection)
      return try ActivityRows.read(
        statement, StoredActivity.columns(seenBy: viewerID, in: catalog),
        StoredActivity.layout(of: query.shown), query.page, after: keys,
        isDescending: query.isDescending, in: connection)
    }
  }

  /// `{"data": […], "nextCursor": …}` of a page.
  ///
  /// - Parameters:
  ///   - rows: The entries that are held here.
  ///   - query: What was asked.
  ///   - older: Entries that only the Wrapper holds, which follow them; one more than the page has
  ///     room for says that there are more.
  ///   - isIncomplete: Whether the Wrapper should have been asked for some and did not answer.
  public func body(
    _ rows: ActivityRows, _ query: ActivityQuery, older: [JSONObject] = [],
    isIncomplete: Bool = false
  ) -> [UInt8] {
    let room = max(0, query.page.limit - rows.count)
    let shown = Array(older.prefix(room))
    var next: ActivityQuery.Start?
    if rows.hasMore || older.count > room {
      if let last = shown.last {
        var passed = shown.count
        if case .behindOlder(_, _, let before) = query.start { passed += before }
        next = .behindOlder(
          timestamp: last["timestamp"]?.string ?? "", id: last["id"]?.string ?? "",
          passed: passed)
      } else if case .text(let timestamp)? = rows.lastKeys.first,
        case .integer(let seq)? = rows.lastKeys.last
      {
        next = .behind(timestamp: timestamp, seq: seq)
      }
    }
    return rows.body(
      query.page, nextCursor: next.flatMap(query.cursor),
      further: shown.map { entry in
        JSONObject(
          entry.members.filter { query.shown.contains($0.name) }.map { ($0.name, $0.value) })
      },
      members: isIncomplete ? JSONObject([("isIncomplete", true)]) : JSONObject())
  }

  /// One entry: `{"data": …}`; nil when there is none that `reach` has.
  ///
  /// - Throws: what the database throws.
  public func activity(
    _ id: String, tenantID: String, reach: ActivityReach, seenBy viewerID: String
  ) throws -> [UInt8]? {
    let columns = StoredActivity.columns(seenBy: viewerID, in: catalog)
    var select = SQLFragment(
      """
      SELECT \(columns.sql) FROM crm_activities AS a WHERE a.id = ? AND a.tenant_id = ?
      """, columns.values + [.text(id), .text(tenantID)])
    select.append(reach.condition)
    return try database.read { connection in
      try connection.first(select.sql, select.values) { row in
        var writer = JSONWriter(capacity: 4096)
        writer.beginObject()
        writer.name("data")
        row.appendJSONObject(StoredActivity.layout, to: &writer)
        writer.endObject()
        return writer.bytes
      }
    }
  }

  /// The time of the oldest entry that is held here; nil when there is none.
  ///
  /// - Throws: what the database throws.
  public func oldestActivity(tenantID: String) throws -> Timestamp? {
    try database.read { connection in
      try connection.first(
        """
        SELECT a.timestamp FROM crm_activities AS a WHERE a.tenant_id = ?
        ORDER BY a.timestamp, a.seq LIMIT 1
        """, [.text(tenantID)]
      ) { $0.text(0).flatMap { Timestamp(rfc3339: $0) } } ?? nil
    }
  }

  /// How many entries of a user are held here, counted up to `max`.
  ///
  /// - Throws: what the database throws.
  public func activityCount(
    tenantID: String, userID: String, since: Timestamp?, max: Int
  ) throws -> Int {
    try database.read { connection in
      try connection.first(
        """
        SELECT count(*) FROM (
          SELECT 1 FROM crm_activities AS a
          WHERE a.tenant_id = ? AND a.user_id = ? AND a.timestamp >= ? LIMIT ?)
        """,
        [.text(tenantID), .text(userID), .text(since?.rfc3339 ?? ""), .integer(max)]
      ) { Int($0.integer(0) ?? 0) } ?? 0
    }
  }

  /// Those of `ids` that entries held here bear.
  ///
  /// - Throws: what the database throws.
  public func heldActivities(_ ids: [String], tenantID: String) throws -> Set<String> {
    guard !ids.isEmpty else { return [] }
    return try database.read { connection in
      Set(
        try connection.all(
          """
          SELECT a.id FROM json_each(?) AS wanted
          CROSS JOIN crm_activities AS a ON a.id = wanted.value AND a.tenant_id = ?
          """, [.text(RecordScope.list(ids)), .text(tenantID)]
        ) { $0.text(0) ?? "" })
    }
  }
}
