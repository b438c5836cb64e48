internal import API
internal import CRM
internal import Database
internal import JSON
internal import Values
internal import WrapperClient

/// Makes the demo's changes: each goes the way of every other change, with its entry in the
/// activity log, at its own time.
struct DemoWriter {
  let store: RecordStore
  let clock: DemoClock
  private let catalog = Catalog.standard
  private let directory: TenantDirectory

  init(_ database: Database, wrapper: Wrapper, _ directory: TenantDirectory, _ clock: DemoClock)
    throws
  {
    self.clock = clock
    self.directory = directory
    store = try RecordStore(
      database, catalog: catalog,
      time: TimeSource(
        now: { clock.now }, monotonicNanoseconds: TimeSource.system.monotonicNanoseconds),
      activityWritten: wrapper.activityQueued)
  }

  /// Creates a record; gives its id.
  @discardableResult
  func create(_ entityType: String, _ members: [(String, JSONValue)], by userID: String)
    async throws -> String
  {
    let resource = resource(entityType)
    let mutation = mutation(resource.description.operation("create"), by: userID)
    try await store.start(resource, tenantID: directory.tenantID)
    let change = try store.prepareCreate(resource, body(members), mutation)
    guard let id = change.entityID else { preconditionFailure("a new record has an id") }
    _ = try await store.execute(change)
    return id
  }

  /// Changes members of a record.
  func change(
    _ entityType: String, _ id: String, _ members: [(String, JSONValue)], by userID: String
  ) async throws {
    let resource = resource(entityType)
    let mutation = mutation(resource.description.operation("update"), by: userID)
    _ = try await store.execute(
      store.prepare(.merge(body(members)), resource, id: id, mutation))
  }

  /// Notes that a task is done.
  func completeTask(_ id: String, by userID: String) async throws {
    let tasks = resource("task")
    guard let verb = tasks.description.verbs.first(where: { $0.name == "complete" }) else {
      preconditionFailure("tasks can be completed")
    }
    let mutation = mutation(tasks.description.operation(verb.name), by: userID)
    let body = try RecordBody.parse([], for: verb, tasks)
    _ = try await store.execute(store.prepare(.merge(body), tasks, id: id, mutation))
  }

  /// Converts a lead; gives the id of its deal.
  func convertLead(_ id: String, by userID: String) async throws -> String {
    guard let conversion = LeadConversion(catalog) else {
      preconditionFailure("the product converts leads")
    }
    let mutation = mutation(conversion.leads.description.operation("convert"), by: userID)
    let answer = try await store.execute(
      store.prepare(conversion, leadID: id, LeadConversion.Body.parse([]), mutation))
    guard let dealID = try JSONParser.parse(answer.body)["data"]?["deal"]?["id"]?.string else {
      preconditionFailure("a conversion answers with its deal")
    }
    return dealID
  }

  private func body(_ members: [(String, JSONValue)]) throws -> RecordBody {
    try RecordBody.parse(JSONValue.object(JSONObject(members)).bytes)
  }

  private func mutation(_ operation: String, by userID: String) -> Mutation {
    let decision = directory.check(userID: userID, permission: operation)
    let permissions = directory.context(for: userID)
      .permissionsJSON(required: operation, decision: decision)
    return Mutation(
      caller: Caller(
        userID, in: directory, sessionID: "demo:\(userID)",
        origin: CallerOrigin(
          address: "127.0.0.1", userAgent: "cardfile demo", authenticationMethod: "session")),
      operation: operation, scope: .server,
      permissions: String(decoding: permissions, as: UTF8.self),
      creditUnits: directory.creditUnits(for: operation))
  }

  private func resource(_ entityType: String) -> Resource {
    guard let resource = catalog.resource(entityType: entityType) else {
      preconditionFailure("the product has \(entityType)")
    }
    return resource
  }
}
