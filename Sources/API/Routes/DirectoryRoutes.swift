internal import CRM
internal import HTTP
internal import JSON
internal import WrapperClient

/// Administration of the embedded Wrapper's directory: passed on to it, and every change logged
/// like one of a record.
struct DirectoryRoutes: Sendable {
  static let permission = "crm.admin"
  /// The largest body, in bytes.
  private static let bodyBytesMax = 64 * 1024

  private let store: RecordStore
  private let wrapper: Wrapper
  private let repeats: RepeatedRequests

  init(store: RecordStore, wrapper: Wrapper) {
    self.store = store
    self.wrapper = wrapper
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
      return try await DirectoryList(wrapper: wrapper, subject: action.subject)
        .response(path, context)
    }
    return try await repeats.once(context, idempotencyKey(action, context)) { context in
      try await change(action, path, context)
    }
  }

  private func read(_ path: String, _ context: RequestContext) async throws -> HTTPResponse {
    _ = try context.queryValues([])
    let reply = try await wrapper.directory(
      method: "GET", path: path, etag: context.request.head.headers["If-None-Match"],
      tenantID: context.tenantID)
    return try reply.relayed { .personal($0) }
  }

  private func change(
    _ action: DirectoryAction, _ path: String, _ context: RequestContext
  ) async throws -> HTTPResponse {
    let tenantID = context.tenantID
    let mutation = try context.mutation()
    let before = try await state(of: action, context)
    let reply = try await wrapper.directory(
      method: action.method.rawValue, path: path,
      body: action.body == nil ? nil : context.bodyBytes, tenantID: tenantID)
    guard (200..<300).contains(reply.status) else { throw Problem(relayed: reply) }
    if action.subject == .users, let userID = context.parameters.value(of: "id") {
      // Some of these changes end sessions.
      wrapper.askAgain(userID: userID, tenantID: tenantID)
    }
    await wrapper.settle(tenantID: tenantID)
    let after = try reply.body.isEmpty ? before : JSONParser.parse(reply.body)["data"]
    if action.subject == .users, let userID = context.parameters.value(of: "id"),
      action.verb == "password" || after?["isActive"] == false
    {
      wrapper.sessions.endedByWrapper(userID: userID, tenantID: tenantID)
    }
    let entityID =
      context.parameters.value(of: "id") ?? context.parameters.value(of: "operation")
      ?? after?["id"]?.string ?? tenantID
    let answer = try await store.log(
      OutsideChange(
        status: reply.status, entityType: action.subject.entityType, entityID: entityID,
        data: after ?? .null,
        changes: Self.changes(before, action.verb == "delete" ? nil : after),
        location: reply.status == 201
          ? "\(action.pattern)/\(PercentEncoding.encode(entityID))" : nil),
      mutation)
    return reply.status == 204 ? HTTPResponse(status: 204) : answer.response
  }

  /// What is going to change, as it is now; nil for what is going to be made.
  private func state(of action: DirectoryAction, _ context: RequestContext) async throws
    -> JSONValue?
  {
    var place = "\(DirectoryAction.root)/\(action.subject.rawValue)"
    if let id = context.parameters.value(of: "id") {
      place += "/\(PercentEncoding.encode(id))"
    } else if action.subject != .credits {
      return nil
    }
    let reply = try await wrapper.directory(
      method: "GET", path: place, tenantID: context.tenantID)
    // What is not there is told by the call that wants to change it.
    guard reply.status == 200 else { return nil }
    let data = try JSONParser.parse(reply.body)["data"]
    guard let code = context.parameters.value(of: "operation") else { return data }
    let cost = data?["operations"]?.array?.first { $0["operationCode"]?.string == code }
    return cost ?? ["operationCode": .string(code), "creditCost": .null]
  }

  /// The members that differ; no answer of the directory holds a password.
  private static func changes(_ before: JSONValue?, _ after: JSONValue?) -> JSONObject {
    let (old, new) = (before?.object ?? JSONObject(), after?.object ?? JSONObject())
    var changes = JSONObject()
    for name in old.names + new.names.filter({ old[$0] == nil }) {
      let (from, to) = (old[name] ?? .null, new[name] ?? .null)
      guard from != to else { continue }
      changes[name] = before == nil ? ["to": to] : ["from": from, "to": to]
    }
    return changes
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
