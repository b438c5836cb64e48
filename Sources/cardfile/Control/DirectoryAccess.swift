internal import API
internal import CRM
internal import Cryptography
internal import Database
internal import EmbeddedWrapper
internal import Foundation
internal import HTTP
internal import HTTPServer
internal import JSON
internal import Values

/// The way to the file and the embedded Wrapper's directory in it: through the server that holds
/// the file, or, when there is none, through the same endpoints in this process.
struct DirectoryAccess: Sendable {
  private enum Way: Sendable {
    case server(ControlClient)
    case file(any HTTPApplication, Database)
  }

  /// What was answered.
  struct Answer {
    let status: Int
    let body: JSONValue
  }

  private let way: Way

  /// How long a server that starts or stops is waited for.
  private static let patienceSeconds = 5.0
  private static let pauseMilliseconds = 100
  /// How long a server may take for what was asked, in seconds: making sums anew takes a while.
  private static let timeoutSeconds = 3600

  /// Finds the way to the directory in the file at `path`.
  ///
  /// - Parameters:
  ///   - path: The database.
  ///   - isLitestream: Whether checkpoints are left to Litestream.
  ///   - mayCreate: Whether a file that is missing is made.
  static func open(
    _ path: String, isLitestream: Bool, mayCreate: Bool
  ) async throws(CommandFailure) -> DirectoryAccess {
    let socket = ControlClient(
      path: ControlSocket.path(databasePath: path), timeoutSeconds: timeoutSeconds)
    let deadline = TimeSource.system.monotonicNanoseconds() + UInt64(patienceSeconds * 1e9)
    while true {
      if try answers(socket, path) { return DirectoryAccess(way: .server(socket)) }
      guard mayCreate || FileManager.default.fileExists(atPath: path) else {
        throw .failed(
          "there is no file \(path): name it with --db or CRM_DB_PATH, or make it with "
            + "cardfile tenant add")
      }
      do {
        let database = try database(path, isLitestream: isLitestream)
        // It never listens, so nobody is told the key.
        let key = Base64.encodeURL(RandomSource.system.bytes(32))
        let wrapper = EmbeddedWrapper(database: database, apiKey: key)
        // Whoever serves the file next ships what is logged here.
        let store = try RecordStore(database, catalog: .standard) { _ in }
        let commands = DirectoryCommands(store: store, directory: wrapper.administration) {
          await wrapper.administer($0, in: $1)
        }
        let application = ControlApplication(
          store: store, directory: ActivityControl(store: store, next: commands))
        return DirectoryAccess(way: .file(application, database))
      } catch DatabaseError.locked(let pid) {
        guard TimeSource.system.monotonicNanoseconds() < deadline else {
          let holder = pid.map { "process \($0)" } ?? "another process"
          throw .failed(
            "\(path) is in use by \(holder), which takes no commands: it runs with a remote "
              + "Wrapper, or is starting, stopping or stuck")
        }
        // Nothing tells when the other process is ready or gone.
        try? await Task.sleep(for: .milliseconds(pauseMilliseconds))
      } catch let error as DatabaseError {
        throw .failed(StartFailure.explanation(of: error, path: path))
      } catch {
        throw .failed("\(path) cannot be opened: \(error.localizedDescription)")
      }
    }
  }

  /// Sends one request.
  ///
  /// - Parameters:
  ///   - method: The method.
  ///   - target: Path and query, encoded.
  ///   - tenantID: Whose directory; nil for what belongs to no tenant.
  ///   - body: JSON to send, nil for none.
  func send(
    _ method: HTTPMethod, _ target: String, tenantID: String?, body: JSONValue? = nil
  ) async throws(CommandFailure) -> Answer {
    var headers: HTTPHeaders = [:]
    if let tenantID { headers.add("X-Tenant-Id", tenantID) }
    if body != nil { headers.add("Content-Type", "application/json") }
    headers.add("User-Agent", "cardfile/\(Program.version)")
    headers.add(DirectoryCommands.operatorField, PercentEncoding.encode(NSUserName()))
    switch way {
    case .server(let client):
      do throws(ControlClient.Failure) {
        let answer = try client.send(method, target, headers: headers, body: body?.bytes)
        return Answer(status: answer.status, body: try Self.json(answer.body))
      } catch {
        throw .failed(Self.explanation(error))
      }
    case .file(let application, _):
      let response = await Self.run(application, method, target, headers, body?.bytes ?? [])
      guard case .bytes(let bytes) = response.body else {
        preconditionFailure("the directory's answers are all there at once")
      }
      do throws(ControlClient.Failure) {
        return Answer(status: response.status, body: try Self.json(bytes))
      } catch {
        throw .failed(Self.explanation(error))
      }
    }
  }

