import HTTP
import HTTPServer
import JSON
import Synchronization
import TestSupport
import Testing

@Suite struct StopTests {
  @Test("a server that never started, or has stopped, can be stopped")
  func stopsTwice() async throws {
    let server = HTTPServer(
      configuration: HTTPServerConfiguration(), application: ProbeApplication())
    await server.stop(graceSeconds: 1)
    let other = HTTPServer(
      configuration: HTTPServerConfiguration(), application: ProbeApplication())
    let port = try other.start()
    async let first: Void = other.stop(graceSeconds: 1)
    async let second: Void = other.stop(graceSeconds: 1)
    _ = await (first, second)
    await other.stop(graceSeconds: 1)
    await #expect(throws: TestClientError.self) {
      try await TestClient(port: port).send("GET", "/hello")
    }
    #expect(throws: HTTPServerError.alreadyStarted) { try other.start() }
  }

  @Test("a request that is under way ends well when there is grace")
  func finishesRequests() async throws {
    let started = Latch()
    let mayEnd = Latch()
    let application = ProbeApplication { _ in
      .handle(body: .buffered(maxBytes: 0)) { _ in
        started.open()
        await mayEnd.wait()
        return ProbeApplication.text("done")
      }
    }
    let server = HTTPServer(
      configuration: HTTPServerConfiguration(threads: 2), application: application)
    let client = TestClient(port: try server.start())
    async let answer = client.withConnection { try $0.exchange("GET", "/") }
    await started.wait()
    async let stopped: Void = server.stop(graceSeconds: 30)
    // The server turns new connections away while it waits for the one request.
    let isDeaf = await eventually {
      // That a connection fails or is closed at once is the point.
      (try? TestConnection(port: client.port).isClosed(withinMilliseconds: 50)) ?? true
    }
    #expect(isDeaf)
    mayEnd.open()
    let response = try await answer
    #expect(response.text == "done")
    #expect(response.header("Connection") == "close")
    await stopped
  }

  @Test("handlers that do not end are cancelled and answered 503")
  func suspendedHandlers() async throws {
    let count = 20
    let cancelled = Tally()
    let application = ProbeApplication { _ in
      .handle(body: .buffered(maxBytes: 10)) { _ in
        do {
          try await Task.sleep(for: .seconds(3600))
        } catch {
          cancelled.add()
        }
        return ProbeApplication.text("too late")
      }
    }
    let server = HTTPServer(
      configuration: HTTPServerConfiguration(threads: 2), application: application)
    let client = TestClient(port: try server.start())
    let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
      for index in 0..<count {
        group.addTask {
          let body: [UInt8]? = index % 2 == 0 ? [1] : nil
          let response = try await client.send(index % 2 == 0 ? "POST" : "GET", "/", body: body)
          return response.json["code"] == "overloaded" ? response.status : 0
        }
      }
      #expect(await eventually { server.metrics.suspendedConnections == count })
      await server.stop(graceSeconds: 0)
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(statuses == Array(repeating: 503, count: count))
    #expect(await eventually { cancelled.count == count })
    #expect(server.metrics.suspendedConnections == 0)
    #expect(server.metrics.openConnections == 0)
  }

  @Test("a stream that waits for ever is broken off, and its end is told once")
  func suspendedStream() async throws {
    let source = EndlessBody()
    let application = ProbeApplication { _ in
      .answer(HTTPResponse(status: 200, body: .stream(source)))
    }
    let server = HTTPServer(
      configuration: HTTPServerConfiguration(threads: 2), application: application)
    let client = TestClient(port: try server.start())
    async let bytes = client.send(raw: Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    #expect(await eventually { server.metrics.suspendedConnections == 1 })
    await server.stop(graceSeconds: 0)
    let text = String(decoding: try await bytes, as: UTF8.self)
    #expect(text.hasSuffix("first\r\n"))
    #expect(source.finishCount == 1)
  }

  @Test("an upload that nobody takes does not stand in the way")
  func suspendedUpload() async throws {
    let mayEnd = Latch()
    let application = ProbeApplication { _ in
      .handle(body: .streamed(maxBytes: 100_000_000)) { _ in
        await mayEnd.wait()
        return ProbeApplication.text("late")
      }
    }
    let server = HTTPServer(
      configuration: HTTPServerConfiguration(threads: 2), application: application)
    let client = TestClient(port: try server.start())
    async let wasTaken = client.withConnection { connection in
      try connection.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90000000\r\n\r\n")
      return connection.writeZeros(90_000_000, untilStuckForMilliseconds: 30_000) == 90_000_000
    }
    #expect(await eventually { server.metrics.suspendedConnections == 1 })
    await server.stop(graceSeconds: 0)
    let isTaken = try await wasTaken
    #expect(!isTaken)
    mayEnd.open()
  }

  @Test("a client that left while its handler ran does no harm")
  func leftWhileSuspended() async throws {
    let mayEnd = Latch()
    let application = ProbeApplication { _ in
      .handle(body: .buffered(maxBytes: 0)) { _ in
        await mayEnd.wait()
        return ProbeApplication.text("for nobody")
      }
    }
    try await withServer(application) { client, server in
      let connections = try await onOwnThread {
        let connections = try (0..<20).map { _ in try TestConnection(port: client.port) }
        for connection in connections { try connection.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        return connections
      }
      #expect(await eventually { server.metrics.suspendedConnections == 20 })
      for connection in connections { connection.reset() }
      mayEnd.open()
      #expect(await eventually { server.metrics.activeRequests == 0 })
      #expect(await eventually { server.metrics.openConnections == 0 })
    }
    #expect(application.exchanges.count == 20)
  }

  @Test("stopping under load loses no answer that was begun", arguments: 0..<5)
  func underLoad(round: Int) async throws {
    let server = HTTPServer(
      configuration: HTTPServerConfiguration(threads: 2), application: ProbeApplication())
    let client = TestClient(port: try server.start())
    let answered = Tally()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<16 {
        group.addTask {
          try await client.withConnection { connection in
            while true {
              let path = index % 2 == 0 ? "/later" : "/inline"
              // A connection that was closed between two requests is what stopping means.
              guard let response = try? connection.exchange("GET", path) else { return }
              #expect(response.status == 200 || response.status == 503)
              answered.add()
              if response.header("Connection") == "close" { return }
            }
          }
        }
      }
      #expect(await eventually { answered.count > 200 })
      await server.stop(graceSeconds: round % 2 == 0 ? 5 : 0)
      try await group.waitForAll()
    }
    #expect(server.metrics.activeRequests == 0)
    #expect(server.metrics.suspendedConnections == 0)
  }
}

/// One chunk, then nothing until the task is cancelled.
final class EndlessBody: HTTPResponseBodyStream {
  private let state = Mutex((asked: 0, finished: 0))

  var finishCount: Int { state.withLock(\.finished) }

  func next() async throws -> [UInt8]? {
    let isFirst = state.withLock { state in
      defer { state.asked += 1 }
      return state.asked == 0
    }
    if isFirst { return Array("first".utf8) }
    try await Task.sleep(for: .seconds(3600))
    return nil
  }

  func finish() { state.withLock { $0.finished += 1 } }
}
