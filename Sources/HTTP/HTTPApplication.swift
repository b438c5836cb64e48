/// What a server serves.
public protocol HTTPApplication: Sendable {
  /// Decides what happens with a request when its head has arrived and its body has not.
  func route(_ head: HTTPRequestHead) -> HTTPRouting

  /// The answer to a request that the server itself refuses, such as 400 for broken framing.
  func refusal(_ problem: Problem, requestID: String, path: String) -> HTTPResponse

  /// Told after each request, for the log and the metrics. Must be quick.
  func completed(_ exchange: HTTPExchange)
}

/// What is done with a request.
public enum HTTPRouting: Sendable {
  /// Answered at once; a body that was announced is not read.
  case answer(HTTPResponse)
  /// The body is taken as `body` says, then the handler runs.
  case handle(body: HTTPBodyPolicy, handler: @Sendable (HTTPRequest) async -> HTTPResponse)
}

/// A finished request.
public struct HTTPExchange: Sendable {
  /// The method as sent.
  public var method: String
  /// The path as sent, without query.
  public var path: String
  /// The id that the answer carried.
  public var requestID: String
  /// The client's address.
  public var remoteAddress: String
  /// The status answered.
  public var status: Int
  /// The bytes of the answer's body.
  public var responseBytes: Int
  /// The time from the first call to the end of sending.
  public var durationNanoseconds: UInt64
  /// What the handler said of it.
  public var logFields: HTTPLogFields

  /// An exchange made of its parts.
  public init(
    method: String, path: String, requestID: String, remoteAddress: String, status: Int,
    responseBytes: Int, durationNanoseconds: UInt64, logFields: HTTPLogFields
  ) {
    self.method = method
    self.path = path
    self.requestID = requestID
    self.remoteAddress = remoteAddress
    self.status = status
    self.responseBytes = responseBytes
    self.durationNanoseconds = durationNanoseconds
    self.logFields = logFields
  }
}
