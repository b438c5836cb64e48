import HTTP
import HTTPServer
import JSON
import Synchronization
import Values

@testable import WrapperClient

/// A Wrapper that answers whatever a test tells it to, and remembers what it was asked.
final class ScriptedWrapper: HTTPApplication {
  /// One call as it came.
  struct Seen: Sendable {
    var method: String
    var path: String
    var query: String
    var headers: HTTPHeaders
    var body: [UInt8]

    /// The ids of the activities that it brought.
    var activityIDs: [String] {
      // A body that is no JSON brought none.
      let entries = (try? JSONParser.parse(body))?["activities"]?.array ?? []
      return entries.compactMap { $0["id"]?.string }
    }
  }

  typealias Script = @Sendable (Seen) async -> HTTPResponse?

  private let script = Mutex<Script?>(nil)
  private let seen = Mutex<[Seen]>([])

  /// What is answered before the peaceful default; nil falls through to it.
  func play(_ script: Script?) {
    self.script.withLock { $0 = script }
  }

  /// The calls so far whose path begins with `prefix`.
  func calls(_ prefix: String) -> [Seen] {
    seen.withLock { $0.filter { $0.path.hasPrefix(prefix) } }
  }

  func forget() {
    seen.withLock { $0 = [] }
  }

  func route(_ head: HTTPRequestHead) -> HTTPRouting {
    .handle(body: .buffered(maxBytes: 16 << 20)) { request in
      var body: [UInt8] = []
      if case .bytes(let bytes) = request.body { body = bytes }
      let call = Seen(
        method: head.method.rawValue, path: head.path, query: head.query, headers: head.headers,
        body: body)
      self.seen.withLock { $0.append(call) }
      if let script = self.script.withLock({ $0 }), let answer = await script(call) {
        return answer
      }
      return Self.peaceful(call)
    }
  }

  func refusal(_ problem: Problem, requestID: String, path: String) -> HTTPResponse {
    problem.response(requestID: requestID, instance: path)
  }

  func completed(_ exchange: HTTPExchange) {}

  /// A tenant of one user, `u1`, who may everything, and 100 credits.
  static func peaceful(_ call: Seen) -> HTTPResponse {
    let text: String
    switch call.path {
    case "/api/permissions":
      text = #"{"users":[{"userId":"u1","permissions":["*"],"roleIds":[]}],"roles":[]}"#
    case "/api/employees":
      text = #"{"employees":[{"userId":"u1","name":"Una","email":"una@example.com"}]}"#
    case "/auth/validate":
      text = #"{"valid":true,"userId":"u1","tenantId":"t1","sessionId":"s1"}"#
    case "/api/activities/batch": text = #"{"accepted":1}"#
    case let path where path.hasPrefix("/api/billing/credit-configs/"):
      text = #"{"operations":[{"operationCode":"crm.leads.create","creditCost":5}]}"#
    case let path where path.hasPrefix("/api/billing/credits/"):
      text = #"{"available":100,"dailyUsage":0,"monthlyUsage":0}"#
    case let path where path.hasPrefix("/api/organizations/"):
      text = #"{"entityId":"o1","entityType":"organization","name":"One"}"#
    case let path where path.hasPrefix("/api/tenants/"): text = #"{"name":"Tenant One"}"#
    default: return HTTPResponse(status: 404)
    }
    return .json(Array(text.utf8))
  }
}

/// A body that breaks off, so that the client never learns the answer.
struct BrokenBody: HTTPResponseBodyStream {
  struct Break: Error {}

  func next() async throws -> [UInt8]? { throw Break() }
  func finish() {}
}
