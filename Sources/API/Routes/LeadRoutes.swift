internal import CRM
internal import HTTP

/// What can be done to leads beside changing them.
struct LeadRoutes: Sendable {
  let records: RecordRoutes

  var endpoints: [Endpoint] {
    guard let conversion = LeadConversion(records.store.catalog) else { return [] }
    let permission = conversion.leads.description.operation("convert")
    return [
      Endpoint(
        .post, "/api/leads/{id:uuid}/convert", access: .permission(permission), isMutation: true,
        bodyBytesMax: records.configuration.bodyBytesMax, .convertLead(conversion),
        handler: .change { try await convert(conversion, $0) })
    ]
  }

  private func convert(_ conversion: LeadConversion, _ context: RequestContext) async throws
    -> PreparedChange
  {
    _ = try context.queryValues([])
    let body = try LeadConversion.Body.parse(context.bodyBytes)
    let context = try await records.renewed(context, for: body.userID)
    let mutation = try context.mutation(actingFor: body.userID)
    try await records.store.start(conversion.deals, tenantID: context.tenantID)
    return try records.store.prepare(
      conversion, leadID: context.parameters["id"], body, mutation)
  }
}
