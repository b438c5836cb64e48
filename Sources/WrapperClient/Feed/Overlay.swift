internal import JSON

/// One thing inside a collection that an event can change by itself.
enum OverlaySubject: Sendable, Hashable {
  case user(String)
  case role(String)
  case profile(String)
  case operation(String)

  /// The collection whose row it lies beside.
  var collection: WrapperCollection {
    switch self {
    case .user, .role: .permissions
    case .profile: .employees
    case .operation: .creditConfiguration
    }
  }

  /// The `id` of its row; the collection's own is empty.
  var rowID: String {
    switch self {
    case .user(let id), .profile(let id): "user:\(id)"
    case .role(let id): "role:\(id)"
    case .operation(let code): "operation:\(code)"
    }
  }

  /// Nil for a row that is none of an overlay.
  init?(collection: WrapperCollection, rowID: String) {
    guard let colon = rowID.firstIndex(of: ":") else { return nil }
    let id = String(rowID[rowID.index(after: colon)...])
    switch (collection, rowID[..<colon]) {
    case (.permissions, "user"): self = .user(id)
    case (.permissions, "role"): self = .role(id)
    case (.employees, "user"): self = .profile(id)
    case (.creditConfiguration, "operation"): self = .operation(id)
    default: return nil
    }
  }
}

/// What events made of one thing since its collection was fetched, kept in a row of its own.
///
/// The row holds the whole thing as it then was, in the shape of the collection, so that rows may
/// be replayed in any order.
struct Overlay: Sendable {
  let subject: OverlaySubject
  /// JSON; `null` for what is gone.
  let body: [UInt8]

  /// The members of a profile besides whether the user is active.
  static let profileMembers: Set<String> = [
    "name", "email", "title", "department", "departmentId", "organizationId", "location",
  ]

  /// A row as it was read.
  init(subject: OverlaySubject, body: [UInt8]) {
    self.subject = subject
    self.body = body
  }

  /// The present state of `subject`.
  init(_ subject: OverlaySubject, in truth: TenantTruth) {
    self.subject = subject
    let value: JSONValue? =
      switch subject {
      case .user(let id): truth.grants[id].map { Self.json(id, $0) }
      case .role(let id): truth.roles[id].map { Self.json($0) }
      case .profile(let id): truth.profiles[id].map { Self.json(id, $0) }
      case .operation(let code):
        truth.credits?.operations[code].map {
          ["operationCode": .string(code), "creditCost": .decimal(units: $0, scale: 4)]
        }
      }
    body = (value ?? .null).bytes
  }

  /// The event that leads to what the row holds.
  func event(tenantID: String) throws(AnswerRejection) -> WrapperEvent {
    let value: JSONValue
    do {
      value = try JSONParser.parse(body)
    } catch {
      throw AnswerRejection("no JSON: \(error.reason) at byte \(error.offset)")
    }
    let reader = SnapshotReader(tenantID: tenantID)
    let object = value.isNull ? nil : try reader.object(value, "an overlay")
    switch subject {
    case .user(let id):
      return .userGrantsChanged(id: id, grants: try object.map(reader.grants))
    case .role(let id):
      return .roleChanged(id: id, role: try object.map(reader.role))
    case .profile(let id):
      return .userProfileChanged(
        id: id,
        profile: try object.map { object throws(AnswerRejection) in
          try reader.profile(object, over: nil)
        })
    case .operation(let code):
      return .operationCostChanged(
        operation: code,
        units: try object.map { object throws(AnswerRejection) in
          try reader.operation(object).units
        })
    }
  }

  private static func json(_ id: String, _ grants: UserGrants) -> JSONValue {
    [
      "userId": .string(id), "isActive": .bool(grants.isActive),
      "permissions": .array(grants.permissions.map { .string($0) }),
      "roleIds": .array(grants.roleIDs.map { .string($0) }),
    ]
  }

  private static func json(_ role: DirectoryRole) -> JSONValue {
    [
      "roleId": .string(role.id), "name": .string(role.name),
      "permissions": .array(role.permissions.map { .string($0) }),
    ]
  }

  private static func json(_ id: String, _ profile: UserProfile) -> JSONValue {
    func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    return [
      "userId": .string(id), "name": text(profile.name), "email": text(profile.email),
      "title": text(profile.title), "department": text(profile.department),
      "departmentId": text(profile.departmentID),
      "organizationId": text(profile.organizationID), "location": text(profile.location),
      "isActive": .bool(profile.isActive),
    ]
  }
}
