internal import HTTP
internal import JSON

/// The first run: whoever holds the one-time token becomes the administrator of the first tenant.
struct SetupEndpoints: Sendable {
  let directory: Directory

  func add(to router: inout Router<WrapperApplication.Endpoint>) {
    router.add(.post, "/setup", .init { request, _ in try await setUp(request) })
    router.add(
      .get, "/setup",
      .init { _, _ in
        let isOpen = try !directory.hasUsers()
        return .json((["data": ["open": .bool(isOpen)]] as JSONValue).bytes)
      })
  }

  private func setUp(_ request: HTTPRequest) async throws -> HTTPResponse {
    // Before the body: whoever comes late is told so, whatever they send.
    guard try !directory.hasUsers() else { throw DirectoryError.alreadySetUp }
    var body = try BodyReader(request)
    let run = FirstRun(
      token: body.text("token"), tenantID: body.optionalText("tenantId"),
      tenantName: body.text("tenantName"), name: body.text("name"), email: body.text("email"),
      password: body.text("password"))
    try body.finish()
    let session = try await directory.setUp(run)
    return .json(
      status: 201, session.document(name: run.name, email: run.email).bytes)
  }
}
