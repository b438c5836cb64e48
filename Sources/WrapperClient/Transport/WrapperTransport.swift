internal import Foundation
internal import FoundationNetworking
internal import Glibc
internal import Synchronization
internal import Values

/// Sends calls to the Wrapper over URLSession.
///
/// Calls that are held have a session of their own. On Linux URLSession goes on watching a new
/// connection for being writable, which it always is, until its first answer has come: a poll that
/// is held on one would keep a processor busy all the while. On a connection that has brought an
/// answer before it does not, and among themselves such calls find one that has.
///
/// URLSession's own timeouts do not hold on Linux: each call has a deadline here that cancels it,
/// and a shorter one for the connection, which ``ConnectionCheck`` keeps.
final class WrapperTransport: WrapperSending {
  private let configuration: WrapperConfiguration
  private let time: TimeSource
  private let random: RandomSource
  /// A session and the answers that arrive in it.
  private struct Lane: Sendable {
    let exchanges = ExchangeTable()
    let session: URLSession

    init(_ settings: URLSessionConfiguration) {
      session = URLSession(configuration: settings, delegate: exchanges, delegateQueue: nil)
    }
  }

  private let quick: Lane
  private let held: Lane
  /// How the calls ended.
  let tally: CallTally
  private let isUsable: Bool
  private let connections: ConnectionCheck?
  private let isClosed = Mutex(false)

  /// URLSession honours http_proxy even for loopback, and would send the key there.
  private static let ignoresProxies: Bool =
    setenv("NO_PROXY", "*", 1) == 0 && setenv("no_proxy", "*", 1) == 0

  init(
    _ configuration: WrapperConfiguration, time: TimeSource, random: RandomSource,
    tally: CallTally = CallTally()
  ) {
    self.tally = tally
    self.configuration = configuration
    self.time = time
    self.random = random
    isUsable = configuration.problem == nil && Self.ignoresProxies
    connections = ConnectionCheck(baseURL: configuration.baseURL, time: time)
    let settings = URLSessionConfiguration.ephemeral
    settings.httpCookieStorage = nil
    settings.httpShouldSetCookies = false
    settings.urlCache = nil
    settings.requestCachePolicy = .reloadIgnoringLocalCacheData
    settings.connectionProxyDictionary = [:]
    // A tenant whose calls hang must not keep the connections that others need.
    settings.httpMaximumConnectionsPerHost = 512
    quick = Lane(settings)
    held = Lane(settings)
  }

  /// Breaks what is under way and gives the connections back; what comes later is not sent.
  func close() {
    isClosed.withLock { isClosed in
      guard !isClosed else { return }
      isClosed = true
      quick.session.invalidateAndCancel()
      held.session.invalidateAndCancel()
    }
  }

  /// Sends `call` and waits for the whole answer, at most `call.seconds`.
  func send(_ call: WrapperCall) async -> Result<WrapperAnswer, TransportFailure> {
    let begun = time.monotonicNanoseconds()
    let result = await exchange(call)
    tally.count(call, result, nanoseconds: time.monotonicNanoseconds() &- begun)
    return result
  }

  private func exchange(_ call: WrapperCall) async -> Result<WrapperAnswer, TransportFailure> {
    guard isUsable, let request = request(call) else { return .failure(.unusableAddress) }
    let begun = time.monotonicSeconds
    if let refusal = await connections?.refusal(withinSeconds: call.seconds) {
      return .failure(refusal)
    }
    let seconds = max(0, call.seconds - (time.monotonicSeconds - begun))
    // A session that was invalidated stops the program when it is asked for another task.
    let lane = call.isHeld ? held : quick
    let created = isClosed.withLock { $0 ? nil : lane.session.dataTask(with: request) }
    guard let task = created else { return .failure(.unreachable) }
    let promise = lane.exchanges.open(task.taskIdentifier)
    let result = await withTaskCancellationHandler {
      task.resume()
      return await promise.value(withinSeconds: seconds)
    } onCancel: {
      task.cancel()
    }
    lane.exchanges.forget(task.taskIdentifier)
    guard let result else {
      task.cancel()
      connections?.doubt()
      return .failure(.timeout)
    }
    if case .failure(.unreachable) = result {
      connections?.doubt()
    } else {
      connections?.heard()
    }
    return result.map { answer in
      var answer = answer
      answer.retryAfter = answer.retryAfter.map { RetryAfter.seconds($0, at: time.now()) }
      return answer
    }
  }

  private func request(_ call: WrapperCall) -> URLRequest? {
    var base = configuration.baseURL
    while base.hasSuffix("/") { base.removeLast() }
    guard let url = URL(string: base + call.path) else { return nil }
    var request = URLRequest(url: url)
    request.httpMethod = call.method
    request.timeoutInterval = call.seconds
    request.setValue("Bearer \(configuration.apiKey)", forHTTPHeaderField: "Authorization")
    request.setValue("cardfile/\(configuration.version)", forHTTPHeaderField: "User-Agent")
    request.setValue(
      UUIDv7.make(at: time.now(), random: random), forHTTPHeaderField: "X-Request-Id")
    request.setValue("application/json", forHTTPHeaderField: "Accept")
    let optional = [
      ("X-Tenant-Id", call.tenantID), ("If-None-Match", call.etag),
      ("Idempotency-Key", call.idempotencyKey), ("X-Forwarded-For", call.forwardedFor),
    ]
    for (name, value) in optional {
      guard let value else { continue }
      // A line break in an id would otherwise write a header of its own.
      guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return nil }
      request.setValue(value, forHTTPHeaderField: name)
    }
    if let body = call.body {
      request.setValue("application/json", forHTTPHeaderField: "Content-Type")
      request.httpBody = Data(body)
    }
    return request
  }
}
