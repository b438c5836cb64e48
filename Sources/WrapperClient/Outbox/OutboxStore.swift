internal import Cryptography
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
    /// How many of the rows still have an activity, and so an entry in the body.
    var entries = 0
    /// The `Idempotency-Key`, the same however often the batch is sent.
    var key: String
    /// The body of `POST /api/activities/batch`.
    var body: [UInt8]
  }

  /// How many rows of a tenant stand where.
  struct Counts: Sendable {
    var depth = 0
    var oldest: Timestamp?
    var deadLetters = 0
    /// Every activity that was ever logged.
    var logged: Int64 = 0
  }

  private let database: Database
  private let snapshots: SnapshotStore

  init(_ database: Database, snapshots: SnapshotStore) {
    self.database = database
    self.snapshots = snapshots
  }

  /// The file that holds the rows.
  var databasePath: String { database.path }

  /// Whether so many write at the same time that shipping should leave them the processor.
  var isCrowded: Bool { database.isCrowded }

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

  /// The batch that was sent and whose answer is not known: its repetition must be the same.
  ///
  /// - Returns: nil when there is none.
  func openedBatch(tenantID: String) throws -> Batch? {
    try database.read { connection in
      let opened = try connection.first(Self.selectOpened, [.text(tenantID)]) { row in
        (lastRow: row.integer(0) ?? 0, key: row.text(1) ?? "")
      }
      guard let opened else { return nil }
      // The size was judged when the batch was opened.
      var batch = try Self.gather(
        [.text(tenantID), 0, .integer(opened.lastRow), .integer(Int64.max)], bytesMax: .max,
        connection)
      batch?.key = opened.key
      return batch
    }
  }

  /// The next rows of the tenant after `row`, at most `rowsMax`.
  ///
  /// - Returns: nil when nothing waits.
  func nextBatch(tenantID: String, after row: Int64 = 0, rowsMax: Int) throws -> Batch? {
    try database.read { connection in
      try Self.gather(
        [.text(tenantID), .integer(row), .integer(Int64.max), .integer(Int64(rowsMax))],
        bytesMax: Limits.batchBytesWanted, connection)
    }
  }

  /// Notes that `batch` is about to be sent, in place of any other of the tenant.
  func open(_ batch: Batch, tenantID: String) async throws {
    try await database.write { connection in
      try Self.open(batch, tenantID: tenantID, connection)
    }
  }

  /// Removes an acknowledged batch, keeps the balance that then remains and opens the `following`
  /// batch, in one transaction: while one batch follows the other, opening costs no commit.
  func remove(
    _ batch: Batch, tenantID: String, balance: SnapshotStore.Stored?, following: Batch?
  ) async throws {
    try await database.write { connection in
      try Self.remove(batch, tenantID: tenantID, following: following, connection)
      guard let balance else { return }
      try connection.run(
        SnapshotStore.upsertAnswer,
        snapshots.values(
          tenantID: tenantID, kind: SnapshotStore.balanceKind, balance))
    }
  }

  /// Moves the one row of `batch` to the dead letters.
  func bury(
    _ batch: Batch, tenantID: String, _ refusal: BatchDelivery.Refusal, at now: Timestamp
  ) async throws {
    try await database.write { connection in
      try connection.run(
        Self.insertDeadLetter,
        [
          .integer(Int64(refusal.status)), .text(refusal.reason), .text(now.rfc3339),
          .text(tenantID), .integer(batch.firstRow),
        ])
      try Self.remove(batch, tenantID: tenantID, following: nil, connection)
    }
  }

  /// What waits and what was refused for good, counted.
  func counts(tenantID: String) throws -> Counts {
    try database.read { connection in
      try connection.first(Self.selectCounts, [.text(tenantID)]) { row in
        Counts(
          depth: Int(row.integer(0) ?? 0),
          oldest: row.text(1).flatMap { Timestamp(rfc3339: $0) },
          deadLetters: Int(row.integer(2) ?? 0), logged: row.integer(3) ?? 0)
      } ?? Counts()
    }
  }

  /// How many entries of each tenant were refused for good; tenants without any are left out.
  func deadLetters() throws -> [String: Int] {
    var counts: [String: Int] = [:]
    try database.read { connection in
      try connection.forEachRow(
        "SELECT tenant_id, COUNT(*) FROM activity_dead_letters GROUP BY tenant_id"
      ) { row in
        if let tenantID = row.text(0) { counts[tenantID] = Int(row.integer(1) ?? 0) }
      }
    }
    return counts
  }

  /// - Parameters:
  ///   - values: Tenant, the row before the first, the last row, the most rows.
  ///   - bytesMax: What is over it waits for the next batch; a single row is sent however large it
  ///     is.
  private static func gather(
    _ values: [SQLiteValue], bytesMax: Int, _ connection: borrowing Connection
  ) throws -> Batch? {
    var batch: Batch?
    var ids: [String] = []
    var writer = JSONWriter(capacity: 64 * 1024)
    writer.beginObject()
    writer.name("activities")
    writer.beginArray()
    try connection.forEachRow(selectEntries, values) { row in
      if writer.bytes.count > bytesMax { return }
      let number = row.integer(rowColumn) ?? 0
      var gathered =
        batch ?? Batch(firstRow: number, lastRow: number, rows: 0, units: 0, key: "", body: [])
      gathered.lastRow = number
      gathered.rows += 1
      gathered.units += row.integer(unitsColumn) ?? 0
      ids.append(row.text(idColumn) ?? "")
      // A row whose activity fell to retention has nothing to send and goes with the batch.
      if row.text(activityColumn) != nil {
        gathered.entries += 1
        row.appendJSONObject(entry, to: &writer)
      }
      batch = gathered
    }
    writer.endArray()
    writer.endObject()
    batch?.body = writer.bytes
    batch?.key = Hexadecimal.text(SHA256.hash(Array(ids.joined(separator: "\n").utf8)))
    return batch
  }

  private static func open(
    _ batch: Batch, tenantID: String, _ connection: borrowing Connection
  ) throws {
    try connection.run(
      upsertOpened, [.text(tenantID), .integer(batch.lastRow), .text(batch.key)])
  }

  private static func remove(
    _ batch: Batch, tenantID: String, following: Batch?, _ connection: borrowing Connection
  ) throws {
    try connection.run(
      deleteEntries, [.text(tenantID), .integer(batch.firstRow), .integer(batch.lastRow)])
    if let following {
      try open(following, tenantID: tenantID, connection)
    } else {
      try connection.run(
        "DELETE FROM activity_batches WHERE tenant_id = ?", [.text(tenantID)])
    }
  }

  /// One entry in the shape that its consumers know, straight from its columns; erased parts are
  /// null.
  private static let entry = JSONRowLayout([
    ("id", .text), ("tenantId", .text), ("userId", .text), ("operation", .text),
    ("entityId", .text), ("entityType", .text), ("creditCost", .decimal(scale: 4)),
    ("timestamp", .text), ("sessionId", .text), ("userContext", .json), ("permissions", .json),
    ("metadata", .json), ("compliance", .json), ("row", .skip),
    ("activity", .skip),
  ])
  /// The columns that are read one by one.
  private static let (activityColumn, unitsColumn, rowColumn, idColumn) = (0, 6, 13, 14)

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
      a.timestamp, a.session_id, a.user_context, a.permissions, a.metadata, a.compliance, o.n,
      o.activity_id
    FROM activity_outbox AS o
    LEFT JOIN crm_activities AS a ON a.id = o.activity_id AND a.tenant_id = o.tenant_id
    WHERE o.tenant_id = ? AND o.n > ? AND o.n <= ?
    ORDER BY o.n
    LIMIT ?
    """

  private static let deleteEntries = """
    DELETE FROM activity_outbox WHERE tenant_id = ? AND n BETWEEN ? AND ?
    """

  private static let selectOpened = """
    SELECT last_row, batch_key FROM activity_batches WHERE tenant_id = ?
    """

  private static let upsertOpened = """
    INSERT INTO activity_batches (tenant_id, last_row, batch_key) VALUES (?, ?, ?)
    ON CONFLICT (tenant_id)
    DO UPDATE SET last_row = excluded.last_row, batch_key = excluded.batch_key
    """

  private static let insertDeadLetter = """
    INSERT INTO activity_dead_letters (tenant_id, activity_id, status, reason, refused_at)
    SELECT tenant_id, activity_id, ?, ?, ? FROM activity_outbox WHERE tenant_id = ? AND n = ?
    """

  private static let selectCounts = """
    SELECT
      (SELECT COUNT(*) FROM activity_outbox WHERE tenant_id = ?1),
      (SELECT queued_at FROM activity_outbox WHERE tenant_id = ?1 ORDER BY n LIMIT 1),
      (SELECT COUNT(*) FROM activity_dead_letters WHERE tenant_id = ?1),
      (SELECT seq FROM activity_chains WHERE tenant_id = ?1)
    """
}
