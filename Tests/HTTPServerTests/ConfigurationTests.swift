import HTTP
import HTTPServer
import TestSupport
import Testing

@Suite struct ConfigurationTests {
  @Test("an address that is none is refused", arguments: ["", "localhost", "300.1.1.1", "::g"])
  func invalidAddress(address: String) {
    let server = HTTPServer(
      configuration: HTTPServerConfiguration(address: address), application: ProbeApplication())
    #expect(throws: HTTPServerError.invalidAddress(address)) { try server.start() }
  }

  @Test("a port that is taken is refused by name")
  func takenPort() async throws {
    try await withServer { client, _ in
      let second = HTTPServer(
        configuration: HTTPServerConfiguration(port: client.port), application: ProbeApplication())
      let error = #expect(throws: HTTPServerError.self) { try second.start() }
      guard case .system("bind", _) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test("one thread is enough")
  func singleThread() async throws {
    try await withServer(configuration: HTTPServerConfiguration(threads: 1)) { client, _ in
      for path in ["/hello", "/inline", "/later"] {
        let response = try await client.send("GET", path)
        #expect(response.status == 200)
      }
    }
  }

  @Test("compression can be switched off")
  func withoutCompression() async throws {
    let application = ProbeApplication { _ in
      .answer(ProbeApplication.text(String(repeating: "a", count: 5000)))
    }
    let configuration = HTTPServerConfiguration(threads: 2, compressesResponses: false)
    try await withServer(application, configuration: configuration) { client, _ in
      let response = try await client.send("GET", "/", headers: [("Accept-Encoding", "gzip")])
      #expect(response.body.count == 5000)
      #expect(response.header("Vary") == nil)
    }
  }
}
