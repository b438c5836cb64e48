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
    let start = place.seq
    var place = place
    for entry in entries {
      let core = entry.coreHash ?? []
      let personal = entry.personalHash ?? []
      let hash =
        entry.hash ?? EntryHash.link(previous: place.head, core: core, personal: personal)
      place = ActivityPlace(seq: place.seq + 1, head: hash)
      try connection.run(Self.insertSQL, Self.values(entry, place, core, personal))
      try QuarterSums.add(entry.entry, in: connection)
    }
    connection.merge(
      [.integer(place.seq), .blob(place.head)], into: [.text(tenantID)], of: Self.chains)
    if place.seq / checkpoints.interval > start / checkpoints.interval {
      checkpoints.becomeDue(tenantID)
    }
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

extension ActivityPlace {
  /// The end of a tenant's chain as the transaction sees it.
  init(of tenantID: String, in connection: borrowing Connection) throws(SQLiteError) {
    let newest = try ActivityLog.newestLink(of: tenantID, in: connection)
    self.init(seq: newest.seq, head: newest.hash)
  }
}
