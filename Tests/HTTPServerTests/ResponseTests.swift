import Foundation
import HTTP
import HTTPServer
import Synchronization
import TestSupport
import Testing

@Suite struct ResponseTests {
  private static let page = [UInt8](String(repeating: "all work and no play ", count: 200).utf8)

  private static func serving(
    _ type: String?, _ body: [UInt8], extra: [(String, String)] = []
  ) -> ProbeApplication {
    ProbeApplication { _ in
      var headers = HTTPHeaders()
      if let type { headers.add("Content-Type", type) }
      for (name, value) in extra { headers.add(name, value) }
      return .answer(HTTPResponse(status: 200, headers: headers, body: .bytes(body)))
    }
  }

  @Test(
    "gzip is sent to those who accept it",
    arguments: [
      ("gzip", true), ("GZIP", true), ("x-gzip", true), ("*", true), ("br, gzip;q=0.5", true),
      ("gzip; q=0.001", true), ("*;q=0, gzip", true), ("gzip;q=0", false), ("gzip; q=0.000", false),
      ("*, gzip;q=0", false), ("br", false), ("identity", false), ("", false),
    ])
  func negotiates(accepted: String, isCompressed: Bool) async throws {
    let application = Self.serving(
      "application/json; charset=utf-8", Self.page, extra: [("ETag", "\"1\"")])
    try await withServer(application) { client, _ in
      let response = try await client.send("GET", "/", headers: [("Accept-Encoding", accepted)])
      #expect((response.header("Content-Encoding") == "gzip") == isCompressed)
      #expect(response.header("Vary") == "Accept-Encoding")
      #expect(response.header("ETag") == "\"1\"")
      #expect(response.header("Content-Length") == "\(response.body.count)")
      if isCompressed {
        #expect(response.body.count < Self.page.count / 4)
        #expect(try gunzip(response.body) == Self.page)
      } else {
        #expect(response.body == Self.page)
      }
    }
  }

  @Test(
    "only what gains from it is compressed",
    arguments: [
      ("text/html", true), ("application/problem+json", true), ("image/svg+xml", true),
      ("application/javascript", true), ("application/ld+json", true), ("image/png", false),
      ("application/octet-stream", false),
    ])
  func types(type: String, isCompressed: Bool) async throws {
    try await withServer(Self.serving(type, Self.page)) { client, _ in
      let response = try await client.send("GET", "/", headers: [("Accept-Encoding", "gzip")])
      #expect((response.header("Content-Encoding") == "gzip") == isCompressed)
      #expect((response.header("Vary") != nil) == isCompressed)
    }
  }

