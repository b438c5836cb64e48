internal import CRM
internal import Database
internal import Values
internal import WrapperClient

extension Application {
  /// Every endpoint, in the order of the published document.
  static func endpoints(
    _ configuration: APIConfiguration, _ catalog: Catalog, _ store: RecordStore,
    _ wrapper: Wrapper, _ readiness: Readiness, _ requestMetrics: RequestMetrics,
    _ database: Database, _ directory: DirectoryAdministration?, _ jobs: Jobs, _ time: TimeSource
  ) -> [Endpoint] {
    var endpoints: [Endpoint] = []
    let records = RecordRoutes(store: store, wrapper: wrapper, configuration: configuration)
    for resource in catalog.resources {
      endpoints += records.endpoints(resource)
    }
    endpoints += SearchRoutes(store: store).endpoints
    endpoints += HistoryRoutes(store: store).endpoints
    endpoints.append(Batch.endpoint)
    endpoints += SegmentRoutes(store: store).endpoints
    endpoints += PreferenceRoutes(store: store, configuration: configuration).endpoints
    endpoints += SchemaRoutes(store: store).endpoints
    endpoints += DealRoutes(store: store).endpoints
    endpoints += LeadRoutes(records: records).endpoints
    endpoints += ReminderRoutes(store: store).endpoints
    endpoints += StatisticsRoutes(store: store).endpoints
    endpoints += ActivityReportRoutes(store: store).endpoints
    endpoints +=
      SignInRoutes(
        wrapper: wrapper, store: store, configuration: configuration, directory: directory,
        time: time
      ).endpoints
    endpoints += IdentityRoutes(wrapper: wrapper).endpoints
    endpoints += PeopleRoutes(wrapper: wrapper).endpoints
    endpoints += CreditRoutes(store: store, wrapper: wrapper).endpoints
    endpoints += SessionRoutes(store: store, wrapper: wrapper).endpoints
    endpoints += ActivityExportRoutes(store: store, wrapper: wrapper).endpoints
    endpoints += ActivityListRoutes(store: store, wrapper: wrapper).endpoints
    endpoints +=
      ActivityPostRoutes(
        store: store, wrapper: wrapper, configuration: configuration, time: time
      ).endpoints
    endpoints += SyncRoutes(store: store, wrapper: wrapper, time: time).endpoints
    endpoints +=
      ActivityVerificationRoutes(store: store, jobs: jobs, configuration: configuration).endpoints
    endpoints += JobRoutes(jobs: jobs).endpoints
    if let directory {
      endpoints +=
        SetupRoutes(store: store, wrapper: wrapper, configuration: configuration).endpoints
      endpoints += DirectoryRoutes(store: store, wrapper: wrapper, directory: directory).endpoints
    }
    endpoints += HealthRoutes(readiness: readiness, configuration: configuration).endpoints
    endpoints +=
      MetricsRoutes(
        requests: requestMetrics, store: store, database: database, wrapper: wrapper,
        configuration: configuration, time: time
      ).endpoints
    endpoints.append(
      OpenAPIDocument.endpoint(endpoints, catalog, version: configuration.version))
    return endpoints
  }
}
