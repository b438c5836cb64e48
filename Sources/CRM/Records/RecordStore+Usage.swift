internal import Database
internal import SQLite

extension RecordStore {
  /// How many records of a resource the tenant has outside the trash.
  ///
  /// - Returns: nil when there is no such resource.
  /// - Throws: what the database throws.
  public func liveRecords(_ name: String, tenantID: String) throws -> Int64? {
    guard let resource = catalog.resources.first(where: { $0.description.name == name }) else {
      return nil
    }
    let count = try database.read { connection in
      try connection.first(
        """
        SELECT count(*) FROM \(resource.description.table)
        WHERE tenant_id = ? AND deleted_at IS NULL
        """, [.text(tenantID)]
      ) { $0.integer(0) }
    }
    return (count ?? 0) ?? 0
  }
}
