internal import Database
public import JSON
internal import SQLite

extension RecordStore {
  /// The tenant's pipelines with their stages, oldest first, for whoever has to choose one.
  ///
  /// - Throws: what the database throws.
  public func pipelines(tenantID: String) throws -> [JSONValue] {
    try database.read { connection in
      try connection.all(
        """
        SELECT id, name, stages FROM pipelines
        WHERE tenant_id = ? AND deleted_at IS NULL ORDER BY created_at, id LIMIT ?
        """, [.text(tenantID), .integer(Int64(Limits.pageRecordsMax))]
      ) { row in
        [
          "id": .string(row.text(0) ?? ""), "name": .string(row.text(1) ?? ""),
          "stages": .array(Pipeline.stages(row.text(2)).map(\.json)),
        ]
      }
    }
  }
}
