import HTTP
import HTTPServer
import JSON
import Synchronization

@testable import WrapperClient

/// The change feed of a scripted Wrapper: numbered events, held polls, and every way to break it.
final class ScriptedFeed: Sendable {
  private struct State {
    var events: [JSONValue] = []
    /// The oldest cursor that is still known.
    var oldest = 0
    /// What is answered instead.
    var answer: HTTPResponse?
    /// Answers without events so far.
    var emptyAnswers = 0
    /// Whether the next answer tells everybody to start again.
    var isResetWanted = false
  }

  private let state = Mutex(State())

  /// Answers without events so far.
  var emptyAnswers: Int { state.withLock { $0.emptyAnswers } }

  /// Puts an event on the feed.
  func publish(_ channel: String, _ type: String, _ data: JSONValue, id: JSONValue? = nil) {
    state.withLock { state in
      let number = state.events.count + 1
      state.events.append([
        "id": id ?? .string("e\(number)"), "channel": .string(channel),
        "eventType": .string(type), "data": data,
      ])
    }
  }

  /// Puts several on the feed at once, so that one answer brings them.
  func publish(all events: [JSONValue]) {
    state.withLock { $0.events += events }
  }

  /// Answers `answer` instead, or polls again.
  func play(_ answer: HTTPResponse?) {
    state.withLock { $0.answer = answer }
  }

  /// Tells the next poll that its cursor is too old.
  func reset() {
    state.withLock { $0.isResetWanted = true }
  }

  /// The answer to a call of the feed; nil for any other call.
  func answer(_ call: ScriptedWrapper.Seen) async -> HTTPResponse? {
    guard call.path == "/api/events" else { return nil }
    let query = try? QueryItems(parsing: call.query)
    let after = (query?["after"]).flatMap { Int($0) }
    let wait = (query?["wait"]).flatMap { Double($0) } ?? 0
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(wait)
    while true {
      if let answer = ready(after: after, isLast: clock.now >= deadline) { return answer }
      // A call that is cancelled runs into its deadline.
      try? await Task.sleep(for: .milliseconds(4))
    }
  }

  private func ready(after: Int?, isLast: Bool) -> HTTPResponse? {
    state.withLock { state in
      if let answer = state.answer { return answer }
      let newest = state.events.count
      if state.isResetWanted {
        state.isResetWanted = false
        return Self.json([], newest, isReset: true)
      }
      guard let after else { return Self.json([], newest, isReset: false) }
      let news = Array(state.events.dropFirst(after))
      guard !news.isEmpty || isLast else { return nil }
      if news.isEmpty { state.emptyAnswers += 1 }
      return Self.json(news, newest, isReset: false)
    }
  }

  private static func json(_ events: [JSONValue], _ cursor: Int, isReset: Bool) -> HTTPResponse {
    let body: JSONValue = [
      "events": .array(events), "cursor": .string("\(cursor)"), "reset": .bool(isReset),
    ]
    return .json(body.bytes)
  }
}

/// The event of a user that lacks nothing.
func userChange(
  _ id: String = "u1", permissions: [String], isActive: Bool = true, name: String = "Una"
) -> JSONValue {
  [
    "userId": .string(id), "isActive": .bool(isActive), "roleIds": [],
    "permissions": .array(permissions.map { .string($0) }),
    "profile": [
      "name": .string(name), "email": "una@example.com", "title": nil, "department": nil,
      "departmentId": nil, "organizationId": nil, "location": nil,
    ],
  ]
}

extension Wrapper {
  /// Whether memory lets the user.
  func allows(
    _ permission: String, user: String = "u1", tenant: String = "t1"
  ) -> Bool {
    loadedTenant(tenant)?.check(userID: user, permission: permission).isAllowed ?? false
  }
}

/// Runs `body` against a scripted Wrapper with a feed and a client that follows tenant `t1`.
///
/// The client has caught up with the feed when `body` begins.
func withFeed(
  world: ClientWorld? = nil, _ adjust: (inout WrapperConfiguration) -> Void = { _ in },
  _ body: (FedWorld) async throws -> Void
) async throws {
  let world = try world ?? ClientWorld()
  try await withScript { script, port in
    let feed = ScriptedFeed()
    script.play { await feed.answer($0) }
    let client = world.client(port: port) { configuration in
      configuration.pollSeconds = 0.1
      configuration.feedWaitSeconds = 0.1
      adjust(&configuration)
    }
    let fed = FedWorld(world: world, script: script, feed: feed, client: client, port: port)
    await client.start()
    _ = try await client.tenant("t1")
    await fed.catchUp()
    do {
      try await body(fed)
    } catch {
      await client.stop()
      throw error
    }
    await client.stop()
  }
}

/// What a test of the feed works with.
struct FedWorld: Sendable {
  let world: ClientWorld
  let script: ScriptedWrapper
  let feed: ScriptedFeed
  let client: Wrapper
  let port: UInt16

  /// Waits until the feed is known to hold nothing older than what is held.
  func catchUp() async {
    _ = await eventuallyTrue { client.status.contains { $0.feed == .feed } }
    // As long as looks are taken, what they bring may be newer than the feed.
    var looks = -1
    while looks != script.calls("/api/").count - script.calls("/api/events").count {
      looks = script.calls("/api/").count - script.calls("/api/events").count
      await pollTwice()
    }
  }

  /// Waits for two polls that began after this call and brought nothing.
  func pollTwice() async {
    let before = feed.emptyAnswers
    _ = await eventuallyTrue { feed.emptyAnswers >= before + 3 }
  }

  /// Answers `/api/permissions` with `text`, and everything else as before.
  func permissions(_ text: @escaping @Sendable () async -> String?) {
    let feed = self.feed
    script.play { call in
      guard call.path == "/api/permissions" else { return await feed.answer(call) }
      guard let text = await text() else { return HTTPResponse(status: 500) }
      return .json(Array(text.utf8))
    }
  }
}