  @Test("small, already encoded and incompressible bodies stay as they are")
  func uncompressed() async throws {
    let accept = [("Accept-Encoding", "gzip")]
    let small = [UInt8](repeating: 0x61, count: 1024)
    try await withServer(Self.serving("text/plain", small)) { client, _ in
      let response = try await client.send("GET", "/", headers: accept)
      #expect(response.body == small)
      #expect(response.header("Vary") == nil)
    }
    let encoded = Self.serving("text/plain", Self.page, extra: [("Content-Encoding", "br")])
    try await withServer(encoded) { client, _ in
      let response = try await client.send("GET", "/", headers: accept)
      #expect(response.body == Self.page)
      #expect(response.header("Content-Encoding") == "br")
    }
    var generator = SeededGenerator(seed: 1)
    let noise = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &generator) }
    try await withServer(Self.serving("text/plain", noise)) { client, _ in
      let response = try await client.send("GET", "/", headers: accept)
      #expect(response.body == noise)
      #expect(response.header("Content-Encoding") == nil)
    }
  }

  @Test("Vary keeps what the application put there")
  func vary() async throws {
    for (own, expected) in [
      ("Origin", "Origin, Accept-Encoding"), ("accept-encoding", "accept-encoding"), ("*", "*"),
    ] {
      let application = Self.serving("text/plain", Self.page, extra: [("Vary", own)])
      try await withServer(application) { client, _ in
        let response = try await client.send("GET", "/", headers: [("Accept-Encoding", "gzip")])
        #expect(response.header("Vary") == expected)
      }
    }
  }

  @Test("HEAD says of a compressed body what GET says")
  func headOfCompressed() async throws {
    try await withServer(Self.serving("text/plain", Self.page)) { client, _ in
      let accept = [("Accept-Encoding", "gzip")]
      let get = try await client.send("GET", "/", headers: accept)
      let head = try await client.send("HEAD", "/", headers: accept)
      for name in ["Content-Length", "Content-Encoding", "Vary", "Content-Type"] {
        #expect(head.header(name) == get.header(name))
      }
      #expect(head.body.isEmpty)
    }
  }

  @Test(
    "a streamed body arrives whole, whether its producer waits or not", arguments: [true, false])
  func streams(waits: Bool) async throws {
    let source = CountingBody(chunks: 300, chunkBytes: 1000, waits: waits)
    let application = ProbeApplication { _ in
      .answer(HTTPResponse(status: 200, body: .stream(source)))
    }
    try await withServer(application) { client, _ in
      let response = try await client.send("GET", "/")
      #expect(response.header("Transfer-Encoding") == "chunked")
      #expect(response.body == CountingBody.expected(chunks: 300, chunkBytes: 1000))
      #expect(await eventually { source.finishCount == 1 })
    }
    #expect(source.finishCount == 1)
    #expect(application.exchanges.map(\.responseBytes) == [300_000])
  }

  @Test("an empty stream, one with empty chunks, and HEAD of one")
  func oddStreams() async throws {
    let empty = CountingBody(chunks: 0, chunkBytes: 0, waits: true)
    let hollow = CountingBody(chunks: 3, chunkBytes: 0, waits: true)
    let unread = CountingBody(chunks: 3, chunkBytes: 10, waits: true)
    let application = ProbeApplication { head in
      let source = ["/empty": empty, "/hollow": hollow][head.path] ?? unread
      return .answer(HTTPResponse(status: 200, body: .stream(source)))
    }
    try await withServer(application) { client, _ in
      let responses = try await client.withConnection { connection in
        [
          try connection.exchange("GET", "/empty"), try connection.exchange("GET", "/hollow"),
          try connection.exchange("GET", "/empty"), try connection.exchange("HEAD", "/unread"),
        ]
      }
      #expect(responses[3].header("Connection") == "close")
      #expect(responses[3].header("Transfer-Encoding") == "chunked")
      #expect(responses.allSatisfy { $0.status == 200 && $0.body.isEmpty })
    }
    #expect(unread.finishCount == 1)
    #expect(unread.asked == 0)
    #expect(hollow.finishCount == 1)
  }

  @Test("a stream of known length says it, to HEAD too, and the connection stays open")
  func knownLength() async throws {
    let unread = CountingBody(chunks: 300, chunkBytes: 1000, waits: true)
    let application = ProbeApplication { head in
      let source =
        head.method == .head ? unread : CountingBody(chunks: 300, chunkBytes: 1000, waits: true)
      return .answer(HTTPResponse(status: 200, body: .stream(source, byteCount: 300_000)))
    }
    try await withServer(application) { client, _ in
      let responses = try await client.withConnection { connection in
        [
          try connection.exchange("HEAD", "/"), try connection.exchange("GET", "/"),
          try connection.exchange("GET", "/"),
        ]
      }
      for response in responses {
        #expect(response.header("Content-Length") == "300000")
        #expect(response.header("Transfer-Encoding") == nil)
        #expect(response.header("Connection") != "close")
      }
      let expected = CountingBody.expected(chunks: 300, chunkBytes: 1000)
      #expect(responses.map(\.body) == [[], expected, expected])
    }
    #expect(unread.finishCount == 1)
    #expect(unread.asked == 0)
    #expect(application.exchanges.map(\.responseBytes) == [0, 300_000, 300_000])
  }

  @Test("a stream that ends before its announced length breaks the connection")
  func shortStream() async throws {
    let source = CountingBody(chunks: 5, chunkBytes: 100, waits: true)
    let application = ProbeApplication { _ in
      .answer(HTTPResponse(status: 200, body: .stream(source, byteCount: 501)))
    }
    try await withServer(application) { client, _ in
      await #expect(throws: TestClientError.closed) { try await client.send("GET", "/") }
    }
    #expect(source.finishCount == 1)
  }

  @Test("a producer's error breaks the connection, so that the client sees it")
  func failingStream() async throws {
    let source = CountingBody(chunks: 5, chunkBytes: 100, waits: true, failsAtEnd: true)
    let application = ProbeApplication { _ in
      .answer(HTTPResponse(status: 200, body: .stream(source)))
    }
    try await withServer(application) { client, _ in
      await #expect(throws: TestClientError.closed) { try await client.send("GET", "/") }
    }
    #expect(source.finishCount == 1)
  }

  @Test("a client that leaves ends the stream")
  func clientLeaves() async throws {
    let source = CountingBody(chunks: .max, chunkBytes: 60_000, waits: true)
    let application = ProbeApplication { _ in
      .answer(HTTPResponse(status: 200, body: .stream(source)))
    }
    try await withServer(application) { client, _ in
      try await client.withConnection { connection in
        try connection.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = connection.readSome()
        connection.reset()
      }
      #expect(await eventually { source.finishCount == 1 })
    }
    #expect(source.finishCount == 1)
  }

  @Test("a client that does not read holds the producer back")
  func slowReader() async throws {
    let source = CountingBody(chunks: 2000, chunkBytes: 60_000, waits: false)
    let application = ProbeApplication { _ in
      .answer(HTTPResponse(status: 200, body: .stream(source)))
    }
    try await withServer(application) { client, _ in
      try await client.withConnection { connection in
        try connection.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = connection.readSome()
      }
      #expect(await eventually { source.finishCount == 1 })
      // What the kernel's buffers take is a few megabytes of the 120.
      #expect(source.asked < 1000)
    }
  }
}

