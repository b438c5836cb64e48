public import Cryptography
internal import Database
internal import JSON
internal import SQLite
internal import Values

extension RecordStore {
  /// How often it is looked whether a checkpoint is due that nobody told of: after an attempt that
  /// failed.
  private static let checkpointPauseSeconds = 60.0

  /// Signs each tenant's log as it grows, until the calling task is cancelled.
  ///
  /// What was left unsigned by a process that was killed is signed first.
  ///
  /// - Parameters:
  ///   - key: The key that signs.
  ///   - made: Told of each checkpoint when it is on disk.
  ///   - failed: Told of every attempt that failed; another one follows.
  public func signCheckpoints(
    _ key: Ed25519Key, made: @Sendable (Checkpoint) -> Void,
    failed: @Sendable (any Error) -> Void
  ) async {
    var due: Set<String>?
    while !Task.isCancelled {
      do {
        for tenantID in try due ?? tenantsToSign() {
          try await makeCheckpoints(tenantID: tenantID, key).forEach(made)
        }
        await log.checkpoints.wait(seconds: Self.checkpointPauseSeconds)
        due = log.checkpoints.take()
        // It was noted amid a transaction; what comes behind it in the queue finds it committed.
        if due?.isEmpty == false { try await database.write { _ in } }
      } catch {
        guard !Task.isCancelled else { return }
        failed(error)
        due = nil
        // The same clock after a failure; only cancellation ends it early.
        try? await Task.sleep(for: .seconds(Self.checkpointPauseSeconds))
      }
    }
  }

  /// Signs the newest entry of each tenant that has entries which no checkpoint speaks of, for a
  /// server that stops.
  ///
  /// - Parameters:
  ///   - key: The key that signs.
  ///   - made: Told of each checkpoint when it is on disk.
  /// - Throws: what the database throws; what was signed until then stays.
  public func signRest(_ key: Ed25519Key, made: @Sendable (Checkpoint) -> Void) async throws {
    for tenantID in try tenantsToSign().prefix(Limits.checkpointsAtStopMax) {
      try await makeCheckpoints(tenantID: tenantID, key, isLast: true).forEach(made)
    }
  }

  /// Tenants whose log has grown since it was signed.
  private func tenantsToSign() throws -> Set<String> {
    let tenants = try database.read { connection in
      try connection.all(
        """
        SELECT tenant_id FROM activity_chains AS chain WHERE seq > coalesce((
          SELECT max(c.seq) FROM activity_checkpoints AS c
          WHERE c.tenant_id = chain.tenant_id), 0)
        """
      ) { $0.text(0) ?? "" }
    }
    return Set(tenants)
  }

  /// Makes every checkpoint of a tenant that is due, at each multiple of the interval.
  ///
  /// - Parameters:
  ///   - tenantID: Whose log.
  ///   - key: The key that signs.
  ///   - isLast: Whether what came since the last multiple is signed too.
  /// - Returns: The checkpoints, oldest first.
  /// - Throws: what the database throws.
  @discardableResult
  public func makeCheckpoints(
    tenantID: String, _ key: Ed25519Key, isLast: Bool = false
  ) async throws -> [Checkpoint] {
    try await adoptCheckpoints(tenantID)
    var made: [Checkpoint] = []
    while true {
      // Signed before the writer's queue, which everybody else waits in.
      let signed = try signDue(tenantID, key, isLast: isLast)
      guard let first = signed.first else { return made }
      let isWritten = try await database.write { [self] connection in
        guard try Self.newestSignature(tenantID, connection) == first.previous else { return false }
        for checkpoint in signed { try write(checkpoint, in: connection) }
        return true
      }
      // Somebody else has signed meanwhile: what is due is looked for again.
      guard isWritten else { continue }
      activityWasWritten(tenantID: tenantID)
      made += signed
      if signed.count < Limits.checkpointsPerStep { return made }
    }
  }

  /// Keeps the checkpoints that entries tell of and that are not kept yet.
  ///
  /// They are those of an archive which was brought into the log. The next one follows them.
  private func adoptCheckpoints(_ tenantID: String) async throws {
    let told = try database.read { connection in
      // The plus keeps SQLite from walking through the whole log in the order of its chain
      // (sqlite.org/optoverview.html section 8.1): few entries are checkpoints.
      try connection.all(
        """
        SELECT json_extract(a.metadata, '$.checkpoint') FROM crm_activities AS a
        WHERE a.tenant_id = ? AND a.entity_type = ? AND a.operation = ? AND a.source = ?
          AND NOT EXISTS (
            SELECT 1 FROM activity_checkpoints AS c
            WHERE c.tenant_id = a.tenant_id AND c.seq = CAST(a.entity_id AS INTEGER))
        ORDER BY +a.seq
        """,
        [
          .text(tenantID), .text(Checkpoint.entityType), .text(Checkpoint.operation),
          .text(ActivitySource.cardfile.rawValue),
        ]
      ) { $0.text(0) ?? "" }
    }
    let checkpoints = told.compactMap { Checkpoint(text: $0) }
      .filter { $0.tenantID == tenantID }
    guard !checkpoints.isEmpty else { return }
    try await database.write { connection in
      for checkpoint in checkpoints { try Self.keep(checkpoint, in: connection) }
    }
  }

