import HTTP
import Synchronization
import Values

@testable import WrapperClient

/// Carries calls to a function of the test instead of a Wrapper.
final class FakeTransport: WrapperSending {
  typealias Answer = Result<WrapperAnswer, TransportFailure>

  private struct State {
    var calls: [WrapperCall] = []
    var script: @Sendable (WrapperCall) -> Answer?
  }

  private let state: Mutex<State>

  /// Answers as `script` says, and where that says nothing as a peaceful Wrapper of tenant `t1`.
  init(_ script: @escaping @Sendable (WrapperCall) -> Answer? = { _ in nil }) {
    state = Mutex(State(script: script))
  }

  /// The calls so far whose path begins with `prefix`.
  func calls(_ prefix: String) -> [WrapperCall] {
    state.withLock { $0.calls.filter { $0.path.hasPrefix(prefix) } }
  }

  func play(_ script: @escaping @Sendable (WrapperCall) -> Answer?) {
    state.withLock { $0.script = script }
  }

  func send(_ call: WrapperCall) async -> Answer {
    let script = state.withLock { state in
      state.calls.append(call)
      return state.script
    }
    return script(call) ?? Self.peaceful(call)
  }

  func close() {}

  /// An answer with that status and body.
  static func answer(_ status: Int, _ text: String = "", retryAfter: String? = nil) -> Answer {
    .success(
      WrapperAnswer(
        status: status, etag: nil, retryAfter: retryAfter, maxAgeSeconds: nil,
        body: Array(text.utf8)))
  }

  private static func peaceful(_ call: WrapperCall) -> Answer {
    let path = call.path.prefix { $0 != "?" }
    let texts = [
      "/api/permissions": #"{"users":[{"userId":"u1","permissions":["*"]}],"roles":[]}"#,
      "/api/employees": #"{"employees":[{"userId":"u1","name":"Una"}]}"#,
      "/api/events": #"{"events":[],"cursor":"1","reset":false}"#,
    ]
    return answer(200, texts[String(path)] ?? "{}")
  }
}

/// A feed and tenants that a test moves by hand, by a clock that stands still.
struct StillWorld {
  let world: ClientWorld
  let transport = FakeTransport()
  let environment: SyncEnvironment
  let syncs: [TenantSync]
  let feed: FeedReader

  init(
    _ tenantIDs: [String] = ["t1"], _ adjust: (inout WrapperConfiguration) -> Void = { _ in }
  ) throws {
    world = try ClientWorld()
    var configuration = WrapperConfiguration(
      baseURL: "https://wrapper.example", apiKey: "key", version: "test")
    adjust(&configuration)
    // The longest of every pause.
    let environment = SyncEnvironment(
      configuration: configuration, transport: transport, database: world.database,
      time: world.clock.source, random: RandomSource { .max }, log: { _, _ in })
    self.environment = environment
    let syncs = tenantIDs.map {
      TenantSync(tenantID: $0, queuedUnits: 0, queuedRows: 0, environment: environment)
    }
    self.syncs = syncs
    feed = FeedReader(
      environment: environment, serves: { _ in true },
      followed: { Dictionary(uniqueKeysWithValues: syncs.map { ($0.tenantID, $0) }) },
      recall: { _ in nil })
  }

  /// One poll of the feed.
  func poll() async throws -> Double {
    guard let poll = feed.polls.first else { return 0 }
    return await feed.round(poll)
  }

  func advance(seconds: Double) { world.clock.advance(seconds: seconds) }

  /// How one tenant stands.
  func status(_ sync: TenantSync) -> TenantSyncStatus {
    sync.status(cursor: nil, outboxDepth: nil, outboxOldest: nil)
  }
}
