internal import JSON
internal import SQLite

/// What the activity log tells of the members of a record.
enum FieldChanges {
  /// The members of `record` as they were at an earlier version.
  ///
  /// Every entry of a change says which version it led to, so that a step whose entry is missing or
  /// tells nothing is noticed: what hangs from a record goes through the trash without entries, and
  /// of private records the log holds no values.
  ///
  /// - Returns: nil when the log does not tell.
  static func members(
    of record: Record, at version: Int64, in connection: borrowing Connection
  ) throws(SQLiteError) -> JSONObject? {
    guard version > 0, version < record.version,
      record.version - version <= Int64(Limits.versionStepsMax)
    else { return nil }
    let steps = try steps(of: record, in: connection)
    var members = record.object
    var reached = record.version
    while reached > version {
      guard let changes = steps[reached] else { return nil }
      for change in changes.members { members[change.name] = change.value["from"] ?? .null }
      reached -= 1
    }
    return members
  }

  /// The changes that led to each version, as far as the newest entries tell.
  private static func steps(
    of record: Record, in connection: borrowing Connection
  ) throws(SQLiteError) -> [Int64: JSONObject] {
    let description = record.resource.description
    let moves = [description.operation("delete"), description.operation("restore")]
    var steps: [Int64: JSONObject] = [:]
    var unknown: Set<Int64> = []
    try connection.forEachRow(
      """
      SELECT a.operation, a.metadata FROM crm_activities AS a
      WHERE a.tenant_id = ? AND +a.entity_type = ? AND a.entity_id = ?
      ORDER BY a.timestamp DESC, a.seq DESC LIMIT ?
      """,
      [
        record["tenantId"], .text(description.entityType), record["id"],
        .integer(2 * Limits.versionStepsMax),
      ]
    ) { row throws(SQLiteError) in
      // What is no JSON was erased, and tells nothing.
      guard let metadata = row.text(1).flatMap({ try? JSONParser.parse($0) }),
        let version = metadata["version"]?.integer
      else { return }
      if let changes = metadata["changes"]?.object {
        // A change that changed nothing names the version that was there before.
        if steps[version]?.isEmpty ?? true { steps[version] = changes }
      } else if moves.contains(row.text(0) ?? "") {
        steps[version] = steps[version] ?? JSONObject()
      } else {
        unknown.insert(version)
      }
    }
    return steps.filter { !unknown.contains($0.key) }
  }
}
