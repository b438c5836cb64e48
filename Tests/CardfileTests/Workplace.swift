internal import Cryptography
internal import Foundation
internal import JSON
internal import SQLite
internal import TestSupport
internal import Values

/// A fresh folder with a database in it, and the ways to run the program there.
final class Workplace: Sendable {
  static let secret = "a secret for tests that has enough bytes"
  /// The program, built beside the bundle of the tests.
  static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("cardfile").path

  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  var databasePath: String { folder.file("cardfile.db") }

  /// Starts the program; nothing of this process's environment but the PATH reaches it.
  func start(
    _ arguments: [String], environment: [String: String] = [:]
  ) throws -> ChildProcess {
    var environment = environment
    environment["PATH"] = "/usr/local/bin:/usr/bin:/bin"
    environment["HOME"] = folder.path
    // A crash should end the program, not begin a long report.
    environment["SWIFT_BACKTRACE"] = "enable=no"
    return try ChildProcess(
      Self.program, arguments, environment: environment, folder: folder.path)
  }

  /// Runs the program to its end.
  func run(
    _ arguments: String..., environment: [String: String] = [:]
  ) async throws -> Finished {
    let child = try start(arguments, environment: environment)
    let end = try await child.waitForEnd()
    return Finished(end: end, output: child.output, errors: child.errors)
  }

  /// Runs another program in the folder to its end.
  func command(_ executable: String, _ arguments: String...) async throws -> Finished {
    try await command(executable, arguments)
  }

  /// Runs another program in the folder to its end.
  func command(_ executable: String, _ arguments: [String]) async throws -> Finished {
    let child = try ChildProcess(
      executable, arguments,
      environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"],
      folder: folder.path)
    let end = try await child.waitForEnd()
    return Finished(end: end, output: child.output, errors: child.errors)
  }

  /// Starts `cardfile serve` on a free port and waits until it listens.
  func serve(
    _ options: String..., environment: [String: String] = [:]
  ) async throws -> RunningServer {
    var environment = environment
    environment["JWT_SECRET", default: Self.secret] = Self.secret
    environment["RATE_LIMIT_PER_MINUTE"] = "0"
    let child = try start(
      ["serve", "--db", databasePath, "--listen", "127.0.0.1:0"] + options,
      environment: environment)
    return try await RunningServer(child, announcement: "Cardfile is listening on ")
  }

  /// Starts `cardfile wrapper` on a free port, with the demo's people, and waits for its login.
  func wrapper(_ options: String..., database: String) async throws -> RunningServer {
    let child = try start(
      ["wrapper", "--demo", "--db", folder.file(database)]
        + (options.isEmpty ? ["--listen", "127.0.0.1:0"] : options),
      environment: ["WRAPPER_API_KEY": "the-key"])
    _ = try await child.waitForOutput("Sign in: ")
    return try await RunningServer(child, announcement: "The Wrapper is listening on ")
  }

  /// Puts the demo's people, without its records, into the database: somebody to write as.
  func addPeople() async throws {
    let wrapper = try await wrapper(database: "cardfile.db")
    try await wrapper.stop()
  }

  /// Rows of a query as arrays of text, read beside the server if one runs.
  func rows(_ sql: String) throws -> [[String?]] {
    let connection = try Connection(path: databasePath, mode: .readOnly)
    return try connection.all(sql) { row in (0..<row.columnCount).map { row.text($0) } }
  }

  /// Whether nothing was written into the folder.
  var isEmpty: Bool {
    get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty }
  }

  /// A file in the folder with the given mode.
  func write(_ text: String, to name: String, mode: Int = 0o600) throws {
    let isWritten = FileManager.default.createFile(
      atPath: folder.file(name), contents: Data(text.utf8),
      attributes: [.posixPermissions: mode])
    guard isWritten else { throw Unexpected("\(name) cannot be written") }
  }
}

/// A program that has ended.
struct Finished {
  let end: ChildProcess.End
  let output: String
  let errors: String
}

/// A program that listens.
struct RunningServer: Sendable {
  let child: ChildProcess
  let url: String
  let client: TestClient

  init(_ child: ChildProcess, announcement: String) async throws {
    self.child = child
    let output = try await child.waitForOutput(announcement)
    let line = output.split(separator: "\n").first { $0.hasPrefix(announcement) }
    guard let url = line?.dropFirst(announcement.count),
      let port = url.split(separator: ":").last.flatMap({ UInt16($0) })
    else { throw Unexpected("no port in \(output)", child.errors) }
    self.url = String(url)
    client = TestClient(port: port)
  }

  /// Sends a request as one of the demo's people.
  func send(
    _ method: String, _ path: String, as user: String = "user-ada", _ body: JSONValue? = nil
  ) async throws -> TestResponse {
    try await send(method, path, token: Self.token(user), body)
  }

  /// Sends a request with a token, or without one.
  func send(
    _ method: String, _ path: String, token: String?, _ body: JSONValue? = nil
  ) async throws -> TestResponse {
    var headers: [(String, String)] = []
    if let token { headers.append(("Authorization", "Bearer \(token)")) }
    if body != nil { headers.append(("Content-Type", "application/json")) }
    return try await client.send(method, path, headers: headers, body: body?.bytes)
  }

  /// Sends SIGTERM and waits for the end it asks for.
  func stop() async throws {
    child.signal(SIGTERM)
    let end = try await child.waitForEnd()
    guard end == .exited(0) else { throw Unexpected("SIGTERM ended with \(end)", child.errors) }
  }

  /// A JWT for one of the demo's people.
  static func token(_ user: String) -> String {
    let header: JSONValue = ["alg": "HS256", "typ": "JWT"]
    let payload: JSONValue = [
      "sub": .string(user), "tenantId": "acme",
      "exp": .integer(TimeSource.system.now().milliseconds / 1000 + 3600),
    ]
    let text = "\(Base64.encodeURL(header.bytes)).\(Base64.encodeURL(payload.bytes))"
    let code = HMACSHA256.code(for: Array(text.utf8), key: Array(Workplace.secret.utf8))
    return "\(text).\(Base64.encodeURL(code))"
  }
}
