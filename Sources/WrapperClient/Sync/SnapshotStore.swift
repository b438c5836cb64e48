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

  /// The kind under which the last known balance stands beside the collections.
  static let balanceKind = "credits"

  private let database: Database

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

  /// The stored answers of a tenant by kind.
  func load(tenantID: String) throws -> [String: Stored] {
    var stored: [String: Stored] = [:]
    try database.read { connection in
      try connection.forEachRow(Self.selectAnswers, [.text(tenantID)]) { row in
        guard let kind = row.text(0), let body = row.blob(2),
          let fetchedAt = row.text(3).flatMap({ Timestamp(rfc3339: $0) })
        else { return }
        stored[kind] = Stored(etag: row.text(1), body: body, fetchedAt: fetchedAt)
      }
    }
    return stored
  }

  /// Replaces a stored answer.
  func save(tenantID: String, kind: String, _ answer: Stored) async throws {
    _ = try await database.write { connection in
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
    SELECT kind, etag, body, fetched_at
    FROM wrapper_cache
    WHERE tenant_id = ? AND id = ''
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
