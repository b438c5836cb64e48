internal import CMicrohttpd
internal import Glibc
internal import HTTP
internal import Synchronization
internal import Values

/// One request from its line to the end of its answer.
///
/// libmicrohttpd calls for it, one call at a time and always on the connection's thread: with the
/// line, with the head, with each piece of the body, at the end of the body, and again whenever it
/// was suspended and woken. Only the outcome is shared with the handler's task.
final class ServedRequest: Sendable {
  typealias Handler = @Sendable (HTTPRequest) async -> HTTPResponse

  enum Stage {
    /// The line has come, the head has not.
    case line
    /// The body is gathered for a handler that runs after.
    case gathering(maxBytes: Int, Handler)
    /// The handler runs and has not asked for the body yet.
    case admitting(UploadStream, maxBytes: Int)
    /// The body is handed on to a handler that runs.
    case uploading(UploadStream, maxBytes: Int)
    /// The body has come, the handler runs.
    case handling
    /// The answer is with libmicrohttpd.
    case answered
  }

  private struct Outcome {
    var answer: HTTPResponse?
    var task: Task<Void, Never>?
    /// The body that the handler takes, to be told when there will be no more of it.
    var upload: UploadStream?
    var isAbandoned = false
  }

  let core: ServerCore
  let connection: ClientConnection
  let target: RequestTarget
  private let outcome = Mutex(Outcome())

  // Safety: used by the connection's own callbacks only, which libmicrohttpd calls one at a time.
  nonisolated(unsafe) var stage = Stage.line
  // Safety: as above.
  nonisolated(unsafe) var exchange = Exchange()
  // Safety: as above.
  nonisolated(unsafe) var body = BodyReceipt()

  /// What is known of the request by now.
  struct Exchange {
    var methodName = ""
    var head: HTTPRequestHead?
    var requestID = ""
    var startedAt: UInt64 = 0
    var hasBegun = false
    var hasBody = false
    /// Whether the last answer of the connection went out before the body was read.
    var leavesBody = false
    var status: Int?
    var sentBytes = 0
    var logFields = HTTPLogFields()
    var download: DownloadStream?
  }

  init(core: ServerCore, connection: ClientConnection, target: RequestTarget) {
    self.core = core
    self.connection = connection
    self.target = target
  }

  // MARK: The calls

  /// One call of the access handler.
  func proceed(_ call: AccessCall) -> MHD_Result {
    connection.enter()
    switch stage {
    case .line:
      return begin(call)
    case .gathering(let maxBytes, let handler):
      return gather(call, maxBytes: maxBytes, handler: handler)
    case .admitting(let upload, let maxBytes):
      return admit(call.handle, upload, maxBytes: maxBytes)
    case .uploading(let upload, let maxBytes):
      return receive(call, into: upload, maxBytes: maxBytes)
    case .handling:
      call.consumeAll()
      return answerOrWait(call.handle)
    case .answered:
      call.consumeAll()
      return .YES
    }
  }

  /// The answer has been sent or the connection has broken; nothing is called after this.
  func complete() {
    connection.enter()
    connection.endRequest()
    abandon()
    dropAnswer()
    let now = core.time.monotonicNanoseconds()
    connection.mustProgress(by: core.deadline(now, seconds: core.limits.idleSeconds))
    guard exchange.hasBegun else { return }
    if exchange.leavesBody { connection.linger() }
    exchange.download.map { exchange.sentBytes = $0.sentBytes }
    core.application.completed(
      HTTPExchange(
        method: exchange.methodName, path: target.path, requestID: exchange.requestID,
        remoteAddress: connection.remoteAddress,
        status: exchange.status ?? Self.statusClientClosed,
        responseBytes: exchange.sentBytes, durationNanoseconds: now - exchange.startedAt,
        logFields: exchange.logFields))
    core.tally.endRequest()
  }

  /// What the log says of a request whose client left before there was an answer.
  private static let statusClientClosed = 499

