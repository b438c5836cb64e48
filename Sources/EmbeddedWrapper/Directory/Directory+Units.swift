internal import SQLite

extension Directory {
  /// Adds a unit below `parentID`, or as a root.
  ///
  /// - Returns: its id, made when `id` is nil.
  /// - Throws: ``DirectoryError/notFound(_:)`` for a tenant or parent that does not exist,
  ///   ``DirectoryError/duplicate(_:)``, ``DirectoryError/invalid(_:_:)``.
  @discardableResult
  public func createUnit(
    tenantID: String, id: String? = nil, type: UnitType, name: String, parentID: String?
  ) async throws(DirectoryError) -> String {
    let id = try Self.checkedID(id ?? newID())
    let name = try Self.checked(name, "name")
    guard parentID != nil || type == .organization else {
      throw .invalid("parentId", "only an organization stands without a parent")
    }
    try await change { connection in
      try Self.requireTenant(tenantID, connection)
      if let parentID { try Self.checkPlace(below: parentID, tenantID, connection) }
      try connection.run(
        """
        INSERT INTO directory_units (tenant_id, unit_id, parent_id, type, name)
        VALUES (?, ?, ?, ?, ?)
        """,
        [.text(tenantID), .text(id), SQLiteValue(parentID), .text(type.rawValue), .text(name)])
    }
    return id
  }

  /// Gives a unit another name.
  public func renameUnit(
    tenantID: String, id: String, name: String
  ) async throws(DirectoryError) {
    let name = try Self.checked(name, "name")
    let changed = try await change { connection in
      try connection.run(
        "UPDATE directory_units SET name = ? WHERE tenant_id = ? AND unit_id = ?",
        [.text(name), .text(tenantID), .text(id)])
    }
    guard changed > 0 else { throw .notFound("unit") }
  }

  /// Removes a unit from which nothing hangs.
  ///
  /// - Throws: ``DirectoryError/inUse`` while units or users belong to it.
  public func deleteUnit(tenantID: String, id: String) async throws(DirectoryError) {
    let changed = try await change { connection in
      try connection.run(
        "DELETE FROM directory_units WHERE tenant_id = ? AND unit_id = ?",
        [.text(tenantID), .text(id)])
    }
    guard changed > 0 else { throw .notFound("unit") }
  }

  /// The units of a tenant, by id.
  public func units(tenantID: String) throws(DirectoryError) -> [UnitRecord] {
    try look { connection in
      try connection.all(
        """
        SELECT unit_id, parent_id, type, name
        FROM directory_units
        WHERE tenant_id = ?
        ORDER BY unit_id
        """,
        [.text(tenantID)]
      ) { row in
        UnitRecord(
          id: row.text(0) ?? "", parentID: row.text(1),
          type: row.text(2).flatMap { UnitType(rawValue: $0) } ?? .department,
          name: row.text(3) ?? "")
      }
    }
  }

  static func requireTenant(_ tenantID: String, _ connection: borrowing Connection) throws {
    try require(
      "tenant", connection, "SELECT 1 FROM directory_tenants WHERE tenant_id = ?",
      [.text(tenantID)])
  }

  static func requireUnit(
    _ id: String, _ tenantID: String, _ connection: borrowing Connection
  ) throws {
    try require(
      "unit", connection, "SELECT 1 FROM directory_units WHERE tenant_id = ? AND unit_id = ?",
      [.text(tenantID), .text(id)])
  }

  private static func checkPlace(
    below parentID: String, _ tenantID: String, _ connection: borrowing Connection
  ) throws {
    try requireUnit(parentID, tenantID, connection)
    let level = try connection.first(
      """
      WITH RECURSIVE above (unit_id, parent_id) AS (
        SELECT unit_id, parent_id FROM directory_units WHERE tenant_id = ?1 AND unit_id = ?2
        UNION ALL
        SELECT u.unit_id, u.parent_id
        FROM directory_units AS u
        JOIN above ON u.unit_id = above.parent_id
        WHERE u.tenant_id = ?1
      )
      SELECT COUNT(*) FROM above
      """,
      [.text(tenantID), .text(parentID)]
    ) { $0.integer(0) ?? 0 }
    guard (level ?? 0) < unitLevelsMax else {
      throw DirectoryError.invalid("parentId", "units stand at most \(unitLevelsMax) deep")
    }
  }
}
