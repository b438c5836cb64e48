internal import CRM
internal import HTTP
internal import WrapperClient

/// The activity log as a file.
struct ActivityExportRoutes: Sendable {
  let store: RecordStore
  let wrapper: Wrapper
  private let transfers = FileTransfers(
    totalMax: CRM.Limits.exportsMax, perUserMax: CRM.Limits.exportsPerUserMax)

  init(store: RecordStore, wrapper: Wrapper) {
    self.store = store
    self.wrapper = wrapper
  }

  var endpoints: [Endpoint] {
    [
      // What leaves the house is logged like a change, and so is who was refused it.
      Endpoint(
        .get, "/api/activities/export", access: .signedIn, isMutation: true,
        isAllowedReadOnly: true, name: RecordStore.activityExportOperation, .activityExport,
        handler: .authorized { try await export($0) })
    ]
  }

  private func export(_ context: RequestContext) async throws -> HTTPResponse {
    let query = try ActivityExportQuery(
      context.queryValues(ActivityExportQuery.names), now: context.request.head.receivedAt,
      subtree: context.directory.subtree)
    let reach = try reach(query, context)
    var response = HTTPResponse(status: 200)
    response.headers.add(
      "Content-Type", query.format == .csv ? "text/csv; charset=utf-8" : "application/x-ndjson")
    response.headers.add(
      "Content-Disposition",
      ContentDisposition.attachment(
        fileName: "activities-\(context.tenantID).\(query.format.rawValue)"))
    response.headers.add("Vary", "Authorization, Accept-Encoding")
    response.headers.add("Cache-Control", "private, no-store")
    // Nothing leaves the house for a look at the head.
    guard context.request.head.method == .get else { return response }
    let end = try transfers.begin(context)
    do {
      let export = try await begin(query, reach, context, end)
      response.headers.add("X-Activity-Id", export.id)
      response.body = .stream(export)
    } catch {
      end()
      throw error
    }
    return response
  }

  private func begin(
    _ query: ActivityExportQuery, _ reach: ActivityReach, _ context: RequestContext,
    _ end: @escaping @Sendable () -> Void
  ) async throws -> ActivityExport {
    var export: ActivityExport?
    _ = try await CreditedMutation(wrapper, context.mutation(), context.directory).run { _ in
    } _: { mutation in
      let begun = try await store.exportActivities(
        query, reach: reach, mutation, viewerID: context.session.userID, finished: end)
      export = begun.export
      return begun.answer
    }
    guard let export else { preconditionFailure("an export that is not refused has begun") }
    return export
  }

  /// Whose entries may leave: one's own always; those of others as far as both reading and
  /// exporting them is granted.
  ///
  /// - Throws: 403 for who may read others' entries but not export them, and has not asked for
  ///   their own alone: half an export must not look like a whole one.
  private func reach(
    _ query: ActivityExportQuery, _ context: RequestContext
  ) throws(Problem) -> ActivityReach {
    let own = ActivityReach.users([context.session.userID])
    let readable = context.isAdmin ? .tenant : context.activityReach
    guard readable != own, query.filter.userID != context.session.userID else { return own }
    guard !context.isAdmin else { return .tenant }
    let permission = RecordStore.activityExportOperation
    let decision = context.directory.check(
      userID: context.session.userID, permission: permission)
    guard decision.isAllowed else { throw .insufficientPermissions(permission) }
    switch (decision.scope, readable) {
    case (.tenant, _): return readable
    case (.own, _): return own
    case (.team, let readable):
      let team = context.directory.teamMembers(of: context.session.userID)
      guard case .users(let ids) = readable else { return .users(team) }
      return .users(ids.filter(team.contains))
    }
  }
}
