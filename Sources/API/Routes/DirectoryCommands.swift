public import CRM
public import HTTP
internal import JSON
internal import Values

/// The directory's administration for commands: for whoever may open the database's file.
///
/// No token is asked for. Every change is logged like that of a user, in the same transaction.
public struct DirectoryCommands: HTTPApplication {
  /// The header field in which a command names who runs it.
  public static let operatorField = "X-Cardfile-Operator"

  /// What a request changes.
  private struct Change: Sendable {
    let operation: String
    let entityType: String
    let verb: String
    let pattern: String
    /// Whether it is a tenant itself that is changed.
    var isOfTenant = false
  }

  private let store: RecordStore
  private let directory: any HTTPApplication
  private let answer:
    @Sendable (HTTPRequest, DirectoryAdministration.Transaction?) async -> HTTPResponse
  private let changes: Router<Change>

  /// Commands on a directory.
  ///
  /// - Parameters:
  ///   - store: Where changes are logged.
  ///   - directory: The directory's endpoints.
  ///   - answer: Answers one of their requests, making its change in a transaction.
  public init(
    store: RecordStore, directory: any HTTPApplication,
    answer:
      @escaping @Sendable (HTTPRequest, DirectoryAdministration.Transaction?) async ->
      HTTPResponse
  ) {
    self.store = store
    self.directory = directory
    self.answer = answer
    var changes = Router<Change>()
    for action in DirectoryAction.all where action.isMutation {
      changes.add(
        action.method, action.pattern,
        Change(
          operation: action.operation, entityType: action.subject.entityType, verb: action.verb,
          pattern: action.pattern))
    }
    let tenants = "\(DirectoryAction.root)/tenants"
    for (method, path, verb) in [
      (HTTPMethod.post, tenants, "create"), (.patch, "\(tenants)/{id}", "update"),
    ] {
      changes.add(
        method, path,
        Change(
          operation: "crm.directory.tenants.\(verb)", entityType: "tenant", verb: verb,
          pattern: tenants, isOfTenant: true))
    }
    self.changes = changes
  }

  /// Finds what answers.
  public func route(_ head: HTTPRequestHead) -> HTTPRouting {
    guard case .found(let change, let parameters) = changes.match(head.method, path: head.path),
      case .handle(let policy, _) = directory.route(head)
    else { return directory.route(head) }
    return .handle(body: policy) { request in
      await make(change, request, parameters)
    }
  }

  /// Makes a change together with its entry; a refusal leaves one of its own.
  private func make(
    _ change: Change, _ request: HTTPRequest, _ parameters: PathParameters
  ) async -> HTTPResponse {
    let (request, tenantID) = Self.named(change, request, parameters)
    let mutation = Self.mutation(change, request.head, tenantID: tenantID)
    let named = parameters.value(of: "id") ?? parameters.value(of: "operation")
    let response = await answer(request) { states in
      _ = try await store.log(mutation) { connection in
        OutsideChange(
          change.entityType, verb: change.verb, named: named, tenantID: tenantID,
          try states(connection), at: change.pattern)
      }
    }
    if let problem = Self.refusal(response) {
      // The refusal stands without its entry where that cannot be written.
      try? await store.logFailure(of: mutation, entityID: named, problem: problem)
    }
    return response
  }

  /// Why a change was refused of a thing or a tenant that there is; nil for all else.
  private static func refusal(_ response: HTTPResponse) -> Problem? {
    guard [409, 412, 422].contains(response.status), case .bytes(let bytes) = response.body,
      // The directory's refusals are problem documents.
      let document = try? JSONParser.parse(bytes)
    else { return nil }
    let detail = document["detail"]?.string ?? ""
    return Problem(
      .init(document["code"]?.string ?? "refused", response.status, detail), detail,
      issues: (document["errors"]?.array ?? []).map { issue in
        .init(
          pointer: issue["pointer"]?.string ?? "", code: issue["code"]?.string ?? "",
          detail: issue["detail"]?.string ?? "")
      })
  }

  /// The answer to what is refused before it is a request.
  public func refusal(_ problem: Problem, requestID: String, path: String) -> HTTPResponse {
    directory.refusal(problem, requestID: requestID, path: path)
  }

  /// Told after each request.
  public func completed(_ exchange: HTTPExchange) { directory.completed(exchange) }

  /// The request with the tenant in whose log it stands; a new tenant gets its id here.
  private static func named(
    _ change: Change, _ request: HTTPRequest, _ parameters: PathParameters
  ) -> (HTTPRequest, tenantID: String) {
    guard change.isOfTenant else {
      return (request, request.head.headers["X-Tenant-Id"] ?? "")
    }
    if let id = parameters.value(of: "id") { return (request, id) }
    // What cannot be read is refused by the directory.
    guard case .bytes(let bytes) = request.body,
      var body = (try? JSONParser.parse(bytes))?.object
    else { return (request, "") }
    if let id = body["id"], id != .null { return (request, id.string ?? "") }
    let id = UUIDv7.make(at: request.head.receivedAt, random: .system)
    body["id"] = .string(id)
    return (HTTPRequest(head: request.head, body: .bytes(JSONValue.object(body).bytes)), id)
  }

  /// Whoever runs the command, as the log knows them.
  private static func mutation(
    _ change: Change, _ head: HTTPRequestHead, tenantID: String
  ) -> Mutation {
    let permissions: JSONValue = [
      "grantedPermissions": [], "roles": [],
      "operationContext": [
        "requiredPermission": .string(change.operation), "hasPermission": true,
        "permissionSource": "command",
      ],
    ]
    return Mutation(
      caller: caller(head, tenantID: tenantID), operation: change.operation, scope: .server,
      permissions: permissions.text)
  }

  /// Whoever runs the command that sent a request.
  public static func caller(_ head: HTTPRequestHead, tenantID: String) -> Caller {
    let name = String((head.headers[operatorField] ?? "unknown").prefix(operatorCharactersMax))
    return .outside(
      tenantID: tenantID, userID: "command:\(name)", name: name,
      entityPath: "Command line → \(name)", sessionID: "command:\(head.requestID)",
      compliance: [
        "ipAddress": "local", "userAgent": .string(head.headers["User-Agent"] ?? "cardfile"),
        "location": "unknown", "authenticationMethod": "command",
      ])
  }

  /// Characters of an operator's name that are kept.
  private static let operatorCharactersMax = 64
}
