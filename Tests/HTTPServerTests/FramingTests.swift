import HTTP
import HTTPServer
import JSON
import TestSupport
import Testing
import Values

@Suite struct FramingTests {
  @Test("what another program could read differently is refused", arguments: Refusal.all)
  func refuses(_ refusal: Refusal) async throws {
    let application = ProbeApplication()
    try await withServer(application) { client, server in
      // A second request in the same packet must not be served.
      let bytes = try await client.send(
        raw: Array((refusal.request + "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").utf8))
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(text.hasPrefix("HTTP/1.1 \(refusal.status) "), "\(text.prefix(400))")
      #expect(!text.contains("hello"))
      if text.contains("application/problem+json") {
        #expect(text.contains("\r\nConnection: close\r\n"))
        #expect(text.occurrences(of: "\r\nX-Request-Id: ") == 1)
        #expect(server.metrics.refused == 1)
        #expect(application.exchanges.map(\.status) == [refusal.status])
      } else {
        // libmicrohttpd itself refuses some, before it asks anybody.
        #expect(refusal.isByLibrary)
      }
    }
  }

  @Test("TRACE is answered with what is allowed")
  func allow() async throws {
    try await withServer { client, _ in
      let response = try await client.send("TRACE", "/inline")
      #expect(response.status == 405)
      #expect(response.header("Allow") == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
      #expect(response.json["code"] == "method_not_allowed")
    }
  }

  @Test("HTTP/1.0 needs no host and is closed")
  func version10() async throws {
    try await withServer { client, _ in
      let bytes = try await client.send(raw: Array("GET /hello HTTP/1.0\r\n\r\n".utf8))
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(text.hasSuffix("\r\n\r\nhello"))
    }
  }

  @Test("ordinary fields of every shape are taken")
  func ordinaryFields() async throws {
    let application = ProbeApplication { head in
      .answer(
        ProbeApplication.text(
          head.headers.fields.filter { $0.name.hasPrefix("X") }
            .map { "\($0.name)=\($0.value)" }.joined(separator: "|")))
    }
    try await withServer(application) { client, _ in
      let request =
        "GET / HTTP/1.1\r\nHost: a:80\r\nX-Empty:\r\nX-Tight:a\r\nX-Wide:    \t a b\t \r\n"
        + "X-Colon: a:b\r\nX!#$%&'*+-.^_`|~9: ok\r\nConnection: close\r\n\r\n"
      let text = String(
        decoding: try await client.send(raw: Array(request.utf8)), as: UTF8.self)
      #expect(
        text.hasSuffix("X-Empty=|X-Tight=a|X-Wide=a b|X-Colon=a:b|X!#$%&'*+-.^_`|~9=ok"),
        "\(text)")
    }
  }

  @Test("random bytes never bring the server down")
  func fuzz() async throws {
    var generator = SeededGenerator(seed: 0x5EED)
    var requests: [[UInt8]] = []
    let seeds =
      Refusal.all.map { Array($0.request.utf8) } + [
        TestRequest.bytes("POST", "/echo", body: Array(repeating: 7, count: 300)),
        TestRequest.bytes("POST", "/count", headers: [("Transfer-Encoding", "chunked")])
          + TestRequest.chunked([[1, 2], [3]]),
        TestRequest.bytes("GET", "/later") + TestRequest.bytes("GET", "/inline"),
      ]
    for index in 0..<400 {
      var bytes = seeds[index % seeds.count]
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert([0, 10, 13, 32, 58].randomElement(using: &generator) ?? 0, at: place)
        default: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &generator))
        }
      }
      requests.append(bytes)
    }
    for _ in 0..<50 {
      requests.append((0..<500).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }
    let impatient = limited {
      $0.headerSeconds = 1
      $0.idleSeconds = 1
      $0.bodyGraceSeconds = 1
    }
    try await withServer(configuration: impatient) { [requests] client, _ in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for slice in 0..<8 {
          group.addTask {
            for index in stride(from: slice, to: requests.count, by: 8) {
              try await client.withConnection { connection in
                connection.writeAsFarAsTaken(requests[index])
                connection.finishWriting()
                _ = connection.readToEnd()
              }
            }
          }
        }
        try await group.waitForAll()
      }
      let response = try await client.send("GET", "/hello")
      #expect(response.text == "hello")
    }
  }
}

extension String {
  /// How often `part` stands in the text.
  func occurrences(of part: String) -> Int {
    var count = 0
    var rest = self[...]
    while let range = rest.firstRange(of: part) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}

/// A generator that repeats itself (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
