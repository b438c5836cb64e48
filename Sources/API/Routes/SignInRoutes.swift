internal import CRM
internal import HTTP
internal import JSON
internal import Synchronization
internal import Values
internal import WrapperClient

/// Signing in by password: only while the embedded Wrapper keeps the passwords.
///
/// What a sign-in page may offer is told in any case.
struct SignInRoutes: Sendable {
  let wrapper: Wrapper
  let store: RecordStore
  let configuration: APIConfiguration
  /// Attempts by account, whatever address they come from.
  private let accounts: RateLimiter
  private let setupGate: SetupGate
  private let signIns: SignInLog
  private let sessions: SessionEnding
  /// Nil without an embedded Wrapper.
  private let directory: DirectoryAdministration?

  init(
    wrapper: Wrapper, store: RecordStore, configuration: APIConfiguration,
    directory: DirectoryAdministration?, time: TimeSource
  ) {
    self.directory = directory
    self.wrapper = wrapper
    self.store = store
    sessions = SessionEnding(store: store, wrapper: wrapper)
    self.configuration = configuration
    accounts = RateLimiter(perMinute: configuration.authenticationsPerMinute, time: time)
    setupGate = SetupGate(wrapper: wrapper)
    signIns = SignInLog(store: store, wrapper: wrapper, configuration: configuration)
  }

  /// The largest sign-in body, in bytes.
  private static let bodyBytesMax = 8192

  var endpoints: [Endpoint] {
    let methods = Endpoint(
      .get, "/auth/methods", access: .open, .signInMethods,
      handler: .open { request, _ in
        _ = try request.head.queryValues([])
        let isEmbedded = directory != nil
        let isSetupOpen = isEmbedded ? await setupGate.isOpen() : false
        let methods: JSONValue = ["password": .bool(isEmbedded), "setup": .bool(isSetupOpen)]
        return .json((["data": methods] as JSONValue).bytes)
      })
    return directory.map { [methods] + passwordEndpoints($0) } ?? [methods]
  }

  private func passwordEndpoints(_ directory: DirectoryAdministration) -> [Endpoint] {
    [
      Endpoint(
        .post, "/auth/login", access: .open, bodyBytesMax: Self.bodyBytesMax, .login,
        handler: .open { request, _ in try await login(request) }),
      Endpoint(
        .post, "/auth/logout", access: .signedIn, isMutation: true, isAllowedReadOnly: true,
        name: SessionEnding.operation, .logout,
        handler: .authorized { try await logout($0) }),
      Endpoint(
        .post, "/auth/password", access: .signedIn, isMutation: true, isAllowedReadOnly: true,
        name: "crm.users.password", bodyBytesMax: Self.bodyBytesMax, .changePassword,
        handler: .authorized { try await changePassword($0, directory) }),
    ]
  }

  private func logout(_ context: RequestContext) async throws -> HTTPResponse {
    _ = try context.queryValues([])
    let token = try Authenticator.bearerToken(context.request.head)
    // A JWT that is verified here is nobody else's business.
    let isForeign = configuration.jwt == nil || !JWT.hasForm(token)
    return try await sessions.end(token: isForeign ? token : nil, context).response
  }

  private func login(_ request: HTTPRequest) async throws -> HTTPResponse {
    _ = try request.head.queryValues([])
    guard case .bytes(let bytes) = request.body else {
      preconditionFailure("the body of a login is taken whole")
    }
    let texts = try RecordBody.texts(["email", "password"], in: bytes)
    let (email, password) = (texts[0], texts[1])
    try accounts.take(for: email.lowercased())
    let reply = try await wrapper.login(
      email: email, password: password, remoteAddress: configuration.clientAddress(request.head))
    switch reply.status {
    case 200: try await signIns.succeeded(reply, request.head)
    case 401:
      let problem = Problem.unauthenticated("The e-mail address or the password is wrong.")
      try signIns.failed(reply, problem, request.head)
      throw problem
    case 429:
      throw Problem(
        .rateLimited, "Too many attempts; wait a little.",
        headers: ["Retry-After": reply.retryAfter ?? "60"])
    default:
      // Nobody has judged the password.
      throw Problem(
        .wrapperUnavailable, "Nobody can be signed in at the moment.",
        headers: ["Retry-After": reply.retryAfter ?? "5"])
    }
    var response = HTTPResponse.json(reply.body)
    response.headers.add("Cache-Control", "no-store")
    return response
  }

  private func changePassword(
    _ context: RequestContext, _ directory: DirectoryAdministration
  ) async throws -> HTTPResponse {
    _ = try context.queryValues([])
    let texts = try RecordBody.texts(["currentPassword", "newPassword"], in: context.bodyBytes)
    let (userID, tenantID) = (context.session.userID, context.tenantID)
    // Whoever found a token must not try out passwords with it.
    try accounts.take(for: "\(tenantID)/\(userID)")
    let body: JSONValue = [
      "token": .string(try Authenticator.bearerToken(context.request.head)),
      "currentPassword": .string(texts[0]), "newPassword": .string(texts[1]),
    ]
    let mutation = try context.mutation()
    let written = Mutex<MutationAnswer?>(nil)
    let reply = try await directory.send(.post, "/auth/password", body: body.bytes, context) {
      [store] change in
      let answer = try await store.log(mutation) { connection in
        _ = try change(connection)
        return OutsideChange(
          status: 200, entityType: "user", entityID: userID, data: ["id": .string(userID)],
          changes: JSONObject())
      }
      written.withLock { $0 = answer }
    }
    guard let answer = written.withLock({ $0 }) else {
      guard reply.status == 401, context.session.authenticationMethod != "password" else {
        throw Problem(relayed: reply)
      }
      throw Problem(
        .insufficientPermissions, "Only a session that began with a password can change it.")
    }
    wrapper.askAgain(userID: userID, tenantID: tenantID)
    wrapper.sessions.endedByWrapper(
      userID: userID, tenantID: tenantID, except: context.session.sessionID)
    return answer.response
  }
}

/// Whether the first person is still to be set up.
private final class SetupGate: Sendable {
  private let wrapper: Wrapper
  /// Once somebody exists somebody always will: people are shut out, never removed.
  private let isClosed = Atomic<Bool>(false)

  init(wrapper: Wrapper) { self.wrapper = wrapper }

  func isOpen() async -> Bool {
    guard !isClosed.load(ordering: .relaxed) else { return false }
    do {
      let isOpen = try await wrapper.isSetupOpen()
      if !isOpen { isClosed.store(true, ordering: .relaxed) }
      return isOpen
    } catch {
      // Nobody can tell at the moment, so nothing is offered.
      return false
    }
  }
}
