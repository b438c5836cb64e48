import JSON
import TestSupport
import Testing
import Values

/// `GET /api/files/:id/content`.
@Suite struct FileContentTests {
  private static let bytes = FileBytes.make(700_000)

  /// Runs `body` with a file of three chunks and the path of its content.
  private func run(
    _ body: (TestServer, _ path: String, _ etag: String) async throws -> Void
  ) async throws {
    try await TestServer.run { server in
      let file = try await server.file(
        Self.bytes, named: "Résumé.html", at: try await server.contactPath())
      let etag = try #require(file["sha256"]?.string)
      try await body(server, "/api/files/\(file.id)/content", "\"\(etag)\"")
    }
  }

  @Test("content comes as an attachment that no browser runs")
  func attachment() async throws {
    try await run { server, path, etag in
      let answer = try await server.send("GET", path)
      #expect(answer.status == 200)
      #expect(answer.body == Self.bytes)
      #expect(answer.header("Content-Length") == "700000")
      #expect(answer.header("Transfer-Encoding") == nil)
      #expect(answer.header("Content-Type") == "text/plain")
      #expect(
        answer.header("Content-Disposition")
          == "attachment; filename=\"R_sum_.html\"; filename*=UTF-8''R%C3%A9sum%C3%A9.html")
      #expect(answer.header("X-Content-Type-Options") == "nosniff")
      let policies = answer.headers.filter { $0.name == "Content-Security-Policy" }
      #expect(policies.count == 1)
      #expect(policies.first?.value.hasPrefix("sandbox; default-src 'none'") == true)
      #expect(answer.header("ETag") == etag)
      #expect(answer.header("Accept-Ranges") == "bytes")
      #expect(answer.header("Vary") == "Authorization, Accept-Encoding")
      #expect(answer.header("Content-Encoding") == nil)
    }
  }

  @Test(
    "a range is answered with 206 and exactly those bytes",
    arguments: [
      ("bytes=0-0", 0..<1), ("bytes=262143-262144", 262_143..<262_145),
      ("bytes=262144-524287", 262_144..<524_288), ("bytes=1-699999", 1..<700_000),
      ("bytes=-300000", 400_000..<700_000), ("bytes=699999-", 699_999..<700_000),
      ("bytes=600000-9999999", 600_000..<700_000),
    ])
  func ranges(field: String, expected: Range<Int>) async throws {
    try await run { server, path, etag in
      let answer = try await server.send("GET", path, headers: [("Range", field)])
      #expect(answer.status == 206)
      #expect(answer.body == Array(Self.bytes[expected]))
      #expect(answer.header("Content-Length") == "\(expected.count)")
      #expect(
        answer.header("Content-Range")
          == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/700000")
      #expect(answer.header("ETag") == etag)
    }
  }

  @Test("a range beyond the end is 416 with the size, a strange one is ignored")
  func otherRanges() async throws {
    try await run { server, path, _ in
      let beyond = try await server.send("GET", path, headers: [("Range", "bytes=700000-")])
      #expect(beyond.status == 416)
      #expect(beyond.code == "range_not_satisfiable")
      #expect(beyond.header("Content-Range") == "bytes */700000")
      for field in ["bytes=5-2", "bytes=0-1,5-6", "lines=1-2", "x"] {
        let answer = try await server.send("GET", path, headers: [("Range", field)])
        #expect(answer.status == 200)
        #expect(answer.body.count == 700_000)
      }
    }
  }

  @Test("If-Range gives the part of the same content, and the whole of another")
  func ifRange() async throws {
    try await run { server, path, etag in
      for (field, status) in [
        (etag, 206), ("\"other\"", 200), ("W/\(etag)", 200),
        ("Sat, 01 Jan 2050 00:00:00 GMT", 200),
      ] {
        let answer = try await server.send(
          "GET", path, headers: [("Range", "bytes=0-9"), ("If-Range", field)])
        #expect(answer.status == status)
        #expect(answer.body.count == (status == 206 ? 10 : 700_000))
      }
    }
  }

  @Test("HEAD tells the same without the bytes; known content is 304")
  func headAndKnown() async throws {
    try await run { server, path, etag in
      let head = try await server.send("HEAD", path, headers: [("Range", "bytes=0-9")])
      #expect(head.status == 200)
      #expect(head.header("Content-Length") == "700000")
      #expect(head.header("Content-Type") == "text/plain")
      #expect(head.header("ETag") == etag)
      for field in [etag, "W/\(etag)", "\"x\", \(etag)", "*"] {
        let known = try await server.send(
          "GET", path, headers: [("If-None-Match", field), ("Range", "bytes=0-9")])
        #expect(known.status == 304)
        #expect(known.header("ETag") == etag)
        #expect(known.body.isEmpty)
      }
      let other = try await server.send("GET", path, headers: [("If-None-Match", "\"x\"")])
      #expect(other.status == 200)
    }
  }

  @Test("it is served to whoever may read the file, below its record too, and to nobody else")
  func permissions() async throws {
    try await run { server, path, _ in
      #expect(try await server.send("GET", path, as: "vic").status == 200)
      for user in ["mara", "greta"] {
        #expect(try await server.send("GET", path, as: user).status == 404)
      }
      #expect(try await server.send("GET", path, as: "sam").status == 403)
      #expect(try await server.client.send("GET", path).status == 401)
      let file = try await server.send("GET", path.replacing("/content", with: "")).data
      let contact = "/api/customers/\(file["entityId"]?.string ?? "")"
      let below = "/files/\(file.id)/content"
      #expect(try await server.send("GET", contact + below).body == Self.bytes)
      let stranger = try await server.contactPath()
      #expect(try await server.send("GET", stranger + below).status == 404)
      let none = "/api/files/01890000-0000-7000-8000-000000000000/content"
      #expect(try await server.send("GET", none).status == 404)
      // Answers that are not JSON need no Accept for JSON.
      let png = try await server.send("GET", path, headers: [("Accept", "image/png")])
      #expect(png.status == 200)
    }
  }

  @Test("a client that reads slowly, and one that leaves, hold nothing up")
  func slowReaders() async throws {
    try await run { server, path, _ in
      let token = TestServer.token("ada", at: server.time.now())
      let request = "GET \(path) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n\r\n"
      let connections = try await onOwnThread {
        try (0..<8).map { _ in
          let connection = try TestConnection(port: server.client.port)
          try connection.write(request)
          _ = connection.readSome()
          return connection
        }
      }
      // While eight wait in the middle of the content, everybody else goes on.
      #expect(try await server.send("GET", path).body == Self.bytes)
      _ = try await server.contact(["firstName": "Meanwhile"])
      for connection in connections.dropFirst() { connection.reset() }
      let first = connections[0]
      let rest = try await onOwnThread {
        var count = 0
        while count < 600_000, let piece = first.readSome() { count += piece.count }
        return count
      }
      #expect(rest >= 600_000 - 65_536)
    }
  }
}
