import HTTP
import HTTPServer
import JSON
import TestSupport
import Testing

@Suite struct SlowClientTests {
  @Test("a head that does not end is cut off, however busily it trickles")
  func slowHead() async throws {
    try await withServer(configuration: limited { $0.headerSeconds = 1 }) { client, server in
      let isCut = try await client.withConnection { connection in
        try connection.write("GET / HTTP/1.1\r\n")
        // Bytes keep coming, so that idleness is not what ends it. Reading waits a little by
        // itself: the server has nothing to say.
        for _ in 0..<10_000 {
          if !connection.writeAsFarAsTaken(Array("X: y\r\n".utf8)) { return true }
          if connection.isClosed(withinMilliseconds: 100) { return true }
        }
        return false
      }
      #expect(isCut)
      #expect(server.metrics.timedOut == 1)
    }
  }

  @Test("a connection that says nothing is cut off")
  func silent() async throws {
    try await withServer(configuration: limited { $0.headerSeconds = 1 }) { client, server in
      let bytes = try await client.send(raw: [])
      #expect(bytes.isEmpty)
      #expect(server.metrics.timedOut == 1)
    }
  }

  @Test("a body that trickles is cut off")
  func slowBody() async throws {
    let configuration = limited {
      $0.bodyGraceSeconds = 1
      $0.bodyBytesPerSecondMin = 1000
    }
    let application = ProbeApplication()
    try await withServer(application, configuration: configuration) { client, server in
      for path in ["/echo", "/count"] {
        let isCut = try await client.withConnection { connection in
          try connection.write("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n")
          for _ in 0..<890 {
            if !connection.writeAsFarAsTaken([1]) { return true }
            if connection.isClosed(withinMilliseconds: 50) { return true }
          }
          return false
        }
        #expect(isCut)
      }
      #expect(server.metrics.timedOut == 2)
      #expect(await eventually { server.metrics.activeRequests == 0 })
    }
    #expect(application.exchanges.map(\.status) == [499, 499])
  }

  @Test("a body that nobody takes is not the client's fault")
  func slowConsumer() async throws {
    let configuration = limited {
      $0.bodyGraceSeconds = 1
      $0.bodyBytesPerSecondMin = 1_000_000_000
      $0.uploadChunkBytes = 1000
    }
    let application = ProbeApplication { _ in
      .handle(body: .streamed(maxBytes: 10_000_000)) { request in
        guard case .stream(let stream) = request.body else { return ProbeApplication.text("?") }
        var count = 0
        do {
          try await Task.sleep(for: .milliseconds(2500))
          while let chunk = try await stream.next() { count += chunk.count }
        } catch {
          return ProbeApplication.text("\(error)", status: 400)
        }
        return ProbeApplication.text("\(count)")
      }
    }
    try await withServer(application, configuration: configuration) { client, _ in
      let response = try await client.send("POST", "/", body: [UInt8](repeating: 1, count: 50_000))
      #expect(response.text == "50000")
    }
  }

  @Test("a handler may take longer than any deadline of the client")
  func slowHandler() async throws {
    let configuration = limited {
      $0.headerSeconds = 1
      $0.bodyGraceSeconds = 1
      $0.idleSeconds = 1
    }
    let application = ProbeApplication { _ in
      .handle(body: .buffered(maxBytes: 10)) { _ in
        // A cancelled sleep would only make the answer come sooner.
        try? await Task.sleep(for: .milliseconds(2500))
        return ProbeApplication.text("done")
      }
    }
    try await withServer(application, configuration: configuration) { client, _ in
      async let get = client.send("GET", "/")
      async let post = client.send("POST", "/", body: [1])
      let answers = try await [get, post]
      #expect(answers.map(\.text) == ["done", "done"])
    }
  }

  @Test("an idle connection is closed")
  func idle() async throws {
    try await withServer(configuration: limited { $0.idleSeconds = 1 }) { client, _ in
      let rest = try await client.withConnection { connection in
        _ = try connection.exchange("GET", "/hello")
        return connection.readToEnd()
      }
      #expect(rest.isEmpty)
    }
  }

  @Test("more connections than are served get 503, and room is made again")
  func tooManyConnections() async throws {
    let configuration = limited { $0.connectionsMax = 32 }
    try await withServer(configuration: configuration) { client, server in
      let status = try await client.withConnection { _ in
        let others = try (0..<29).map { _ in try TestConnection(port: client.port) }
        for other in others { _ = try other.exchange("GET", "/hello") }
        let extra = try TestConnection(port: client.port)
        let response = try extra.exchange("GET", "/hello")
        #expect(response.json["code"] == "overloaded")
        #expect(response.header("Retry-After") == "1")
        #expect(response.header("Connection") == "close")
        // Those that were there before are still served.
        #expect(try others[3].exchange("GET", "/hello").status == 200)
        return response.status
      }
      #expect(status == 503)
      #expect(await eventually { server.metrics.openConnections == 0 })
      let response = try await client.send("GET", "/hello")
      #expect(response.status == 200)
    }
  }

  @Test("one address may have only so many connections")
  func perAddress() async throws {
    let configuration = limited { $0.connectionsPerAddressMax = 3 }
    try await withServer(configuration: configuration) { client, _ in
      let isServed = try await client.withConnection { connection in
        _ = try connection.exchange("GET", "/hello")
        let others = try (0..<4).map { _ in try TestConnection(port: client.port) }
        // A connection over the bound is closed without an answer.
        return others.map { (try? $0.exchange("GET", "/hello"))?.status == 200 }
      }
      #expect(isServed.filter { $0 }.count == 2)
    }
  }
}
