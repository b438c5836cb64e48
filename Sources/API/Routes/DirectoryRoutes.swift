internal import CRM
internal import HTTP
internal import JSON
internal import Synchronization
internal import WrapperClient

/// Administration of the embedded Wrapper's directory: passed on to it, and every change logged
/// like one of a record, in the same transaction.
struct DirectoryRoutes: Sendable {
  static let permission = "crm.admin"
  /// The largest body, in bytes.
  private static let bodyBytesMax = 64 * 1024

  private let store: RecordStore
  private let wrapper: Wrapper
  private let directory: DirectoryAdministration
  private let repeats: RepeatedRequests

  init(store: RecordStore, wrapper: Wrapper, directory: DirectoryAdministration) {
    self.store = store
    self.wrapper = wrapper
    self.directory = directory
    repeats = RepeatedRequests(store: store)
  }

  var endpoints: [Endpoint] {
    DirectoryAction.all.map { action in
      Endpoint(
        action.method, action.pattern, access: .permission(Self.permission),
        isMutation: action.isMutation, bodyBytesMax: action.body == nil ? 0 : Self.bodyBytesMax,
        .directory(action),
        special: { _ in .init(Self.permission, name: action.operation) },
        handler: .authorized { try await answer(action, $0) })
    }
  }

  private func answer(_ action: DirectoryAction, _ context: RequestContext) async throws
    -> HTTPResponse
  {
    // A directory has no owners: whoever may administer only their own may administer nothing.
    guard context.decision.scope == .tenant else {
      throw Problem.insufficientPermissions(Self.permission)
    }
    let path = try path(of: action, context)
    guard action.isMutation else {
      guard action.isList else { return try await read(path, context) }
      return try await DirectoryList(directory: directory, subject: action.subject)
        .response(path, context)
    }
    return try await repeats.once(context, idempotencyKey(action, context)) { context in
      try await change(action, path, context)
    }
  }

  private func read(_ path: String, _ context: RequestContext) async throws -> HTTPResponse {
    _ = try context.queryValues([])
    return try await directory.send(.get, path, context).relayed { .personal($0) }
  }

  private func change(
    _ action: DirectoryAction, _ path: String, _ context: RequestContext
  ) async throws -> HTTPResponse {
    _ = try context.queryValues([])
    let tenantID = context.tenantID
    let mutation = try context.mutation()
    let written = Mutex<(answer: MutationAnswer, after: JSONValue?)?>(nil)
    let named = context.parameters.value(of: "id") ?? context.parameters.value(of: "operation")
    let reply = try await directory.send(
      action.method, path, body: action.body == nil ? [] : context.bodyBytes, context
    ) { [store] change in
      let after = Mutex<JSONValue?>(nil)
      let answer = try await store.log(mutation) { connection in
        let states = try change(connection)
        after.withLock { $0 = states.after }
        return OutsideChange(
          action.subject.entityType, verb: action.verb, named: named, tenantID: tenantID, states,
          at: action.pattern)
      }
      written.withLock { $0 = (answer, after.withLock { $0 }) }
    }
    // What was written stands, whatever was answered afterwards.
    guard let written = written.withLock({ $0 }) else { throw Problem(relayed: reply) }
    if action.subject == .users, let userID = context.parameters.value(of: "id") {
      // Some of these changes end sessions.
      wrapper.askAgain(userID: userID, tenantID: tenantID)
      if action.verb == "password" || written.after?["isActive"] == false {
        wrapper.sessions.endedByWrapper(userID: userID, tenantID: tenantID)
      }
    }
    await wrapper.settle(tenantID: tenantID)
    return written.answer.response
  }

  /// The key of a POST, which is bound to all of the body but a password: what is kept of that must
  /// not be quicker to try out than the directory's own hash.
  private func idempotencyKey(_ action: DirectoryAction, _ context: RequestContext) throws
    -> IdempotencyKey?
  {
    guard action.method == .post, context.request.head.headers["Idempotency-Key"] != nil else {
      return nil
    }
    // A body that cannot be read is refused by the directory, and then nothing is kept.
    var body = (try? JSONParser.parse(context.bodyBytes))?.object
    body?["password"] = nil
    return try context.readIdempotencyKey(body: body.map { JSONValue.object($0).bytes })
  }

  /// The path to pass on, with each parameter encoded anew.
  private func path(of action: DirectoryAction, _ context: RequestContext) throws(Problem)
    -> String
  {
    var path = action.pattern
    for name in ["id", "role", "permission", "operation"] {
      guard let value = context.parameters.value(of: name) else { continue }
      // Clients take these two out of a path.
      guard value != ".", value != ".." else {
        throw Problem(.notFound, "There is nothing at this path.")
      }
      path = path.replacing("{\(name)}", with: PercentEncoding.encode(value))
    }
    return path
  }
}
