internal import JSON

/// Who somebody was when they acted, as an activity keeps it.
public struct ActivityContext: Sendable {
  /// The user's name, `Unknown User` when it is not known.
  public let userName: String
  /// The department's name, `Unknown` when it is not known.
  public let department: String
  /// Organisation, department and user joined by ` → `.
  public let entityPath: String
  /// The user's unit.
  public let unitID: String?
  /// The ids from the root down to that unit: `/org/department/team/`.
  public let unitPath: String?
  /// Where the user works, `unknown` when it is not known.
  public let location: String
  /// The `userContext` object of an activity as JSON.
  public let userContextJSON: [UInt8]

  /// The `permissions` object up to the members that differ from one operation to the next.
  var permissionsHead: [UInt8]

  /// The context of a user nobody knows: the entry is written all the same.
  init(unknownUser id: String) {
    userName = Self.unknownName
    department = Self.unknown
    entityPath = "\(Self.unknown) → \(id)"
    unitID = nil
    unitPath = nil
    location = Self.unknownLocation
    userContextJSON = Self.userContext(
      user: nil, id: id, department: Self.unknown, hierarchy: nil, path: entityPath)
    permissionsHead = Self.permissionsHead(granted: [], roles: [])
  }

  /// The context of a known user.
  init(user: DirectoryUser, granted: [String], unit: OrganizationUnit?, tree: OrganizationTree) {
    let organization = user.organizationID.flatMap { tree.unit($0) }
    userName = user.name ?? Self.unknownName
    department = user.department ?? unit?.departmentName ?? unit?.name ?? Self.unknown
    unitID = unit?.id ?? user.departmentID ?? user.organizationID
    unitPath = unit?.path ?? organization?.path
    location = user.location ?? Self.unknownLocation
    entityPath = [
      unit?.organizationName ?? organization?.name,
      unit?.departmentName ?? user.department,
      user.name ?? user.id,
    ].compactMap { $0 }.joined(separator: " → ")
    userContextJSON = Self.userContext(
      user: user, id: user.id, department: department, hierarchy: unit ?? organization,
      path: entityPath)
    permissionsHead = Self.permissionsHead(granted: granted, roles: user.roles)
  }

  /// The `permissions` object of an activity: what the user held, and what was asked of it.
  public func permissionsJSON(required: String, decision: PermissionDecision) -> [UInt8] {
    var writer = JSONWriter(capacity: permissionsHead.count + 160)
    writer.append(verbatim: permissionsHead)
    writer.name("operationContext")
    writer.beginObject()
    writer.member("requiredPermission", required)
    writer.member("hasPermission", .bool(decision.isAllowed))
    writer.member("permissionSource", decision.source)
    writer.endObject()
    writer.endObject()
    return writer.bytes
  }

  /// An estimate of what the context alone occupies, in bytes; most of its texts are the profile's
  /// and the unit's, and its head is shared.
  var heldBytes: Int {
    HeldBytes.array(userContextJSON) + HeldBytes.text(entityPath)
  }

  private static let unknown = "Unknown"
  private static let unknownName = "Unknown User"
  private static let unknownEmail = "unknown@example.com"
  private static let unknownLocation = "unknown"
  private static let unknownOrganization = "unknown"

  private static func userContext(
    user: DirectoryUser?, id: String, department: String, hierarchy: OrganizationUnit?,
    path: String
  ) -> [UInt8] {
    var writer = JSONWriter(capacity: 512)
    writer.beginObject()
    writer.name("user")
    writer.beginObject()
    writer.member("id", id)
    writer.member("name", user?.name ?? unknownName)
    writer.member("email", user?.email ?? unknownEmail)
    writer.member("title", user?.title ?? unknown)
    writer.member("department", department)
    writer.member(
      "organizationId", user?.organizationID ?? hierarchy?.organizationID ?? unknownOrganization)
    writer.endObject()
    writer.member("department", department)
    writer.name("hierarchy")
    writer.beginObject()
    if let hierarchy {
      writer.member("organizationId", hierarchy.organizationID)
      writer.member("organizationName", hierarchy.organizationName)
      writer.member("departmentId", hierarchy.departmentID)
      writer.member("departmentName", hierarchy.departmentName)
      writer.member("parentEntityId", hierarchy.parentID)
    }
    writer.endObject()
    writer.member("entityPath", path)
    writer.endObject()
    return exact(writer.bytes)
  }

  private static func permissionsHead(
    granted: [String], roles: [(id: String, name: String)]
  ) -> [UInt8] {
    var writer = JSONWriter(capacity: 512)
    writer.beginObject()
    writer.name("grantedPermissions")
    writer.beginArray()
    for permission in granted { writer.string(permission) }
    writer.endArray()
    writer.name("roles")
    writer.beginArray()
    for role in roles {
      writer.beginObject()
      writer.member("id", role.id)
      writer.member("name", role.name)
      writer.endObject()
    }
    writer.endArray()
    return exact(writer.bytes)
  }

  /// The same without the writer's spare room, which would be held as long as the context.
  private static func exact(_ bytes: [UInt8]) -> [UInt8] {
    var exact: [UInt8] = []
    exact.reserveCapacity(bytes.count)
    exact.append(contentsOf: bytes)
    return exact
  }
}
