internal import Database
internal import HTTP
internal import JSON
internal import Values

/// Routes of the embedded Wrapper, and the guard before all of them.
struct WrapperApplication: HTTPApplication {
  /// One endpoint: what it takes, and what it answers.
  struct Endpoint: Sendable {
    let bodyBytesMax: Int
    /// Whether what GET answers carries a tag, and 304 instead of what the client holds already.
    let isTagged: Bool
    fileprivate let run:
      @Sendable (HTTPRequest, PathParameters, DirectoryTransaction?) async throws -> HTTPResponse

    init(
      bodyBytesMax: Int = Self.bodyBytesUsual, isTagged: Bool = true,
      run: @escaping @Sendable (HTTPRequest, PathParameters) async throws -> HTTPResponse
    ) {
      self.bodyBytesMax = bodyBytesMax
      self.isTagged = isTagged
      self.run = { request, parameters, _ in try await run(request, parameters) }
    }

    /// An endpoint whose change may be part of somebody else's transaction.
    init(
      administering run:
        @escaping @Sendable (HTTPRequest, PathParameters, DirectoryTransaction?) async throws ->
        HTTPResponse
    ) {
      bodyBytesMax = Self.bodyBytesUsual
      isTagged = true
      self.run = run
    }

    private static let bodyBytesUsual = 64 * 1024
  }

  private let router: Router<Endpoint>
  private let guarding: WrapperGuard?

  /// - Parameter guarding: What stands before every path; nil where the way here is guarded itself.
  init(
    directory: Directory, guarding: WrapperGuard?, configuration: EmbeddedWrapperConfiguration
  ) {
    self.guarding = guarding
    var router = Router<Endpoint>()
    if configuration.faults.hasFeed { FeedEndpoints(directory: directory).add(to: &router) }
    SnapshotEndpoints(directory: directory).add(to: &router)
    SessionEndpoints(directory: directory).add(to: &router)
    SetupEndpoints(directory: directory).add(to: &router)
    ActivityEndpoints(directory: directory, announces: configuration.announcesActivities).add(
      to: &router)
    UserEndpoints(directory: directory).add(to: &router)
    RoleEndpoints(directory: directory).add(to: &router)
    UnitEndpoints(directory: directory).add(to: &router)
    CreditEndpoints(directory: directory).add(to: &router)
    TenantEndpoints(directory: directory).add(to: &router)
    self.router = router
  }

  func route(_ head: HTTPRequestHead) -> HTTPRouting { route(head, nil) }

  /// Answers a request, and makes the change that it asks for in `transaction`.
  func answer(
    _ request: HTTPRequest, in transaction: DirectoryTransaction?
  ) async -> HTTPResponse {
    switch route(request.head, transaction) {
    case .answer(let response): response
    case .handle(_, let handler): await handler(request)
    }
  }

  private func route(
    _ head: HTTPRequestHead, _ transaction: DirectoryTransaction?
  ) -> HTTPRouting {
    if let problem = guarding?.refusal(head) { return .answer(refusal(problem, head)) }
    switch router.match(head.method, path: head.path) {
    case .found(let endpoint, let parameters):
      return .handle(body: .buffered(maxBytes: endpoint.bodyBytesMax)) { request in
        await answer(request) {
          let response = try await endpoint.run(request, parameters, transaction)
          return endpoint.isTagged ? response.tagged(for: request.head) : response
        }
      }
    case .options(let allow):
      return .answer(HTTPResponse(status: 204, headers: ["Allow": Self.list(allow)]))
    case .methodNotAllowed(let allow):
      let problem = Problem(
        .methodNotAllowed, "This path takes other methods.", headers: ["Allow": Self.list(allow)])
      return .answer(refusal(problem, head))
    case .notFound:
      return .answer(refusal(Problem(.notFound, "There is nothing here."), head))
    case .malformed:
      return .answer(refusal(Problem(.malformedRequest, "The path is not valid."), head))
    }
  }

  func refusal(_ problem: Problem, requestID: String, path: String) -> HTTPResponse {
    problem.response(requestID: requestID, instance: path)
  }

  func completed(_ exchange: HTTPExchange) {}

  private func answer(
    _ request: HTTPRequest, _ run: () async throws -> HTTPResponse
  ) async -> HTTPResponse {
    do {
      return try await run()
    } catch let problem as Problem {
      return refusal(problem, request.head)
    } catch let error as DirectoryError {
      return refusal(Problem(error), request.head)
    } catch {
      return refusal(Problem(.internalError, "Something is wrong here."), request.head)
    }
  }

  private func refusal(_ problem: Problem, _ head: HTTPRequestHead) -> HTTPResponse {
    refusal(problem, requestID: head.requestID, path: head.path)
  }

  private static func list(_ methods: [HTTPMethod]) -> String {
    methods.map(\.rawValue).joined(separator: ", ")
  }
}

extension Problem {
  /// The directory's error as a client sees it.
  init(_ error: DirectoryError) {
    switch error {
    case .notFound(let what): self.init(.notFound, "There is no such \(what).")
    case .duplicate(let field):
      self.init(
        .duplicate, "Another one has this \(field).",
        issues: [
          Issue(pointer: "/\(field)", code: "duplicate", detail: "another one has this \(field)")
        ])
    case .invalid(let field, let reason):
      self.init(
        .validationFailed, "The \(field) cannot be taken: \(reason).",
        issues: [Issue(pointer: "/\(field)", code: "invalid", detail: reason)])
    case .secondOrganization:
      self.init(
        .conflict, "The tenant has an organization at the top already: name a parentId.")
    case .changed:
      self.init(.versionMismatch, "It has changed since it was read: read it again.")
    case .notMade: self.init(.internalError, "Something is wrong here.")
    case .inUse: self.init(.conflict, "Something still hangs from it.")
    case .lastAdministrator:
      self.init(
        .conflict, "This is the last active user who may administer the tenant (* or crm.admin).")
    case .alreadySetUp: self.init(.conflict, "Somebody exists already: the first run is over.")
    case .wrongSetupToken:
      self.init(.insufficientPermissions, "The setup token is wrong or has expired.")
    case .database(.overloaded), .database(.busy):
      self.init(.overloaded, "Too much at once.", headers: ["Retry-After": "1"])
    case .database(.storageFull):
      self.init(.insufficientStorage, "There is no space left.")
    case .database: self.init(.internalError, "Something is wrong here.")
    }
  }
}

extension HTTPRequest {
  /// The body as a JSON object.
  ///
  /// - Throws: ``Problem`` 400 for what is no JSON, 422 for any other value.
  func jsonObject() throws(Problem) -> JSONObject {
    guard case .bytes(let bytes) = body else {
      throw Problem(.malformedRequest, "The body was not read.")
    }
    let value: JSONValue
    do {
      value = try JSONParser.parse(bytes)
    } catch {
      throw Problem(.malformedJSON, "\(error.reason) at byte \(error.offset)")
    }
    guard let object = value.object else {
      throw Problem(
        .validationFailed, "The body is not valid: an object is wanted.",
        issues: [
          Problem.Issue(pointer: "", code: "invalid_type", detail: "an object is wanted")
        ])
    }
    return object
  }
}
