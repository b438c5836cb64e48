internal import CRM
internal import HTTP

/// What the caller was reminded of.
struct ReminderRoutes: Sendable {
  let store: RecordStore

  /// The name under which dismissing is logged.
  static let dismissal = "crm.reminders.dismiss"

  var endpoints: [Endpoint] {
    guard store.catalog.resource(entityType: "task") != nil else { return [] }
    return [
      Endpoint(
        .get, "/api/reminders", access: .signedIn, .reminders, handler: .inline { try list($0) }),
      Endpoint(
        .delete, "/api/reminders/{id:uuid}", access: .signedIn, isMutation: true,
        name: Self.dismissal, .dismissReminder, handler: .change { try dismiss($0) }),
    ]
  }

  private func list(_ context: RequestContext) throws -> HTTPResponse {
    let page = try PageParameters(context.queryValues(PageParameters.names))
    return .personal(try store.reminders(of: context.mutation().caller, page))
  }

  private func dismiss(_ context: RequestContext) throws -> PreparedChange {
    _ = try context.queryValues([])
    return store.prepareDismissal(
      ofReminder: context.parameters["id"], try context.mutation())
  }
}
