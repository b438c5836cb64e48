internal import CRM
internal import HTTP
internal import JSON
internal import SQLite
internal import Values
internal import WrapperClient

/// Who is signed in, and ending that.
struct SessionRoutes: Sendable {
  let wrapper: Wrapper
  private let ending: SessionEnding

  init(store: RecordStore, wrapper: Wrapper) {
    self.wrapper = wrapper
    ending = SessionEnding(store: store, wrapper: wrapper)
  }

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/api/sessions", access: .signedIn, .sessions,
        handler: .authorized { try list($0) }),
      Endpoint(
        .delete, "/api/sessions/{id}", access: .signedIn, isMutation: true,
        isAllowedReadOnly: true, name: SessionEnding.operation, .endSession,
        handler: .authorized { try await end($0) }),
    ]
  }

  private func list(_ context: RequestContext) throws -> HTTPResponse {
    let values = try context.queryValues(PageParameters.names + ["all", "userId"])
    let wantsAll = try RequestContext.flag(values, "all")
    if wantsAll == true { try context.require(RequestContext.adminPermission) }
    var sessions = visible(to: context, includingOthers: wantsAll ?? context.isAdmin)
    if let userID = values["userId"] { sessions = sessions.filter { $0.userID == userID } }
    let list = MemoryList<ActiveSession>(
      name: "sessions", key: { ($0.startedAt.rfc3339, "\($0.id)\n\($0.userID)") },
      isDescending: true, json: { Self.json($0, context) })
    return try list.response(sessions, values, tenantID: context.tenantID)
  }

  private func end(_ context: RequestContext) async throws -> HTTPResponse {
    _ = try context.queryValues([])
    let id = context.parameters["id"]
    let named = visible(to: context, includingOthers: context.isAdmin).filter { $0.id == id }
    // Another user's session may bear the same id; one's own is meant first.
    let session = named.first { $0.userID == context.session.userID } ?? named.first
    // Others' sessions do not exist for those who may not see them.
    guard let session else { throw Problem(.notFound, "There is no such session in use.") }
    return try await ending.end(session, context).response
  }

  /// The sessions that the caller may see; those of users who were shut out are over.
  private func visible(
    to context: RequestContext, includingOthers: Bool
  ) -> [ActiveSession] {
    wrapper.sessions.sessions(tenantID: context.tenantID).filter { session in
      (includingOthers || session.userID == context.session.userID)
        && context.directory.user(session.userID)?.isActive ?? true
    }
  }

  private static func json(_ session: ActiveSession, _ context: RequestContext) -> JSONValue {
    let own = context.session
    return [
      "id": .string(session.id), "userId": .string(session.userID),
      "userName": JSONValue(context.directory.user(session.userID)?.name),
      "startedAt": .string(session.startedAt.rfc3339),
      "lastSeenAt": .string(session.lastSeenAt.rfc3339),
      "expiresAt": JSONValue(session.expiresAt?.rfc3339),
      "ipAddress": .string(session.address), "userAgent": .string(session.userAgent),
      "authenticationMethod": .string(session.authenticationMethod),
      "current": .bool(session.id == own.sessionID && session.userID == own.userID),
    ]
  }
}

/// Ending a session: written with its entry, in force at once, and then told to the Wrapper.
struct SessionEnding: Sendable {
  /// The name under which it is logged.
  static let operation = "crm.sessions.end"

  let store: RecordStore
  let wrapper: Wrapper

  /// Ends a session in use.
  ///
  /// It costs nothing and needs no credits: who locks a thief out must not be held up.
  func end(_ session: ActiveSession, _ context: RequestContext) async throws -> MutationAnswer {
    let answer = try await endHere(session, context)
    await wrapper.tellEnd(of: session)
    return answer
  }

  /// Ends the caller's own session, whose token the Wrapper knows unless it is nil.
  func end(token: String?, _ context: RequestContext) async throws -> MutationAnswer {
    guard let session = context.session.slot.session else {
      preconditionFailure("a caller's session is in use")
    }
    let answer = try await endHere(session, context)
    if let token {
      // It is refused here from now on, whether or not the Wrapper could be told.
      try? await wrapper.logout(token: token)
    } else {
      await wrapper.tellEnd(of: session)
    }
    return answer
  }

  private func endHere(
    _ session: ActiveSession, _ context: RequestContext
  ) async throws -> MutationAnswer {
    var context = context
    if session.userID != context.session.userID {
      context = context.acting(by: RequestContext.adminPermission)
    }
    let registry = wrapper.sessions
    let answer = try await store.perform(
      context.mutation(), entityType: "session", entityID: session.id,
      data: ["id": .string(session.id), "userId": .string(session.userID)],
      metadata: JSONObject([("userId", .string(session.userID))])
    ) { connection in
      try registry.writeEnd(of: session, in: connection)
    }
    registry.ended(session)
    return answer
  }
}
