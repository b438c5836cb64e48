internal import Cryptography
internal import HTTP
internal import Values

/// Tags of answers (RFC 9110 section 8.8.3).
enum EntityTag {
  /// The strong tag of a body, made of its bytes.
  static func text(of body: [UInt8]) -> String {
    "\"\(Hexadecimal.text(SHA256.hash(body).prefix(16)))\""
  }
}

extension HTTPResponse {
  /// The answer to GET or HEAD with a strong tag made of its bytes, or 304 where the client holds
  /// these bytes already (RFC 9110 section 13.1.2); any other answer as it is.
  func tagged(for head: HTTPRequestHead) -> HTTPResponse {
    guard head.method == .get || head.method == .head, status == 200,
      case .bytes(let bytes) = body
    else { return self }
    let etag = EntityTag.text(of: bytes)
    let held = head.headers.values("If-None-Match").flatMap { $0.split(separator: ",") }
    let isHeld = held.contains { tag in
      let tag = tag.drop { $0 == " " }
      return tag == "*" || tag == etag || tag == "W/\(etag)"
    }
    if isHeld { return HTTPResponse(status: 304, headers: ["ETag": etag]) }
    var response = self
    response.headers.add("ETag", etag)
    return response
  }
}
