public import HTTP
public import JSON
public import SQLite
internal import Synchronization
internal import WrapperClient

/// The administration of the directory that lies in this server's own file.
///
/// It is asked within the program rather than over HTTP, so that a change and the entry that tells
/// of it are one transaction.
public struct DirectoryAdministration: Sendable {
  /// Runs a change in a transaction in which the entry is written too; the change says how the
  /// thing was before and how it is after.
  public typealias Transaction =
    @Sendable (
      _ change:
        @escaping @Sendable (borrowing Connection) throws -> (
          before: JSONValue?, after: JSONValue?
        )
    ) async throws -> Void

  private let answer: @Sendable (HTTPRequest, Transaction?) async -> HTTPResponse

  /// An administration whose requests `answer` answers, making their changes in the transaction
  /// that it is given.
  public init(answer: @escaping @Sendable (HTTPRequest, Transaction?) async -> HTTPResponse) {
    self.answer = answer
  }

  /// Asks for something.
  ///
  /// - Parameters:
  ///   - method: The method.
  ///   - target: Path and query, encoded.
  ///   - body: JSON to send.
  ///   - context: Whose tenant and under which request; its conditions hold.
  ///   - transaction: Runs the change that is asked for; nil where none is.
  /// - Returns: what was answered, refusals included.
  /// - Throws: what went wrong in `transaction`, where nobody expected it.
  func send(
    _ method: HTTPMethod, _ target: String, body: [UInt8] = [], _ context: RequestContext,
    in transaction: Transaction? = nil
  ) async throws -> WrapperReply {
    let head = context.request.head
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var headers: HTTPHeaders = ["X-Tenant-Id": context.tenantID]
    headers.add("X-Forwarded-For", context.address)
    for name in ["If-Match", "If-None-Match"] {
      for value in head.headers.values(name) { headers.add(name, value) }
    }
    let request = HTTPRequest(
      head: HTTPRequestHead(
        method: method, path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "",
        headers: headers, requestID: head.requestID, receivedAt: head.receivedAt),
      body: .bytes(body))
    let cause = Mutex<(any Error)?>(nil)
    let observed = transaction.map { run -> Transaction in
      { change in
        do {
          try await run(change)
        } catch {
          cause.withLock { $0 = error }
          throw error
        }
      }
    }
    let response = await answer(request, observed)
    // The answer says as little of it as every other; the log wants to know.
    if response.status == 500, let cause = cause.withLock({ $0 }) { throw cause }
    guard case .bytes(let bytes) = response.body else {
      preconditionFailure("the directory's answers are all there at once")
    }
    return WrapperReply(
      status: response.status, body: bytes, retryAfter: response.headers["Retry-After"],
      etag: response.headers["ETag"])
  }
}
