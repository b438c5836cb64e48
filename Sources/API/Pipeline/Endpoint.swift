internal import CRM
internal import HTTP

/// One method of one path: what it needs, what it does, and what the published document says of it.
///
/// A class, since the router hands it out for every request and a copy would touch each member.
final class Endpoint: Sendable {
  /// Who may call it.
  enum Access: Sendable {
    /// Everybody, without a token.
    case open
    /// Every active user of a tenant.
    case signedIn
    /// Users to whom the permission is granted in some scope.
    case permission(String)
  }

  /// What a request does, and the permission that it needs.
  struct Operation: Sendable {
    let permission: String
    /// The name under which it is logged and charged.
    let name: String

    /// An operation that bears its permission's name, unless it has one of its own.
    init(_ permission: String, name: String? = nil) {
      self.permission = permission
      self.name = name ?? permission
    }
  }

  /// What answers.
  enum Handler: Sendable {
    /// Without a caller.
    case open(@Sendable (HTTPRequest, PathParameters) async throws -> HTTPResponse)
    /// With an authenticated, authorised caller, and without ever waiting: a read.
    case inline(@Sendable (RequestContext) throws -> HTTPResponse)
    /// With an authenticated, authorised caller: says what is to be changed, which is then made
    /// once, charged and logged, alone or with others.
    case change(@Sendable (RequestContext) async throws -> PreparedChange)
    /// With an authenticated caller: several changes of other endpoints, in one transaction.
    case batch
    /// With an authenticated, authorised caller.
    case authorized(@Sendable (RequestContext) async throws -> HTTPResponse)
  }

  let method: HTTPMethod
  let pattern: String
  let access: Access
  /// Whether a refusal is an event that the activity log must tell of.
  let isMutation: Bool
  /// Whether it is done also while the Wrapper has been away for too long to change records.
  let isAllowedReadOnly: Bool
  let bodyBytesMax: Int
  /// Whether the body is anything at all and handed on as it arrives, instead of JSON.
  let streamsBody: Bool
  let documentation: EndpointDocumentation
  let handler: Handler
  /// The operation's name where no permission names it.
  private let name: String?
  /// Tells what a request does where that is not simply the permission's name.
  private let special: (@Sendable (HTTPRequestHead) -> Operation?)?
  /// Tells what a request does where that depends on what is stored; nil for the usual operation.
  private let found: (@Sendable (RequestContext) throws -> Operation?)?

  init(
    _ method: HTTPMethod, _ pattern: String, access: Access, isMutation: Bool = false,
    isAllowedReadOnly: Bool = false, name: String? = nil, bodyBytesMax: Int = 0,
    streamsBody: Bool = false, _ documentation: EndpointDocumentation,
    special: (@Sendable (HTTPRequestHead) -> Operation?)? = nil,
    found: (@Sendable (RequestContext) throws -> Operation?)? = nil, handler: Handler
  ) {
    self.method = method
    self.pattern = pattern
    self.access = access
    self.isMutation = isMutation
    self.isAllowedReadOnly = isAllowedReadOnly
    self.name = name
    self.bodyBytesMax = bodyBytesMax
    self.streamsBody = streamsBody
    self.documentation = documentation
    self.special = special
    self.found = found
    self.handler = handler
  }

  /// What the request does; nil when no permission is needed for it.
  func operation(of head: HTTPRequestHead) -> Operation? {
    special?(head) ?? operation.map { Operation($0) }
  }

  /// The request as what it is once the stored records have been looked at.
  func refined(_ context: RequestContext) throws -> RequestContext {
    guard let operation = try found?(context) else { return context }
    return context.doing(operation)
  }

  /// The name under which a request is logged; empty where nothing is.
  func operationName(_ operation: Operation?) -> String { name ?? operation?.name ?? "" }

  /// How its body is taken.
  ///
  /// Many clients send `{}` where nothing is wanted; it is read and left alone.
  var bodyPolicy: HTTPBodyPolicy {
    if streamsBody { return .streamed(maxBytes: bodyBytesMax) }
    return .buffered(maxBytes: bufferedBytesMax)
  }

  /// The largest body that is taken whole.
  var bufferedBytesMax: Int { bodyBytesMax == 0 ? Self.ignoredBodyBytesMax : bodyBytesMax }

  /// What is read of a body that nobody wants, in bytes.
  private static let ignoredBodyBytesMax = 64 * 1024

  /// The operation that its permission names, if it needs one.
  var operation: String? {
    guard case .permission(let name) = access else { return nil }
    return name
  }

  /// Whether calls count against the attempts that an address has.
  var isSignIn: Bool { method == .post && pattern.hasPrefix("/auth/") }

  /// Whether calls count against the attempts that an address has to set the server up.
  var isSetup: Bool { method == .post && pattern == "/setup" }
}