  // MARK: The handler

  /// Runs the handler up to its first wait; the rest of it goes on elsewhere.
  func run(_ handler: @escaping Handler, body: HTTPRequestBody) {
    guard let head = exchange.head else { return }
    let request = HTTPRequest(head: head, body: body)
    let task = Task.immediate { [self] in
      finish(await handler(request))
    }
    outcome.withLock { outcome in
      if outcome.answer == nil { outcome.task = task }
    }
  }

  /// Gives the answer, from any thread; the first one counts.
  func finish(_ response: HTTPResponse) {
    let isWanted = outcome.withLock { outcome in
      outcome.task = nil
      guard !outcome.isAbandoned, outcome.answer == nil else { return false }
      outcome.answer = response
      return true
    }
    if isWanted {
      connection.wake()
    } else {
      response.discard()
    }
  }

  var hasAnswer: Bool { outcome.withLock { $0.answer != nil } }

  /// Queues the answer if there is one, else suspends the connection until there is.
  func answerOrWait(_ handle: OpaquePointer) -> MHD_Result {
    stage = .handling
    connection.mustProgress(by: nil)
    while true {
      if let answer = outcome.withLock({ $0.answer.take() }) {
        return queue(answer, on: handle, isLast: false)
      }
      if connection.isClosed {
        abandon()
        return refuse(.stopping, on: handle)
      }
      if connection.suspend(unless: { hasAnswer }) { return .YES }
    }
  }

  /// Waits until the handler asks for the body.
  ///
  /// libmicrohttpd is still in the call with the head, or calls anew as if it were: what the
  /// handler answers now reaches the client before it has sent a large body that nobody wants.
  func admit(_ handle: OpaquePointer, _ upload: UploadStream, maxBytes: Int) -> MHD_Result {
    stage = .admitting(upload, maxBytes: maxBytes)
    connection.mustProgress(by: nil)
    while true {
      if let answer = outcome.withLock({ $0.answer.take() }) {
        upload.fail(.disconnected)
        return queue(answer, on: handle, isLast: true)
      }
      if upload.isAsked {
        body.begin(core.time.monotonicNanoseconds(), length: nil)
        connection.mustProgress(by: body.deadline(core.limits))
        stage = .uploading(upload, maxBytes: maxBytes)
        return .YES
      }
      if connection.isClosed {
        abandon()
        return refuse(.stopping, on: handle)
      }
      if connection.suspend(unless: { hasAnswer || upload.isAsked }) { return .YES }
    }
  }

  /// Tells the body's consumer what became of it, from any thread.
  func share(_ upload: UploadStream) {
    outcome.withLock { $0.upload = upload }
  }

  /// Nobody waits for the handler any more, which is told so by cancellation.
  ///
  /// An answer that is there already is kept: it may still be sent.
  func abandon() {
    let (task, upload) = outcome.withLock { outcome in
      outcome.isAbandoned = true
      defer {
        outcome.task = nil
        outcome.upload = nil
      }
      return (outcome.task, outcome.upload)
    }
    upload?.fail(.disconnected)
    task?.cancel()
  }

  private func dropAnswer() {
    outcome.withLock { $0.answer.take() }?.discard()
  }
}

/// The arguments of one call of the access handler.
struct AccessCall {
  let handle: OpaquePointer
  let method: UnsafePointer<CChar>?
  let version: UnsafePointer<CChar>?
  let data: UnsafePointer<CChar>?
  let dataCount: UnsafeMutablePointer<Int>

  /// The piece of the body that the call brings.
  var piece: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: data, count: dataCount.pointee)
  }

  /// Tells libmicrohttpd that nothing of the piece is left.
  func consumeAll() { dataCount.pointee = 0 }
}

extension HTTPResponse {
  /// Tells a body's producer that the response will not be sent.
  func discard() {
    if case .stream(let stream, _) = body { stream.finish() }
  }
}
