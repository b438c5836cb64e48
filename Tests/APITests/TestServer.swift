import API
import CRM
import Cryptography
import Database
import EmbeddedWrapper
import Foundation
import HTTPServer
import JSON
import SQLite
import TestSupport
import Values
import WrapperClient

/// A whole server on a free port: the real database, HTTP server, embedded Wrapper and its client.
///
/// Two tenants. In `acme`: ada (everything), mara (manager, `:team`), sam and sue (sales, `:own`),
/// vic (reads), ida (not active), pia (may act for others). In `globex`: greta (everything).
/// `poor` has a user of its own and no credits: paul.
final class TestServer: Sendable {
  static let secret = Array("a secret for tests that has enough bytes".utf8)

  let folder: TemporaryFolder
  let database: Database
  let directory: Directory
  let wrapper: Wrapper
  let store: RecordStore
  let client: TestClient
  let time: TimeSource
  private let embedded: EmbeddedWrapper
  private let application: Application
  private let server: HTTPServer
  private let log: Log
  private let recording: Task<Void, Never>

  var path: String { folder.path + "/cardfile.db" }

  /// Starts everything, without tenants if `isEmpty`; `configure` may change the API's
  /// configuration before.
  init(
    catalog: Catalog = .standard, migrations: [Migration] = Migration.embedded,
    creditCheck: WrapperConfiguration.CreditCheck = .strict,
    permissionCheck: WrapperConfiguration.PermissionCheck = .cached,
    pollSeconds: Double = 0.2, time: TimeSource = .system,
    folder: TemporaryFolder? = nil, isEmpty: Bool = false, hasFeed: Bool = true,
    checkpointEntries: Int64 = CRM.Limits.checkpointEntries,
    bufferSeconds: Double = 0.05,
    configureDatabase: (inout DatabaseConfiguration) -> Void = { _ in },
    configure: (inout APIConfiguration) -> Void = { _ in }
  ) async throws {
    let folder = try folder ?? TemporaryFolder()
    self.folder = folder
    try PreparedStatements.observe(folder.path + "/cardfile.db")
    self.time = time
    var databaseConfiguration = DatabaseConfiguration(path: folder.path + "/cardfile.db")
    databaseConfiguration.migrations = migrations
    configureDatabase(&databaseConfiguration)
    database = try Database(databaseConfiguration)
    var embeddedConfiguration = EmbeddedWrapperConfiguration()
    embeddedConfiguration.faults.hasFeed = hasFeed
    embedded = EmbeddedWrapper(
      database: database, configuration: embeddedConfiguration, apiKey: "the-key", time: time)
    directory = embedded.directory
    if !isEmpty, try !directory.hasUsers() { try await TestDirectory.fill(directory) }
    let port = try embedded.start()
    var wrapperConfiguration = WrapperConfiguration(
      baseURL: "http://127.0.0.1:\(port)", apiKey: "the-key", version: "test")
    wrapperConfiguration.creditCheck = creditCheck
    wrapperConfiguration.permissionCheck = permissionCheck
    wrapperConfiguration.pollSeconds = pollSeconds
    wrapperConfiguration.activityFlushSeconds = 0.1
    wrapperConfiguration.backoffFirstSeconds = 0.05
    wrapperConfiguration.backoffMaxSeconds = 0.2
    wrapper = Wrapper(
      wrapperConfiguration, database: database, time: time, random: .system, log: { _, _ in })
    await wrapper.start()
    var configuration = APIConfiguration()
    configuration.jwt = JWTConfiguration(secret: Self.secret)
    configuration.hasEmbeddedWrapper = true
    configuration.requestsPerMinute = 0
    configure(&configuration)
    log = Log(level: .error, format: .text) { FileHandle.standardError.write(Data($0)) }
    store = try RecordStore(
      database, catalog: catalog, time: time, checkpointEntries: checkpointEntries
    ) { [wrapper] in
      wrapper.activityQueued(tenantID: $0)
    }
    recording = Task { [store] in
      await store.keepWritingBufferedActivities(everySeconds: bufferSeconds) { _ in }
    }
    application = Application(
      configuration: configuration, store: store, database: database, wrapper: wrapper,
      directory: configuration.hasEmbeddedWrapper
        ? DirectoryAdministration { [embedded] in await embedded.administer($0, in: $1) } : nil,
      time: time, log: log)
    server = HTTPServer(configuration: HTTPServerConfiguration(), application: application)
    client = TestClient(port: try server.start())
  }

