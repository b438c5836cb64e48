internal import HTTP
internal import JSON
internal import WrapperClient

/// The first run: whoever holds the one-time token that `serve` printed makes the first tenant and
/// its administrator.
struct SetupRoutes: Sendable {
  /// The largest body, in bytes.
  private static let bodyBytesMax = 8192

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
    guard case .bytes(let body) = request.body else {
      preconditionFailure("the body of a setup is taken whole")
    }
    let reply = try await wrapper.setUp(
      body: body, remoteAddress: configuration.clientAddress(request.head))
    guard reply.status == 201 else { throw Problem(relayed: reply) }
    // The tenant is followed from now on; if it cannot be read yet, the first request waits for it.
    if let user = try JSONParser.parse(reply.body)["user"],
      let tenantID = user["tenantId"]?.string
    {
      _ = try? await wrapper.tenant(tenantID)
    }
    var response = HTTPResponse.json(status: 201, reply.body)
    response.headers.add("Cache-Control", "no-store")
    return response
  }
}
