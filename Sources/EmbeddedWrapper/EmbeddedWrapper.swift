public import Database
internal import HTTP
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

  private let server: HTTPServer

  /// A Wrapper that serves the directory in `database` to whoever holds `apiKey`.
  ///
  /// - Parameters:
  ///   - database: Where the directory lies.
  ///   - address: The address to listen on. Requests must name a loopback host all the same.
  ///   - port: The port to listen on; 0 for any free one.
  ///   - apiKey: The key that every request must carry.
  ///   - time: Where time comes from.
  ///   - random: Where tokens and ids come from.
  public init(
    database: Database, address: String = "127.0.0.1", port: UInt16 = 0, apiKey: String,
    time: TimeSource = .system, random: RandomSource = .system
  ) {
    directory = Directory(database: database, time: time, random: random)
    var configuration = HTTPServerConfiguration()
    configuration.address = address
    configuration.port = port
    configuration.threads = 1
    server = HTTPServer(
      configuration: configuration,
      application: WrapperApplication(directory: directory, apiKey: apiKey), time: time,
      random: random)
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
    await server.stop(graceSeconds: Self.stopGraceSeconds)
  }
}
