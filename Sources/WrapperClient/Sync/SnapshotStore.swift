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

  init(_ database: Database) {
    self.database = database
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
    try database.read { connection in
      try connection.forEachRow(Self.selectAnswers, [.text(tenantID)]) { row in
        guard let kind = row.text(0), let id = row.text(1), let body = row.blob(3),
          let fetchedAt = row.text(4).flatMap({ Timestamp(rfc3339: $0) })
        else { return }
        if id.isEmpty {
          stored.answers[kind] = Stored(etag: row.text(2), body: body, fetchedAt: fetchedAt)
        } else if let collection = WrapperCollection(rawValue: kind),
          let subject = OverlaySubject(collection: collection, rowID: id)
        {
          stored.overlays.append(Overlay(subject: subject, body: body))
        }
      }
    }
    return stored
  }

  /// Replaces a stored answer and drops what events had changed in the old one.
  func save(tenantID: String, kind: String, _ answer: Stored) async throws {
    _ = try await database.write { connection in
      try connection.run(Self.deleteOverlays, [.text(tenantID), .text(kind)])
      try connection.run(Self.upsertAnswer, Self.values(tenantID: tenantID, kind: kind, answer))
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

  static func values(tenantID: String, kind: String, _ answer: Stored) -> [SQLiteValue] {
    [
      .text(tenantID), .text(kind), answer.etag.map { .text($0) } ?? .null, .blob(answer.body),
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
}
