internal import Database
internal import SQLite
internal import Values

extension RecordStore {
  /// Makes the blocks of sums that are over by now, of every tenant; reports read them.
  ///
  /// Reports are as right without them, but read more. Each transaction makes those of one day.
  ///
  /// - Throws: what the database throws; what was made until then stays.
  public func closeActivityBlocks() async throws {
    let tenants = try database.read { connection in
      try connection.all("SELECT tenant_id FROM activity_chains") { $0.text(0) ?? "" }
    }
    for tenantID in tenants { try await closeActivityBlocks(tenantID: tenantID) }
  }

  /// Makes the blocks of sums of one tenant that are over by now.
  ///
  /// - Throws: what the database throws; what was made until then stays.
  public func closeActivityBlocks(tenantID: String) async throws {
    let now = CounterPeriod.bucket(of: time.now())
    var hasMore = true
    while hasMore {
      hasMore = try await database.write { connection in
        try ActivityBlocks.closeNext(tenantID, before: now, in: connection)
      }
    }
  }
}
