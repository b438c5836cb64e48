internal import JSON
public import SQLite
internal import Values

/// Walks along one tenant's chain, a slice at a time, and looks at every column of every entry, at
/// every link and at every checkpoint.
///
/// Each step reads in one snapshot of its own, so that no reader is held for long, and holds one
/// slice in memory. The log may grow meanwhile, and retention may shorten it from its beginning.
public struct ChainVerifier {
  /// What was found so far.
  public private(set) var report: ChainReport
  /// How many entries there were to be looked at when the latest step began.
  public private(set) var total: Int64 = 0

  private let keys: LogKeys
  /// From which checkpoint on the chain is walked; nil for all of it.
  private let start: Checkpoint?
  /// The newest entry that was looked at.
  private var position: Int64 = 0
  private var previous: [UInt8] = []
  private var isStarted = false
  private var isAtEnd = false
  /// The hash of the newest checkpoint's signature, which the next one names.
  private var checkpointBefore: [UInt8]?
  /// What the newest entry of retention says was removed.
  private var removal: (seq: Int64, head: String)?

  /// A walk along the chain of `tenantID`.
  ///
  /// - Parameters:
  ///   - tenantID: Whose chain.
  ///   - keys: By whom checkpoints may be signed.
  ///   - start: A checkpoint that was kept elsewhere, from which on the chain is walked.
  public init(tenantID: String, keys: LogKeys, from start: Checkpoint? = nil) {
    report = ChainReport(tenantID: tenantID)
    self.keys = keys
    self.start = start
  }

  /// The end of a chain, and where what is kept of it begins.
  struct Chain {
    let seq: Int64
    let head: [UInt8]
    let removedSeq: Int64
    let removedHead: [UInt8]
  }

  /// Looks at the next slice.
  ///
  /// - Returns: Whether there is more to look at: not after the end, and not after a fault.
  /// - Throws: what SQLite says.
  public mutating func step(_ connection: borrowing Connection) throws(SQLiteError) -> Bool {
    guard report.fault == nil else { return false }
    let chain = try chain(connection)
    guard try begin(chain, connection) else { return false }
    try readEntries(chain, connection)
    guard report.fault == nil else { return false }
    if !isAtEnd { return true }
    try finish(chain, connection)
    return false
  }

  private mutating func fail(_ seq: Int64, _ column: String, _ reason: String) {
    fail(seq, nil, column, reason)
  }

  private mutating func fail(
    _ seq: Int64, _ activityID: String?, _ column: String, _ reason: String
  ) {
    if report.fault == nil {
      report.fault = ChainReport.Fault(
        seq: seq, activityID: activityID, column: column, reason: reason)
    }
  }

  private func chain(_ connection: borrowing Connection) throws(SQLiteError) -> Chain {
    try connection.first(
      "SELECT seq, head, removed_seq, removed_head FROM activity_chains WHERE tenant_id = ?",
      [.text(report.tenantID)]
    ) { row in
      Chain(
        seq: row.integer(0) ?? 0, head: row.blob(1) ?? [], removedSeq: row.integer(2) ?? 0,
        removedHead: row.blob(3) ?? [])
    } ?? Chain(seq: 0, head: [], removedSeq: 0, removedHead: [])
  }

