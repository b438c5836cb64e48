internal import JSON

/// What only the embedded Wrapper can do: it keeps the people and their passwords itself.
extension Wrapper {
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
