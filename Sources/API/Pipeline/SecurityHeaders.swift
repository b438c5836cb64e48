internal import HTTP

/// The headers that keep a browser from doing anything with an answer but reading it.
enum SecurityHeaders {
  static func add(to response: inout HTTPResponse, isSecure: Bool) {
    response.headers.add("X-Content-Type-Options", "nosniff")
    if response.headers["Content-Security-Policy"] == nil {
      response.headers.add(
        "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    }
    response.headers.add("Referrer-Policy", "no-referrer")
    if isSecure {
      response.headers.add("Strict-Transport-Security", "max-age=31536000")
    }
  }
}
