internal import Database
internal import SQLite

extension RecordStore {
  /// Rows that one transaction makes documents for.
  ///
  /// FTS5 walks through its table of new words with every commit, and for as long as the connection
  /// is open that table stays as large as the largest transaction made it.
  private static let documentsPerStep = 100

  /// Makes all documents of full text anew where they have the form of another version.
  ///
  /// Belongs before the first request: until it is done, searches find a part only. One that was
  /// cut off begins again at the next start.
  ///
  /// - Parameter isForced: Whether they are made anew also where their form is the present one.
  /// - Returns: How many documents were made; nil when there was nothing to do.
  /// - Throws: what the database throws.
  @discardableResult
  public func updateSearchFormat(isForced: Bool = false) async throws -> Int? {
    let format = try database.read { connection in
      try connection.first("SELECT number FROM search_format WHERE id = 1") { $0.integer(0) ?? 0 }
    }
    guard isForced || format != SearchDocument.format else { return nil }
    try await database.write { connection in
      try connection.run("INSERT INTO search_index (search_index) VALUES ('delete-all')")
      try connection.run("DELETE FROM search_documents")
    }
    let tenants = try database.read { connection in
      try connection.all("SELECT tenant_id FROM activity_chains") { $0.text(0) ?? "" }
    }
    var count = 0
    for tenantID in tenants {
      for resource in catalog.resources where resource.isSearchable {
        var last: String? = ""
        while let id = last {
          let made = try await makeDocuments(of: resource, tenantID: tenantID, after: id)
          count += made.count
          last = made.last
        }
      }
    }
    _ = try await database.write { connection in
      try connection.run(
        "UPDATE search_format SET number = ? WHERE id = 1", [.integer(SearchDocument.format)])
    }
    return count
  }

  /// Makes the documents of some live records, in the order in which these were created.
  ///
  /// - Returns: How many, and the id of the last; nil when that was all.
  private func makeDocuments(of resource: Resource, tenantID: String, after id: String)
    async throws -> (count: Int, last: String?)
  {
    try await database.write { connection in
      let records = try connection.all(
        """
        SELECT \(resource.columns) FROM \(resource.description.table) AS t
        WHERE t.tenant_id = ? AND t.id > ? AND t.deleted_at IS NULL ORDER BY t.id LIMIT ?
        """, [.text(tenantID), .text(id), .integer(Int64(Self.documentsPerStep))]
      ) { Record(resource, row: $0) }
      for record in records { try SearchDocument(record).insert(for: record, in: connection) }
      let isLast = records.count < Self.documentsPerStep
      return (records.count, isLast ? nil : records.last?.id)
    }
  }
}
