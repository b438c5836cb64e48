internal import CRM
internal import HTTP
internal import JSON
internal import Values
internal import WrapperClient

/// How well the Wrapper's truth about the tenant is kept, and what the keeping costs.
struct SyncRoutes: Sendable {
  let store: RecordStore
  let wrapper: Wrapper
  let time: TimeSource

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/api/sync/status", access: .signedIn, .syncStatus,
        handler: .authorized { try status($0) }),
      Endpoint(
        .post, "/api/sync/refresh", access: .permission(RequestContext.adminPermission),
        isMutation: true, isAllowedReadOnly: true, name: "crm.sync.refresh", .syncRefresh,
        handler: .authorized { try await refresh($0) }),
      Endpoint(
        .get, "/api/cache/metrics", access: .signedIn, .cacheMetrics,
        handler: .authorized { try cacheMetrics($0) }),
      Endpoint(
        .get, "/api/activities/metrics", access: .signedIn, .activityMetrics,
        handler: .authorized { try activityMetrics($0) }),
    ]
  }

  private func status(_ context: RequestContext) throws -> HTTPResponse {
    try context.require("crm.sync.read")
    _ = try context.queryValues([])
    return .data(try statusJSON(context.tenantID))
  }

  /// Looks at everything now, and tells how things stand then.
  private func refresh(_ context: RequestContext) async throws -> HTTPResponse {
    _ = try context.queryValues([])
    guard context.isAdmin else {
      throw Problem.insufficientPermissions(RequestContext.adminPermission)
    }
    if !context.bodyBytes.isEmpty { _ = try RecordBody.texts([], in: context.bodyBytes) }
    await wrapper.refresh(tenantID: context.tenantID)
    return try await store.perform(
      context.mutation(), entityType: "tenant", entityID: context.tenantID,
      data: try statusJSON(context.tenantID)
    ) { _ in }.response
  }

  private func statusJSON(_ tenantID: String) throws -> JSONValue {
    guard let status = wrapper.status(tenantID: tenantID) else {
      throw Problem(
        .wrapperUnavailable, "The tenant is not followed at the moment.",
        headers: ["Retry-After": "5"])
    }
    let now = time.now()
    return [
      "tenantId": .string(tenantID), "mode": .string(status.mode.rawValue),
      "feed": .string(status.feed.rawValue), "cursor": JSONValue(status.cursor),
      "lastSuccess": JSONValue(status.lastSuccess?.rfc3339),
      "stalenessSeconds": status.lastSuccess.map { .age($0, at: now) } ?? .null,
      "failuresInARow": .integer(status.failuresInRow),
      "nextAttempt": JSONValue(status.nextAttempt?.rfc3339),
      "rejectedAnswers": .integer(status.rejectedAnswers),
      "outboxDepth": status.outboxDepth.map { .integer($0) } ?? .null,
      "oldestPendingSeconds": status.outboxOldest.map { .age($0, at: now) } ?? 0,
    ]
  }

  private func cacheMetrics(_ context: RequestContext) throws -> HTTPResponse {
    try context.require("crm.cache.read")
    _ = try context.queryValues([])
    let metrics = wrapper.cacheMetrics(tenantID: context.tenantID)
    let sizes = metrics.sizes
    let answer: JSONValue = [
      "criticalHitRate": .rate(metrics.criticalHits, of: metrics.criticalLookups),
      "operationalHitRate": .rate(metrics.operationalHits, of: metrics.operationalLookups),
      "overallHitRate": .rate(
        metrics.criticalHits + metrics.operationalHits, of: metrics.totalRequests),
      "totalRequests": .integer(metrics.totalRequests),
      "cacheSizes": [
        "critical": [
          "creditCosts": .integer(sizes.creditCosts),
          "userPermissions": .integer(sizes.userPermissions),
          "userRoles": .integer(sizes.userRoles), "activeUsers": .integer(sizes.activeUsers),
        ],
        "operational": [
          "userProfiles": .integer(sizes.userProfiles),
          "organizationHierarchy": .integer(sizes.organizationHierarchy),
          "roleDefinitions": .integer(sizes.roleDefinitions),
          "departmentMappings": .integer(sizes.departmentMappings),
        ],
        "activity": .integer(sizes.activity),
      ],
      "memoryBytes": .integer(metrics.memoryBytes),
      "memoryBudgetBytes": .integer(metrics.memoryBudgetBytes),
    ]
    return .personal(answer.bytes)
  }

  private func activityMetrics(_ context: RequestContext) throws -> HTTPResponse {
    try context.require("crm.activities.read")
    _ = try context.queryValues([])
    let outbox = try wrapper.outboxMetrics(tenantID: context.tenantID)
    let cached = wrapper.cacheMetrics(tenantID: context.tenantID).sizes.activity
    let answer: JSONValue = [
      // What waits to be sent is the buffer, and it lies in the file.
      "bufferSize": .integer(outbox.depth), "cacheSize": .integer(cached),
      "totalLogged": .integer(outbox.loggedTotal),
      "flushInterval": .integer(Int64(outbox.flushSeconds * 1000)),
      "errorRate": .decimal(units: Int64((outbox.errorRate * 10_000).rounded()), scale: 4),
      "outboxDepth": .integer(outbox.depth),
      "oldestPendingSeconds": .decimal(
        units: Int64((outbox.oldestPendingSeconds * 1000).rounded()), scale: 3),
      "deadLetters": .integer(outbox.deadLetters),
    ]
    return .personal(answer.bytes)
  }
}

extension JSONValue {
  /// The seconds from `moment` until `now`, never negative.
  static func age(_ moment: Timestamp, at now: Timestamp) -> JSONValue {
    .decimal(units: max(0, now.milliseconds - moment.milliseconds), scale: 3)
  }

  /// A part of a whole, 0 to 1 with four decimals; 0 of nothing.
  fileprivate static func rate(_ part: Int, of whole: Int) -> JSONValue {
    guard whole > 0 else { return 0 }
    return .decimal(units: Int64((Double(part) / Double(whole) * 10_000).rounded()), scale: 4)
  }
}
