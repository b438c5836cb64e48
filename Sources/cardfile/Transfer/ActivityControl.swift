internal import CRM
internal import Foundation
internal import HTTP
internal import JSON
internal import Values

/// What commands do with the activity log of a tenant, which `X-Tenant-Id` names, before what else
/// they are answered.
///
/// It is reached by who may open the file alone.
struct ActivityControl: HTTPApplication {
  /// One endpoint.
  private struct Endpoint: Sendable {
    /// The largest body that is taken.
    var bodyBytesMax = 0
    let run: @Sendable (HTTPRequest) async throws -> HTTPResponse
  }

  static let path = "/control/activities"
  /// The most that one step of an import takes.
  private static let stepBytesMax = 24 * 1024 * 1024
  /// Bears the id of the entry that tells of an export.
  static let exportField = "X-Activity-Id"

  private let store: RecordStore
  /// Nil where the directory is kept elsewhere.
  private let next: (any HTTPApplication)?
  private var router = Router<Endpoint>()

  /// - Parameter next: Answers everything else.
  init(store: RecordStore, next: (any HTTPApplication)?) {
    self.store = store
    self.next = next
    let control = self
    router.add(.get, "\(Self.path)/tenants", .init { _ in try control.tenants() })
    router.add(.get, "\(Self.path)/place", .init { try control.place($0) })
    router.add(.get, "\(Self.path)/export", .init { try await control.export($0) })
    router.add(.get, "\(Self.path)/manifest", .init { try control.manifest($0) })
    router.add(
      .post, "\(Self.path)/restore",
      .init(bodyBytesMax: Self.stepBytesMax) { try await control.restore($0) })
    router.add(
      .post, "\(Self.path)/import",
      .init(bodyBytesMax: Self.stepBytesMax) { try await control.take($0) })
    router.add(
      .post, "\(Self.path)/note", .init(bodyBytesMax: 65_536) { try await control.note($0) })
  }

  func route(_ head: HTTPRequestHead) -> HTTPRouting {
    if case .found(let endpoint, _) = router.match(head.method, path: head.path) {
      return .handle(body: .buffered(maxBytes: endpoint.bodyBytesMax)) { request in
        do {
          return try await endpoint.run(request)
        } catch {
          return Self.problem(error).response(
            requestID: request.head.requestID, instance: request.head.path)
        }
      }
    }
    if let next { return next.route(head) }
    let problem = Problem(
      .notFound, "The directory is the Wrapper's business: make the change there.")
    return .answer(problem.response(requestID: head.requestID, instance: head.path))
  }

  func refusal(_ problem: Problem, requestID: String, path: String) -> HTTPResponse {
    problem.response(requestID: requestID, instance: path)
  }

  func completed(_ exchange: HTTPExchange) { next?.completed(exchange) }

  private static func problem(_ error: any Error) -> Problem {
    switch error {
    case let problem as Problem: problem
    case let fault as ArchiveFault: Problem(.conflict, fault.reason)
    case is ArchiveDoesNotContinue:
      Problem(.conflict, "somebody has written into the log meanwhile")
    // Who may open the file may know what is wrong with it.
    default: Problem(.internalError, "\(error)")
    }
  }

  // MARK: The log

  private func tenants() throws -> HTTPResponse {
    .json(JSONValue.array(try store.activityTenants().map { .string($0) }).bytes)
  }

  // MARK: Out

  private func export(_ request: HTTPRequest) async throws -> HTTPResponse {
    let tenantID = try tenant(request)
    var values: [String: String] = [:]
    for item in try QueryItems(parsing: request.head.query).items {
      // What is below a unit is the directory's to know, which may be elsewhere.
      guard ActivityExportQuery.names.contains(item.name), item.name != "departmentId" else {
        throw Problem(.invalidParameter, "There is no filter \(item.name).")
      }
      values[item.name] = item.value
    }
    let query = try ActivityExportQuery(values, now: request.head.receivedAt) { _ in [] }
    let begun = try await store.exportActivities(
      query, reach: .tenant,
      store.commandMutation(RecordStore.activityExportOperation, tenantID: tenantID),
      viewerID: nil, finished: {})
    var response = HTTPResponse(status: 200, body: .stream(begun.export))
    response.headers.add("Content-Type", "application/octet-stream")
    response.headers.add(Self.exportField, begun.export.id)
    return response
  }

  private func manifest(_ request: HTTPRequest) throws -> HTTPResponse {
    let values = try values(request)
    guard
      let manifest = try store.exportManifest(
        values["export"] ?? "", tenantID: tenant(request))
    else { throw Problem(.notFound, "The export was not completed.") }
    return .json(JSONValue.object(manifest).bytes)
  }

  // MARK: In

  /// The end of the chain, and the hash of the entry at `seq`.
  private func place(_ request: HTTPRequest) throws -> HTTPResponse {
    let tenantID = try tenant(request)
    let place = try store.activityPlace(tenantID: tenantID)
    var answer: JSONObject = JSONObject([
      ("seq", .integer(place.seq)), ("head", .string(Hexadecimal.text(place.head))),
    ])
    if let seq = try values(request)["seq"].flatMap({ Int64($0) }),
      let hash = try store.activityHash(tenantID: tenantID, seq: seq)
    {
      answer["hash"] = .string(Hexadecimal.text(hash))
    }
    return .json(JSONValue.object(answer).bytes)
  }

  private func restore(_ request: HTTPRequest) async throws -> HTTPResponse {
    let values = try values(request)
    guard let seq = values["seq"].flatMap({ Int64($0) }),
      let head = values["head"].flatMap(Hexadecimal.bytes)
    else { throw Problem(.invalidParameter, "seq and head are wanted.") }
    let place = try await store.restoreActivities(
      entries(request), tenantID: tenant(request), after: ActivityPlace(seq: seq, head: head))
    let answer: JSONValue = [
      "seq": .integer(place.seq), "head": .string(Hexadecimal.text(place.head)),
    ]
    return .json(answer.bytes)
  }

  private func take(_ request: HTTPRequest) async throws -> HTTPResponse {
    let outcomes = try await store.importActivities(
      entries(request), tenantID: tenant(request),
      isTrial: values(request)["trial"] == "true")
    let answer = outcomes.map { outcome -> JSONValue in
      switch outcome {
      case .added: "added"
      case .duplicate: "duplicate"
      case .rejected(let reason): ["reason": .string(reason)]
      }
    }
    return .json(JSONValue.array(answer).bytes)
  }

  private func note(_ request: HTTPRequest) async throws -> HTTPResponse {
    guard case .bytes(let bytes) = request.body, let details = try JSONParser.parse(bytes).object
    else { throw Problem(.malformedRequest, "An object is wanted.") }
    try await store.noteActivityImport(tenantID: tenant(request), details)
    return .json(bytes)
  }

  private func entries(_ request: HTTPRequest) throws -> [ArchivedActivity] {
    guard case .bytes(let bytes) = request.body else { return [] }
    return try bytes.split(separator: 0x0a).map { try ArchivedActivity(ndjson: Array($0)) }
  }

  private func tenant(_ request: HTTPRequest) throws -> String {
    guard let id = request.head.headers["X-Tenant-Id"], !id.isEmpty else {
      throw Problem(.invalidParameter, "X-Tenant-Id is wanted.")
    }
    return id
  }

  private func values(_ request: HTTPRequest) throws -> [String: String] {
    var values: [String: String] = [:]
    for item in try QueryItems(parsing: request.head.query).items {
      values[item.name] = item.value
    }
    return values
  }
}
