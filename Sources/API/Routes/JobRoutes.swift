internal import HTTP
internal import WrapperClient

/// What has become of work that was begun by an earlier request.
struct JobRoutes: Sendable {
  let jobs: Jobs

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/api/jobs/{id:uuid}", access: .signedIn, .job,
        handler: .authorized { try job($0) })
    ]
  }

  /// One's own; others' with `crm.admin`.
  private func job(_ context: RequestContext) throws -> HTTPResponse {
    _ = try context.queryValues([])
    guard let job = jobs.job(context.parameters["id"], tenantID: context.tenantID),
      job.ownerID == context.session.userID || context.isAdmin
    else { throw Problem(.notFound, "There is no such job.") }
    return .data(job.json)
  }

  /// The answer to a request that began a job or joined one: 202 (RFC 9110 section 15.3.3).
  static func accepted(_ job: Job) -> HTTPResponse {
    var response = HTTPResponse.data(job.json)
    response.status = 202
    response.headers.add("Location", "/api/jobs/\(job.id)")
    response.headers.add("Retry-After", "1")
    return response
  }
}
