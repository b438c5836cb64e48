internal import JSON

/// A tenant's units, ready for climbing and for descending.
struct Units: Sendable {
  let byID: [String: UnitRecord]
  let roots: [UnitRecord]
  private let children: [String: [UnitRecord]]

  init(_ directory: Directory, _ tenantID: String) throws(DirectoryError) {
    let units = try directory.units(tenantID: tenantID)
    byID = Dictionary(uniqueKeysWithValues: units.map { ($0.id, $0) })
    roots = units.filter { $0.parentID == nil }
    var children: [String: [UnitRecord]] = [:]
    for unit in units {
      if let parentID = unit.parentID { children[parentID, default: []].append(unit) }
    }
    self.children = children
  }

  /// The unit itself or the nearest above it that is of `type`.
  func nearest(_ type: UnitType, from unit: UnitRecord) -> UnitRecord? {
    var unit: UnitRecord? = unit
    while let present = unit, present.type != type {
      unit = present.parentID.flatMap { byID[$0] }
    }
    return unit
  }

  /// The unit with all below it; the directory bounds the depth.
  func tree(_ unit: UnitRecord) -> JSONValue {
    func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    let organization = nearest(.organization, from: unit)
    let department = nearest(.department, from: unit)
    return [
      "entityId": .string(unit.id), "entityType": .string(unit.type.rawValue),
      "name": .string(unit.name), "organizationId": text(organization?.id),
      "organizationName": text(organization?.name), "departmentId": text(department?.id),
      "departmentName": text(department?.name), "parentEntityId": text(unit.parentID),
      "children": .array((children[unit.id] ?? []).map { tree($0) }),
    ]
  }
}
