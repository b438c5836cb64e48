public import CRM
public import Database
public import HTTP
internal import JSON
internal import Synchronization
public import Values
public import WrapperClient

/// The HTTP API: every route, bound in order, and what happens on the way to each.
public final class Application: HTTPApplication {
  let configuration: APIConfiguration
  let store: RecordStore
  let database: Database
  let wrapper: Wrapper
  let time: TimeSource
  let log: Log
  let readiness: Readiness
  private let authenticator: Authenticator
  private let requests: RateLimiter
  let failures: FailureLog
  /// Nil where reads are not recorded.
  private let reads: ReadAudit?
  private let cors: CrossOrigin
  private let repeats: RepeatedRequests
  private let jobs: Jobs
  let router: Router<Endpoint>
  private let requestMetrics = RequestMetrics()

  /// An application over an open database and a started Wrapper client.
  ///
  /// - Parameters:
  ///   - configuration: How it is served.
  ///   - store: The records.
  ///   - database: The file.
  ///   - wrapper: The client of the Wrapper.
  ///   - directory: The administration of the embedded Wrapper; nil where there is none.
  ///   - time: The clock.
  ///   - log: Where requests are told of.
  public init(
    configuration: APIConfiguration, store: RecordStore, database: Database, wrapper: Wrapper,
    directory: DirectoryAdministration? = nil, time: TimeSource = .system, log: Log
  ) {
    self.configuration = configuration
    self.store = store
    self.database = database
    self.wrapper = wrapper
    self.time = time
    self.log = log
    authenticator = Authenticator(configuration, wrapper: wrapper, time: time)
    requests = RateLimiter(perMinute: configuration.requestsPerMinute, time: time)
    failures = FailureLog(store: store, time: time, log: log)
    reads = configuration.auditsReads ? ReadAudit(store: store) : nil
    cors = CrossOrigin(configuration.corsOrigins)
    repeats = RepeatedRequests(store: store)
    jobs = Jobs(time: time)
    readiness = Readiness(
      database: database, wrapper: wrapper, configuration: configuration, time: time)
    var router = Router<Endpoint>()
    for endpoint in Self.endpoints(
      configuration, store.catalog, store, wrapper, readiness, requestMetrics, database,
      directory, jobs, time)
    {
      router.add(endpoint.method, endpoint.pattern, endpoint)
    }
    self.router = router
  }

  /// Cancels what requests have begun and left to go on; belongs after the last request.
  public func stop() async { await jobs.stop() }

  /// Finds the endpoint, or answers at once what no endpoint is needed for.
  public func route(_ head: HTTPRequestHead) -> HTTPRouting {
    switch router.match(head.method, path: head.path) {
    case .found(let endpoint, let parameters):
      if let response = answerAtOnce(head, endpoint, parameters) { return .answer(response) }
      return .handle(body: endpoint.bodyPolicy) { [self] request in
        await answer(request, endpoint, parameters)
      }
    case .options(let allow):
      return .answer(finish(cors.options(head, allow: allow), head))
    case .methodNotAllowed(let allow):
      return .answer(
        refuseAtOnce(
          Problem(
            .methodNotAllowed, "This path does not know \(head.method.rawValue).",
            headers: ["Allow": allow.map(\.rawValue).joined(separator: ", ")]), head))
    case .notFound:
      return .answer(refuseAtOnce(Problem(.notFound, "There is nothing at this path."), head))
    case .malformed:
      return .answer(
        refuseAtOnce(Problem(.malformedRequest, "The path's percent-encoding is broken."), head))
    }
  }

  /// The answer to what the server refuses before it is a request.
  public func refusal(_ problem: Problem, requestID: String, path: String) -> HTTPResponse {
    var response = problem.response(requestID: requestID, instance: path)
    SecurityHeaders.add(to: &response, isSecure: false)
    return response
  }

  /// Counts and logs a finished request.
  public func completed(_ exchange: HTTPExchange) {
    requestMetrics.count(exchange)
    log.request(exchange)
  }

  /// The answer to a read whose caller memory knows: most requests end here, on the thread that
  /// they came on and without a task of their own.
  private func answerAtOnce(
    _ head: HTTPRequestHead, _ endpoint: Endpoint, _ parameters: PathParameters
  ) -> HTTPResponse? {
    guard case .inline(let handle) = endpoint.handler, !head.announcesBody,
      reads?.isCrowded != true, let identity = authenticator.knownIdentity(head)
    else { return nil }
    var fields = HTTPLogFields(route: endpoint.pattern)
    var response: HTTPResponse
    do {
      try ContentNegotiation.checkAccept(head, endpoint)
      let context = try context(
        HTTPRequest(head: head, body: .bytes([])), endpoint, parameters, identity,
        address: configuration.clientAddress(head), &fields)
      response = try recorded(context, endpoint) {
        try authorize(context, identity)
        return try handle(context)
      }
    } catch {
      response = refuse(problem(for: error, head), head)
    }
    return complete(response, fields, head)
  }

  /// Runs one endpoint; whatever goes wrong on the way becomes a problem.
  private func answer(_ request: HTTPRequest, _ endpoint: Endpoint, _ parameters: PathParameters)
    async -> HTTPResponse
  {
    let head = request.head
    var fields = HTTPLogFields(route: endpoint.pattern)
    var response: HTTPResponse
    do {
      response = try await run(request, endpoint, parameters, &fields)
    } catch {
      response = refuse(problem(for: error, head), head)
    }
    return complete(response, fields, head)
  }

