internal import JSON

/// What an event of the feed says, with nil for the parts that it lacks.
enum FeedChange: Sendable {
  case cost(operation: String, units: Int64)
  case role(id: String, name: String?, permissions: [String]?)
  case roleDeleted(id: String)
  case user(UserChange)
  case activity(id: String, JSONObject)
  /// That something changed, and no more.
  case unspecified

  /// What an event says of a user.
  struct UserChange: Sendable {
    let id: String
    let isActive: Bool?
    let permissions: [String]?
    let roleIDs: [String]?
    /// The members of the profile that were sent; those that are absent are unknown.
    let profile: JSONObject?
  }

  /// Reads `data` as events of `topic` carry it.
  ///
  /// - Throws: ``AnswerRejection`` when a part is there, but of the wrong type.
  init(_ topic: FeedTopic, _ data: JSONObject, tenantID: String) throws(AnswerRejection) {
    let reader = SnapshotReader(tenantID: tenantID)
    switch topic {
    case .creditConfigurations: self = try Self.cost(data, reader)
    case .roles: self = try Self.role(data, reader)
    case .users: self = try Self.user(data, reader)
    case .hierarchy: self = .unspecified
    case .activities: self = try Self.activity(data)
    }
  }

  private static func cost(
    _ data: JSONObject, _ reader: SnapshotReader
  ) throws(AnswerRejection) -> FeedChange {
    guard let code = try id(data, "operationCode", reader) else { return .unspecified }
    guard data.names(present: "creditCost") else {
      // The filter looks at the code even where the cost is missing.
      guard code.hasPrefix("crm.") else { return .cost(operation: code, units: 0) }
      return .unspecified
    }
    return .cost(operation: code, units: try reader.operation(data).units)
  }

  private static func role(
    _ data: JSONObject, _ reader: SnapshotReader
  ) throws(AnswerRejection) -> FeedChange {
    guard let id = try id(data, "roleId", reader) else { return .unspecified }
    if try reader.flag(data, "deleted") ?? false { return .roleDeleted(id: id) }
    return .role(
      id: id, name: try reader.optionalText(data, "name"),
      permissions: data.names(present: "permissions") ? try reader.permissionTexts(data) : nil)
  }

  private static func user(
    _ data: JSONObject, _ reader: SnapshotReader
  ) throws(AnswerRejection) -> FeedChange {
    guard let id = try id(data, "userId", reader) else { return .unspecified }
    let profile: JSONObject?
    switch data["profile"] {
    case nil, .null: profile = nil
    case .object(let object)?:
      // Read for its types alone: what it means depends on what is held.
      _ = try reader.profile(object, over: nil)
      profile = object
    default: throw AnswerRejection("profile is no object")
    }
    return .user(
      UserChange(
        id: id, isActive: try reader.flag(data, "isActive"),
        permissions: data.names(present: "permissions") ? try reader.permissionTexts(data) : nil,
        roleIDs: data.names(present: "roleIds") ? try reader.texts(data, "roleIds") : nil,
        profile: profile))
  }

  private static func activity(_ data: JSONObject) throws(AnswerRejection) -> FeedChange {
    guard let activity = data["activity"]?.object,
      let id = activity["id"].flatMap({ FeedAnswer.token($0) })
    else { throw AnswerRejection("activity is no object with an id") }
    return .activity(id: id, activity)
  }

  private static func id(
    _ data: JSONObject, _ name: String, _ reader: SnapshotReader
  ) throws(AnswerRejection) -> String? {
    let id = try reader.optionalText(data, name)
    guard (id?.utf8.count ?? 0) <= Limits.feedTokenBytesMax else {
      throw AnswerRejection("\(name) is too long")
    }
    return id
  }
}

extension JSONObject {
  /// Whether there is a member of that name with a value.
  fileprivate func names(present name: String) -> Bool {
    self[name].map { !$0.isNull } ?? false
  }
}