  /// Runs `body` with a server that is stopped afterwards, however `body` ends; a server in the
  /// `folder` of another one begins with what that left.
  static func run<Result>(
    catalog: Catalog = .standard, migrations: [Migration] = Migration.embedded,
    creditCheck: WrapperConfiguration.CreditCheck = .strict,
    permissionCheck: WrapperConfiguration.PermissionCheck = .cached,
    pollSeconds: Double = 0.2, time: TimeSource = .system,
    folder: TemporaryFolder? = nil, isEmpty: Bool = false, hasFeed: Bool = true,
    checkpointEntries: Int64 = CRM.Limits.checkpointEntries,
    bufferSeconds: Double = 0.05,
    configureDatabase: (inout DatabaseConfiguration) -> Void = { _ in },
    configure: (inout APIConfiguration) -> Void = { _ in },
    _ body: (TestServer) async throws -> Result
  ) async throws -> Result {
    await ServerPlaces.shared.take()
    defer { ServerPlaces.shared.giveBack() }
    let server = try await TestServer(
      catalog: catalog, migrations: migrations, creditCheck: creditCheck,
      permissionCheck: permissionCheck, pollSeconds: pollSeconds, time: time,
      folder: folder, isEmpty: isEmpty, hasFeed: hasFeed,
      checkpointEntries: checkpointEntries, bufferSeconds: bufferSeconds,
      configureDatabase: configureDatabase,
      configure: configure)
    do {
      let result = try await body(server)
      await server.stop()
      PreparedStatements.expectTenants()
      return result
    } catch {
      await server.stop()
      throw error
    }
  }

  /// The Wrapper goes away; calls to it are refused from now on.
  func stopWrapper() async {
    await embedded.stop()
  }

  func stop() async {
    await server.stop(graceSeconds: 5)
    await application.stop()
    recording.cancel()
    // A test that closes the file has nothing that could be written.
    try? await store.writeBufferedActivities()
    await wrapper.stop()
    await embedded.stop()
    database.close()
    log.close()
  }

  /// Sends a request as one of the users.
  func send(
    _ method: String, _ path: String, as user: String = "ada", _ body: JSONValue? = nil,
    headers: [(String, String)] = []
  ) async throws -> TestResponse {
    var headers = headers
    headers.append(("Authorization", "Bearer \(Self.token(user, at: time.now()))"))
    if body != nil, !headers.contains(where: { $0.0 == "Content-Type" }) {
      headers.append(("Content-Type", "application/json"))
    }
    return try await client.send(method, path, headers: headers, body: body?.bytes)
  }

  /// Creates a lead and gives its data.
  func lead(_ members: JSONValue, as user: String = "ada") async throws -> JSONValue {
    let answer = try await send("POST", "/api/leads", as: user, members)
    guard answer.status == 201, let data = answer.json["data"] else {
      throw Unexpected(answer: "\(answer.status) \(answer.text)")
    }
    return data
  }

  /// Creates a contact and gives its data.
  func contact(_ members: JSONValue, as user: String = "ada") async throws -> JSONValue {
    let answer = try await send("POST", "/api/contacts", as: user, members)
    guard answer.status == 201, let data = answer.json["data"] else {
      throw Unexpected(answer: "\(answer.status) \(answer.text)")
    }
    return data
  }

  struct Unexpected: Error {
    let answer: String
  }

  /// A JWT for one of the users.
  static func token(
    _ user: String, at now: Timestamp = TimeSource.system.now(), claims: [(String, JSONValue)] = []
  ) -> String {
    let tenant = user == "greta" ? "globex" : user == "paul" ? "poor" : "acme"
    var payload = JSONObject([
      ("sub", .string(user)), ("tenantId", .string(tenant)),
      ("exp", .integer(now.milliseconds / 1000 + 3600)),
    ])
    for (name, value) in claims { payload[name] = value == .null ? nil : value }
    return sign(["alg": "HS256", "typ": "JWT"], .object(payload), key: secret)
  }

  static func sign(_ header: JSONValue, _ payload: JSONValue, key: [UInt8]) -> String {
    let text = "\(Base64.encodeURL(header.bytes)).\(Base64.encodeURL(payload.bytes))"
    return "\(text).\(Base64.encodeURL(HMACSHA256.code(for: Array(text.utf8), key: key)))"
  }

  /// Rows of a query as arrays of text, for looking behind the API.
  func rows(_ sql: String, _ values: [SQLiteValue] = []) throws -> [[String?]] {
    try database.read { connection in
      try connection.all(PreparedStatements.testMark + sql, values) { row in
        (0..<row.columnCount).map { row.text($0) }
      }
    }
  }
}
