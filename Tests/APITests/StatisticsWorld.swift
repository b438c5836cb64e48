import CRM
import Database
import HTTP
import JSON
import SQLite
internal import Synchronization
import TestSupport
import Values

/// A clock that stands still until a test moves it on.
final class StandingClock: Sendable {
  private let moment: Mutex<Timestamp>

  init(_ start: Timestamp) {
    moment = Mutex(start)
  }

  var now: Timestamp { moment.withLock { $0 } }

  func advance(minutes: Int64) {
    moment.withLock { $0 = $0.advanced(byMilliseconds: minutes * 60_000 + 137) }
  }
}

/// A store without a server around it, and people who act on it.
final class StatisticsWorld: Sendable {
  static let tenant = "acme"
  static let users = ["u0", "u1", "u2", "u3", "u4"]
  /// The users of the unit of `u1` and of those below it.
  static let team = ["u1", "u2"]

  let folder: TemporaryFolder
  let database: Database
  let store: RecordStore
  let clock: StandingClock

  init(clock: StandingClock, folder: TemporaryFolder? = nil) throws {
    let folder = try folder ?? TemporaryFolder()
    let path = folder.path + "/statistics.db"
    try PreparedStatements.observe(path)
    self.folder = folder
    self.clock = clock
    database = try Database(DatabaseConfiguration(path: path))
    store = try RecordStore(
      database, catalog: .standard,
      time: TimeSource(
        now: { clock.now },
        monotonicNanoseconds: TimeSource.system.monotonicNanoseconds),
      activityWritten: { _ in })
  }

  static func caller(_ user: String, tenant: String = StatisticsWorld.tenant) -> Caller {
    Caller(
      tenantID: tenant, userID: user, sessionID: "s", displayName: user, department: "Sales",
      entityPath: user, unitID: nil, unitPath: nil, userContext: #"{"user":{"name":"\#(user)"}}"#,
      compliance: "{}", currency: "EUR",
      scope: { _ in RecordScope(userID: user, reaching: .tenant) },
      isUser: { users.contains($0) })
  }

  func resource(_ entityType: String) throws -> Resource {
    guard let resource = store.catalog.resource(entityType: entityType) else {
      throw Missing(entityType: entityType)
    }
    return resource
  }

  struct Missing: Error {
    let entityType: String
  }

  private func mutation(_ resource: Resource, _ action: String, _ user: String, _ tenant: String)
    -> Mutation
  {
    Mutation(
      caller: Self.caller(user, tenant: tenant), operation: resource.description.operation(action),
      scope: RecordScope(userID: user, reaching: .tenant), permissions: "{}")
  }

  /// Creates a record; nil when it was refused.
  @discardableResult
  func create(
    _ entityType: String, _ members: JSONValue, as user: String = "u0",
    tenant: String = StatisticsWorld.tenant
  ) async throws -> JSONValue? {
    let resource = try resource(entityType)
    try await store.start(resource, tenantID: tenant)
    do {
      let body = try RecordBody.parse(members.bytes)
      let change = try store.prepareCreate(
        resource, body, mutation(resource, "create", user, tenant))
      return try JSONParser.parse(await store.execute(change).body)["data"]
    } catch is Problem {
      return nil
    }
  }

  /// Does something to a record; nil when it was refused.
  @discardableResult
  func update(
    _ update: RecordStore.Update, _ entityType: String, _ id: String, as user: String = "u0"
  ) async throws -> JSONValue? {
    let resource = try resource(entityType)
    do {
      let change = store.prepare(
        update, resource, id: id, mutation(resource, "update", user, Self.tenant))
      return try JSONParser.parse(await store.execute(change).body)["data"]
    } catch is Problem {
      return nil
    }
  }

  /// Turns a lead into a contact and a deal; nil when it was refused.
  func convert(_ id: String, as user: String) async throws -> JSONValue? {
    guard let conversion = LeadConversion(store.catalog) else {
      throw Missing(entityType: "lead")
    }
    do {
      let change = try store.prepare(
        conversion, leadID: id, .parse([]),
        mutation(conversion.leads, "convert", user, Self.tenant))
      return try JSONParser.parse(await store.execute(change).body)["data"]
    } catch is Problem {
      return nil
    }
  }

  func merge(_ members: JSONValue, _ entityType: String, _ id: String, as user: String = "u0")
    async throws -> JSONValue?
  {
    try await update(.merge(RecordBody.parse(members.bytes)), entityType, id, as: user)
  }

  /// Rows of a query, for looking behind the store.
  func rows(_ sql: String) throws -> [[String?]] {
    try database.read { connection in
      try connection.all(PreparedStatements.testMark + sql, []) { row in
        (0..<row.columnCount).map { row.text($0) }
      }
    }
  }
}
