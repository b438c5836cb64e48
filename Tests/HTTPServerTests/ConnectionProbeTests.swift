import HTTPServer
import TestSupport
import Testing

@Suite struct ConnectionProbeTests {
  @Test("a server that listens takes the connection, by name and by either kind of address")
  func accepted() async throws {
    let server = HTTPServer(
      configuration: HTTPServerConfiguration(), application: ProbeApplication())
    let port = try server.start()
    for host in ["127.0.0.1", "localhost"] {
      let outcome = ConnectionProbe.run(host: host, port: port, timeoutSeconds: 10)
      #expect(outcome == .accepted, "\(host)")
    }
    await server.stop(graceSeconds: 1)
    let clock = ContinuousClock()
    let start = clock.now
    #expect(ConnectionProbe.run(host: "127.0.0.1", port: port, timeoutSeconds: 10) == .refused)
    #expect(clock.now - start < .seconds(5))
  }

  @Test("who says nothing is silent, after the time that was given")
  func silent() throws {
    let socket = try FullSocket()
    let clock = ContinuousClock()
    let start = clock.now
    let outcome = ConnectionProbe.run(host: "127.0.0.1", port: socket.port, timeoutSeconds: 0.3)
    #expect(outcome == .silent)
    let duration = clock.now - start
    #expect(duration >= .milliseconds(300))
    #expect(duration < .seconds(5))
  }

  @Test("a host that is no name refuses")
  func noHost() {
    #expect(ConnectionProbe.run(host: "256.1.1.1.1", port: 80, timeoutSeconds: 1) == .refused)
  }
}