/// A body of numbered chunks.
final class CountingBody: HTTPResponseBodyStream {
  private let chunks: Int
  private let chunkBytes: Int
  private let waits: Bool
  private let failsAtEnd: Bool
  private let state = Mutex((asked: 0, finished: 0))

  init(chunks: Int, chunkBytes: Int, waits: Bool, failsAtEnd: Bool = false) {
    self.chunks = chunks
    self.chunkBytes = chunkBytes
    self.waits = waits
    self.failsAtEnd = failsAtEnd
  }

  var finishCount: Int { state.withLock(\.finished) }
  var asked: Int { state.withLock(\.asked) }

  func next() async throws -> [UInt8]? {
    if waits { await Task.yield() }
    let number = state.withLock { state in
      defer { state.asked += 1 }
      return state.asked
    }
    guard number < chunks else {
      if failsAtEnd { throw HTTPBodyError.disconnected }
      return nil
    }
    return [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: chunkBytes)
  }

  func finish() { state.withLock { $0.finished += 1 } }

  static func expected(chunks: Int, chunkBytes: Int) -> [UInt8] {
    (0..<chunks).flatMap { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: chunkBytes) }
  }
}

/// Decompresses with the program of that name, so that the server's own zlib does not judge itself.
private func gunzip(_ bytes: [UInt8]) throws -> [UInt8] {
  let folder = try TemporaryFolder()
  let path = folder.file("body.gz")
  try Data(bytes).write(to: URL(fileURLWithPath: path))
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = ["gunzip", path]
  try process.run()
  process.waitUntilExit()
  return [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("body"))))
}
