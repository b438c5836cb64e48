internal import Database
internal import SQLite
internal import Values

/// Keeps what the Wrapper said in the database, so that a start needs no Wrapper.
struct SnapshotStore: Sendable {
  /// An answer as it was received.
  struct Stored: Sendable {
    var etag: String?
    var body: [UInt8]
    var fetchedAt: Timestamp
  }

  /// What is stored of a tenant.
  struct StoredTenant: Sendable {
    /// Whole answers by kind.
    var answers: [String: Stored] = [:]
    /// What events changed since the answers were received.
    var overlays: [Overlay] = []
  }

  /// The kind under which the last known balance stands beside the collections.
  static let balanceKind = "credits"

  let database: Database
  let cipher: SnapshotCipher

  init(_ database: Database, cipher: SnapshotCipher) {
    self.database = database
    self.cipher = cipher
  }

  /// Every tenant of which something is stored.
  func tenantIDs() throws -> [String] {
    try database.read { connection in
      try connection.all("SELECT DISTINCT tenant_id FROM wrapper_cache ORDER BY tenant_id") {
        $0.text(0)
      }
    }.compactMap { $0 }
  }

  /// What is stored of a tenant.
  func load(tenantID: String) throws -> StoredTenant {
    var stored = StoredTenant()
    var incomplete: Set<String> = []
    try database.read { connection in
      try connection.forEachRow(Self.selectAnswers, [.text(tenantID)]) { row in
        guard let kind = row.text(0), let id = row.text(1), let sealed = row.blob(3),
          let fetchedAt = row.text(4).flatMap({ Timestamp(rfc3339: $0) })
        else { return }
        let place = SnapshotCipher.Row(tenantID: tenantID, kind: kind, id: id)
        guard let body = cipher.open(sealed, in: place) else {
          if !id.isEmpty { incomplete.insert(kind) }
          return
        }
        if id.isEmpty {
          stored.answers[kind] = Stored(etag: row.text(2), body: body, fetchedAt: fetchedAt)
        } else if let collection = WrapperCollection(rawValue: kind),
          let subject = OverlaySubject(collection: collection, rowID: id)
        {
          stored.overlays.append(Overlay(subject: subject, body: body))
        }
      }
    }
    // What events changed and cannot be read must be fetched again before anything is decided.
    for kind in incomplete {
      stored.answers[kind]?.etag = nil
      stored.answers[kind]?.fetchedAt = Timestamp(milliseconds: 0)
    }
    return stored
  }

  /// Replaces a stored answer and drops what events had changed in the old one.
  func save(tenantID: String, kind: String, _ answer: Stored) async throws {
    let values = values(tenantID: tenantID, kind: kind, answer)
    _ = try await database.write { connection in
      try connection.run(Self.deleteOverlays, [.text(tenantID), .text(kind)])
      try connection.run(Self.upsertAnswer, values)
    }
  }

  /// Seals what is stored in clear or under another key than the one that writes, because a key
  /// was set or changed.
  func sealAll() async throws {
    guard let head = cipher.head else { return }
    var last: SnapshotCipher.Row? = SnapshotCipher.Row(tenantID: "", kind: "")
    while let after = last {
      // In the writer's own transaction, so that no newer answer is replaced by an older one.
      last = try await database.write { connection in
        var rows: [(SnapshotCipher.Row, body: [UInt8])] = []
        let place: [SQLiteValue] = [
          .text(after.tenantID), .text(after.kind), .text(after.id), .blob(head),
          .integer(Int64(Limits.rowsSealedAtOnceMax)),
        ]
        try connection.forEachRow(Self.selectOthers, place) { row in
          guard let tenantID = row.text(0), let kind = row.text(1), let id = row.text(2),
            let body = row.blob(3)
          else { return }
          rows.append((SnapshotCipher.Row(tenantID: tenantID, kind: kind, id: id), body))
        }
        for (row, stored) in rows {
          // What no key opens stays for an operator who finds the key again.
          guard let body = cipher.open(stored, in: row) else { continue }
          try connection.run(
            Self.replaceBody,
            [
              .blob(cipher.seal(body, in: row)), .text(row.tenantID), .text(row.kind),
              .text(row.id),
            ])
        }
        return rows.last?.0
      }
    }
  }

  /// Notes that the stored answers were confirmed, without writing them again.
  func confirm(tenantID: String, kinds: [String], at moment: Timestamp) async throws {
    try await database.write { connection in
      for kind in kinds {
        try connection.run(
          Self.confirmAnswer, [.text(moment.rfc3339), .text(tenantID), .text(kind)])
      }
    }
  }

  /// The values of ``upsertAnswer``.
  func values(tenantID: String, kind: String, _ answer: Stored) -> [SQLiteValue] {
    let body = cipher.seal(
      answer.body, in: SnapshotCipher.Row(tenantID: tenantID, kind: kind))
    return [
      .text(tenantID), .text(kind), answer.etag.map { .text($0) } ?? .null, .blob(body),
      .text(answer.fetchedAt.rfc3339),
    ]
  }

  private static let selectAnswers = """
    SELECT kind, id, etag, body, fetched_at
    FROM wrapper_cache
    WHERE tenant_id = ?
    """

  private static let deleteOverlays = """
    DELETE FROM wrapper_cache WHERE tenant_id = ? AND kind = ? AND id <> ''
    """

  static let upsertAnswer = """
    INSERT INTO wrapper_cache (tenant_id, kind, id, etag, body, fetched_at)
    VALUES (?, ?, '', ?, ?, ?)
    ON CONFLICT (tenant_id, kind, id)
    DO UPDATE SET etag = excluded.etag, body = excluded.body, fetched_at = excluded.fetched_at
    """

  private static let confirmAnswer = """
    UPDATE wrapper_cache SET fetched_at = ? WHERE tenant_id = ? AND kind = ? AND id = ''
    """

  private static let selectOthers = """
    SELECT tenant_id, kind, id, body
    FROM wrapper_cache
    WHERE (tenant_id, kind, id) > (?, ?, ?) AND substr(body, 1, 5) <> ?
    ORDER BY tenant_id, kind, id
    LIMIT ?
    """

  private static let replaceBody = """
    UPDATE wrapper_cache SET body = ? WHERE tenant_id = ? AND kind = ? AND id = ?
    """
}
