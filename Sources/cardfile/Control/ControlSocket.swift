internal import HTTP
internal import HTTPServer

/// The socket beside the database file through which commands reach the server that holds it.
///
/// It serves maintenance and the embedded Wrapper's endpoints without a key: whoever may open the
/// socket may open the file too.
struct ControlSocket {
  private let server: HTTPServer

  /// How long a command under way may take to end.
  private static let graceSeconds = 2.0

  /// Where the socket of a database lies.
  static func path(databasePath: String) -> String { "\(databasePath).control" }

  /// Begins to listen; only for who holds the database's lock, since a socket that was left behind
  /// is replaced.
  ///
  /// - Throws: ``HTTPServer/HTTPServerError`` when the place allows no socket.
  init(databasePath: String, application: some HTTPApplication) throws(HTTPServerError) {
    var configuration = HTTPServerConfiguration(threads: 1)
    configuration.socketPath = Self.path(databasePath: databasePath)
    server = HTTPServer(configuration: configuration, application: application)
    _ = try server.start()
  }

  func stop() async {
    await server.stop(graceSeconds: Self.graceSeconds)
  }
}
