internal import HTTP
internal import JSON

/// Health for people, balancers and supervisors; nobody needs a token to ask.
struct HealthRoutes: Sendable {
  let readiness: Readiness
  let configuration: APIConfiguration

  var endpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/health", access: .open, .health("Whether the server answers."),
        handler: .open { _, _ in .json(readiness.summary(version: configuration.version).bytes) }),
      Endpoint(
        .get, "/health/live", access: .open, .health("Whether the process lives."),
        handler: .open { _, _ in .json((["status": "alive"] as JSONValue).bytes) }),
      Endpoint(
        .get, "/health/ready", access: .open, .health("Whether requests can be served."),
        handler: .open { _, _ in
          let report = readiness.report()
          return .json(status: report.isReady ? 200 : 503, report.summary.bytes)
        }),
      Endpoint(
        .get, "/health/detailed", access: .open,
        .health("The state of the database, the Wrapper and the outbox."),
        handler: .open { _, _ in
          let report = readiness.report()
          return .json(
            status: report.isReady ? 200 : 503,
            readiness.details(version: configuration.version, report).bytes)
        }),
    ]
  }
}
