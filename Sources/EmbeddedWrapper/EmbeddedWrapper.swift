public import Database
public import HTTP
public import HTTPServer
public import Values

/// A Wrapper inside this program: the same endpoints as a remote one, from tables of its own.
///
/// The server talks to it over HTTP through the very client it would use for a remote one, so that
/// development and small teams need no other system.
public final class EmbeddedWrapper: Sendable {
  /// How long requests under way may take to end when the server stops.
  private static let stopGraceSeconds = 2.0

  /// Administration of what is served.
  public let directory: Directory

  /// The same endpoints without a guard, for a way here that is guarded itself, such as a socket
  /// file that nobody else may open.
  public let administration: any HTTPApplication

  private let server: HTTPServer

  /// A Wrapper that serves the directory in `database` to whoever holds `apiKey`.
  ///
  /// - Parameters:
  ///   - database: Where the directory lies.
  ///   - address: The address to listen on. Requests must name it, or a loopback host.
  ///   - port: The port to listen on; 0 for any free one.
  ///   - apiKey: The key that every request must carry.
  ///   - announcesActivities: Whether accepted activities appear on the feed. It is of no use where
  ///     the only reader is the one who sent them, as inside `serve`: it knows them by their ids,
  ///     and a second copy of each would only cost.
  ///   - time: Where time comes from.
  ///   - random: Where tokens and ids come from.
  public init(
    database: Database, address: String = "127.0.0.1", port: UInt16 = 0, apiKey: String,
    announcesActivities: Bool = false, time: TimeSource = .system, random: RandomSource = .system
  ) {
    directory = Directory(database: database, time: time, random: random)
    administration = WrapperApplication(
      directory: directory, guarding: nil, announcesActivities: announcesActivities)
    var configuration = HTTPServerConfiguration()
    configuration.address = address
    configuration.port = port
    configuration.threads = 1
    server = HTTPServer(
      configuration: configuration,
      application: WrapperApplication(
        directory: directory, guarding: WrapperGuard(apiKey: apiKey, address: address),
        announcesActivities: announcesActivities),
      time: time, random: random)
  }

  /// Begins to listen.
  ///
  /// - Returns: the port that is listened on.
  /// - Throws: ``HTTPServerError`` when the address or the port cannot be had.
  public func start() throws(HTTPServerError) -> UInt16 {
    try server.start()
  }

  /// Ends what is under way and stops listening.
  public func stop() async {
    // Long polls would use up the whole time that they are given otherwise.
    directory.feed.close()
    await server.stop(graceSeconds: Self.stopGraceSeconds)
  }
}
