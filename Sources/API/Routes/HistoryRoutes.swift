internal import CRM
internal import HTTP
internal import WrapperClient

/// What became of records, and what happened around them.
struct HistoryRoutes: Sendable {
  let store: RecordStore

  var endpoints: [Endpoint] {
    [history]
      + store.catalog.parents.flatMap { resource in
        resource.description.paths.map { timeline(resource, at: $0) }
      }
  }

  private var history: Endpoint {
    Endpoint(
      .get, "/api/history/{entityType}/{id}", access: .signedIn, .recordHistory,
      handler: .inline { context in
        let entityType = context.parameters["entityType"]
        guard let resource = store.catalog.resource(entityType: entityType) else {
          throw Problem(.notFound, "There are no records of that type.")
        }
        let context = context.doing(.init(resource.description.operation("read")))
        try context.requireDecision()
        let query = try HistoryQuery(
          context.queryValues(["limit", "cursor"]), entityType: entityType,
          id: context.parameters["id"], tenantID: context.tenantID)
        return .personal(
          try store.history(
            resource, id: context.parameters["id"], query, tenantID: context.tenantID,
            scope: context.scope))
      })
  }

  private func timeline(_ resource: Resource, at path: String) -> Endpoint {
    Endpoint(
      .get, "\(path)/{id:uuid}/history",
      access: .permission(resource.description.operation("read")), .timeline(resource),
      handler: .inline { context in
        let id = context.parameters["id"]
        let query = try HistoryQuery(
          context.queryValues(HistoryQuery.names), entityType: resource.description.entityType,
          id: id, tenantID: context.tenantID)
        let directory = context.directory
        return .personal(
          try store.timeline(
            resource, id: id, query, caller: context.mutation().caller, scope: context.scope
          ) { directory.user($0)?.name })
      })
  }
}
