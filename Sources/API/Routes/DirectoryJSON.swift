internal import JSON
internal import WrapperClient

extension DirectoryUser {
  /// The user's profile, as every answer shows it.
  var profile: JSONObject {
    JSONObject([
      ("id", .string(id)), ("name", JSONValue(name)), ("email", JSONValue(email)),
      ("title", JSONValue(title)), ("department", JSONValue(department)),
      ("departmentId", JSONValue(departmentID)), ("organizationId", JSONValue(organizationID)),
      ("location", JSONValue(location)), ("isActive", .bool(isActive)),
    ])
  }

  /// The user's roles: `[{"id","name"}]`.
  var roleList: JSONValue {
    .array(roles.map { ["id": .string($0.id), "name": .string($0.name)] })
  }
}

extension TenantDirectory {
  /// The unit of that id.
  func unit(_ id: String) -> OrganizationUnit? { units.first { $0.id == id } }

  /// Where the user stands in the organisation.
  func organization(of userID: String) -> JSONValue {
    let user = user(userID)
    let unit = user?.departmentID.flatMap(unit) ?? user?.organizationID.flatMap(unit)
    return [
      "organizationId": JSONValue(unit?.organizationID ?? user?.organizationID),
      "organizationName": JSONValue(unit?.organizationName),
      "departmentId": JSONValue(unit?.departmentID ?? user?.departmentID),
      "departmentName": JSONValue(unit?.departmentName ?? user?.department),
      "parentEntityId": JSONValue(unit?.parentID),
      "entityPath": .string(context(for: userID).entityPath),
    ]
  }
}

extension JSONValue {
  /// A text that may be missing.
  init(_ text: String?) { self = text.map(JSONValue.string) ?? .null }

  /// An amount of credits that may be missing, in 1/10,000 credit.
  static func credits(_ units: Int64?) -> JSONValue {
    units.map { .decimal(units: $0, scale: 4) } ?? .null
  }
}
