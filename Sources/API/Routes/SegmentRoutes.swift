internal import CRM
internal import HTTP
internal import WrapperClient

/// The records that a saved filter finds.
struct SegmentRoutes: Sendable {
  let store: RecordStore

  var endpoints: [Endpoint] {
    guard let segments = store.catalog.resource(entityType: "segment") else { return [] }
    return segments.description.paths.map { path in
      Endpoint(
        .get, "\(path)/{id:uuid}/records",
        access: .permission(segments.description.operation("read")), .segmentRecords,
        handler: .inline { try records($0) })
    }
  }

  /// Runs the filter as the viewer: with their permission, in their scope.
  private func records(_ context: RequestContext) throws -> HTTPResponse {
    let segment = try store.segment(
      context.parameters["id"], tenantID: context.tenantID, scope: context.scope)
    guard let resource = store.catalog.resource(entityType: segment.entityType) else {
      throw Problem(.conflict, "There are no longer any records of the segment's kind.")
    }
    let reading = context.acting(by: resource.description.operation("read"))
    guard reading.decision.isAllowed else {
      throw Problem.insufficientPermissions(reading.permission)
    }
    let query = try store.query(
      segment, context.query(), resource, tenantID: context.tenantID,
      viewerID: context.session.userID, now: context.request.head.receivedAt)
    return .personal(
      try store.list(
        query, tenantID: context.tenantID, scope: reading.scope, related: context.related))
  }
}
