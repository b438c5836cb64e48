internal import Foundation
internal import FoundationNetworking
internal import Synchronization

/// Gathers the answers of the calls under way, as URLSession brings them piece by piece.
// Safety: the only stored property is a Mutex; NSObject itself holds no state.
final class ExchangeTable: NSObject, URLSessionDataDelegate, @unchecked Sendable {
  private struct Exchange {
    let promise = Promise<Result<WrapperAnswer, TransportFailure>>()
    var answer: WrapperAnswer?
  }

  private let exchanges = Mutex<[Int: Exchange]>([:])

  /// Begins to gather for the task; to be called before it is resumed.
  func open(_ taskID: Int) -> Promise<Result<WrapperAnswer, TransportFailure>> {
    let exchange = Exchange()
    exchanges.withLock { $0[taskID] = exchange }
    return exchange.promise
  }

  /// Drops what was gathered, when nobody waits any more.
  func forget(_ taskID: Int) {
    _ = exchanges.withLock { $0.removeValue(forKey: taskID) }
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask,
    willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
    completionHandler: @escaping (URLRequest?) -> Void
  ) {
    // Following would hand the key to whoever the redirect names. The redirect itself arrives as
    // the answer then; whoever waits hears of it no earlier, since URLSession on Linux ends the
    // process when a task is cancelled before it has taken this decision in.
    completionHandler(nil)
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
  ) {
    guard let response = response as? HTTPURLResponse else {
      finish(dataTask, .failure(.unreachable))
      return completionHandler(.cancel)
    }
    if response.expectedContentLength > Int64(Limits.answerBytesMax) {
      finish(dataTask, .failure(.tooLarge))
      dataTask.cancel()
    } else {
      let answer = WrapperAnswer(
        status: response.statusCode, etag: response.value(forHTTPHeaderField: "ETag"),
        retryAfter: response.value(forHTTPHeaderField: "Retry-After"),
        endsConnection: response.value(forHTTPHeaderField: "Connection")?.lowercased() == "close",
        maxAgeSeconds: Self.maxAge(response.value(forHTTPHeaderField: "Cache-Control")),
        body: [])
      exchanges.withLock { $0[dataTask.taskIdentifier]?.answer = answer }
    }
    completionHandler(.allow)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    let fits = exchanges.withLock { exchanges -> Bool in
      let gathered = exchanges[dataTask.taskIdentifier]?.answer?.body.count ?? 0
      guard gathered + data.count <= Limits.answerBytesMax else { return false }
      exchanges[dataTask.taskIdentifier]?.answer?.body.append(contentsOf: data)
      return true
    }
    guard !fits else { return }
    finish(dataTask, .failure(.tooLarge))
    dataTask.cancel()
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
  ) {
    let answer = exchanges.withLock { $0[task.taskIdentifier]?.answer }
    guard error == nil, let answer else { return finish(task, .failure(.unreachable)) }
    let isRedirect = (300..<400).contains(answer.status) && answer.status != 304
    finish(task, isRedirect ? .failure(.redirected) : .success(answer))
  }

  private func finish(
    _ task: URLSessionTask, _ result: Result<WrapperAnswer, TransportFailure>
  ) {
    let exchange = exchanges.withLock { $0.removeValue(forKey: task.taskIdentifier) }
    exchange?.promise.fulfil(result)
  }

  private static func maxAge(_ cacheControl: String?) -> Double? {
    for directive in cacheControl?.lowercased().split(separator: ",") ?? [] {
      let parts = directive.split(separator: "=")
      guard parts.count == 2, parts[0].filter({ $0 != " " }) == "max-age" else { continue }
      return Double(parts[1].filter { $0 != " " })
    }
    return nil
  }
}