  /// Goes to where the walk begins, or behind what retention has removed since the last step.
  ///
  /// - Returns: false when there is nothing to begin from.
  private mutating func begin(
    _ chain: Chain, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Bool {
    if !isStarted, let start {
      guard try begin(from: start, chain, connection) else { return false }
      position = start.seq
      previous = start.head
    }
    isStarted = true
    report.removedThrough = chain.removedSeq
    if position < chain.removedSeq {
      position = chain.removedSeq
      previous = chain.removedHead
    }
    total = max(0, chain.seq - max(chain.removedSeq, start?.seq ?? 0))
    return true
  }

  /// Looks whether the log still has what a checkpoint that was kept elsewhere speaks of.
  private mutating func begin(
    from start: Checkpoint, _ chain: Chain, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Bool {
    guard start.isSigned else {
      fail(start.seq, "checkpoint", "that was given bears a wrong signature")
      return false
    }
    if keys.refusesOthers, !keys.known.contains(start.publicKey) {
      fail(start.seq, "checkpoint", Self.otherKey(start.publicKey))
      return false
    }
    if start.seq > chain.seq {
      fail(
        chain.seq + 1, "checkpoint",
        "that was given speaks of \(start.seq) entries: the log was cut behind entry \(chain.seq)")
      return false
    }
    if start.seq < chain.removedSeq {
      fail(
        start.seq, "checkpoint",
        "that was given is of entries that retention removed: a newer one is needed")
      return false
    }
    let stored =
      start.seq == chain.removedSeq
      ? (id: nil, hash: chain.removedHead)
      : try connection.first(
        "SELECT id, hash FROM crm_activities WHERE tenant_id = ? AND seq = ?",
        [.text(report.tenantID), .integer(start.seq)]
      ) { row in (id: row.text(0), hash: row.blob(1) ?? []) }
    guard stored?.hash == start.head else {
      fail(
        start.seq, stored?.id, "checkpoint",
        "that was given was signed over another entry at this place: the log was changed")
      return false
    }
    return true
  }

  private static func otherKey(_ publicKey: [UInt8]) -> String {
    "was signed by the key \(LogKeys.id(of: publicKey)), which is not one of CRM_SIGNING_KEY"
  }

  // MARK: Entries

  /// The rows come by the index and their columns from the table, so that what both hold is
  /// compared.
  private static let entriesSQL = """
    SELECT \(StoredEntry.selected)
    FROM crm_activities AS i JOIN crm_activities AS a ON a.rowid = i.rowid
    WHERE i.tenant_id = ? AND i.seq > ? ORDER BY i.seq LIMIT ?
    """

  private mutating func readEntries(
    _ chain: Chain, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    var count = 0
    var erased: [(seq: Int64, id: String)] = []
    var checkpoints: [StoredEntry] = []
    var strayed: (seq: Int64, previous: [UInt8], found: StoredEntry)?
    var walk = self
    try connection.forEachRow(
      Self.entriesSQL,
      [.text(report.tenantID), .integer(position), .integer(Limits.verifiedPerStep)]
    ) { row throws(SQLiteError) in
      guard walk.report.fault == nil, strayed == nil else { return }
      let entry = StoredEntry(row: row)
      count += 1
      guard entry.seq == walk.position + 1 else {
        strayed = (walk.position + 1, walk.previous, entry)
        return
      }
      switch entry.verdict(tenantID: walk.report.tenantID, previous: walk.previous) {
      case .sound: break
      case .erased: erased.append((entry.seq, entry.id))
      case .broken(let fault):
        walk.fail(entry.seq, entry.id, fault.column, fault.reason)
        return
      }
      walk.position = entry.seq
      walk.previous = entry.hash
      walk.report.entries += 1
      guard entry.isOwn else { return }
      if entry.operation == Checkpoint.operation { checkpoints.append(entry) }
      if entry.operation == ActivityRemoval.operation { walk.noteRemoval(entry) }
    }
    self = walk
    isAtEnd = count < Limits.verifiedPerStep
    // What comes first in the chain is reported.
    try check(erased: erased, connection)
    for entry in checkpoints { try check(checkpointIn: entry, chain, connection) }
    if report.fault == nil, let strayed {
      try reportGap(strayed.seq, after: strayed.previous, found: strayed.found, chain, connection)
    }
  }

  /// Takes note of what an entry says was removed.
  private mutating func noteRemoval(_ entry: StoredEntry) {
    // Its hash is right, so what was written is JSON.
    let json = try? JSONParser.parse(entry.metadata)
    if let seq = json?["throughSeq"]?.integer, let head = json?["head"]?.string {
      removal = (seq, head)
    }
  }

  /// An entry that lost its personal part must be named by a later entry of an erasure.
  private mutating func check(
    erased: [(seq: Int64, id: String)], _ connection: borrowing Connection
  ) throws(SQLiteError) {
    guard let first = erased.first else { return }
    let ids = JSONValue.array(erased.map { .string($0.id) }).text
    let named = try connection.all(
      """
      SELECT DISTINCT e.value FROM crm_activities AS a,
        json_each(CASE WHEN json_valid(a.metadata) THEN a.metadata ELSE '{}' END, '$.erased') AS e
      WHERE a.tenant_id = ? AND a.entity_type = 'contact' AND a.seq > ?
        AND a.operation = 'crm.contacts.erase' AND e.value IN (SELECT value FROM json_each(?))
      """, [.text(report.tenantID), .integer(first.seq), .text(ids)]
    ) { $0.text(0) ?? "" }
    report.erased += Int64(erased.count)
    if let lost = erased.first(where: { !named.contains($0.id) }) {
      fail(lost.seq, lost.id, "salt", "and the personal part are gone, and no erasure names them")
    }
  }

  /// Entry `seq` is not where it belongs: looks for where it is.
  private mutating func reportGap(
    _ seq: Int64, after previous: [UInt8], found: StoredEntry, _ chain: Chain,
    _ connection: borrowing Connection
  ) throws(SQLiteError) {
    if found.follows(previous) {
      return fail(seq, found.id, "seq", "says \(found.seq)")
    }
    let stray = try Strays(tenantID: report.tenantID, chain: chain).find(
      seq, after: previous, connection)
    if let stray { return fail(seq, stray.id, stray.column, stray.reason) }
    fail(seq, nil, "seq", "is missing: the entry was removed")
  }

  // MARK: Checkpoints

  /// Looks at the checkpoint that an entry tells of.
  private mutating func check(
    checkpointIn entry: StoredEntry, _ chain: Chain, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    // Its hash is right, so what was written is JSON.
    let told = try? JSONParser.parse(entry.metadata)["checkpoint"]
    guard let checkpoint = told.flatMap({ Checkpoint(json: $0) }),
      checkpoint.tenantID == report.tenantID, checkpoint.seq < entry.seq
    else { return fail(entry.seq, entry.id, "checkpoint", "cannot be read") }
    let seq = checkpoint.seq
    let signed = try connection.first(
      "SELECT id, hash FROM crm_activities WHERE tenant_id = ? AND seq = ?",
      [.text(report.tenantID), .integer(seq)]
    ) { row in (id: row.text(0), hash: row.blob(1)) }
    if let reason = fault(of: checkpoint) {
      return fail(seq, signed?.id, "checkpoint", reason)
    }
    let isFirstOfPart =
      checkpointBefore == nil && (start != nil || chain.removedSeq > 0)
    guard isFirstOfPart || checkpoint.previous == checkpointBefore else {
      return fail(
        seq, signed?.id, "checkpoint", "does not follow the one before it: one is missing")
    }
    // What retention removed is attested by the checkpoints behind it.
    let hash = seq == chain.removedSeq ? chain.removedHead : signed?.hash
    guard hash == checkpoint.head || seq < chain.removedSeq else {
      return fail(
        seq, signed?.id, "checkpoint", "was signed over another entry: the log was changed")
    }
    let kept = try Self.keptCheckpoint(seq, report.tenantID, connection)
    guard kept == nil || kept == checkpoint else {
      return fail(
        seq, signed?.id, "checkpoint", "is another one than entry \(entry.seq) tells of")
    }
    checkpointBefore = checkpoint.signatureHash
    note(checkpoint)
  }

  /// What is wrong with a checkpoint in itself.
  private func fault(of checkpoint: Checkpoint) -> String? {
    guard checkpoint.isSigned else { return "bears a wrong signature" }
    let isKnown = keys.known.contains(checkpoint.publicKey)
    return keys.refusesOthers && !isKnown ? Self.otherKey(checkpoint.publicKey) : nil
  }

  private mutating func note(_ checkpoint: Checkpoint) {
    report.checkpoints += 1
    report.checkpointedThrough = checkpoint.seq
    if let index = report.keys.firstIndex(where: { $0.publicKey == checkpoint.publicKey }) {
      report.keys[index].checkpoints += 1
    } else {
      report.keys.append(
        .init(
          publicKey: checkpoint.publicKey, checkpoints: 1,
          isKnown: keys.known.contains(checkpoint.publicKey)))
    }
  }

  /// The checkpoint of a place as the table beside the log has it; nil when it has none, as in a
  /// file into which an archive was brought.
  private static func keptCheckpoint(
    _ seq: Int64, _ tenantID: String, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Checkpoint? {
    try connection.first(
      "SELECT \(Checkpoint.columns) FROM activity_checkpoints AS c WHERE tenant_id = ? AND seq = ?",
      [.text(tenantID), .integer(seq)]
    ) { Checkpoint(tenantID, row: $0) }
  }

  // MARK: The end

  private mutating func finish(
    _ chain: Chain, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    report.seq = position
    report.head = previous
    if position < chain.seq {
      let stray = try Strays(tenantID: report.tenantID, chain: chain).find(
        position + 1, after: previous, connection)
      if let stray { return fail(position + 1, stray.id, stray.column, stray.reason) }
      return fail(position + 1, "seq", "is missing: the log was cut behind entry \(position)")
    }
    guard position == chain.seq, previous == chain.head else {
      return fail(position, "head", "of the chain is not the newest entry's hash")
    }
    let ahead = try connection.first(
      "SELECT seq FROM activity_checkpoints WHERE tenant_id = ? AND seq > ? ORDER BY seq LIMIT 1",
      [.text(report.tenantID), .integer(position)]
    ) { $0.integer(0) ?? 0 }
    if let ahead {
      return fail(
        position + 1, "checkpoint",
        "of entry \(ahead) is there: the log was cut behind entry \(position)")
    }
    let alone = try connection.first(
      """
      SELECT c.seq FROM activity_checkpoints AS c
      WHERE c.tenant_id = ? AND c.seq > ? AND NOT EXISTS (
        SELECT 1 FROM crm_activities AS a
        WHERE a.tenant_id = c.tenant_id AND a.entity_type = ?
          AND a.entity_id = CAST(c.seq AS TEXT) AND a.operation = ?)
      ORDER BY c.seq LIMIT 1
      """,
      [
        .text(report.tenantID), .integer(chain.removedSeq), .text(Checkpoint.entityType),
        .text(Checkpoint.operation),
      ]
    ) { $0.integer(0) ?? 0 }
    if let alone {
      return fail(
        alone, "checkpoint", "is there and the entry that tells of it is not: the log was cut")
    }
    try finishRemoval(chain, connection)
  }

  /// What retention removed must have been signed, and told of by an entry.
  private mutating func finishRemoval(
    _ chain: Chain, _ connection: borrowing Connection
  ) throws(SQLiteError) {
    guard chain.removedSeq > 0, start == nil else { return }
    let seal = try Self.keptCheckpoint(chain.removedSeq, report.tenantID, connection)
    guard let seal, fault(of: seal) == nil, seal.head == chain.removedHead,
      removal?.seq == chain.removedSeq, removal?.head == Hexadecimal.text(chain.removedHead)
    else {
      return fail(
        chain.removedSeq, "removed_seq",
        "says that retention removed the log up to here, and no checkpoint and entry say so too")
    }
  }
}