  /// Sends one request whose body is no JSON value.
  ///
  /// - Parameters:
  ///   - target: Path and query, encoded.
  ///   - tenantID: Whose log.
  ///   - bytes: The body.
  func post(
    _ target: String, tenantID: String, bytes: [UInt8]
  ) async throws(CommandFailure) -> Answer {
    let headers: HTTPHeaders = ["X-Tenant-Id": tenantID]
    do throws(ControlClient.Failure) {
      switch way {
      case .server(let client):
        let answer = try client.send(.post, target, headers: headers, body: bytes)
        return Answer(status: answer.status, body: try Self.json(answer.body))
      case .file(let application, _):
        let response = await Self.run(application, .post, target, headers, bytes)
        guard case .bytes(let body) = response.body else { throw .malformed }
        return Answer(status: response.status, body: try Self.json(body))
      }
    } catch {
      throw .failed(Self.explanation(error))
    }
  }

  /// Asks for something of any size, which is handed on as it comes.
  ///
  /// - Parameters:
  ///   - target: Path and query, encoded.
  ///   - tenantID: Whose log.
  ///   - take: Takes the next bytes of what comes with status 200.
  /// - Returns: the status, the head's fields, and the body of any other status.
  func receive(
    _ target: String, tenantID: String, _ take: ([UInt8]) throws -> Void
  ) async throws -> (answer: Answer, headers: HTTPHeaders) {
    let headers: HTTPHeaders = ["X-Tenant-Id": tenantID]
    switch way {
    case .server(let client):
      do {
        let received = try client.receive(.get, target, headers: headers, take)
        let body = try Self.json(received.body)
        return (Answer(status: received.head.status, body: body), received.head.headers)
      } catch let failure as ControlClient.Failure {
        throw CommandFailure.failed(Self.explanation(failure))
      }
    case .file(let application, _):
      let response = await Self.run(application, .get, target, headers, [])
      switch response.body {
      case .bytes(let bytes):
        return (Answer(status: response.status, body: try Self.json(bytes)), response.headers)
      case .stream(let stream, _):
        defer { stream.finish() }
        while let bytes = try await stream.next() { try take(bytes) }
        return (Answer(status: response.status, body: .null), response.headers)
      }
    }
  }

  /// Lets the file go, if it was opened.
  func close() {
    if case .file(_, let database) = way { database.close() }
  }

  /// Whether a server answers at the socket.
  private static func answers(
    _ socket: ControlClient, _ path: String
  ) throws(CommandFailure) -> Bool {
    do throws(ControlClient.Failure) {
      let answer = try socket.send(.get, "/api/directory/tenants?limit=1")
      guard answer.status != 403 else { throw .notAllowed }
      return true
    } catch {
      switch error {
      // A server that stops breaks off; then the file is free soon.
      case .absent, .broken: return false
      case .notAllowed: throw .failed("the server that holds \(path) belongs to another user")
      case .malformed: throw .failed(explanation(error))
      }
    }
  }

  /// Opens the file, in a folder that is made when it is missing.
  static func database(_ path: String, isLitestream: Bool) throws -> Database {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    var configuration = DatabaseConfiguration(path: path)
    configuration.checkpointing = !isLitestream
    return try Database(configuration)
  }

  /// Asks an application as a server would that had got the request.
  private static func run(
    _ application: any HTTPApplication, _ method: HTTPMethod, _ target: String,
    _ headers: HTTPHeaders, _ body: [UInt8]
  ) async -> HTTPResponse {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let now = TimeSource.system.now()
    let head = HTTPRequestHead(
      method: method, path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "",
      headers: headers, remoteAddress: "local",
      requestID: UUIDv7.make(at: now, random: .system), receivedAt: now)
    switch application.route(head) {
    case .answer(let response): return response
    case .handle(_, let handler):
      return await handler(HTTPRequest(head: head, body: .bytes(body)))
    }
  }

  private static func json(_ bytes: [UInt8]) throws(ControlClient.Failure) -> JSONValue {
    guard !bytes.isEmpty else { return .null }
    do {
      return try JSONParser.parse(bytes)
    } catch {
      throw .malformed
    }
  }

  private static func explanation(_ failure: ControlClient.Failure) -> String {
    switch failure {
    case .absent: "the server has stopped; nothing was changed"
    case .notAllowed: "the server belongs to another user"
    case .broken: "the server broke off; look whether the change was made before you repeat it"
    case .malformed: "the server's answer is not understood; is it of the same version?"
    }
  }
}
