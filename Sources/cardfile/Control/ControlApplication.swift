internal import API
internal import CRM
internal import HTTP
internal import JSON

/// What commands ask of whoever holds the database: maintenance of the file, and the embedded
/// Wrapper's directory where there is one.
struct ControlApplication: HTTPApplication {
  /// Nil where only the Wrapper runs.
  let store: RecordStore?
  /// Nil where the Wrapper is a remote one.
  let directory: (any HTTPApplication)?

  /// Where maintenance is asked for.
  static let rebuildPath = "/maintenance/rebuild/"
  static let searchPath = "/maintenance/verify-search"

  func route(_ head: HTTPRequestHead) -> HTTPRouting {
    if let store, head.method == .post, head.path == Self.searchPath {
      return handle(head) { ["isSound": .bool(try await store.verifySearchIndex())] }
    }
    if let store, head.method == .post, head.path.hasPrefix(Self.rebuildPath),
      let part = DerivedPart(rawValue: String(head.path.dropFirst(Self.rebuildPath.count)))
    {
      let tenantID = head.headers["X-Tenant-Id"]
      return handle(head) {
        let tenants = try await store.rebuild(part, tenantID: tenantID) {
          DirectoryCommands.caller(head, tenantID: $0)
        }
        return ["tenants": .array(tenants.map(JSONValue.string))]
      }
    }
    if let directory { return directory.route(head) }
    let problem = Problem(
      .notFound, "The directory is the Wrapper's business: this server runs with a remote one.")
    return .answer(problem.response(requestID: head.requestID, instance: head.path))
  }

  func refusal(_ problem: Problem, requestID: String, path: String) -> HTTPResponse {
    problem.response(requestID: requestID, instance: path)
  }

  func completed(_ exchange: HTTPExchange) { directory?.completed(exchange) }

  private func handle(
    _ head: HTTPRequestHead, _ work: @escaping @Sendable () async throws -> JSONValue
  ) -> HTTPRouting {
    .handle(body: .buffered(maxBytes: 1024)) { _ in
      do {
        let data: JSONValue = ["data": try await work()]
        return .json(data.bytes)
      } catch {
        // Whoever may open the socket may open the file too, and is told what it says.
        let problem = (error as? Problem) ?? Problem(.internalError, "\(error)")
        return problem.response(requestID: head.requestID, instance: head.path)
      }
    }
  }
}
