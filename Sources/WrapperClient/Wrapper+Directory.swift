internal import JSON

/// What only the embedded Wrapper can do: it keeps the people and their passwords itself.
extension Wrapper {
  /// Passes a call of the directory's administration on.
  ///
  /// - Parameters:
  ///   - method: The method.
  ///   - path: Path and query, encoded.
  ///   - body: JSON to send, nil for none.
  ///   - etag: Makes the call conditional on a change since the answer with this tag.
  ///   - tenantID: Whose directory.
  /// - Returns: what the Wrapper answered, refusals included.
  /// - Throws: ``WrapperError/unavailable`` when it did not answer.
  public func directory(
    method: String, path: String, body: [UInt8]? = nil, etag: String? = nil, tenantID: String
  ) async throws(WrapperError) -> WrapperReply {
    try await pass(
      WrapperCall(method: method, path: path, tenantID: tenantID, body: body, etag: etag))
  }

  /// Passes the first run's setup on.
  ///
  /// - Returns: what the Wrapper answered, refusals included.
  public func setUp(
    body: [UInt8], remoteAddress: String
  ) async throws(WrapperError) -> WrapperReply {
    var call = WrapperCall.post("/setup", body)
    call.forwardedFor = remoteAddress
    call.seconds = Limits.loginSeconds
    return try await pass(call)
  }

  /// Whether nobody exists yet, so that the first person can be set up.
  public func isSetupOpen() async throws(WrapperError) -> Bool {
    let reply = try await pass(WrapperCall(path: "/setup"))
    // What cannot be read offers nothing.
    let answer = try? JSONParser.parse(reply.body)
    return reply.status == 200 && answer?["data"]?["open"]?.bool == true
  }

  /// Passes a change of one's own password on; the other sessions of the user end with it.
  ///
  /// - Returns: what the Wrapper answered, refusals included.
  public func changePassword(
    session: WrapperSession, token: String, current: String, new: String, remoteAddress: String
  ) async throws(WrapperError) -> WrapperReply {
    let body: JSONValue = [
      "token": .string(token), "currentPassword": .string(current), "newPassword": .string(new),
    ]
    var call = WrapperCall.post("/auth/password", body.bytes)
    call.forwardedFor = remoteAddress
    call.seconds = Limits.loginSeconds
    let reply = try await pass(call)
    if reply.status == 204 { askAgain(userID: session.userID, tenantID: session.tenantID) }
    return reply
  }

  /// Has the Wrapper asked again about every token of the user, whose sessions may have ended.
  public func askAgain(userID: String, tenantID: String) {
    validator.forget(userID: userID, tenantID: tenantID)
  }

  /// Looks at the tenant anew and waits for what is seen, as long as a request may.
  ///
  /// For who has just changed something there, and expects it to hold.
  public func settle(tenantID: String) async {
    await tenants[tenantID]?.settle()
  }

  private func pass(_ call: WrapperCall) async throws(WrapperError) -> WrapperReply {
    guard case .success(let answer) = await environment.transport.send(call) else {
      throw .unavailable
    }
    return WrapperReply(
      status: answer.status, body: answer.body, retryAfter: answer.retryAfter, etag: answer.etag)
  }
}
