import HTTP
import HTTPServer
import JSON
import TestSupport
import Testing

@Suite struct RequestTests {
  @Test(
    "a request is answered",
    arguments: ["/hello", "/inline", "/later"], ["GET", "POST", "PUT", "PATCH", "DELETE"])
  func answers(path: String, method: String) async throws {
    try await withServer { client, _ in
      let response = try await client.send(method, path)
      #expect(response.status == 200)
      #expect(response.text == path.dropFirst())
      #expect(response.header("Content-Length") == "\(path.count - 1)")
      #expect(response.header("Server") == nil)
      #expect(response.header("Date") != nil)
    }
  }

  @Test("a connection carries many requests of every kind")
  func keepsAlive() async throws {
    try await withServer { client, _ in
      let texts = try await client.withConnection { connection in
        var texts: [String] = []
        for _ in 0..<3 {
          texts.append(try connection.exchange("GET", "/inline").text)
          texts.append(try connection.exchange("POST", "/inline").text)
          texts.append(try connection.exchange("PUT", "/later", body: []).text)
          texts.append(try connection.exchange("POST", "/echo", body: [0x61, 0x62]).text)
          texts.append(try connection.exchange("DELETE", "/later").text)
          texts.append(try connection.exchange("GET", "/hello").text)
          texts.append(try connection.exchange("HEAD", "/later").text)
          texts.append(try connection.exchange("POST", "/count", body: [1, 2, 3]).text)
        }
        return texts
      }
      let round = ["inline", "inline", "later", "ab", "later", "hello", "", "3"]
      #expect(texts == round + round + round)
    }
  }

  @Test("path and query arrive as they were sent")
  func rawTarget() async throws {
    let seen = ProbeApplication { head in
      .answer(ProbeApplication.text("\(head.path) \(head.query)"))
    }
    try await withServer(seen) { client, _ in
      let target = "/a%2Fb%20c+d/%E2%82%AC"
      let expected = [
        (target + "?x=%2B+&y", target + " x=%2B+&y"), ("/p?", "/p "), ("/p?a?b", "/p a?b"),
        ("http://host/p?a", "/p a"),
      ]
      for (sent, answer) in expected {
        let response = try await client.send("GET", sent)
        #expect(response.text == answer)
      }
      let response = try await client.send("OPTIONS", "*")
      #expect(response.text == "* ")
    }
  }

  @Test("HEAD has the headers of GET and no body")
  func head() async throws {
    try await withServer { client, _ in
      let get = try await client.send("GET", "/inline")
      let head = try await client.send("HEAD", "/inline")
      #expect(head.body.isEmpty)
      #expect(head.header("Content-Length") == get.header("Content-Length"))
      #expect(head.header("Content-Type") == "text/plain")
    }
  }

  @Test("204 and 304 have no body", arguments: [204, 304])
  func bodiless(status: Int) async throws {
    let application = ProbeApplication { _ in
      .answer(HTTPResponse(status: status, headers: ["ETag": "\"1\""], body: .bytes([1, 2, 3])))
    }
    try await withServer(application) { client, _ in
      let texts = try await client.withConnection { connection in
        [try connection.exchange("GET", "/"), try connection.exchange("GET", "/")]
      }
      #expect(texts.map(\.status) == [status, status])
      #expect(texts[0].header("ETag") == "\"1\"")
      #expect(texts.allSatisfy { $0.body.isEmpty })
    }
  }

  @Test("the client's request id is taken when it is sane")
  func requestID() async throws {
    let application = ProbeApplication { head in
      .answer(ProbeApplication.text(head.requestID))
    }
    try await withServer(application) { client, _ in
      let sent = try await client.send("GET", "/", headers: [("x-request-id", "a.B_c-9")])
      #expect(sent.text == "a.B_c-9")
      #expect(sent.header("X-Request-Id") == "a.B_c-9")
      for bad in ["", "a b", String(repeating: "x", count: 129), "ä", "a\"b"] {
        let made = try await client.send("GET", "/", headers: [("X-Request-Id", bad)])
        #expect(made.text.count == 36)
        #expect(made.header("X-Request-Id") == made.text)
      }
    }
  }

  @Test("the application is told of each request once")
  func completed() async throws {
    let application = ProbeApplication()
    try await withServer(application) { client, _ in
      _ = try await client.send("GET", "/later?q=1", headers: [("X-Request-Id", "one")])
      _ = try await client.send("HEAD", "/hello", headers: [("X-Request-Id", "two")])
      _ = try await client.send("BREW", "/pot", headers: [("X-Request-Id", "three")])
    }
    let exchanges = application.exchanges.sorted { $0.requestID < $1.requestID }
    #expect(exchanges.map(\.requestID) == ["one", "three", "two"])
    #expect(exchanges.map(\.status) == [200, 501, 200])
    #expect(exchanges.map(\.path) == ["/later", "/pot", "/hello"])
    #expect(exchanges.map(\.method) == ["GET", "BREW", "HEAD"])
    #expect(exchanges[0].responseBytes == 5)
    #expect(exchanges[2].responseBytes == 0)
    #expect(exchanges.allSatisfy { $0.remoteAddress == "127.0.0.1" })
    #expect(exchanges.allSatisfy { $0.durationNanoseconds > 0 })
  }

  @Test("two hundred requests at once are all answered")
  func parallel() async throws {
    try await withServer { client, server in
      let count = try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 0..<200 {
          group.addTask {
            let path = ["/later", "/inline", "/hello"][index % 3]
            return try await client.send("GET", path).text == path.dropFirst()
          }
        }
        return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(count == 200)
      #expect(server.metrics.requests == 200)
    }
  }

  @Test("a field that cannot be sent becomes a 500")
  func brokenField() async throws {
    let application = ProbeApplication { _ in
      .answer(HTTPResponse(status: 200, headers: ["X-Name": "a\r\nSet-Cookie: b"]))
    }
    try await withServer(application) { client, _ in
      let response = try await client.send("GET", "/")
      #expect(response.status == 500)
      #expect(response.json["code"] == "internal_error")
      #expect(response.header("Set-Cookie") == nil)
    }
  }
}
