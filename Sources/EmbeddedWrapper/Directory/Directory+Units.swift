internal import SQLite
internal import Values

extension Directory {
  /// Adds a unit below `parentID`, or as a root.
  ///
  /// - Returns: its id, made when `id` is nil.
  /// - Throws: ``DirectoryError/notFound(_:)`` for a tenant or parent that does not exist,
  ///   ``DirectoryError/duplicate(_:)``, ``DirectoryError/invalid(_:_:)``,
  ///   ``DirectoryError/secondOrganization``.
  @discardableResult
  public func createUnit(
    tenantID: String, id: String? = nil, type: UnitType, name: String, parentID: String?
  ) async throws(DirectoryError) -> String {
    let id = try Self.checkedID(id ?? newID())
    let unit = UnitRecord(
      id: id, parentID: parentID, type: type, name: try Self.checked(name, "name"))
    try Self.checkRoot(unit)
    let now = time.now()
    try await change { connection in
      try Self.requireTenant(tenantID, connection)
      try Self.insert(unit, tenantID, now, connection)
    }
    return id
  }

  /// Renames a unit, makes it a place of another kind, or moves it with all below it.
  ///
  /// - Returns: the unit as it is then.
  /// - Throws: ``DirectoryError/notFound(_:)``, ``DirectoryError/invalid(_:_:)`` for a place below
  ///   the unit itself or too deep.
  @discardableResult
  public func updateUnit(
    tenantID: String, id: String, _ changes: UnitChanges
  ) async throws(DirectoryError) -> UnitRecord {
    let name = try changes.name.map { name throws(DirectoryError) in
      try Self.checked(name, "name")
    }
    let now = time.now()
    return try await change { connection in
      let units = Units(try Self.units(tenantID, connection))
      guard let before = units.byID[id] else { throw DirectoryError.notFound("unit") }
      let after = UnitRecord(
        id: id, parentID: changes.parentID.applied(to: before.parentID),
        type: changes.type ?? before.type, name: name ?? before.name)
      try Self.checkRoot(after)
      if after.parentID != before.parentID { try Self.checkMove(after, units) }
      try Self.checkPlace(after, before: before, units)
      try connection.run(
        """
        UPDATE directory_units SET parent_id = ?, type = ?, name = ?
        WHERE tenant_id = ? AND unit_id = ?
        """,
        [
          SQLiteValue(after.parentID), .text(after.type.rawValue), .text(after.name),
          .text(tenantID), .text(id),
        ])
      guard after != before else { return after }
      try Self.announce(.unit(tenantID, id), at: now, connection)
      // Profiles name the department and the organisation.
      try Self.announce(.users(tenantID), at: now, connection)
      return after
    }
  }

  /// Removes a unit from which nothing hangs.
  ///
  /// - Throws: ``DirectoryError/inUse`` while units or users belong to it.
  public func deleteUnit(tenantID: String, id: String) async throws(DirectoryError) {
    let now = time.now()
    try await change { connection in
      let deleted = try connection.run(
        "DELETE FROM directory_units WHERE tenant_id = ? AND unit_id = ?",
        [.text(tenantID), .text(id)])
      guard deleted > 0 else { throw DirectoryError.notFound("unit") }
      try Self.announce(.unit(tenantID, id), at: now, connection)
    }
  }

  /// The units of a tenant, by id.
  public func units(tenantID: String) throws(DirectoryError) -> [UnitRecord] {
    try look { connection in try Self.units(tenantID, connection) }
  }

  static func units(
    _ tenantID: String, _ connection: borrowing Connection
  ) throws -> [UnitRecord] {
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

  static func unit(
    _ id: String, _ tenantID: String, _ connection: borrowing Connection
  ) throws -> UnitRecord? {
    try units(tenantID, connection).first { $0.id == id }
  }

  static func insert(
    _ unit: UnitRecord, _ tenantID: String, _ now: Timestamp, _ connection: borrowing Connection
  ) throws {
    let present = try units(tenantID, connection)
    guard present.count < Limits.unitsMax else {
      throw DirectoryError.invalid("id", "a tenant has at most \(Limits.unitsMax) units")
    }
    let units = Units(present)
    if unit.parentID != nil { try checkMove(unit, units) }
    try checkPlace(unit, before: nil, units)
    try connection.run(
      """
      INSERT INTO directory_units (tenant_id, unit_id, parent_id, type, name)
      VALUES (?, ?, ?, ?, ?)
      """,
      [
        .text(tenantID), .text(unit.id), SQLiteValue(unit.parentID), .text(unit.type.rawValue),
        .text(unit.name),
      ])
    try announce(.unit(tenantID, unit.id), at: now, connection)
  }

  static func requireUnit(
    _ id: String, _ tenantID: String, _ connection: borrowing Connection
  ) throws {
    try require(
      "unit", connection, "SELECT 1 FROM directory_units WHERE tenant_id = ? AND unit_id = ?",
      [.text(tenantID), .text(id)])
  }

  private static func checkRoot(_ unit: UnitRecord) throws(DirectoryError) {
    guard unit.parentID != nil || unit.type == .organization else {
      throw .invalid("parentId", "only an organization stands without a parent")
    }
  }

  /// Looks whether the unit may stand beside those that it newly stands beside: one organization
  /// only stands at the top, and no two units of one parent bear the same name.
  private static func checkPlace(
    _ unit: UnitRecord, before: UnitRecord?, _ units: Units
  ) throws(DirectoryError) {
    let isMoved = before.map { $0.parentID != unit.parentID } ?? true
    guard isMoved || before?.name != unit.name else { return }
    let others = units.byID.values.filter { $0.parentID == unit.parentID && $0.id != unit.id }
    if isMoved, unit.parentID == nil, !others.isEmpty { throw .secondOrganization }
    let name = Folding.lowercased(unit.name)
    guard !others.contains(where: { Folding.lowercased($0.name) == name }) else {
      throw .duplicate("name")
    }
  }

  /// Looks whether the unit may stand below its parent with all that stands below it.
  private static func checkMove(_ unit: UnitRecord, _ units: Units) throws(DirectoryError) {
    guard let parentID = unit.parentID else { return }
    guard let parent = units.byID[parentID] else { throw .notFound("unit") }
    let above = units.path(to: parent)
    guard !above.contains(where: { $0.id == unit.id }) else {
      throw .invalid("parentId", "a unit cannot stand below itself")
    }
    guard above.count + units.height(of: unit.id) <= unitLevelsMax else {
      throw .invalid("parentId", "units stand at most \(unitLevelsMax) deep")
    }
  }
}