  private func run(
    _ request: HTTPRequest, _ endpoint: Endpoint, _ parameters: PathParameters,
    _ fields: inout HTTPLogFields
  ) async throws -> HTTPResponse {
    let address = configuration.clientAddress(request.head)
    try ContentNegotiation.checkAccept(request.head, endpoint)
    if case .open(let handle) = endpoint.handler {
      if endpoint.isSignIn { try authenticator.countAttempt(from: address) }
      if endpoint.isSetup { try authenticator.countSetup(from: address) }
      try ContentNegotiation.checkBody(request, endpoint)
      return try await handle(request, parameters)
    }
    let identity = try await authenticator.identify(request.head, address: address)
    let context = try context(
      request, endpoint, parameters, identity, address: address, &fields)
    do {
      try authorize(context, identity)
      if endpoint.isMutation, !endpoint.isAllowedReadOnly,
        wrapper.mode(tenantID: context.tenantID) == .readOnly
      {
        throw CreditRefusal.readOnly
      }
      try ContentNegotiation.checkBody(request, endpoint)
      if endpoint.method == .get { try await reads?.waitForRoom() }
      let response = try await respond(endpoint, context)
      try reads?.note(response, context, endpoint)
      return response
    } catch {
      let problem = problem(for: error, request.head)
      if endpoint.isMutation {
        await failures.note(problem, context)
      } else {
        try reads?.note(refusal: problem, context, endpoint)
      }
      throw problem
    }
  }

  /// Runs the handler of an endpoint that knows its caller.
  private func respond(
    _ endpoint: Endpoint, _ context: RequestContext
  ) async throws -> HTTPResponse {
    switch endpoint.handler {
    case .open(let handle): return try await handle(context.request, context.parameters)
    case .inline(let handle): return try handle(context)
    case .authorized(let handle): return try await handle(context)
    case .change(let prepare):
      return try await repeats.once(context, context.readIdempotencyKey()) { context in
        try await CreditedMutation.run(
          prepare(context), self.wrapper, context.directory, in: self.store)
      }
    case .batch:
      var key = try context.readIdempotencyKey()
      key?.answerBytesMax = CRM.Limits.batchAnswerBytesMax
      return try await repeats.once(context, key) { try await self.runBatch($0) }
    }
  }

  /// Runs `read`, and notes what it gave or why it was refused where reads are recorded.
  private func recorded(
    _ context: RequestContext, _ endpoint: Endpoint, _ read: () throws -> HTTPResponse
  ) throws -> HTTPResponse {
    guard let reads else { return try read() }
    let response: HTTPResponse
    do {
      response = try read()
    } catch {
      let problem = problem(for: error, context.request.head)
      try reads.note(refusal: problem, context, endpoint)
      throw problem
    }
    try reads.note(response, context, endpoint)
    return response
  }

  /// Who asks, what for, and how far the permission reaches; counts the request.
  ///
  /// - Throws: 429 when the user has sent too many.
  private func context(
    _ request: HTTPRequest, _ endpoint: Endpoint, _ parameters: PathParameters,
    _ identity: Authenticator.Identity, address: String, _ fields: inout HTTPLogFields
  ) throws -> RequestContext {
    let session = identity.session
    fields.tenantID = session.tenantID
    fields.userID = session.userID
    if requests.isLimiting { try requests.take(for: "\(session.tenantID)/\(session.userID)") }
    return try RequestContext(
      request, endpoint, parameters, session, identity.directory, address: address)
  }

  /// - Throws: 403 when the caller may not do it.
  private func authorize(
    _ context: RequestContext, _ identity: Authenticator.Identity
  ) throws(Problem) {
    guard identity.isActive else {
      throw Problem(.insufficientPermissions, "The user is not active.")
    }
    try context.requireDecision()
  }

  /// What every answer of an endpoint gets beside its own headers.
  private func complete(
    _ response: consuming HTTPResponse, _ fields: HTTPLogFields, _ head: HTTPRequestHead
  ) -> HTTPResponse {
    response.logFields = fields
    if let tenantID = fields.tenantID {
      let mode = wrapper.mode(tenantID: tenantID)
      if mode != .online { response.headers.add("X-Cardfile-Mode", mode.rawValue) }
    }
    return finish(response, head)
  }

  /// What the client sees of `error`; what nobody expected is logged in full under the request id.
  func problem(for error: any Error, _ head: HTTPRequestHead) -> Problem {
    if let problem = Problem(mapping: error) {
      guard problem.wantsLocation else { return problem }
      // A query that cannot be read is refused before anything in it can be.
      return (try? QueryItems(parsing: head.query)).map(problem.located) ?? problem
    }
    log.write(.error, "request \(head.requestID) failed: \(error)")
    return Problem(
      .internalError, "Something went wrong here; the log knows more under the request's id.")
  }

  private func refuse(_ problem: Problem, _ head: HTTPRequestHead) -> HTTPResponse {
    problem.response(requestID: head.requestID, instance: head.path)
  }

  /// A refusal before any endpoint was found.
  private func refuseAtOnce(_ problem: Problem, _ head: HTTPRequestHead) -> HTTPResponse {
    finish(refuse(problem, head), head)
  }

  /// Takes the response over, so that adding to its headers copies nothing.
  private func finish(_ response: consuming HTTPResponse, _ head: HTTPRequestHead)
    -> HTTPResponse
  {
    SecurityHeaders.add(to: &response, isSecure: head.isSecure)
    cors.add(to: &response, head)
    return response
  }
}

extension HTTPRequestHead {
  /// Whether a body follows the head.
  fileprivate var announcesBody: Bool {
    headers["Content-Length"] != nil || headers["Transfer-Encoding"] != nil
  }
}
