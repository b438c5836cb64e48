internal import Foundation
internal import FoundationNetworking
internal import JSON

/// A signed-in client of the server under measurement, for everything that is not measured.
struct APIClient {
  static let readyDeadlineSeconds = 30.0
  static let readyPause = Duration.milliseconds(1)

  let port: Int
  private(set) var token: String
  private let session: URLSession

  init(port: Int, session: URLSession, token: String = "") {
    self.port = port
    self.session = session
    self.token = token
  }

  mutating func signIn(email: String, password: String) async throws {
    let body = JSONObject([("email", .string(email)), ("password", .string(password))])
    let answer = try await send("POST", "/auth/login", body: .object(body)).body
    let parsed = try JSONParser.parse(answer)
    guard let token = parsed["token"]?.string ?? parsed["data"]?["token"]?.string else {
      throw BenchmarkError("the answer to /auth/login carries no token")
    }
    self.token = token
  }

  /// The body of the answer to a GET that succeeds.
  func get(_ path: String) async throws -> [UInt8] {
    try await send("GET", path, body: nil).body
  }

  /// How large the answer to a GET is.
  func size(of path: String) async throws -> AnswerSize {
    let answer = try await send("GET", path, body: nil)
    // What libmicrohttpd adds by itself, and the type, the ceiling has too.
    let shared: Set = ["date", "content-length", "content-type", "connection"]
    let own = answer.headers.filter { !shared.contains($0.key.lowercased()) }
    // A line is name, colon, space, value and its end.
    let headerBytes = own.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 4 }
    return AnswerSize(bodyBytes: answer.body.count, headerBytes: headerBytes)
  }

  /// The ids of the newest leads, at most 200.
  func leadIdentifiers() async throws -> [String] {
    let list = try JSONParser.parse(await get("/api/leads?limit=200"))
    return (list["data"]?.array ?? []).compactMap { $0["id"]?.string }
  }

  /// Returns when /health/ready answers 200.
  func waitUntilReady() async throws {
    let deadline = ContinuousClock.now + .seconds(Self.readyDeadlineSeconds)
    while true {
      do {
        _ = try await get("/health/ready")
        return
      } catch {
        guard ContinuousClock.now < deadline else { throw error }
        try await Task.sleep(for: Self.readyPause)
      }
    }
  }

  private func send(
    _ method: String, _ path: String, body: JSONValue?
  ) async throws -> (body: [UInt8], headers: [String: String]) {
    guard let url = URL(string: "http://127.0.0.1:\(port)\(path)") else {
      throw BenchmarkError("\(path) is no path")
    }
    var request = URLRequest(url: url)
    request.httpMethod = method
    if !token.isEmpty { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
    if let body {
      request.httpBody = Data(body.bytes)
      request.setValue("application/json", forHTTPHeaderField: "Content-Type")
    }
    // The measured answers are not compressed either: wrk asks for none.
    request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
    let (data, response) = try await session.data(for: request)
    guard let response = response as? HTTPURLResponse, (200..<300).contains(response.statusCode)
    else {
      throw BenchmarkError("\(method) \(path): \(String(decoding: data, as: UTF8.self))")
    }
    let fields = response.allHeaderFields.map { ("\($0.key)", "\($0.value)") }
    return (Array(data), Dictionary(fields) { first, _ in first })
  }
}

/// The size of an answer, for a ceiling to send as much.
struct AnswerSize: Sendable {
  let bodyBytes: Int
  /// The header fields beside those that libmicrohttpd makes itself.
  let headerBytes: Int
}
