internal import CRM
internal import HTTP
internal import JSON
internal import Values
internal import WrapperClient

/// Signing in by password: only while the embedded Wrapper keeps the passwords.
struct SignInRoutes: Sendable {
  let wrapper: Wrapper
  let configuration: APIConfiguration
  /// Attempts by account, whatever address they come from.
  private let accounts: RateLimiter
  private let sessions: SessionEnding

  init(
    wrapper: Wrapper, store: RecordStore, configuration: APIConfiguration, time: TimeSource
  ) {
    self.wrapper = wrapper
    sessions = SessionEnding(store: store, wrapper: wrapper)
    self.configuration = configuration
    accounts = RateLimiter(perMinute: configuration.authenticationsPerMinute, time: time)
  }

  /// The largest sign-in body, in bytes.
  private static let bodyBytesMax = 8192

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/auth/methods", access: .open, .signInMethods,
        handler: .open { _, _ in
          .json((["data": ["password": true]] as JSONValue).bytes)
        }),
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
    ]
  }

  private func login(_ request: HTTPRequest) async throws -> HTTPResponse {
    guard case .bytes(let bytes) = request.body else {
      preconditionFailure("the body of a login is taken whole")
    }
    let body = try RecordBody.parse(bytes).members
    guard let email = body["email"]?.string, let password = body["password"]?.string else {
      let issues = ["email", "password"].filter { body[$0]?.string == nil }
        .map { Problem.Issue(pointer: "/\($0)", code: "required", detail: "\($0) is required") }
      throw Problem(
        .validationFailed, "An e-mail address and a password are wanted.", issues: issues)
    }
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
}