  /// The next checkpoints that are due, signed and not written.
  private func signDue(
    _ tenantID: String, _ key: Ed25519Key, isLast: Bool
  ) throws -> [Checkpoint] {
    let interval = log.checkpoints.interval
    return try database.read { connection in
      let newest =
        try connection.first(
          "SELECT seq FROM activity_chains WHERE tenant_id = ?", [.text(tenantID)]
        ) { $0.integer(0) ?? 0 } ?? 0
      let last =
        try connection.first(
          """
          SELECT seq FROM activity_checkpoints WHERE tenant_id = ? ORDER BY seq DESC LIMIT 1
          """, [.text(tenantID)]
        ) { $0.integer(0) ?? 0 } ?? 0
      var places = Array(
        stride(from: (last / interval + 1) * interval, through: newest, by: Int(interval))
          .prefix(Limits.checkpointsPerStep))
      if isLast, places.count < Limits.checkpointsPerStep, (places.last ?? last) < newest,
        try Self.hasEntries(tenantID, after: places.last ?? last, connection)
      {
        places.append(newest)
      }
      var previous = try Self.newestSignature(tenantID, connection)
      var signed: [Checkpoint] = []
      for seq in places {
        let head = try connection.first(
          "SELECT hash FROM crm_activities WHERE tenant_id = ? AND seq = ?",
          [.text(tenantID), .integer(seq)]
        ) { $0.blob(0) ?? [] }
        // An entry that is missing is for a verification to find.
        guard let head else { break }
        let checkpoint = Checkpoint(
          tenantID: tenantID, seq: seq, head: head, madeAt: time.now().rfc3339,
          previous: previous, key: key)
        previous = checkpoint.signatureHash
        signed.append(checkpoint)
      }
      return signed
    }
  }

  /// Whether there is more behind `seq` than what checkpoints themselves have left.
  private static func hasEntries(
    _ tenantID: String, after seq: Int64, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Bool {
    try connection.first(
      """
      SELECT 1 FROM crm_activities WHERE tenant_id = ? AND seq > ? AND operation <> ? LIMIT 1
      """, [.text(tenantID), .integer(seq), .text(Checkpoint.operation)]
    ) { _ in true } ?? false
  }

  private static func newestSignature(
    _ tenantID: String, _ connection: borrowing Connection
  ) throws(SQLiteError) -> [UInt8]? {
    try connection.first(
      """
      SELECT signature FROM activity_checkpoints WHERE tenant_id = ? ORDER BY seq DESC LIMIT 1
      """, [.text(tenantID)]
    ) { SHA256.hash($0.blob(0) ?? []) }
  }

  /// Writes a checkpoint with the entry that tells of it, which is shipped like every entry.
  private func write(_ checkpoint: Checkpoint, in connection: borrowing Connection) throws {
    try Self.keep(checkpoint, in: connection)
    let mutation = Mutation(
      caller: .system(tenantID: checkpoint.tenantID), operation: Checkpoint.operation,
      scope: .server, permissions: "{}")
    _ = try make(mutation, at: time.now(), in: connection) { _, _ in
      MutationOutcome(
        status: 200, entityType: Checkpoint.entityType, entityID: "\(checkpoint.seq)", data: [],
        metadata: JSONObject([("checkpoint", checkpoint.json)]))
    }
  }

  private static func keep(
    _ checkpoint: Checkpoint, in connection: borrowing Connection
  ) throws(SQLiteError) {
    try connection.run(
      """
      INSERT INTO activity_checkpoints (
        tenant_id, seq, head, made_at, previous, public_key, signature)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (tenant_id, seq) DO NOTHING
      """,
      [
        .text(checkpoint.tenantID), .integer(checkpoint.seq), .blob(checkpoint.head),
        .text(checkpoint.madeAt), SQLiteValue(checkpoint.previous), .blob(checkpoint.publicKey),
        .blob(checkpoint.signature),
      ])
  }
}
