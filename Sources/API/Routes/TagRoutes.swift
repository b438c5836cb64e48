internal import CRM
internal import HTTP

// Tags at paths of their own: all that there are, and those of one record.
extension RecordRoutes {
  func tags(_ resource: Resource, _ place: Place) -> [Endpoint] {
    let description = resource.description
    guard description.hasTagPaths, place.parent == nil else { return [] }
    return [
      Endpoint(
        .get, "\(place.path)/tags", access: .permission(description.operation("read")),
        .tags(resource), handler: .inline { try listTags(resource, $0) }),
      changeTags(.post, resource, place, .changeTags("add", resource)) { .adding($0) },
      changeTags(.delete, resource, place, .changeTags("remove", resource)) { .removing($0) },
    ]
  }

  private func listTags(_ resource: Resource, _ context: RequestContext) throws -> HTTPResponse {
    _ = try context.queryValues([])
    return .personal(
      try store.tags(of: resource, tenantID: context.tenantID, scope: context.scope))
  }

  private func changeTags(
    _ method: HTTPMethod, _ resource: Resource, _ place: Place,
    _ documentation: EndpointDocumentation,
    _ change: @escaping @Sendable ([String]) -> TagChange
  ) -> Endpoint {
    Endpoint(
      method, "\(place.one)/tags", access: .permission(resource.description.operation("update")),
      isMutation: true, bodyBytesMax: configuration.bodyBytesMax, documentation,
      handler: .change { context in
        let body = try RecordBody.parse(context.bodyBytes, for: resource.description)
        let context = try await renewed(context, for: body.userID)
        return store.prepare(
          change(try body.tags()), resource, id: context.parameters[place.idName],
          try context.mutation(actingFor: body.userID))
      })
  }
}
