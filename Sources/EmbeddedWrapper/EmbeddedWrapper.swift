public import Database
public import HTTP
public import HTTPServer
internal import Synchronization
public import Values

/// A Wrapper inside this program: the same endpoints as a remote one, from tables of its own.
///
/// The server talks to it over HTTP through the very client it would use for a remote one, so that
/// development and small teams need no other system.
public final class EmbeddedWrapper: Sendable {
  /// How long requests under way may take to end when the server stops.
  private static let stopGraceSeconds = 2.0
  /// How long a planned outage waits before it asks for its port again.
  private static let retrySeconds = 0.2

  /// Administration of what is served.
  public let directory: Directory

  /// The same endpoints without a guard, for a way here that is guarded itself, such as a socket
  /// file that nobody else may open.
  public var administration: any HTTPApplication { unguarded }

  private let unguarded: WrapperApplication

  private struct Running {
    var server: HTTPServer?
    /// Goes down and comes up again as planned.
    var outage: Task<Void, Never>?
  }

  private let configuration: EmbeddedWrapperConfiguration
  private let application: any HTTPApplication
  private let time: TimeSource
  private let random: RandomSource
  private let running = Mutex(Running())

  /// A Wrapper that serves the directory in `database` to whoever holds `apiKey`.
  ///
  /// - Parameters:
  ///   - database: Where the directory lies.
  ///   - configuration: How it is served.
  ///   - apiKey: The key that every request must carry.
  ///   - time: Where time comes from.
  ///   - random: Where tokens and ids come from.
  public init(
    database: Database,
    configuration: EmbeddedWrapperConfiguration = EmbeddedWrapperConfiguration(),
    apiKey: String, time: TimeSource = .system, random: RandomSource = .system
  ) {
    directory = Directory(database: database, time: time, random: random)
    self.configuration = configuration
    self.time = time
    self.random = random
    unguarded = WrapperApplication(
      directory: directory, guarding: nil, configuration: configuration)
    let served = WrapperApplication(
      directory: directory, guarding: WrapperGuard(configuration, apiKey: apiKey),
      configuration: configuration)
    let faults = configuration.faults
    application = faults.touchesRequests ? FaultyApplication(served, faults) : served
  }

  /// Answers a request of the administration, from within this program.
  ///
  /// - Parameters:
  ///   - request: The request, with the tenant in `X-Tenant-Id`.
  ///   - transaction: Runs the change that the request asks for; nil for a transaction of its own.
  public func administer(
    _ request: HTTPRequest, in transaction: DirectoryTransaction? = nil
  ) async -> HTTPResponse {
    await unguarded.answer(request, in: transaction)
  }

  /// Begins to listen.
  ///
  /// - Returns: the port that is listened on.
  /// - Throws: ``HTTPServerError`` when the address or the port cannot be had.
  public func start() throws(HTTPServerError) -> UInt16 {
    let server = newServer(port: configuration.port)
    let port = try server.start()
    running.withLock { $0.server = server }
    // Only now, since the outage takes the server away, be it at once.
    if let seconds = configuration.faults.downAfterSeconds {
      let outage = Task { await fallOut(afterSeconds: seconds, port: port) }
      running.withLock { $0.outage = outage }
    }
    return port
  }

  /// Ends what is under way and stops listening.
  public func stop() async {
    // Long polls would use up the whole time that they are given otherwise.
    directory.feed.close()
    let outage = running.withLock { $0.outage.take() }
    outage?.cancel()
    await outage?.value
    await running.withLock { $0.server.take() }?.stop(graceSeconds: Self.stopGraceSeconds)
  }

  private func newServer(port: UInt16) -> HTTPServer {
    var server = HTTPServerConfiguration()
    server.address = configuration.address
    server.port = port
    server.tls = configuration.tls
    server.threads = 1
    return HTTPServer(
      configuration: server, application: application, time: time, random: random)
  }

  /// Stops listening after some time, breaking off what is under way, and listens again later if
  /// that is the plan.
  ///
  /// Ends early when the Wrapper stops.
  private func fallOut(afterSeconds seconds: Double, port: UInt16) async {
    do {
      try await Task.sleep(for: .seconds(seconds))
      await running.withLock { $0.server.take() }?.stop(graceSeconds: 0)
      guard let upAfter = configuration.faults.upAfterSeconds else { return }
      try await Task.sleep(for: .seconds(upAfter))
      while true {
        let server = newServer(port: port)
        // Another program may have the port for a while; it is asked for again.
        if (try? server.start()) != nil {
          running.withLock { $0.server = server }
          return
        }
        try await Task.sleep(for: .seconds(Self.retrySeconds))
      }
    } catch {
      // Cancelled: the Wrapper stops, in whatever state the outage is.
    }
  }
}
