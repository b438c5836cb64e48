internal import HTTP

/// Cross-origin requests (fetch.spec.whatwg.org, "HTTP CORS protocol"): only from the origins of
/// the configuration, without cookies, since tokens travel in a header.
struct CrossOrigin: Sendable {
  private let origins: [String]

  init(_ origins: [String]) {
    self.origins = origins
  }

  /// The answer to OPTIONS, which is also a preflight's.
  func options(_ head: HTTPRequestHead, allow: [HTTPMethod]) -> HTTPResponse {
    let methods = allow.map(\.rawValue).joined(separator: ", ")
    var response = HTTPResponse(status: 204, headers: ["Allow": methods])
    if allowed(head) != nil, head.headers["Access-Control-Request-Method"] != nil {
      response.headers.add("Access-Control-Allow-Methods", methods)
      response.headers.add(
        "Access-Control-Allow-Headers",
        "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, X-Reason, "
          + "X-Request-Id")
      response.headers.add("Access-Control-Max-Age", "600")
    }
    return response
  }

  func add(to response: inout HTTPResponse, _ head: HTTPRequestHead) {
    guard !origins.isEmpty else { return }
    let vary = response.headers["Vary"].map { "\($0), Origin" } ?? "Origin"
    response.headers["Vary"] = vary
    guard let origin = allowed(head) else { return }
    response.headers.add("Access-Control-Allow-Origin", origin)
    response.headers.add(
      "Access-Control-Expose-Headers",
      "ETag, Location, X-Request-Id, X-Cardfile-Mode, Idempotency-Replayed, Retry-After")
  }

  private func allowed(_ head: HTTPRequestHead) -> String? {
    guard let origin = head.headers["Origin"] else { return nil }
    return origins.contains(origin) || origins.contains("*") ? origin : nil
  }
}
