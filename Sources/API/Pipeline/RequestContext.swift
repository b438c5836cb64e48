public import CRM
internal import HTTP
internal import JSON
internal import Values
public import WrapperClient

/// A request whose caller is known and authorised.
struct RequestContext: Sendable {
  let request: HTTPRequest
  let parameters: PathParameters
  let session: WrapperSession
  var directory: TenantDirectory
  /// The permission that was checked; empty where none is needed.
  let permission: String
  /// The operation, which mostly bears the permission's name.
  let operation: String
  let decision: PermissionDecision
  /// The client's address, behind trusted proxies the one they name.
  let address: String
  /// The request's `Idempotency-Key`, once it has been read.
  var idempotencyKey: IdempotencyKey?
  /// Records that exist by the time it is made: earlier changes of its batch create them.
  var createdBefore: Set<String> = []

  var tenantID: String { session.tenantID }

  /// The scope in which the endpoint's permission was granted.
  var scope: RecordScope { scope(decision, userID: session.userID) }

  /// How far the caller may read records of a resource; nil when not at all.
  func readScope(_ resource: Resource) -> RecordScope? {
    let permission = resource.description.operation("read")
    let decision = directory.check(userID: session.userID, permission: permission)
    return decision.isAllowed ? scope(decision, userID: session.userID) : nil
  }

  /// The body, gathered before the handler ran.
  var bodyBytes: [UInt8] {
    guard case .bytes(let bytes) = request.body else {
      preconditionFailure("JSON endpoints take their bodies whole")
    }
    return bytes
  }

  func query() throws(Problem) -> QueryItems {
    try QueryItems(parsing: request.head.query)
  }

  /// The mutation that the caller is about to make, or that `target` makes through the caller.
  ///
  /// - Throws: 403 when the caller names another user and may not act for others, or that user may
  ///   not do it.
  func mutation(actingFor target: String? = nil) throws(Problem) -> Mutation {
    let head = request.head
    guard let target, target != session.userID else {
      return Mutation(
        caller: caller(session.userID), operation: operation, permission: permission,
        scope: scope, permissions: permissions(session.userID, decision),
        precondition: head.headers["If-Match"].map(VersionPrecondition.init),
        idempotencyKey: idempotencyKey)
    }
    guard directory.check(userID: session.userID, permission: "crm.impersonate").isAllowed else {
      throw .insufficientPermissions("crm.impersonate")
    }
    let theirs = directory.check(userID: target, permission: permission)
    guard theirs.isAllowed else { throw .insufficientPermissions(permission) }
    var caller = caller(target)
    caller.impersonatedBy = session.userID
    // What else has to be granted, has to be granted to both.
    let (granted, grantedToThem) = (self.caller(session.userID).scope, caller.scope)
    caller.scope = { permission in
      guard let own = granted(permission), let theirs = grantedToThem(permission) else {
        return nil
      }
      return own.narrowed(by: theirs)
    }
    return Mutation(
      caller: caller, operation: operation, permission: permission,
      scope: scope.narrowed(by: scope(theirs, userID: target)),
      permissions: permissions(target, theirs),
      precondition: head.headers["If-Match"].map(VersionPrecondition.init),
      idempotencyKey: idempotencyKey)
  }

  /// Reads the `Idempotency-Key` of a POST, which hashes the body, or of it what `body` says.
  ///
  /// - Throws: 400 for a key that is empty, too long or not printable ASCII.
  func readIdempotencyKey(body: [UInt8]? = nil) throws(Problem) -> IdempotencyKey? {
    let head = request.head
    guard head.method == .post, let key = head.headers["Idempotency-Key"] else { return nil }
    guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20..<0x7f).contains($0) })
    else {
      throw Problem(
        .invalidParameter, "Idempotency-Key takes 1 to 255 printable ASCII characters.")
    }
    return IdempotencyKey(
      key: key, method: head.method.rawValue, path: head.path, body: body ?? bodyBytes)
  }

  private func scope(_ decision: PermissionDecision, userID: String) -> RecordScope {
    RecordScope(decision, userID: userID, directory)
  }

  private func permissions(_ userID: String, _ decision: PermissionDecision) -> String {
    let context = directory.context(for: userID)
    return String(
      decoding: context.permissionsJSON(required: permission, decision: decision), as: UTF8.self)
  }

  private func caller(_ userID: String) -> Caller {
    let headers = request.head.headers
    return Caller(
      userID, in: directory, sessionID: session.sessionID,
      origin: CallerOrigin(
        address: address, userAgent: headers["User-Agent"] ?? "unknown",
        authenticationMethod: session.authenticationMethod),
      reason: request.head.reason)
  }
}

