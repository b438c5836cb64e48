import HTTP
import HTTPServer
import JSON
import Synchronization
import TestSupport
import Testing

@Suite struct BodyTests {
  @Test("a body within the limit is handed over whole", arguments: [0, 1, 999, 1000])
  func buffered(count: Int) async throws {
    let body = [UInt8](repeating: 0x61, count: count)
    try await withServer { client, _ in
      let whole = try await client.send("POST", "/echo", body: body)
      #expect(whole.body == body)
      let chunked = try await client.send(
        "PATCH", "/echo", headers: [("Transfer-Encoding", "chunked")],
        body: TestRequest.chunked([Array(body.prefix(10)), Array(body.dropFirst(10))]))
      #expect(chunked.body == body)
    }
  }

  @Test("a declared body over the limit is refused unread")
  func declaredTooLarge() async throws {
    try await withServer { client, _ in
      let response = try await client.withConnection { connection in
        try connection.write("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n")
        return try connection.readResponse()
      }
      #expect(response.status == 413)
      #expect(response.json["code"] == "content_too_large")
      #expect(response.header("Connection") == "close")
    }
  }

  @Test(
    "a refused body may be sent whole, and the answer is there to be read after it",
    arguments: [("/echo", 413), ("/nowhere", 404)])
  func refusedButSent(path: String, status: Int) async throws {
    try await withServer { client, _ in
      let size = 24 << 20
      let response = try await client.withConnection { connection in
        try connection.write("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
        // Far more than the buffers of both ends hold.
        #expect(connection.writeZeros(size, untilStuckForMilliseconds: 5000) == size)
        return try connection.readResponse()
      }
      #expect(response.status == status)
      #expect(response.header("Connection") == "close")
    }
  }

  @Test("a chunked body some megabytes over the limit is drained and refused")
  func chunkedFarTooLarge() async throws {
    try await withServer { client, _ in
      let response = try await client.withConnection { connection in
        try connection.write(
          TestRequest.bytes("POST", "/echo", headers: [("Transfer-Encoding", "chunked")]))
        let chunk = Array("10000\r\n".utf8) + Array(repeating: 1, count: 65_536) + [13, 10]
        for _ in 0..<200 { try connection.write(chunk) }
        try connection.write("0\r\n\r\n")
        return try connection.readResponse()
      }
      #expect(response.status == 413)
    }
  }

  @Test("a chunked body over the limit is drained and refused")
  func chunkedTooLarge() async throws {
    let application = ProbeApplication()
    try await withServer(application) { client, server in
      let responses = try await client.withConnection { connection in
        let big = TestRequest.chunked(Array(repeating: Array(repeating: 1, count: 8000), count: 20))
        try connection.write(
          TestRequest.bytes("POST", "/echo", headers: [("Transfer-Encoding", "chunked")]) + big)
        return [
          try connection.readResponse(), try connection.exchange("POST", "/echo", body: [9]),
        ]
      }
      #expect(responses.map(\.status) == [413, 200])
      #expect(server.metrics.refused == 1)
    }
    #expect(application.exchanges.count == 2)
  }

  @Test("a chunked body that goes on and on is reset")
  func endlessBody() async throws {
    try await withServer { client, _ in
      let wasTaken = try await client.withConnection { connection in
        try connection.write(
          TestRequest.bytes("POST", "/echo", headers: [("Transfer-Encoding", "chunked")]))
        let chunk = Array("10000\r\n".utf8) + Array(repeating: 1, count: 65_536) + [13, 10]
        for _ in 0..<2000 where !connection.writeAsFarAsTaken(chunk) { return false }
        return true
      }
      #expect(!wasTaken)
      let response = try await client.send("GET", "/hello")
      #expect(response.text == "hello")
    }
  }

  @Test("a client that waits for 100 gets it when the body is wanted")
  func expectContinue() async throws {
    try await withServer { client, _ in
      let response = try await client.withConnection { connection in
        try connection.write(
          "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        guard let interim = connection.readSome() else { throw TestClientError.closed }
        #expect(String(decoding: interim, as: UTF8.self).hasPrefix("HTTP/1.1 100 "))
        try connection.write("abc")
        return try connection.readResponse()
      }
      #expect(response.text == "abc")
    }
  }

  @Test("a client that waits for 100 gets the final status when the body is not wanted")
  func expectRefused() async throws {
    try await withServer { client, _ in
      for (path, status) in [("/echo", 413), ("/nowhere", 404), ("/hello", 200)] {
        let response = try await client.withConnection { connection in
          try connection.write(
            "PUT \(path) HTTP/1.1\r\nHost: a\r\n"
              + "Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n"
          )
          return try connection.readResponse()
        }
        #expect(response.status == status)
        #expect(response.interimStatuses.isEmpty)
        #expect(response.header("Connection") == "close")
      }
    }
  }

  @Test("an upload of 64 MB waits outside while nobody takes it, and arrives whole")
  func largeUpload() async throws {
    let mayStart = Latch()
    let application = ProbeApplication { _ in
      .handle(body: .streamed(maxBytes: 100_000_000)) { request in
        guard case .stream(let stream) = request.body else { return ProbeApplication.text("?") }
        await mayStart.wait()
        var count = 0
        do {
          while let chunk = try await stream.next() {
            count += chunk.count
            // Others run meanwhile, so that the connection is suspended again and again.
            for _ in 0..<20 { await Task.yield() }
          }
        } catch {
          return ProbeApplication.text("\(error)", status: 400)
        }
        return ProbeApplication.text("\(count)")
      }
    }
    try await withServer(application) { client, server in
      let size = 64 << 20
      let (taken, response) = try await client.withConnection { connection in
        try connection.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
        let taken = connection.writeZeros(size, untilStuckForMilliseconds: 300)
        mayStart.open()
        _ = connection.writeZeros(size - taken, untilStuckForMilliseconds: 30_000)
        return (taken, try connection.readResponse())
      }
      #expect(response.text == "\(size)")
      // The kernel's buffers on both sides take some megabytes, the server a quarter of one.
      #expect(taken < size / 2)
    }
  }

  @Test("chunks of an upload are as large as they may be, and nothing is lost")
  func chunks() async throws {
    let sizes = Mutex<[Int]>([])
    let sum = Mutex<UInt64>(0)
    let application = ProbeApplication { _ in
      .handle(body: .streamed(maxBytes: 10_000_000)) { request in
        guard case .stream(let stream) = request.body else { return ProbeApplication.text("?") }
        while let chunk = try? await stream.next() {
          // A failure ends the loop and shows in the sum.
          sizes.withLock { $0.append(chunk.count) }
          sum.withLock { sum in for byte in chunk { sum = sum &* 31 &+ UInt64(byte) } }
        }
        return ProbeApplication.text("ok")
      }
    }
    let body = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let expected = body.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) }
    try await withServer(application) { client, _ in
      let response = try await client.send("PUT", "/", body: body)
      #expect(response.text == "ok")
    }
    #expect(sizes.withLock { $0 } == [262_144, 262_144, 262_144, 213_571])
    #expect(sum.withLock { $0 } == expected)
  }

