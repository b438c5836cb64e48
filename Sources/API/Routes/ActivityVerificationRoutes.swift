internal import CRM
internal import Cryptography
internal import HTTP
internal import JSON
internal import WrapperClient

/// Whether the tenant's activity log is what was written.
struct ActivityVerificationRoutes: Sendable {
  let store: RecordStore
  let jobs: Jobs
  let configuration: APIConfiguration

  private static let permission = "crm.activities.verify"

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/api/activities/verify", access: .signedIn, .verifyActivities,
        handler: .authorized { try await verify($0) })
    ]
  }

  /// Walks the chain: at once where it is short, as a job where it is long.
  private func verify(_ context: RequestContext) async throws -> HTTPResponse {
    try context.require(Self.permission)
    _ = try context.queryValues([])
    let tenantID = context.tenantID
    let length = try store.chainLength(tenantID: tenantID)
    guard length > configuration.verifiedAtOnceMax else {
      return .data(try await walk(tenantID) { _, _ in })
    }
    let job = try jobs.start(
      Self.permission, isShared: true, tenantID: tenantID, ownerID: context.session.userID,
      total: length
    ) { job in
      try await walk(tenantID) { job.report($0, of: $1) }
    }
    return JobRoutes.accepted(job)
  }

  private func walk(
    _ tenantID: String, _ progress: @Sendable (Int64, Int64) -> Void
  ) async throws -> JSONValue {
    let report = try await store.verifyChain(
      tenantID: tenantID, keys: configuration.logKeys, progress: progress)
    return report.json(signer: configuration.logKeys.signer?.publicKey)
  }
}
