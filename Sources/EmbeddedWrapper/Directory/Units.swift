internal import JSON

/// A tenant's units, ready for climbing and for descending.
struct Units: Sendable {
  let byID: [String: UnitRecord]
  let roots: [UnitRecord]
  private let children: [String: [UnitRecord]]

  init(_ directory: Directory, _ tenantID: String) throws(DirectoryError) {
    self.init(try directory.units(tenantID: tenantID))
  }

  init(_ units: [UnitRecord]) {
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

  /// The unit and those above it, from below; the directory sees to it that there is no circle.
  func path(to unit: UnitRecord) -> [UnitRecord] {
    var path = [unit]
    while let parentID = path.last?.parentID, let parent = byID[parentID] { path.append(parent) }
    return path
  }

  /// How many levels the unit and those below it take.
  func height(of unitID: String) -> Int {
    1 + ((children[unitID] ?? []).map { height(of: $0.id) }.max() ?? 0)
  }

  /// The unit with all below it; the directory bounds the depth.
  func tree(_ unit: UnitRecord) -> JSONValue {
    let organization = nearest(.organization, from: unit)
    let department = nearest(.department, from: unit)
    return [
      "entityId": .string(unit.id), "entityType": .string(unit.type.rawValue),
      "name": .string(unit.name), "organizationId": JSONValue(organization?.id),
      "organizationName": JSONValue(organization?.name), "departmentId": JSONValue(department?.id),
      "departmentName": JSONValue(department?.name), "parentEntityId": JSONValue(unit.parentID),
      "children": .array((children[unit.id] ?? []).map { tree($0) }),
    ]
  }
}
