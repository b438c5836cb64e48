internal import JSON

/// One place of the organisation.
public struct OrganizationUnit: Sendable, Hashable {
  /// The unit's id.
  public let id: String
  /// `organization`, `department` or `team`.
  public let type: String
  /// The unit's name.
  public let name: String
  /// The unit above it, nil for a root.
  public let parentID: String?
  /// The nearest organisation, itself or above.
  public let organizationID: String?
  /// That organisation's name.
  public let organizationName: String?
  /// The nearest department, itself or above.
  public let departmentID: String?
  /// That department's name.
  public let departmentName: String?
  /// The ids from the root down to the unit: `/org/department/team/`.
  public let path: String
}

/// A tenant's units, parents before their children.
struct OrganizationTree: Sendable, Hashable {
  private(set) var units: [OrganizationUnit] = []
  private var indexes: [String: Int] = [:]

  init() {}

  func unit(_ id: String) -> OrganizationUnit? {
    indexes[id].map { units[$0] }
  }

  /// Adds a unit below `parent`, which must have been added before.
  ///
  /// - Returns: false when the id is taken or cannot stand in a path.
  mutating func add(id: String, type: String, name: String, parent: OrganizationUnit?) -> Bool {
    guard indexes[id] == nil, !id.isEmpty, !id.utf8.contains(UInt8(ascii: "/")) else {
      return false
    }
    let isOrganization = type == "organization"
    let isDepartment = type == "department"
    indexes[id] = units.count
    units.append(
      OrganizationUnit(
        id: id, type: type, name: name, parentID: parent?.id,
        organizationID: isOrganization ? id : parent?.organizationID,
        organizationName: isOrganization ? name : parent?.organizationName,
        departmentID: isDepartment ? id : parent?.departmentID,
        departmentName: isDepartment ? name : parent?.departmentName,
        path: (parent?.path ?? "/") + id + "/"))
    return true
  }

  /// Adds what the tree occupies.
  func addHeldBytes(to held: inout HeldBytes) {
    held.add(bytes: HeldBytes.array(units) + HeldBytes.dictionary(indexes))
    for unit in units {
      for text in [
        unit.id, unit.type, unit.name, unit.parentID, unit.organizationID, unit.organizationName,
        unit.departmentID, unit.departmentName, unit.path,
      ] {
        held.add(text)
      }
    }
  }

  /// The ids of the unit and of all below it; empty when the unit is not known.
  func subtree(of id: String) -> Set<String> {
    guard let root = unit(id) else { return [] }
    // Parents stand before children, and a child's path begins with its parent's.
    return Set(units.lazy.filter { $0.path.hasPrefix(root.path) }.map(\.id))
  }

  /// The unit and all below it in the shape of the hierarchy endpoint.
  func json(of id: String) -> JSONValue? {
    unit(id).map { json($0) }
  }

  /// Several roots with all below them, below one that has no place of its own.
  func json(above roots: [OrganizationUnit], id: String, name: String) -> JSONValue {
    [
      "entityId": .string(id), "entityType": "organization", "name": .string(name),
      "organizationId": .string(id), "organizationName": .string(name), "departmentId": .null,
      "departmentName": .null, "parentEntityId": .null,
      "children": .array(roots.map { json($0) }),
    ]
  }

  private func json(_ root: OrganizationUnit) -> JSONValue {
    var children: [String: [OrganizationUnit]] = [:]
    for unit in units where unit.path.hasPrefix(root.path) {
      if let parent = unit.parentID { children[parent, default: []].append(unit) }
    }
    return Self.json(root, children)
  }

  private static func json(
    _ unit: OrganizationUnit, _ children: [String: [OrganizationUnit]]
  ) -> JSONValue {
    func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    return [
      "entityId": .string(unit.id),
      "entityType": .string(unit.type),
      "name": .string(unit.name),
      "organizationId": text(unit.organizationID),
      "organizationName": text(unit.organizationName),
      "departmentId": text(unit.departmentID),
      "departmentName": text(unit.departmentName),
      "parentEntityId": text(unit.parentID),
      "children": .array((children[unit.id] ?? []).map { json($0, children) }),
    ]
  }
}
