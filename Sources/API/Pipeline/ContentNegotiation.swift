internal import HTTP

/// Refuses what the API does not speak: bodies that are not JSON (415), answers that must not be
/// JSON (406).
enum ContentNegotiation {
  static func checkAccept(_ head: HTTPRequestHead, _ endpoint: Endpoint) throws(Problem) {
    if let accept = head.headers["Accept"], !accepts(accept), endpoint.documentation.answersJSON {
      throw Problem(.notAcceptable, "Answers are application/json.")
    }
  }

  static func checkBody(_ request: HTTPRequest, _ endpoint: Endpoint) throws(Problem) {
    guard endpoint.bodyBytesMax > 0, case .bytes(let body) = request.body, !body.isEmpty else {
      return
    }
    guard let header = request.head.headers["Content-Type"], header != "application/json" else {
      return
    }
    let type = mediaType(header)
    guard type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json"))
    else {
      throw Problem(.unsupportedMediaType, "The body must be application/json.")
    }
  }

  /// Whether a list of media ranges (RFC 9110 section 12.5.1) leaves room for JSON.
  private static func accepts(_ header: String) -> Bool {
    header.split(separator: ",").contains { range in
      let type = mediaType(String(range))
      let refused = range.contains(/;\s*q=0(\.0*)?\s*$/)
      return !refused
        && (type == "*/*" || type == "application/*" || type == "application/json"
          || (type.hasPrefix("application/") && type.hasSuffix("+json")))
    }
  }

  private static func mediaType(_ value: String) -> String {
    let type = value.prefix { $0 != ";" }
    return type.filter { $0 != " " && $0 != "\t" }.lowercased()
  }
}

extension APIConfiguration {
  /// The client's address; behind a trusted proxy, the last address in `X-Forwarded-For` that is
  /// no trusted proxy itself, since everything before it could be forged.
  func clientAddress(_ head: HTTPRequestHead) -> String {
    guard trustedProxies.contains(head.remoteAddress) else { return head.remoteAddress }
    let hops = head.headers.values("X-Forwarded-For").joined(separator: ",")
      .split(separator: ",")
      .map { hop in String(hop.filter { $0 != " " }) }
    guard let client = hops.last(where: { !trustedProxies.contains($0) }),
      IPAddress.isWellFormed(client)
    else { return head.remoteAddress }
    return client
  }
}
