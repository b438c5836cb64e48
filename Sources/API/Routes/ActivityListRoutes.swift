internal import CRM
internal import HTTP
internal import WrapperClient

/// The activity log as lists, and one entry of it.
struct ActivityListRoutes: Sendable {
  let store: RecordStore
  let wrapper: Wrapper

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/api/activities", access: .signedIn, .activities,
        handler: .authorized { try await list($0) }),
      Endpoint(
        .get, "/api/activities/{id}", access: .signedIn, .activity,
        handler: .authorized { try read($0) }),
    ]
  }

  private func list(_ context: RequestContext) async throws -> HTTPResponse {
    let directory = context.directory
    let query = try ActivityQuery(
      context.queryValues(ActivityQuery.names), tenantID: context.tenantID,
      now: context.request.head.receivedAt
    ) { directory.subtree(of: $0) }
    let reach = context.activityReach
    let rows = try store.activities(
      query, tenantID: context.tenantID, reach: reach, seenBy: context.session.userID)
    let older = try await OlderActivities(store: store, wrapper: wrapper)
      .find(behind: rows, query, tenantID: context.tenantID, reach: reach)
    return .personal(
      store.body(rows, query, older: older.entries, isIncomplete: older.isIncomplete))
  }

  /// An entry out of reach does not exist for the caller.
  private func read(_ context: RequestContext) throws -> HTTPResponse {
    _ = try context.queryValues([])
    let entry = try store.activity(
      context.parameters["id"], tenantID: context.tenantID, reach: context.activityReach,
      seenBy: context.session.userID)
    guard let entry else { throw Problem(.notFound, "There is no such activity.") }
    return .personal(entry)
  }
}

extension TenantDirectory {
  /// The ids of a unit and of all below it; empty when there is no such unit.
  func subtree(of id: String) -> Set<String> {
    guard let root = unit(id) else { return [] }
    return Set(units.lazy.filter { $0.path.hasPrefix(root.path) }.map(\.id))
  }
}
