internal import Database
internal import SQLite
internal import Synchronization
internal import Values

/// Appends entries to `crm_activities`, each linked to the one before it in its tenant's chain.
public final class ActivityLog: Sendable {
  private let counter: Atomic<Int64>
  /// Which tenants' chains have grown by so much that a checkpoint is due.
  let checkpoints: DueCheckpoints

  /// Begins counting behind the entries that exist, so that an id never returns after a restart,
  /// not even when the clock was set back.
  ///
  /// - Parameter checkpointEntries: How many entries of a tenant call for a checkpoint.
  init(_ database: Database, checkpointEntries: Int64) throws {
    checkpoints = DueCheckpoints(interval: checkpointEntries)
    let entries = try database.read { connection in
      try connection.first("SELECT coalesce(max(rowid), 0) FROM crm_activities") { $0.integer(0) }
    }
    counter = Atomic((entries ?? 0) ?? 0)
  }

  /// A new id: `activity:<unix ms>:<userId>:<n>`.
  func nextID(userID: String, at timestamp: Timestamp) -> String {
    let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
    return "activity:\(timestamp.milliseconds):\(userID):\(number)"
  }

  /// Writes `entry` with its link, its place in the outbox and its part of the sums.
  ///
  /// Belongs into the transaction of what the entry tells of.
  func append(_ entry: ActivityEntry, in connection: borrowing Connection) throws(SQLiteError) {
    let core = entry.coreHash
    let personal = entry.personalHash
    let newest = try Self.newestLink(of: entry.tenantID, in: connection)
    let seq = newest.seq + 1
    let hash = EntryHash.link(previous: newest.hash, core: core, personal: personal)
    let writtenAt = entry.writtenAt.rfc3339
    try connection.run(
      Self.insertSQL,
      [
        .text(entry.id), .text(entry.tenantID), .text(entry.userID), .text(entry.operation),
        SQLiteValue(entry.entityID), SQLiteValue(entry.entityType),
        .text(FixedPoint.text(units: entry.creditUnits, scale: 4)),
        .text(entry.timestamp.rfc3339), .text(entry.sessionID), .text(entry.userContext),
        .text(entry.permissions),
        .text(entry.metadata), .text(entry.compliance), .text(writtenAt), .integer(seq),
        .integer(entry.creditUnits), SQLiteValue(entry.unitID), SQLiteValue(entry.unitPath),
        .text(entry.source.rawValue), SQLiteValue(entry.receivedAt?.rfc3339), .blob(entry.salt),
        .blob(core), .blob(personal), .blob(hash),
      ])
    // After the commit: a checkpoint that finds less than it expects waits for the next call.
    if seq.isMultiple(of: checkpoints.interval) { checkpoints.becomeDue(entry.tenantID) }
    connection.merge(
      [.integer(seq), .blob(hash)], into: [.text(entry.tenantID)], of: Self.chains)
    try connection.run(
      Self.outboxSQL,
      [
        .text(entry.tenantID), .text(entry.id), .integer(entry.creditUnits), .text(writtenAt),
      ])
    try QuarterSums.add(entry, in: connection)
  }

  /// The newest link of a tenant's chain, whose number is 0 before the first.
  static func newestLink(of tenantID: String, in connection: borrowing Connection)
    throws(SQLiteError) -> (seq: Int64, hash: [UInt8])
  {
    if let deferred = connection.deferredValues(of: [.text(tenantID)], in: chains),
      case .integer(let seq) = deferred[0], case .blob(let hash) = deferred[1]
    {
      return (seq, hash)
    }
    return try connection.first(
      "SELECT seq, head FROM activity_chains WHERE tenant_id = ?", [.text(tenantID)]
    ) { ($0.integer(0) ?? 0, $0.blob(1) ?? []) } ?? (0, [])
  }

  static let insertSQL = """
    INSERT INTO crm_activities (
      id, tenant_id, user_id, operation, entity_id, entity_type, credit_cost, timestamp,
      session_id, user_context, permissions, metadata, compliance, created_at, seq, credit_units,
      unit_id, unit_path, source, received_at, salt, core_hash, personal_hash, hash)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    """

  static let chains = DeferredTable(
    "activity_chains", keys: ["tenant_id"], columns: [("seq", .replace), ("head", .replace)])

  private static let outboxSQL = """
    INSERT INTO activity_outbox (tenant_id, activity_id, credit_units, queued_at)
    VALUES (?, ?, ?, ?)
    """
}
