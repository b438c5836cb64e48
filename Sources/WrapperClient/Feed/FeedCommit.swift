internal import Database
internal import SQLite
internal import Values

/// What one answer of the feed leaves in the database, in one transaction: the cursor, and with it
/// all that the events before it changed.
struct FeedCommit: Sendable {
  /// What it leaves of one tenant.
  struct Tenant: Sendable {
    let tenantID: String
    let overlays: [Overlay]
    /// The collections that differ from the answer that is stored of them.
    let changed: Set<WrapperCollection>
    /// The collections that must be fetched again before they are trusted.
    let invalidated: Set<WrapperCollection>
  }

  /// The name under which the cursor stands.
  let feed: String
  /// A name that it stood under before.
  let formerFeed: String?
  let cursor: String
  let moment: Timestamp
  var tenants: [Tenant] = []
}

extension SnapshotStore {
  /// The cursor of the feed of that name, if it was ever read.
  func cursor(feed: String) throws -> String? {
    try database.read { connection in
      try connection.first("SELECT cursor FROM wrapper_cursors WHERE feed = ?", [.text(feed)]) {
        $0.text(0)
      }
    }.flatMap { $0 }
  }

  /// Which of `ids` are activities that were written here.
  func ownActivities(tenantID: String, ids: [String]) throws -> Set<String> {
    try database.read { connection in
      var own: Set<String> = []
      for id in ids {
        let values: [SQLiteValue] = [.text(id), .text(tenantID)]
        if try connection.first(Self.selectActivity, values, { _ in true }) != nil {
          own.insert(id)
        }
      }
      return own
    }
  }

  /// Stores the cursor together with what the events before it changed.
  func commit(_ commit: FeedCommit) async throws {
    try await database.write { connection in
      for tenant in commit.tenants {
        try store(tenant, at: commit.moment, on: connection)
      }
      if let former = commit.formerFeed, former != commit.feed {
        try connection.run("DELETE FROM wrapper_cursors WHERE feed = ?", [.text(former)])
      }
      try connection.run(
        Self.upsertCursor,
        [.text(commit.feed), .text(commit.cursor), .text(commit.moment.rfc3339)])
    }
  }

  private func store(
    _ tenant: FeedCommit.Tenant, at moment: Timestamp, on connection: borrowing Connection
  ) throws {
    var invalidated = tenant.invalidated
    for overlay in tenant.overlays {
      let kind = overlay.subject.collection.rawValue
      let row = SnapshotCipher.Row(
        tenantID: tenant.tenantID, kind: kind, id: overlay.subject.rowID)
      let inserted = try connection.run(
        Self.upsertOverlay,
        [
          .text(row.tenantID), .text(row.kind), .text(row.id),
          .blob(cipher.seal(overlay.body, in: row)),
          .text(moment.rfc3339), .integer(Int64(Limits.overlaysPerCollectionMax)),
        ])
      // What found no room is fetched again instead.
      if inserted == 0 { invalidated.insert(overlay.subject.collection) }
    }
    for collection in tenant.changed {
      try connection.run(Self.dropTag, [.text(tenant.tenantID), .text(collection.rawValue)])
    }
    for collection in invalidated {
      try connection.run(
        Self.invalidate,
        [
          .text(Self.neverRight.rfc3339), .text(tenant.tenantID),
          .text(collection.rawValue),
        ])
    }
  }

  /// The age of an answer that must be fetched again before it is trusted.
  static let neverRight = Timestamp(milliseconds: 0)

  private static let selectActivity = """
    SELECT 1 FROM crm_activities WHERE id = ? AND tenant_id = ?
    """

  private static let upsertCursor = """
    INSERT INTO wrapper_cursors (feed, cursor, updated_at) VALUES (?, ?, ?)
    ON CONFLICT (feed) DO UPDATE SET cursor = excluded.cursor, updated_at = excluded.updated_at
    """

  /// Only beside a stored answer, so that nobody fills the table with things that nobody holds.
  private static let upsertOverlay = """
    INSERT INTO wrapper_cache (tenant_id, kind, id, etag, body, fetched_at)
    SELECT ?1, ?2, ?3, NULL, ?4, ?5
    WHERE EXISTS (
        SELECT 1 FROM wrapper_cache WHERE tenant_id = ?1 AND kind = ?2 AND id = '')
      AND ((SELECT COUNT(*) FROM wrapper_cache WHERE tenant_id = ?1 AND kind = ?2) <= ?6
        OR EXISTS (
          SELECT 1 FROM wrapper_cache WHERE tenant_id = ?1 AND kind = ?2 AND id = ?3))
    ON CONFLICT (tenant_id, kind, id)
    DO UPDATE SET body = excluded.body, fetched_at = excluded.fetched_at
    """

  private static let dropTag = """
    UPDATE wrapper_cache SET etag = NULL WHERE tenant_id = ? AND kind = ? AND id = ''
    """

  private static let invalidate = """
    UPDATE wrapper_cache SET fetched_at = ? WHERE tenant_id = ? AND kind = ? AND id = ''
    """
}
