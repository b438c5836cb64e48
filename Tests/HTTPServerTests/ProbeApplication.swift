import HTTP
import HTTPServer
import JSON
import Synchronization
import TestSupport
import Testing
import Values

/// An application whose routes a test gives, and which keeps what the server tells it.
final class ProbeApplication: HTTPApplication {
  typealias Route = @Sendable (HTTPRequestHead) -> HTTPRouting?

  private let answers: Route
  private let told = Mutex<[HTTPExchange]>([])

  init(_ answers: @escaping Route = { _ in nil }) {
    self.answers = answers
  }

  var exchanges: [HTTPExchange] { told.withLock { $0 } }

  func route(_ head: HTTPRequestHead) -> HTTPRouting {
    answers(head) ?? Self.standard(head)
  }

  func refusal(_ problem: Problem, requestID: String, path: String) -> HTTPResponse {
    problem.response(requestID: requestID, instance: path)
  }

  func completed(_ exchange: HTTPExchange) {
    told.withLock { $0.append(exchange) }
  }

  /// Routes that many tests use.
  private static func standard(_ head: HTTPRequestHead) -> HTTPRouting {
    switch head.path {
    case "/hello":
      return .answer(text("hello"))
    case "/inline":
      return .handle(body: .buffered(maxBytes: 1000)) { _ in text("inline") }
    case "/echo":
      return .handle(body: .buffered(maxBytes: 1000)) { request in
        guard case .bytes(let bytes) = request.body else { return text("?") }
        return HTTPResponse(status: 200, body: .bytes(bytes))
      }
    case "/later":
      return .handle(body: .buffered(maxBytes: 1000)) { _ in
        await Task.yield()
        return text("later")
      }
    case "/head":
      return .handle(body: .buffered(maxBytes: 0)) { request in
        text("\(request.head.path)?\(request.head.query)")
      }
    case "/count":
      return .handle(body: .streamed(maxBytes: 100_000_000)) { request in
        await count(request.body)
      }
    default:
      return .answer(text("no route for \(head.path)", status: 404))
    }
  }

  static func text(_ text: String, status: Int = 200) -> HTTPResponse {
    HTTPResponse(
      status: status, headers: ["Content-Type": "text/plain"], body: .bytes(Array(text.utf8)))
  }

  /// Reads a streamed body and says how long it was.
  private static func count(_ body: HTTPRequestBody) async -> HTTPResponse {
    guard case .stream(let stream) = body else { return text("?") }
    var count = 0
    do {
      while let chunk = try await stream.next() { count += chunk.count }
    } catch {
      return text("\(error)", status: error == .tooLarge ? 413 : 400)
    }
    return text("\(count)")
  }
}

/// Runs `body` with a server on a free port and stops it afterwards.
func withServer(
  _ application: ProbeApplication = ProbeApplication(),
  configuration: HTTPServerConfiguration = HTTPServerConfiguration(threads: 2),
  _ body: (TestClient, HTTPServer) async throws -> Void
) async throws {
  let server = HTTPServer(configuration: configuration, application: application)
  let port = try server.start()
  do {
    try await body(TestClient(port: port), server)
  } catch {
    await server.stop(graceSeconds: 5)
    throw error
  }
  await server.stop(graceSeconds: 5)
}

/// A configuration with other limits.
func limited(_ change: (inout HTTPLimits) -> Void) -> HTTPServerConfiguration {
  var configuration = HTTPServerConfiguration(threads: 2)
  change(&configuration.limits)
  return configuration
}

/// Opens once, for all who wait and all who come later.
final class Latch: Sendable {
  private let state = Mutex((isOpen: false, waiters: [CheckedContinuation<Void, Never>]()))

  func open() {
    let waiters = state.withLock { state in
      state.isOpen = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiters.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }
}

/// A number that threads share.
final class Tally: Sendable {
  private let number = Atomic<Int>(0)

  var count: Int { number.load(ordering: .sequentiallyConsistent) }

  func add() { number.add(1, ordering: .sequentiallyConsistent) }

  func set(_ value: Int) { number.store(value, ordering: .sequentiallyConsistent) }
}
