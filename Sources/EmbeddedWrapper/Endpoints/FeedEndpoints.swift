internal import HTTP
internal import JSON
internal import Values

/// The change feed, by long poll.
struct FeedEndpoints: Sendable {
  let directory: Directory

  func add(to router: inout Router<WrapperApplication.Endpoint>) {
    router.add(
      .get, "/api/events", .init(isTagged: false) { request, _ in try await poll(request) })
  }

  /// Answers as soon as there is an event behind the reader's place, or when the wait is over.
  private func poll(_ request: HTTPRequest) async throws -> HTTPResponse {
    let query = try QueryItems(parsing: request.head.query)
    let channels = try FeedChannels(
      query["channels"], tenantID: request.head.headers["X-Tenant-Id"])
    let waitSeconds = try Self.waitSeconds(query["wait"])
    let start = directory.time.monotonicNanoseconds()
    // An empty cursor is none: a client that keeps one as text begins with it.
    var cursor = query["after"].flatMap { $0.isEmpty ? nil : $0 }
    let mayWait = cursor != nil
    while true {
      let changes = directory.feed.changes
      let page = try directory.events(after: cursor, in: channels)
      let passed = Double(directory.time.monotonicNanoseconds() &- start) / 1e9
      let isOver =
        passed >= waitSeconds || !mayWait || directory.feed.isClosed || Task.isCancelled
      if page.isReset || !page.events.isEmpty || (isOver && !page.hasMore) {
        return Self.answer(page)
      }
      cursor = page.cursor.text
      if page.hasMore { continue }
      guard await directory.feed.wait(past: changes, seconds: waitSeconds - passed) else {
        throw Problem(.overloaded, "Too many wait.", headers: ["Retry-After": "5"])
      }
    }
  }

  private static func waitSeconds(_ text: String?) throws(Problem) -> Double {
    guard let text else { return 0 }
    guard let seconds = Double(text), seconds.isFinite, seconds >= 0 else {
      throw Problem(.invalidParameter, "wait is a number of seconds from 0.")
    }
    return min(seconds, Limits.feedWaitSecondsMax)
  }

  private static func answer(_ page: FeedPage) -> HTTPResponse {
    let body: JSONValue = [
      "events": .array(page.events), "cursor": .string(page.cursor.text),
      "reset": .bool(page.isReset),
    ]
    return .json(body.bytes)
  }
}
