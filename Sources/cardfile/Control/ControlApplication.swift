internal import API
internal import CRM
internal import EmbeddedWrapper
internal import HTTP

/// What commands of this program are answered: the activity log's endpoints for who holds the file,
/// and the directory's where it is kept here.
///
/// It is reached by who may open the file alone.
struct ControlApplication: HTTPApplication {
  /// One endpoint.
  struct Endpoint: Sendable {
    /// The largest body that is taken.
    var bodyBytesMax = 0
    let run: @Sendable (HTTPRequest) async throws -> HTTPResponse
  }

  private let router: Router<Endpoint>
  /// Nil where the directory is kept elsewhere.
  private let directory: (any HTTPApplication)?

  init(store: RecordStore, embedded: EmbeddedWrapper?) {
    directory = embedded.map { embedded in
      DirectoryCommands(store: store, directory: embedded.administration) {
        await embedded.administer($0, in: $1)
      }
    }
    var router = Router<Endpoint>()
    ActivityControl(store: store).add(to: &router)
    self.router = router
  }

  func route(_ head: HTTPRequestHead) -> HTTPRouting {
    if case .found(let endpoint, _) = router.match(head.method, path: head.path) {
      return .handle(body: .buffered(maxBytes: endpoint.bodyBytesMax)) { request in
        do {
          return try await endpoint.run(request)
        } catch {
          return Self.problem(error).response(
            requestID: request.head.requestID, instance: request.head.path)
        }
      }
    }
    if let directory { return directory.route(head) }
    let problem = Problem(
      .notFound, "The directory is the Wrapper's business: make the change there.")
    return .answer(problem.response(requestID: head.requestID, instance: head.path))
  }

  func refusal(_ problem: Problem, requestID: String, path: String) -> HTTPResponse {
    problem.response(requestID: requestID, instance: path)
  }

  func completed(_ exchange: HTTPExchange) {}

  private static func problem(_ error: any Error) -> Problem {
    switch error {
    case let problem as Problem: problem
    case let fault as ArchiveFault: Problem(.conflict, fault.reason)
    case is ArchiveDoesNotContinue:
      Problem(.conflict, "somebody has written into the log meanwhile")
    // Who may open the file may know what is wrong with it.
    default: Problem(.internalError, "\(error)")
    }
  }
}
