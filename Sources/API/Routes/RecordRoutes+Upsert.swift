internal import CRM
internal import HTTP
internal import WrapperClient

// `PUT /api/contacts/by/email/{value}`: replaced where there is one, created where there is none.
extension RecordRoutes {
  func upserts(_ resource: Resource, _ place: Place) -> [Endpoint] {
    guard place.parent == nil else { return [] }
    return UpsertKey.fields(of: resource).map { field in
      Endpoint(
        .put, "\(place.path)/by/\(field.name)/{value}",
        access: .permission(resource.description.operation("create")), isMutation: true,
        bodyBytesMax: configuration.bodyBytesMax, .upsert(resource, field),
        found: { context in
          let update = Endpoint.Operation(resource.description.operation("update"))
          guard context.doing(update).decision.isAllowed else { return nil }
          do {
            let key = try UpsertKey(resource, field, value: context.parameters["value"])
            return try store.find(key, for: context.mutation().caller) == nil ? nil : update
          } catch is Problem {
            // What is wrong with the key is told only to those who may use it.
            return update
          }
        },
        handler: .change { context in try await upsert(resource, field, context) })
    }
  }

  private func upsert(_ resource: Resource, _ field: Field, _ context: RequestContext)
    async throws -> PreparedChange
  {
    let key = try UpsertKey(resource, field, value: context.parameters["value"])
    let body = try RecordBody.parse(context.bodyBytes, for: resource.description)
    let context = try await renewed(context, for: body.userID)
    if resource.hasStart { try await store.start(resource, tenantID: context.tenantID) }
    var mutation = try context.mutation(actingFor: body.userID)
    for action in ["create", "update"] {
      let other = context.doing(.init(resource.description.operation(action)))
      guard other.operation != context.operation, other.decision.isAllowed else { continue }
      mutation.alternatives.append(try other.mutation(actingFor: body.userID))
    }
    return try store.prepareUpsert(
      key, body, mutation, existingID: store.find(key, for: mutation.caller),
      unless: context.request.head.headers["If-None-Match"].map(VersionPrecondition.init))
  }
}
