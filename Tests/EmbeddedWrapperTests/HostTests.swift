import EmbeddedWrapper
import TestSupport
import Testing

@Suite struct HostTests {
  private static func status(_ world: EmbeddedWorld, host: String) async throws -> Int? {
    let raw = """
      GET /api/directory/tenants HTTP/1.1\r\nHost: \(host)\r\nAuthorization: Bearer secret\r\n\
      Connection: close\r\n\r\n
      """
    let answer = String(
      decoding: try await world.client.send(raw: Array(raw.utf8)), as: UTF8.self)
    return answer.split(separator: " ").dropFirst().first.flatMap { Int($0) }
  }

  @Test("the address that is listened on is a name beside the loopback ones")
  func address() async throws {
    // Another loopback address stands for one that others reach.
    let world = try EmbeddedWorld { $0.address = "127.0.0.2" }
    for (host, status) in [
      ("127.0.0.2", 200), ("127.0.0.2:5001", 200), ("localhost", 200), ("127.0.0.3", 404),
      ("evil.example", 404),
    ] {
      #expect(try await Self.status(world, host: host) == status, "\(host)")
    }
    await world.stop()
  }

  @Test("on every address, and behind a proxy, the key alone guards")
  func anyName() async throws {
    for isBehindProxy in [false, true] {
      let world = try EmbeddedWorld {
        $0.address = isBehindProxy ? "127.0.0.1" : "0.0.0.0"
        $0.isBehindProxy = isBehindProxy
      }
      #expect(try await Self.status(world, host: "wrapper.example.org") == 200)
      #expect(try await world.send("GET", "/api/directory/tenants", key: "wrong").status == 403)
      await world.stop()
    }
  }
}
