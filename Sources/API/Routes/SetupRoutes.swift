internal import CRM
internal import HTTP
internal import JSON
internal import WrapperClient

/// The first run: whoever holds the one-time token that `serve` printed makes the first tenant and
/// its administrator.
struct SetupRoutes: Sendable {
  /// The largest body, in bytes.
  private static let bodyBytesMax = 8192

  let store: RecordStore
  let wrapper: Wrapper
  let configuration: APIConfiguration

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .post, "/setup", access: .open, bodyBytesMax: Self.bodyBytesMax, .setUp,
        handler: .open { request, _ in try await setUp(request) })
    ]
  }

  private func setUp(_ request: HTTPRequest) async throws -> HTTPResponse {
    _ = try request.head.queryValues([])
    guard case .bytes(let bytes) = request.body else {
      preconditionFailure("the body of a setup is taken whole")
    }
    var body = try RecordBody.parse(bytes).members
    if let served = configuration.servedTenants { try choose(among: served, &body) }
    let reply = try await wrapper.setUp(
      body: JSONValue.object(body).bytes,
      remoteAddress: configuration.clientAddress(request.head))
    guard reply.status == 201 else { throw Problem(relayed: reply) }
    let answer = try JSONParser.parse(reply.body)
    if let tenantID = answer["user"]?["tenantId"]?.string, let token = answer["token"]?.string {
      // It is followed from now on; if it cannot be read yet, the first request waits for it.
      _ = try? await wrapper.tenant(tenantID)
      // The name of the new person may come later than what they may do.
      await wrapper.settle(tenantID: tenantID)
      // The tenant is there and the token worth nothing any more: its bearer must get the answer.
      try? await log(tenantID, token: token, request.head)
    }
    var response = HTTPResponse.json(status: 201, reply.body)
    response.headers.add("Cache-Control", "no-store")
    return response
  }

  /// Writes the first entry of the tenant's log.
  private func log(_ tenantID: String, token: String, _ head: HTTPRequestHead) async throws {
    let session = try await wrapper.session(token: token) { true }
    let directory = try await wrapper.tenant(tenantID)
    let origin = CallerOrigin(
      address: configuration.clientAddress(head),
      userAgent: head.headers["User-Agent"] ?? "unknown",
      authenticationMethod: session.authenticationMethod)
    _ = try await store.log(
      OutsideChange(
        status: 201, entityType: "tenant", entityID: tenantID, data: .null,
        changes: JSONObject([("name", ["to": .string(directory.name)])])),
      Mutation(
        "crm.tenants.setup", by: session, in: directory, from: origin, reason: head.reason))
  }

  /// Sees to it that the new tenant is one that this server serves.
  private func choose(among served: Set<String>, _ body: inout JSONObject) throws(Problem) {
    if body["tenantId"] == nil, served.count == 1, let only = served.first {
      body["tenantId"] = .string(only)
    }
    guard let tenantID = body["tenantId"]?.string, served.contains(tenantID) else {
      throw Problem(
        .validationFailed, "This server serves some tenants only; tenantId must name one.",
        issues: [
          .init(
            pointer: "/tenantId", code: "invalid", detail: "one of CRM_TENANT_ID is wanted")
        ])
    }
  }
}
