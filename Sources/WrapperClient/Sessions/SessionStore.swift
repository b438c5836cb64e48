internal import Database
internal import SQLite
internal import Values

/// Sessions in the file.
struct SessionStore: Sendable {
  private let database: Database

  init(_ database: Database) {
    self.database = database
  }

  /// The ended sessions whose tokens are refused after `moment`, with the end of that.
  func ended(after moment: Timestamp) throws -> [SessionKey: Timestamp] {
    var ended: [SessionKey: Timestamp] = [:]
    try database.read { connection in
      try connection.forEachRow(
        Self.selectEnded, [.text(moment.rfc3339), .integer(Limits.endedSessionsMax)]
      ) { row in
        guard let until = row.text(3).flatMap({ Timestamp(rfc3339: $0) }) else { return }
        ended[Self.key(row)] = until
      }
    }
    return ended
  }

  /// The sessions that were last seen after `moment`.
  func active(after moment: Timestamp) throws -> [ActiveSession] {
    var sessions: [ActiveSession] = []
    try database.read { connection in
      try connection.forEachRow(
        Self.selectActive, [.text(moment.rfc3339), .integer(Limits.activeSessionsMax)]
      ) { row in
        guard let startedAt = row.text(3).flatMap({ Timestamp(rfc3339: $0) }),
          let lastSeenAt = row.text(4).flatMap({ Timestamp(rfc3339: $0) })
        else { return }
        let session = ActiveSession(
          key: Self.key(row), startedAt: startedAt, lastSeenAt: lastSeenAt,
          expiresAt: row.text(5).flatMap { Timestamp(rfc3339: $0) },
          authenticationMethod: row.text(8) ?? "unknown", address: row.text(6) ?? "unknown",
          userAgent: row.text(7) ?? "unknown")
        session.noteStored(at: lastSeenAt)
        sessions.append(session)
      }
    }
    return sessions
  }

  /// Writes the sessions as they are, a few in each transaction, so that writers wait little.
  func save(_ sessions: [ActiveSession]) async throws {
    var rest = sessions[...]
    while !rest.isEmpty {
      let step = rest.prefix(Limits.sessionsPerWrite)
      rest = rest.dropFirst(step.count)
      let rows = step.map { (session: $0, lastSeenAt: $0.lastSeenAt) }
      try await database.write { connection in
        for row in rows {
          try connection.run(Self.upsertActive, Self.values(row.session, row.lastSeenAt))
        }
      }
      for row in rows { row.session.noteStored(at: row.lastSeenAt) }
    }
  }

  /// Removes what nobody asks for any more.
  func forget(
    _ dropped: [SessionKey], activeBefore oldest: Timestamp, endedBefore now: Timestamp
  ) async throws {
    for (sql, moment) in [(Self.deleteActive, oldest), (Self.deleteEnded, now)] {
      var removed = 0
      repeat {
        removed = try await database.write { connection in
          try connection.run(sql, [.text(moment.rfc3339), .integer(Limits.sessionsPerWrite)])
        }
      } while removed == Limits.sessionsPerWrite
    }
    try await remove(dropped, Self.deleteOneEnded)
  }

  /// Removes sessions that are in use no more.
  func unlist(_ keys: [SessionKey]) async throws {
    try await remove(keys, Self.deleteOneActive)
  }

  private func remove(_ keys: [SessionKey], _ sql: String) async throws {
    var rest = keys[...]
    while !rest.isEmpty {
      let step = Array(rest.prefix(Limits.sessionsPerWrite))
      rest = rest.dropFirst(step.count)
      try await database.write { connection in
        for key in step { try connection.run(sql, Self.values(key)) }
      }
    }
  }

  /// Writes that a session was ended.
  static func writeEnd(
    of key: SessionKey, until: Timestamp, in connection: borrowing Connection
  ) throws(SQLiteError) {
    try connection.run(upsertEnded, values(key) + [.text(until.rfc3339)])
    try connection.run(deleteOneActive, values(key))
  }

  private static func key(_ row: borrowing Statement) -> SessionKey {
    SessionKey(
      tenantID: row.text(0) ?? "", userID: row.text(2) ?? "", sessionID: row.text(1) ?? "")
  }

  private static func values(_ key: SessionKey) -> [SQLiteValue] {
    [.text(key.tenantID), .text(key.sessionID), .text(key.userID)]
  }

  private static func values(_ session: ActiveSession, _ lastSeenAt: Timestamp) -> [SQLiteValue] {
    values(session.key) + [
      .text(session.startedAt.rfc3339), .text(lastSeenAt.rfc3339),
      SQLiteValue(session.expiresAt?.rfc3339), .text(session.address), .text(session.userAgent),
      .text(session.authenticationMethod),
    ]
  }

  private static let selectEnded = """
    SELECT tenant_id, session_id, user_id, refused_until
    FROM ended_sessions
    WHERE refused_until > ?
    ORDER BY refused_until DESC
    LIMIT ?
    """

  private static let selectActive = """
    SELECT tenant_id, session_id, user_id, started_at, last_seen_at, expires_at, ip_address,
      user_agent, authentication_method
    FROM active_sessions
    WHERE last_seen_at > ?
    ORDER BY last_seen_at DESC
    LIMIT ?
    """

  private static let upsertActive = """
    INSERT INTO active_sessions (
      tenant_id, session_id, user_id, started_at, last_seen_at, expires_at, ip_address,
      user_agent, authentication_method)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant_id, session_id, user_id) DO UPDATE SET
      started_at = excluded.started_at, last_seen_at = excluded.last_seen_at,
      expires_at = excluded.expires_at, ip_address = excluded.ip_address,
      user_agent = excluded.user_agent
    """

  private static let upsertEnded = """
    INSERT INTO ended_sessions (tenant_id, session_id, user_id, refused_until)
    VALUES (?, ?, ?, ?)
    ON CONFLICT (tenant_id, session_id, user_id) DO UPDATE SET
      refused_until = max(refused_until, excluded.refused_until)
    """

  private static let deleteOneActive = """
    DELETE FROM active_sessions WHERE tenant_id = ? AND session_id = ? AND user_id = ?
    """

  private static let deleteOneEnded = """
    DELETE FROM ended_sessions WHERE tenant_id = ? AND session_id = ? AND user_id = ?
    """

  private static let deleteActive = """
    DELETE FROM active_sessions WHERE (tenant_id, session_id, user_id) IN (
      SELECT tenant_id, session_id, user_id FROM active_sessions
      WHERE last_seen_at <= ? LIMIT ?)
    """

  private static let deleteEnded = """
    DELETE FROM ended_sessions WHERE (tenant_id, session_id, user_id) IN (
      SELECT tenant_id, session_id, user_id FROM ended_sessions
      WHERE refused_until <= ? LIMIT ?)
    """
}
