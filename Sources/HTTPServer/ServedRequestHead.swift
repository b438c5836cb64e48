internal import CMicrohttpd
internal import HTTP
internal import Values

extension ServedRequest {
  /// The head has come: checks it, asks the application, and answers or starts to take the body.
  func begin(_ call: AccessCall) -> MHD_Result {
    let now = core.time.monotonicNanoseconds()
    exchange.startedAt = now
    exchange.hasBegun = true
    exchange.methodName = call.method.map { String(cString: $0) } ?? ""
    core.tally.beginRequest()
    connection.begin(self)

    let framing = RequestFraming(call, target: target.addresses, limits: core.limits)
    exchange.hasBody = framing.hasBody
    let receivedAt = core.time.now()
    exchange.requestID = requestID(framing.headers["X-Request-Id"], at: receivedAt)
    if let problem = firstProblem(framing) { return refuse(problem, on: call.handle) }
    guard let method = HTTPMethod(rawValue: exchange.methodName) else {
      return refuse(.unknownMethod(exchange.methodName), on: call.handle)
    }
    let head = HTTPRequestHead(
      method: method, path: target.path, query: target.query, headers: framing.headers,
      remoteAddress: connection.remoteAddress, requestID: exchange.requestID,
      receivedAt: receivedAt, isSecure: core.isSecure)
    exchange.head = head
    switch core.application.route(head) {
    case .answer(let response):
      guard !framing.hasBody else { return queue(response, on: call.handle, isLast: true) }
      finish(response)
      return answerInNextCall()
    case .handle(let policy, let handler):
      return take(call, framing: framing, policy: policy, handler: handler, now: now)
    }
  }

  private func firstProblem(_ framing: RequestFraming) -> Problem? {
    if let problem = target.problem ?? framing.problem { return problem }
    if connection.isForeign { return .foreignUser }
    if connection.isClosed { return .stopping }
    return connection.isExcess ? .tooManyConnections : nil
  }

  private func take(
    _ call: AccessCall, framing: RequestFraming, policy: HTTPBodyPolicy,
    handler: @escaping Handler, now: UInt64
  ) -> MHD_Result {
    let maxBytes = policy.maxBytes
    if let length = framing.contentLength, length > maxBytes {
      return refuse(.bodyTooLarge(maxBytes), on: call.handle)
    }
    guard framing.hasBody else {
      run(handler, body: policy.emptyBody)
      return answerInNextCall()
    }
    switch policy {
    case .buffered:
      body.begin(now, length: framing.contentLength)
      connection.mustProgress(by: body.deadline(core.limits))
      stage = .gathering(maxBytes: maxBytes, handler)
      return .YES
    case .streamed:
      let upload = UploadStream(
        chunkBytes: core.limits.uploadChunkBytes, connection: connection)
      share(upload)
      run(handler, body: .stream(upload))
      return admit(call.handle, upload, maxBytes: maxBytes)
    }
  }

  /// libmicrohttpd ends every connection that it gets an answer for in the call with the head, and
  /// calls again at once when there is no body.
  private func answerInNextCall() -> MHD_Result {
    stage = .handling
    connection.mustProgress(by: nil)
    return .YES
  }

  /// The client's id if it is safe to repeat in a header field and in a log, else a new one.
  private func requestID(_ sent: String?, at moment: Timestamp) -> String {
    guard let sent, (1...128).contains(sent.utf8.count),
      sent.utf8.allSatisfy({
        HeaderSyntax.isLetterOrDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_")
          || $0 == UInt8(ascii: "-")
      })
    else { return UUIDv7.make(at: moment, random: core.requestRandom) }
    return sent
  }
}

extension HTTPBodyPolicy {
  fileprivate var maxBytes: Int {
    switch self {
    case .buffered(let maxBytes), .streamed(let maxBytes): maxBytes
    }
  }

  /// The body of a request that has none.
  fileprivate var emptyBody: HTTPRequestBody {
    switch self {
    case .buffered: .bytes([])
    case .streamed: .stream(EmptyBody())
    }
  }
}

private struct EmptyBody: HTTPRequestBodyStream {
  func next() async throws(HTTPBodyError) -> [UInt8]? { nil }
}

extension Problem {
  static let stopping = Problem(
    .overloaded, "The server is stopping.", headers: ["Retry-After": "5"])

  static let foreignUser = Problem(
    .insufficientPermissions, "This socket is for the user who runs the server.")

  static let tooManyConnections = Problem(
    .overloaded, "The server has too many connections.", headers: ["Retry-After": "1"])

  static func bodyTooLarge(_ maxBytes: Int) -> Problem {
    Problem(.contentTooLarge, "The body is larger than \(maxBytes) bytes.")
  }

  /// CONNECT and TRACE exist but are served nowhere; anything else is not known (RFC 9110
  /// section 15.6.2).
  static func unknownMethod(_ name: String) -> Problem {
    guard name == "CONNECT" || name == "TRACE" else {
      return Problem(.notImplemented, "The method is not known.")
    }
    let allow = HTTPMethod.allCases.map(\.rawValue).joined(separator: ", ")
    return Problem(
      .methodNotAllowed, "\(name) is not served.", headers: ["Allow": allow])
  }
}
