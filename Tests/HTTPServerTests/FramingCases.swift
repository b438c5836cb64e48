import Testing

/// A request that must be refused, and the status that it must get.
struct Refusal: Sendable, CustomTestStringConvertible {
  let name: String
  let status: Int
  let request: String

  init(_ name: String, _ status: Int, _ lines: String..., body: String = "") {
    self.name = name
    self.status = status
    request = (lines + ["", ""]).joined(separator: "\r\n") + body
  }

  var testDescription: String { name }

  /// Some are refused by libmicrohttpd itself, before it asks anybody.
  var isByLibrary: Bool {
    [
      "negative length", "signed length", "list of lengths", "huge length", "HTTP/2",
      "null byte in a name",
    ].contains(name)
  }

  static let all = [
    Refusal(
      "two lengths", 400, "POST /inline HTTP/1.1", "Host: a", "Content-Length: 1",
      "Content-Length: 1", body: "x"),
    Refusal(
      "two different lengths", 400, "POST /inline HTTP/1.1", "Host: a", "Content-Length: 1",
      "Content-Length: 2", body: "xx"),
    Refusal(
      "length and chunked", 400, "POST /inline HTTP/1.1", "Host: a", "Content-Length: 5",
      "Transfer-Encoding: chunked", body: "0\r\n\r\n"),
    Refusal(
      "unknown coding", 501, "POST /inline HTTP/1.1", "Host: a", "Transfer-Encoding: gzip, chunked",
      body: "0\r\n\r\n"),
    Refusal(
      "identity coding", 501, "POST /inline HTTP/1.1", "Host: a", "Transfer-Encoding: identity"),
    Refusal(
      "two codings", 400, "POST /inline HTTP/1.1", "Host: a", "Transfer-Encoding: chunked",
      "Transfer-Encoding: chunked", body: "0\r\n\r\n"),
    Refusal(
      "chunked in 1.0", 400, "POST /inline HTTP/1.0", "Transfer-Encoding: chunked",
      body: "0\r\n\r\n"),
    Refusal("no host", 400, "GET /inline HTTP/1.1"),
    Refusal("two hosts", 400, "GET /inline HTTP/1.1", "Host: a", "Host: a"),
    Refusal("strange host", 400, "GET /inline HTTP/1.1", "Host: a b"),
    Refusal("host with a path", 400, "GET /inline HTTP/1.1", "Host: a/b"),
    Refusal("unknown method", 501, "BREW /inline HTTP/1.1", "Host: a"),
    Refusal("lower-case method", 501, "get /inline HTTP/1.1", "Host: a"),
    Refusal("TRACE", 405, "TRACE /inline HTTP/1.1", "Host: a"),
    Refusal("folded field", 400, "GET /inline HTTP/1.1", "Host: a", "X-Long: one", " two"),
    Refusal(
      "folded field, then another", 400, "GET /inline HTTP/1.1", "Host: a", "X-Long: one", "\ttwo",
      "X-Next: 1"),
    Refusal("folded host", 400, "GET /inline HTTP/1.1", "Host: a", " b"),
    Refusal("space before colon", 400, "GET /inline HTTP/1.1", "Host: a", "X-Name : 1"),
    Refusal("empty name", 400, "GET /inline HTTP/1.1", "Host: a", ": 1"),
    Refusal(
      "control character in a value", 400, "GET /inline HTTP/1.1", "Host: a", "X-Name: a\u{1}b"),
    Refusal("delete in a value", 400, "GET /inline HTTP/1.1", "Host: a", "X-Name: a\u{7f}b"),
    Refusal("control character in the path", 400, "GET /inl\u{1}ine HTTP/1.1", "Host: a"),
    Refusal("space in the path", 400, "GET /inl ine HTTP/1.1", "Host: a"),
    Refusal("raw letters beyond ASCII", 400, "GET /é HTTP/1.1", "Host: a"),
    Refusal("fragment", 400, "GET /inline#top HTTP/1.1", "Host: a"),
    Refusal("%00 in the path", 400, "GET /inline%00 HTTP/1.1", "Host: a"),
    Refusal("relative path", 400, "GET inline HTTP/1.1", "Host: a"),
    Refusal("negative length", 400, "POST /inline HTTP/1.1", "Host: a", "Content-Length: -1"),
    Refusal(
      "signed length", 400, "POST /inline HTTP/1.1", "Host: a", "Content-Length: +1", body: "x"),
    Refusal(
      "list of lengths", 400, "POST / HTTP/1.1", "Host: a", "Content-Length: 1, 1", body: "x"),
    Refusal(
      "huge length", 413, "POST /inline HTTP/1.1", "Host: a", "Content-Length: 99999999999999999999"
    ),
    Refusal("later version", 505, "GET /inline HTTP/1.2", "Host: a"),
    Refusal("HTTP/2", 505, "GET /inline HTTP/2.0", "Host: a"),
    Refusal(
      "long target", 414, "GET /\(String(repeating: "a", count: 8200)) HTTP/1.1", "Host: a"),
    Refusal(
      "long field", 431, "GET / HTTP/1.1", "Host: a",
      "X-Long: \(String(repeating: "a", count: 17_000))"),
    Refusal(
      "many fields", 431, "GET / HTTP/1.1", "Host: a",
      Array(repeating: "X: 1", count: 120).joined(separator: "\r\n")),
    Refusal("field without a name and value", 400, "GET / HTTP/1.1", "Host: a", ":", "X: 1"),
    Refusal("nothing but a field without a name", 400, "GET / HTTP/1.0", ": 1"),
    Refusal("null byte in a value", 400, "GET / HTTP/1.1", "Host: a", "X: a\0b", "Y: c"),
    Refusal("null byte in the last value", 400, "GET / HTTP/1.1", "X: y", "Host: a\0b"),
    Refusal("null byte in a name", 400, "GET / HTTP/1.1", "Host: a", "X\0Y: b"),
    Refusal("null byte in the path", 400, "GET /in\0line HTTP/1.1", "Host: a"),
    Refusal("null byte in the method", 400, "GET\0T /inline HTTP/1.1", "Host: a"),
  ]
}
