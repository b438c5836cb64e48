internal import CRM
internal import HTTP
internal import JSON
internal import WrapperClient

/// Tells the activity log who signed in, and who tried to.
struct SignInLog: Sendable {
  static let operation = "crm.auth.login"

  let store: RecordStore
  let wrapper: Wrapper
  let configuration: APIConfiguration

  /// Notes a sign-in before its token is given away; of a tenant that this server does not serve
  /// there is no log.
  ///
  /// - Throws: what the database throws: nobody is let in unseen.
  func succeeded(_ reply: WrapperReply, _ head: HTTPRequestHead) async throws {
    // An answer that cannot be read lets nobody in.
    guard let token = (try? JSONParser.parse(reply.body))?["token"]?.string else { return }
    let session: WrapperSession
    let directory: TenantDirectory
    do {
      session = try await wrapper.session(token: token)
      directory = try await wrapper.tenant(session.tenantID)
    } catch WrapperError.tenantNotServed {
      return
    }
    let mutation = Mutation(
      Self.operation, by: session, in: directory, from: origin(head, session),
      reason: head.reason)
    _ = try await store.perform(
      mutation, entityType: "session", entityID: session.sessionID, data: .null
    ) { _ in }
  }

  /// Notes a refused sign-in to an account that there is.
  ///
  /// Whoever is refused waits no longer than for an account that there is not.
  ///
  /// - Throws: 503 `overloaded` when it cannot be recorded.
  func failed(
    _ reply: WrapperReply, _ problem: Problem, _ head: HTTPRequestHead
  ) throws(Problem) {
    // Only an answer that names the account tells whose log it belongs to.
    guard let account = try? JSONParser.parse(reply.body),
      let tenantID = account["tenantId"]?.string, let userID = account["userId"]?.string,
      configuration.servedTenants?.contains(tenantID) ?? true
    else { return }
    let origin = CallerOrigin(
      address: configuration.clientAddress(head),
      userAgent: head.headers["User-Agent"] ?? "unknown", authenticationMethod: "password")
    let caller =
      wrapper.loadedTenant(tenantID).map { directory in
        Caller(userID, in: directory, sessionID: "none", origin: origin, reason: head.reason)
      }
      ?? .outside(
        tenantID: tenantID, userID: userID, name: "Unknown User",
        entityPath: "Unknown → \(userID)", sessionID: "none",
        compliance: origin.json(location: "unknown"), reason: head.reason)
    let mutation = Mutation(
      caller: caller, operation: Self.operation, scope: .server, permissions: "{}")
    try store.noteFailure(of: mutation, entityID: nil, problem: problem, isUrgent: true)
  }

  private func origin(_ head: HTTPRequestHead, _ session: WrapperSession) -> CallerOrigin {
    CallerOrigin(
      address: configuration.clientAddress(head),
      userAgent: head.headers["User-Agent"] ?? "unknown",
      authenticationMethod: session.authenticationMethod)
  }
}

extension Mutation {
  /// What somebody does whose session has just begun.
  init(
    _ operation: String, by session: WrapperSession, in directory: TenantDirectory,
    from origin: CallerOrigin, reason: String? = nil
  ) {
    let decision = directory.check(userID: session.userID, permission: operation)
    let permissions = directory.context(for: session.userID)
      .permissionsJSON(required: operation, decision: decision)
    self.init(
      caller: Caller(
        session.userID, in: directory, sessionID: session.sessionID, origin: origin,
        reason: reason),
      operation: operation, scope: .server,
      permissions: String(decoding: permissions, as: UTF8.self))
  }
}

extension HTTPRequestHead {
  /// What the client gives as its reason.
  var reason: String? {
    guard let header = headers["X-Reason"] else { return nil }
    let reason = header.prefix(CRM.Limits.reasonCharactersMax)
    return reason.isEmpty ? nil : String(reason)
  }
}