extension RequestContext {
  /// A request to `endpoint`, with what it does and how far the permission for that reaches.
  ///
  /// - Throws: what looking at the stored records throws, where the operation depends on them.
  init(
    _ request: HTTPRequest, _ endpoint: Endpoint, _ parameters: PathParameters,
    _ session: WrapperSession, _ directory: TenantDirectory, address: String,
    createdBefore: Set<String> = []
  ) throws {
    let operation = endpoint.operation(of: request.head)
    let decision =
      operation.map { directory.check(userID: session.userID, permission: $0.permission) }
      ?? PermissionDecision(isAllowed: true, scope: .tenant, source: "signed in")
    self = try endpoint.refined(
      RequestContext(
        request: request, parameters: parameters, session: session, directory: directory,
        permission: operation?.permission ?? "", operation: endpoint.operationName(operation),
        decision: decision, address: address, createdBefore: createdBefore))
  }

  /// - Throws: 403 when the caller may not do it.
  func requireDecision() throws(Problem) {
    guard decision.isAllowed else { throw .insufficientPermissions(permission) }
  }
}

/// From where and how somebody acts.
public struct CallerOrigin: Sendable {
  let address: String
  let userAgent: String
  let authenticationMethod: String

  /// An origin made of its parts.
  public init(address: String, userAgent: String, authenticationMethod: String) {
    self.address = address
    self.userAgent = userAgent
    self.authenticationMethod = authenticationMethod
  }

  /// Characters of a user agent that are kept.
  private static let userAgentCharactersMax = 512

  /// The entry's `compliance`.
  func json(location: String) -> JSONValue {
    [
      "ipAddress": .string(address),
      "userAgent": .string(String(userAgent.prefix(Self.userAgentCharactersMax))),
      "location": .string(location), "authenticationMethod": .string(authenticationMethod),
    ]
  }
}

extension Caller {
  /// A user as the tenant's directory knows them, unknown ones included.
  public init(
    _ userID: String, in directory: TenantDirectory, sessionID: String, origin: CallerOrigin,
    reason: String? = nil
  ) {
    let context = directory.context(for: userID)
    self.init(
      tenantID: directory.tenantID, userID: userID, sessionID: sessionID,
      displayName: context.userName, department: context.department,
      entityPath: context.entityPath, unitID: context.unitID, unitPath: context.unitPath,
      userContext: String(decoding: context.userContextJSON, as: UTF8.self),
      compliance: origin.json(location: context.location).text, reason: reason,
      currency: directory.currency, hasStrictCustomFields: directory.hasStrictCustomFields,
      scope: { permission in
        let decision = directory.check(userID: userID, permission: permission)
        return decision.isAllowed ? RecordScope(decision, userID: userID, directory) : nil
      },
      isUser: { id in directory.isActive(id) != nil })
  }
}

extension RecordScope {
  /// The records that a decision reaches.
  init(_ decision: PermissionDecision, userID: String, _ directory: TenantDirectory) {
    let reach: Reach =
      switch decision.scope {
      case .tenant: .tenant
      case .own: .own
      case .team: .team(members: directory.teamMembers(of: userID))
      }
    self.init(userID: userID, reaching: reach)
  }
}

extension TenantDirectory {
  /// The tenant's currency, from the settings that the Wrapper holds.
  var currency: String {
    configuration["settings"]?["currency"]?.string ?? Self.currencyFallback
  }

  /// Whether records may have only those custom fields that the tenant has defined.
  var hasStrictCustomFields: Bool {
    configuration["settings"]?["strictCustomFields"] == true
  }

  /// Money must be counted in something: the euro, where the tenant has not said.
  private static let currencyFallback = "EUR"
}
