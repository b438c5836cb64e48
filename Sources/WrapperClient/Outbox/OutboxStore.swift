internal import Database
internal import JSON
internal import SQLite
internal import Values

/// The rows that wait for the Wrapper, in the order of their commits.
struct OutboxStore: Sendable {
  /// What waits for a tenant.
  struct Backlog: Sendable {
    var rows: Int
    var units: Int64
    var oldest: Timestamp?
  }

  /// Consecutive rows of a tenant that are sent together.
  struct Batch: Sendable {
    var firstRow: Int64
    var lastRow: Int64
    var rows: Int
    var units: Int64
    var activityIDs: [String]
    /// The body of `POST /api/activities/batch`.
    var body: [UInt8]
  }

  private let database: Database
  private let snapshots: SnapshotStore

  init(_ database: Database, snapshots: SnapshotStore) {
    self.database = database
    self.snapshots = snapshots
  }

  /// Whether so many write at the same time that shipping should leave them the processor.
  var isCrowded: Bool { database.latestBatchSize >= Limits.crowdMutations }

  /// What waits for each tenant for which something waits.
  func backlogs() throws -> [String: Backlog] {
    var backlogs: [String: Backlog] = [:]
    try database.read { connection in
      try connection.forEachRow(Self.selectBacklogs) { row in
        guard let tenantID = row.text(0) else { return }
        backlogs[tenantID] = Backlog(
          rows: Int(row.integer(1) ?? 0), units: row.integer(2) ?? 0,
          oldest: row.text(3).flatMap { Timestamp(rfc3339: $0) })
      }
    }
    return backlogs
  }

  /// What waits for the tenant; nil when nothing does.
  func backlog(tenantID: String) throws -> Backlog? {
    let backlog = try database.read { connection in
      try connection.first(Self.selectBacklog, [.text(tenantID)]) { row in
        Backlog(
          rows: Int(row.integer(0) ?? 0), units: row.integer(1) ?? 0,
          oldest: row.text(2).flatMap { Timestamp(rfc3339: $0) })
      }
    }
    return backlog.flatMap { $0.rows > 0 ? $0 : nil }
  }

  /// The next rows of the tenant, at most `rowsMax` and, for a repetition, none after `lastRow`.
  ///
  /// - Returns: nil when nothing waits.
  func nextBatch(tenantID: String, rowsMax: Int, lastRow: Int64?) throws -> Batch? {
    var batch: Batch?
    var writer = JSONWriter(capacity: 64 * 1024)
    writer.beginObject()
    writer.name("activities")
    writer.beginArray()
    try database.read { connection in
      let values: [SQLiteValue] = [
        .text(tenantID), .integer(lastRow ?? .max), .integer(Int64(rowsMax)),
      ]
      try connection.forEachRow(Self.selectEntries, values) { row in
        // What is over the size waits for the next batch; a single row is sent however large it is.
        if writer.bytes.count > Limits.batchBytesWanted { return }
        let number = row.integer(Self.rowColumn) ?? 0
        var gathered =
          batch
          ?? Batch(
            firstRow: number, lastRow: number, rows: 0, units: 0, activityIDs: [], body: [])
        gathered.lastRow = number
        gathered.rows += 1
        gathered.units += row.integer(Self.unitsColumn) ?? 0
        // A row whose activity fell to retention has nothing to send and goes with the batch.
        if let id = row.text(Self.idColumn) {
          gathered.activityIDs.append(id)
          row.appendJSONObject(Self.entry, to: &writer)
        }
        batch = gathered
      }
    }
    writer.endArray()
    writer.endObject()
    batch?.body = writer.bytes
    return batch
  }

  /// Removes an acknowledged batch and keeps the balance that then remains, in one transaction.
  func remove(_ batch: Batch, tenantID: String, balance: SnapshotStore.Stored?) async throws {
    try await database.write { connection in
      try connection.run(
        Self.deleteEntries,
        [.text(tenantID), .integer(batch.firstRow), .integer(batch.lastRow)])
      guard let balance else { return }
      try connection.run(
        SnapshotStore.upsertAnswer,
        snapshots.values(
          tenantID: tenantID, kind: SnapshotStore.balanceKind, balance))
    }
  }

  /// One entry in the shape that its consumers know, straight from its columns; erased parts are
  /// null.
  private static let entry = JSONRowLayout([
    ("id", .text), ("tenantId", .text), ("userId", .text), ("operation", .text),
    ("entityId", .text), ("entityType", .text), ("creditCost", .decimal(scale: 4)),
    ("timestamp", .text), ("sessionId", .text), ("userContext", .json), ("permissions", .json),
    ("metadata", .json), ("compliance", .json), ("row", .skip),
  ])
  /// The columns that are read one by one.
  private static let (idColumn, unitsColumn, rowColumn) = (0, 6, 13)

  private static let selectBacklogs = """
    SELECT tenant_id, COUNT(*), SUM(credit_units), MIN(queued_at)
    FROM activity_outbox
    GROUP BY tenant_id
    """

  private static let selectBacklog = """
    SELECT COUNT(*), SUM(credit_units), MIN(queued_at)
    FROM activity_outbox
    WHERE tenant_id = ?
    """

  private static let selectEntries = """
    SELECT a.id, o.tenant_id, a.user_id, a.operation, a.entity_id, a.entity_type, o.credit_units,
      a.timestamp, a.session_id, a.user_context, a.permissions, a.metadata, a.compliance, o.n
    FROM activity_outbox AS o
    LEFT JOIN crm_activities AS a ON a.id = o.activity_id AND a.tenant_id = o.tenant_id
    WHERE o.tenant_id = ? AND o.n <= ?
    ORDER BY o.n
    LIMIT ?
    """

  private static let deleteEntries = """
    DELETE FROM activity_outbox WHERE tenant_id = ? AND n BETWEEN ? AND ?
    """
}
