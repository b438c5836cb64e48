import HTTPServer
import TestSupport
import Testing
import Values

@testable import WrapperClient

/// How long a call waits for somebody to take its connection.
@Suite struct ConnectionTests {
  private func transport(port: UInt16, _ tally: CallTally = CallTally()) -> WrapperTransport {
    let configuration = WrapperConfiguration(
      baseURL: "http://127.0.0.1:\(port)", apiKey: "key", version: "test")
    return WrapperTransport(configuration, time: .system, random: .system, tally: tally)
  }

  private func failure(_ result: Result<WrapperAnswer, TransportFailure>) -> TransportFailure? {
    guard case .failure(let failure) = result else { return nil }
    return failure
  }

  @Test("without a connection a call fails after two seconds, on the way of a request after one")
  func silent() async throws {
    let socket = try FullSocket()
    let tally = CallTally()
    let transport = transport(port: socket.port, tally)
    let clock = ContinuousClock()
    let start = clock.now
    let background = WrapperCall(path: "/api/permissions?tenantId=t1", tenantID: "t1")
    // All of them wait for the same attempt.
    let failures = await withTaskGroup { group in
      for _ in 0..<20 { group.addTask { self.failure(await transport.send(background)) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(failures == Array(repeating: .noConnection, count: 20))
    let duration = clock.now - start
    #expect(duration >= .seconds(2))
    #expect(duration < .seconds(9))
    #expect(tally.all["permissions"]?.outcomes == ["no_connection": 20])
    #expect(TransportFailure.noConnection.reason == "no connection within 2 s")
    transport.close()
    let other = self.transport(port: socket.port)
    var urgent = WrapperCall(path: "/api/billing/credits/t1", tenantID: "t1")
    urgent.seconds = 1
    let second = clock.now
    #expect(failure(await other.send(urgent)) == .timeout)
    #expect(clock.now - second >= .seconds(1))
    other.close()
  }

  @Test("a Wrapper that takes no connections is complained of and has its tenants degraded")
  func degraded() async throws {
    let socket = try FullSocket()
    let world = try ClientWorld()
    let client = world.client(port: socket.port) { $0.requestSeconds = 0.2 }
    await client.start()
    await #expect(throws: WrapperError.unavailable) { try await client.tenant("t1") }
    #expect(
      await eventuallyTrue {
        world.log.contains { $0.hasSuffix("permissions: no connection within 2 s") }
      })
    #expect(await eventuallyTrue { client.status.first.map { $0.mode != .online } ?? false })
    await client.stop()
  }

  @Test("a Wrapper that answered a moment ago is called without another look")
  func trusted() async throws {
    try await withScript { script, port in
      let clock = ManualClock()
      let connections = try #require(
        ConnectionCheck(baseURL: "http://127.0.0.1:\(port)", time: clock.source))
      #expect(await connections.refusal(withinSeconds: 10) == nil)
      // Nobody listens there any more, which is found out once the trust is over.
      let gone = try #require(
        ConnectionCheck(baseURL: "http://127.0.0.1:1", time: clock.source))
      gone.heard()
      clock.advance(seconds: Limits.connectionTrustSeconds - 1)
      #expect(await gone.refusal(withinSeconds: 10) == nil)
      clock.advance(seconds: 1)
      #expect(await gone.refusal(withinSeconds: 10) == .unreachable)
      gone.heard()
      #expect(await gone.refusal(withinSeconds: 10) == nil)
      gone.doubt()
      #expect(await gone.refusal(withinSeconds: 10) == .unreachable)
      #expect(script.calls("/").isEmpty)
    }
  }

  @Test("host and port are read from every form of address; without a host there is no check")
  func addresses() {
    for address in [
      "https://wrapper.example", "http://localhost:8080/base/", "http://[::1]:80",
    ] {
      #expect(ConnectionCheck(baseURL: address, time: .system) != nil, "\(address)")
    }
    for address in ["", "/path", "https://"] {
      #expect(ConnectionCheck(baseURL: address, time: .system) == nil, "\(address)")
    }
  }
}
