internal import CRM
internal import HTTP
internal import WrapperClient

/// What can be asked of deals beside lists of them.
struct DealRoutes: Sendable {
  let store: RecordStore

  var endpoints: [Endpoint] {
    guard let deals = store.catalog.resource(entityType: "deal") else { return [] }
    let access = Endpoint.Access.permission(deals.description.operation("read"))
    return [
      Endpoint(
        .get, "/api/deals/board", access: access, .dealBoard(deals),
        handler: .authorized { try await board(deals, $0) }),
      Endpoint(
        .get, "/api/deals/forecast", access: access, .dealForecast(deals),
        handler: .authorized { try await forecast(deals, $0) }),
      Endpoint(
        .get, "/api/deals/{id:uuid}/stages", access: access, .dealStages,
        handler: .inline { try stages(deals, $0) }),
    ]
  }

  private func board(_ deals: Resource, _ context: RequestContext) async throws -> HTTPResponse {
    let items = try context.query()
    let query = try DealQuery.board(
      items, deals, customFields: store.customFields(for: items, tenantID: context.tenantID),
      tenantID: context.tenantID, viewerID: context.session.userID,
      now: context.request.head.receivedAt)
    try await store.start(deals, tenantID: context.tenantID)
    return .personal(try store.board(query, scope: context.scope))
  }

  private func forecast(_ deals: Resource, _ context: RequestContext) async throws
    -> HTTPResponse
  {
    let items = try context.query()
    let (query, months) = try DealQuery.forecast(
      items, deals, customFields: store.customFields(for: items, tenantID: context.tenantID),
      tenantID: context.tenantID, viewerID: context.session.userID,
      now: context.request.head.receivedAt)
    try await store.start(deals, tenantID: context.tenantID)
    return .personal(try store.forecast(query, months: months, scope: context.scope))
  }

  private func stages(_ deals: Resource, _ context: RequestContext) throws -> HTTPResponse {
    let page = try PageParameters(context.queryValues(PageParameters.names))
    return .personal(
      try store.stageHistory(
        of: deals, id: context.parameters["id"], page, tenantID: context.tenantID,
        scope: context.scope))
  }
}
