internal import SQLite
internal import Values

extension ActivityLog {
  /// Writes entries that came from elsewhere behind the tenant's newest, with their part of the
  /// sums.
  ///
  /// They are not shipped: the Wrapper has them, or never had to do with them, and what they cost
  /// must not be charged again.
  ///
  /// - Parameters:
  ///   - entries: Sealed entries of one tenant. One with a link keeps it, and has to be the
  ///     next of the chain; one without gets its place and its link here.
  ///   - place: The end of the chain as it is.
  /// - Returns: the end of the chain as it is then.
  func restore(
    _ entries: [ArchivedActivity], after place: ActivityPlace, in connection: borrowing Connection
  ) throws(SQLiteError) -> ActivityPlace {
    guard let tenantID = entries.first?.tenantID else { return place }
    var place = place
    var sums = ActivitySums()
    for entry in entries {
      let core = entry.coreHash ?? []
      let personal = entry.personalHash ?? []
      let hash =
        entry.hash ?? ActivityEntry.link(previous: place.head, core: core, personal: personal)
      place = ActivityPlace(seq: place.seq + 1, head: hash)
      try connection.run(Self.insertSQL, Self.values(entry, place, core, personal))
      sums.add(entry)
    }
    try connection.run(
      Self.chainSQL, [.text(tenantID), .integer(place.seq), .blob(place.head)])
    try sums.write(tenantID: tenantID, in: connection)
    return place
  }

  private static func values(
    _ entry: ArchivedActivity, _ place: ActivityPlace, _ core: [UInt8], _ personal: [UInt8]
  ) -> [SQLiteValue] {
    let timestamp = entry.timestamp.rfc3339
    let receivedAt = entry.receivedAt?.rfc3339
    return [
      .text(entry.id), .text(entry.tenantID), .text(entry.userID), .text(entry.operation),
      SQLiteValue(entry.entityID), SQLiteValue(entry.entityType),
      .text(FixedPoint.text(units: entry.creditUnits, scale: 4)), .text(timestamp),
      SQLiteValue(entry.sessionID), SQLiteValue(entry.userContext),
      SQLiteValue(entry.permissions), SQLiteValue(entry.metadata), SQLiteValue(entry.compliance),
      .text(receivedAt ?? timestamp), .integer(place.seq), .integer(entry.creditUnits),
      SQLiteValue(entry.unitID), SQLiteValue(entry.unitPath), .text(entry.source.rawValue),
      SQLiteValue(receivedAt), SQLiteValue(entry.salt), .blob(core), .blob(personal),
      .blob(place.head),
    ]
  }
}

/// What several entries of one tenant add to the sums, so that each row is written once.
private struct ActivitySums {
  private struct Key: Hashable {
    let bucket: Int64
    let unitID: String
    let userID: String
    let operation: String
    let entityType: String
  }

  private struct Sum {
    var entries: Int64 = 0
    var units: Int64 = 0
    var latest: Int64 = 0
  }

  private var sums: [Key: Sum] = [:]

  mutating func add(_ entry: ArchivedActivity) {
    let key = Key(
      bucket: entry.timestamp.milliseconds / ActivityLog.bucketMilliseconds,
      unitID: entry.unitID ?? "", userID: entry.userID, operation: entry.operation,
      entityType: entry.entityType ?? "")
    var sum = sums[key] ?? Sum()
    sum.entries += 1
    sum.units += entry.creditUnits
    sum.latest = max(sum.latest, entry.timestamp.milliseconds)
    sums[key] = sum
  }

  func write(tenantID: String, in connection: borrowing Connection) throws(SQLiteError) {
    for (key, sum) in sums {
      try connection.run(
        """
        INSERT INTO activity_rollups (
          tenant_id, bucket, unit_id, user_id, operation, entity_type, entries, credit_units,
          latest)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (tenant_id, bucket, unit_id, user_id, operation, entity_type) DO UPDATE SET
          entries = entries + excluded.entries,
          credit_units = credit_units + excluded.credit_units,
          latest = max(latest, excluded.latest)
        """,
        [
          .text(tenantID), .integer(key.bucket), .text(key.unitID), .text(key.userID),
          .text(key.operation), .text(key.entityType), .integer(sum.entries), .integer(sum.units),
          .text(Timestamp(milliseconds: sum.latest).rfc3339),
        ])
    }
  }
}
