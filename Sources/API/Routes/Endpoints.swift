internal import CRM
internal import Database
internal import Values
internal import WrapperClient

extension Application {
  /// Every endpoint, in the order of the published document.
  static func endpoints(
    _ configuration: APIConfiguration, _ catalog: Catalog, _ store: RecordStore,
    _ wrapper: Wrapper, _ readiness: Readiness, _ requestMetrics: RequestMetrics,
    _ database: Database, _ time: TimeSource
  ) -> [Endpoint] {
    var endpoints: [Endpoint] = []
    let records = RecordRoutes(store: store, wrapper: wrapper, configuration: configuration)
    for resource in catalog.resources {
      for path in resource.description.paths {
        endpoints += records.endpoints(resource, at: path)
      }
    }
    endpoints +=
      SignInRoutes(wrapper: wrapper, store: store, configuration: configuration, time: time)
      .endpoints
    endpoints += IdentityRoutes(wrapper: wrapper).endpoints
    endpoints += PeopleRoutes().endpoints
    endpoints += CreditRoutes(store: store, wrapper: wrapper).endpoints
    endpoints += SessionRoutes(store: store, wrapper: wrapper).endpoints
    endpoints += SyncRoutes(store: store, wrapper: wrapper, time: time).endpoints
    if configuration.hasEmbeddedWrapper {
      endpoints +=
        SetupRoutes(store: store, wrapper: wrapper, configuration: configuration).endpoints
      endpoints += DirectoryRoutes(store: store, wrapper: wrapper).endpoints
    }
    endpoints += HealthRoutes(readiness: readiness, configuration: configuration).endpoints
    endpoints +=
      MetricsRoutes(
        requests: requestMetrics, database: database, wrapper: wrapper,
        configuration: configuration, time: time
      ).endpoints
    endpoints.append(
      OpenAPIDocument.endpoint(endpoints, catalog, version: configuration.version))
    return endpoints
  }
}
