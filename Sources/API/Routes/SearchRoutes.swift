internal import CRM
internal import HTTP
internal import WrapperClient

/// One search over all kinds of records.
struct SearchRoutes: Sendable {
  let store: RecordStore

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/api/search", access: .signedIn, .search,
        handler: .inline { try search($0) })
    ]
  }

  private func search(_ context: RequestContext) throws -> HTTPResponse {
    let query = try SearchQuery(context.queryValues(SearchQuery.parameters))
    // What the caller may not read at all is left out, as if there were none of it.
    let resources = query.types.compactMap { entityType in
      store.catalog.resource(entityType: entityType).flatMap { resource in
        context.readScope(resource).map { (resource, $0) }
      }
    }
    return .personal(
      try store.search(
        query, among: resources, tenantID: context.tenantID, userID: context.session.userID))
  }
}
