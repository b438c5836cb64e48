internal import HTTP
public import JSON
public import Values

extension Wrapper {
  /// Entries of a user's activity log as the Wrapper holds them, newest first, marked
  /// `source: "wrapper"`.
  ///
  /// For what is older than what is held here. Those who ask for the same at the same time share
  /// one call, and its answer is remembered for half a minute.
  ///
  /// - Parameters:
  ///   - tenantID: Whose log.
  ///   - userID: Who acted.
  ///   - since: From when.
  ///   - until: Until when; that moment itself is not wanted. A Wrapper that knows no such bound
  ///     gives newer entries too.
  ///   - limit: How many at most.
  ///   - includeDetails: Whether contexts and metadata are wanted.
  /// - Returns: nil when the Wrapper does not answer in the time of a request.
  public func olderActivities(
    tenantID: String, userID: String, since: Timestamp?, until: Timestamp?, limit: Int,
    includeDetails: Bool
  ) async -> [JSONObject]? {
    // It is known to be away: nobody needs to wait for that once more.
    guard mode(tenantID: tenantID) == .online else { return nil }
    var query = "userId=\(PercentEncoding.encode(userID))&limit=\(limit)"
    if let since { query += "&since=\(PercentEncoding.encode(since.rfc3339))" }
    if let until { query += "&until=\(PercentEncoding.encode(until.rfc3339))" }
    query += "&includeDetails=\(includeDetails)"
    let key = OnDemandCache.Key(kind: .activities, tenantID: tenantID, id: query)
    let environment = environment
    let sync = tenants[tenantID]
    let (finding, _) = await environment.onDemand.find(
      key, lifeSeconds: Limits.olderActivitySeconds,
      waitSeconds: environment.configuration.requestSeconds
    ) {
      await OnDemandFetch(environment: environment, sync: sync).fetch(key)
    }
    switch finding {
    case .found(let answer, _):
      return (answer["activities"]?.array ?? []).compactMap { entry in
        Self.entry(entry, tenantID: tenantID, userID: userID)
      }
    case .missing: return []
    case .foreign, .failed: return nil
    }
  }

  /// An entry in the shape of our own; nil for what is none, or somebody else's.
  private static func entry(
    _ json: JSONValue, tenantID: String, userID: String
  ) -> JSONObject? {
    guard let id = json["id"]?.string, !id.isEmpty, json["userId"]?.string == userID,
      let operation = json["operation"]?.string,
      let timestamp = json["timestamp"]?.string.flatMap({ Timestamp(rfc3339: $0) })
    else { return nil }
    var units: Int64 = 0
    if case .number(let number)? = json["creditCost"] { units = number.units(scale: 4) ?? 0 }
    func text(_ name: String) -> JSONValue { json[name]?.string.map { .string($0) } ?? .null }
    func object(_ name: String) -> JSONValue { json[name]?.object.map { .object($0) } ?? .null }
    return JSONObject([
      ("id", .string(id)), ("tenantId", .string(tenantID)), ("userId", .string(userID)),
      ("operation", .string(operation)), ("entityId", text("entityId")),
      ("entityType", text("entityType")), ("creditCost", .decimal(units: units, scale: 4)),
      ("timestamp", .string(timestamp.rfc3339)), ("sessionId", text("sessionId")),
      ("userContext", object("userContext")), ("permissions", object("permissions")),
      ("metadata", object("metadata")), ("compliance", object("compliance")),
      ("source", "wrapper"), ("receivedAt", .null),
    ])
  }
}
