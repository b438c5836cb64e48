internal import CRM
internal import HTTP
internal import JSON
internal import WrapperClient

/// Statistics of the tenant's records, as far as the scope of `crm.stats.read` reaches.
struct StatisticsRoutes: Sendable {
  let store: RecordStore

  private static let permission = "crm.stats.read"

  var endpoints: [Endpoint] {
    [
      endpoint("/api/stats", .statistics) { try statistics($0) },
      endpoint("/api/stats/dashboard", .dashboard) { try dashboard($0) },
      endpoint("/api/stats/performance", .performance) { try performance($0) },
    ] + contactActivity
  }

  private func endpoint(
    _ path: String, _ documentation: EndpointDocumentation,
    _ handle: @escaping @Sendable (RequestContext) throws -> HTTPResponse
  ) -> Endpoint {
    Endpoint(
      .get, path, access: .permission(Self.permission), documentation, handler: .inline(handle))
  }

  /// Below each name under which contacts are served.
  private var contactActivity: [Endpoint] {
    guard let contacts = store.catalog.resource(entityType: "contact") else { return [] }
    return contacts.description.paths.compactMap { $0.split(separator: "/").last }
      .map(String.init).map { name in
        endpoint("/api/stats/\(name)/{id:uuid}/activity", .contactActivity(at: name)) { context in
          try contactActivity(contacts, context)
        }
      }
  }

  private func statistics(_ context: RequestContext) throws -> HTTPResponse {
    _ = try context.queryValues([])
    return .data(
      try store.statistics(
        tenantID: context.tenantID, scope: context.scope, now: context.request.head.receivedAt))
  }

  private func dashboard(_ context: RequestContext) throws -> HTTPResponse {
    .data(
      try store.dashboard(
        query(context), tenantID: context.tenantID, scope: context.scope,
        reach: context.activityReach, currency: context.directory.currency,
        name: { context.directory.user($0)?.name }))
  }

  private func performance(_ context: RequestContext) throws -> HTTPResponse {
    let performance = try store.performance(
      query(context), tenantID: context.tenantID, scope: context.scope,
      currency: context.directory.currency, name: { context.directory.user($0)?.name })
    var writer = JSONWriter(capacity: 4096)
    writer.beginObject()
    writer.member("data", performance.owners)
    writer.member("averageTimeInStage", performance.averageTimeInStage)
    writer.endObject()
    return .personal(writer.bytes)
  }

  private func contactActivity(_ contacts: Resource, _ context: RequestContext) throws
    -> HTTPResponse
  {
    .data(
      try store.contactActivity(
        contacts, id: context.parameters["id"], caller: context.mutation().caller,
        scope: context.scope, query: query(context, ["tz"])))
  }

  private func query(
    _ context: RequestContext, _ names: [String] = StatisticsQuery.names
  ) throws(Problem) -> StatisticsQuery {
    try StatisticsQuery(
      context.queryValues(names), timeZone: context.directory.timeZone,
      now: context.request.head.receivedAt)
  }
}

extension TenantDirectory {
  /// The name of the tenant's time zone, from the settings that the Wrapper holds.
  var timeZone: String? { configuration["settings"]?["timezone"]?.string }
}
