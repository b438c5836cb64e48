internal import HTTP
internal import JSON
internal import SQLite
internal import Values

/// One call of the administration: the request with what every endpoint asks of it.
struct AdministrationCall: Sendable {
  let request: HTTPRequest
  let parameters: PathParameters
  let query: QueryItems
  /// In what its change is made; nil for a transaction of its own.
  var transaction: DirectoryTransaction?

  /// The tenant that the call is about.
  ///
  /// - Throws: 400 when `X-Tenant-Id` is missing.
  var tenantID: String {
    get throws(Problem) {
      guard let tenantID = request.head.headers["X-Tenant-Id"], !tenantID.isEmpty else {
        throw Problem(.invalidParameter, "X-Tenant-Id is missing.")
      }
      return tenantID
    }
  }

  /// The body's members.
  func body() throws(Problem) -> BodyReader { try BodyReader(request) }

  /// Makes a change of one thing: only as the client knows it, where `If-Match` says so, and in one
  /// transaction with whatever the caller writes beside it.
  ///
  /// - Parameters:
  ///   - thing: What the change is about.
  ///   - owner: Whose it is; nil for the tenant that the request names.
  ///   - directory: Where it is.
  ///   - run: Changes the directory that it is given, once.
  /// - Returns: what `run` returns.
  /// - Throws: ``DirectoryError/changed`` when the thing is not what the client has read, and what
  ///   `run` and the transaction throw.
  func change<Value>(
    _ thing: DirectoryThing, of owner: String? = nil, in directory: Directory,
    _ run: (Directory) async throws -> Value
  ) async throws -> Value {
    let tenantID = try owner ?? tenantID
    let now = directory.time.now()
    let tags = request.head.headers.values("If-Match").flatMap { $0.split(separator: ",") }
      .map { tag in String(tag.filter { $0 != " " && $0 != "\t" }) }
    return try await run(
      directory.framed { [transaction] change in
        let whole: @Sendable (borrowing Connection) throws -> (JSONValue?, JSONValue?) = {
          connection in
          let before = try thing.state(tenantID, at: now, connection)
          // What is not there is told by the change itself.
          if before != nil, !tags.isEmpty, !tags.contains("*") {
            let tag = try thing.entityTag(of: before, tenantID, at: now, connection)
            guard let tag, tags.contains(tag) else { throw DirectoryError.changed }
          }
          try change(connection)
          return (before, try thing.state(tenantID, at: now, connection))
        }
        guard let transaction else {
          try await directory.write { connection in _ = try whole(connection) }
          return
        }
        try await transaction(whole)
      })
  }
}

/// What a call of the administration answers.
enum AdministrationAnswer: Sendable {
  /// 200 with `data`.
  case data(JSONValue)
  /// 200 with a list, the cursor of what follows it, and how many there are where that is asked.
  case list([JSONValue], nextCursor: String?, total: Int? = nil)
  /// 201 with `data`, and where it is found from now on.
  case created(JSONValue, location: String)
  /// 204.
  case done

  fileprivate var response: HTTPResponse {
    switch self {
    case .data(let data):
      return .json((["data": data] as JSONValue).bytes)
    case .list(let data, let nextCursor, let total):
      var body = JSONObject([
        ("data", .array(data)), ("nextCursor", JSONValue(nextCursor)),
      ])
      if let total { body["total"] = .integer(total) }
      return .json(JSONValue.object(body).bytes)
    case .created(let data, let location):
      var response = HTTPResponse.json(status: 201, (["data": data] as JSONValue).bytes)
      response.headers.add("Location", location)
      return response
    case .done:
      return HTTPResponse(status: 204)
    }
  }
}

extension Router<WrapperApplication.Endpoint> {
  /// Adds an endpoint of the administration.
  mutating func administer(
    _ method: HTTPMethod, _ pattern: String,
    _ run: @escaping @Sendable (AdministrationCall) async throws -> AdministrationAnswer
  ) {
    add(
      method, pattern,
      WrapperApplication.Endpoint(administering: { request, parameters, transaction in
        let call = AdministrationCall(
          request: request, parameters: parameters,
          query: try QueryItems(parsing: request.head.query), transaction: transaction)
        return try await run(call).response
      }))
  }
}

/// Runs a change whose body refers to others; one that does not exist is the body's fault and no
/// missing path.
func referring<Value>(
  _ pointers: [String: String], _ change: () async throws -> Value
) async throws -> Value {
  do {
    return try await change()
  } catch DirectoryError.notFound(let what) {
    guard let pointer = pointers[what] else { throw DirectoryError.notFound(what) }
    throw Problem(
      .validationFailed, "The body is not valid: /\(pointer): there is no such \(what).",
      issues: [
        Problem.Issue(
          pointer: "/\(pointer)", code: "unknown_reference", detail: "there is no such \(what)")
      ])
  }
}