  @Test("a streamed body over the limit fails for the handler, which still answers")
  func streamedTooLarge() async throws {
    let application = ProbeApplication { _ in
      .handle(body: .streamed(maxBytes: 1000)) { request in
        guard case .stream(let stream) = request.body else { return ProbeApplication.text("?") }
        do {
          while try await stream.next() != nil {}
        } catch {
          return ProbeApplication.text("\(error)", status: 413)
        }
        return ProbeApplication.text("ok")
      }
    }
    try await withServer(application) { client, _ in
      let body = [UInt8](repeating: 1, count: 5000)
      let chunked = try await client.send(
        "POST", "/", headers: [("Transfer-Encoding", "chunked")],
        body: TestRequest.chunked([body]))
      #expect(chunked.status == 413)
      #expect(chunked.text == "tooLarge")
      let declared = try await client.send("POST", "/", body: body)
      #expect(declared.status == 413)
      #expect(declared.json["code"] == "content_too_large")
    }
  }

  @Test(
    "a handler that does not want a large upload is heard, however long it thinks",
    arguments: [0, 50])
  func unwantedUpload(milliseconds: Int) async throws {
    let application = ProbeApplication { _ in
      .handle(body: .streamed(maxBytes: 100_000_000)) { _ in
        // An early end of the sleep would only make the handler quicker.
        try? await Task.sleep(for: .milliseconds(milliseconds))
        return ProbeApplication.text("too poor", status: 402)
      }
    }
    try await withServer(application) { client, _ in
      for framing in ["Content-Length: 50000000", "Transfer-Encoding: chunked"] {
        let response = try await client.withConnection { connection in
          try connection.write("POST / HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n")
          return try connection.readResponse()
        }
        #expect(response.status == 402)
        #expect(response.text == "too poor")
        #expect(response.header("Connection") == "close")
      }
      let waiting = try await client.withConnection { connection in
        try connection.write(
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n"
            + "Expect: 100-continue\r\n\r\n")
        return try connection.readResponse()
      }
      #expect(waiting.status == 402)
      #expect(waiting.interimStatuses == [])
    }
  }

  @Test("a client that waits for 100 before its upload gets it when the handler asks")
  func expectedUpload() async throws {
    try await withServer { client, _ in
      let response = try await client.withConnection { connection in
        try connection.write(
          "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
            + "Expect: 100-continue\r\n\r\n")
        let interim = connection.readSome().map { String(decoding: $0, as: UTF8.self) }
        #expect(interim?.hasPrefix("HTTP/1.1 100") == true)
        try connection.write("hello")
        return try connection.readResponse()
      }
      #expect(response.text == "5")
    }
  }

  @Test("a handler that does not want the body is answered at once")
  func unreadBody() async throws {
    let application = ProbeApplication { _ in
      .handle(body: .streamed(maxBytes: 10_000_000)) { _ in
        await Task.yield()
        return ProbeApplication.text("early")
      }
    }
    try await withServer(application) { client, _ in
      let response = try await client.send(
        "POST", "/", body: [UInt8](repeating: 1, count: 700_000))
      #expect(response.text == "early")
    }
  }

  @Test("a client that leaves in the middle ends the handler's stream")
  func disconnects() async throws {
    let ended = Latch()
    let seen = Mutex<HTTPBodyError?>(nil)
    let application = ProbeApplication { _ in
      .handle(body: .streamed(maxBytes: 10_000_000)) { request in
        guard case .stream(let stream) = request.body else { return ProbeApplication.text("?") }
        do throws(HTTPBodyError) {
          while try await stream.next() != nil {}
        } catch {
          seen.withLock { $0 = error }
        }
        ended.open()
        return ProbeApplication.text("ok")
      }
    }
    try await withServer(application) { client, server in
      let connection = try await onOwnThread {
        let connection = try TestConnection(port: client.port)
        try connection.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\nsome")
        return connection
      }
      #expect(await eventually { server.metrics.activeRequests == 1 })
      connection.reset()
      await ended.wait()
    }
    #expect(seen.withLock { $0 } == .disconnected)
    #expect(application.exchanges.map(\.status) == [499])
  }
}
