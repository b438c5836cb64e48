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
  private let sessions: SessionEnding

  init(
    wrapper: Wrapper, store: RecordStore, configuration: APIConfiguration, time: TimeSource
  ) {
    self.wrapper = wrapper
    self.store = store
    sessions = SessionEnding(store: store, wrapper: wrapper)
    self.configuration = configuration
    accounts = RateLimiter(perMinute: configuration.authenticationsPerMinute, time: time)
    setupGate = SetupGate(wrapper: wrapper)
  }

  /// The largest sign-in body, in bytes.
  private static let bodyBytesMax = 8192

  var endpoints: [Endpoint] {
    let methods = Endpoint(
      .get, "/auth/methods", access: .open, .signInMethods,
      handler: .open { _, _ in
        let isEmbedded = configuration.hasEmbeddedWrapper
        let isSetupOpen = isEmbedded ? await setupGate.isOpen() : false
        let methods: JSONValue = ["password": .bool(isEmbedded), "setup": .bool(isSetupOpen)]
        return .json((["data": methods] as JSONValue).bytes)
      })
    return configuration.hasEmbeddedWrapper ? [methods] + passwordEndpoints : [methods]
  }

  private var passwordEndpoints: [Endpoint] {
    [
      Endpoint(
        .post, "/auth/login", access: .open, bodyBytesMax: Self.bodyBytesMax, .login,
        handler: .open { request, _ in try await login(request) }),
      Endpoint(
        .post, "/auth/logout", access: .signedIn, isMutation: true, isAllowedReadOnly: true,
        name: SessionEnding.operation, .logout,
        handler: .authorized { context in
          let token = try Authenticator.bearerToken(context.request.head)
          // A JWT that is verified here is nobody else's business.
          let isForeign = configuration.jwt == nil || !JWT.hasForm(token)
          try await sessions.end(token: isForeign ? token : nil, context)
          return HTTPResponse(status: 204)
        }),
      Endpoint(
        .post, "/auth/password", access: .signedIn, isMutation: true, isAllowedReadOnly: true,
        name: "crm.users.password", bodyBytesMax: Self.bodyBytesMax, .changePassword,
        handler: .authorized { try await changePassword($0) }),
    ]
  }

  private func login(_ request: HTTPRequest) async throws -> HTTPResponse {
    guard case .bytes(let bytes) = request.body else {
      preconditionFailure("the body of a login is taken whole")
    }
    let texts = try RecordBody.texts(["email", "password"], in: bytes)
    let (email, password) = (texts[0], texts[1])
    try accounts.take(for: email.lowercased())
    let reply = try await wrapper.login(
      email: email, password: password, remoteAddress: configuration.clientAddress(request.head))
    switch reply.status {
    case 200: break
    case 401: throw Problem.unauthenticated("The e-mail address or the password is wrong.")
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

  private func changePassword(_ context: RequestContext) async throws -> HTTPResponse {
    let texts = try RecordBody.texts(["currentPassword", "newPassword"], in: context.bodyBytes)
    let (current, new) = (texts[0], texts[1])
    // Whoever found a token must not try out passwords with it.
    try accounts.take(for: "\(context.tenantID)/\(context.session.userID)")
    let reply = try await wrapper.changePassword(
      session: context.session, token: Authenticator.bearerToken(context.request.head),
      current: current, new: new, remoteAddress: context.address)
    switch reply.status {
    case 204:
      let userID = context.session.userID
      wrapper.sessions.endedByWrapper(
        userID: userID, tenantID: context.tenantID, except: context.session.sessionID)
      _ = try await store.log(
        OutsideChange(
          status: 204, entityType: "user", entityID: userID, data: .null, changes: JSONObject()),
        context.mutation())
      return HTTPResponse(status: 204)
    case 401 where context.session.authenticationMethod != "password":
      throw Problem(
        .insufficientPermissions, "Only a session that began with a password can change it.")
    default: throw Problem(relayed: reply)
    }
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
