internal import Foundation
internal import Glibc
internal import JSON
internal import TestSupport
internal import Testing

extension ProgramTests {
  @Suite struct SetupTests {
    @Test("a fresh file gets a link for the first person, once, and in no log")
    func link() async throws {
      let workplace = try Workplace()
      let first = try await workplace.serve("--log-level", "debug")
      let lost = try await token(first)
      try await first.stop()

      let second = try await workplace.serve("--log-level", "debug")
      let token = try await token(second)
      #expect(token != lost)
      // 128 bits in base64url.
      #expect(token.utf8.count == 22)
      #expect(try await setUp(second, lost).status == 403)
      let answer = try await setUp(second, token)
      #expect(answer.status == 201)
      let session = try #require(answer.json["token"]?.string)
      #expect(try await second.send("GET", "/api/leads", token: session).status == 200)
      #expect(try await setUp(second, token).status == 409)
      try await second.stop()
      for server in [first, second] {
        #expect(!server.child.errors.contains(token))
        #expect(!server.child.errors.contains(lost))
      }

      let third = try await workplace.serve()
      try await third.stop()
      #expect(!third.child.output.contains("setup"))
    }

    @Test("the line for curl works as it is printed, once the password is filled in")
    func curl() async throws {
      guard FileManager.default.isExecutableFile(atPath: "/usr/bin/curl") else { return }
      let workplace = try Workplace()
      let server = try await workplace.serve()
      _ = try await token(server)
      let line = try #require(
        server.child.output.split(separator: "\n").first { $0.contains("curl -s ") })
      let filled = line.replacing("…", with: "a password of mine")
      let result = try await workplace.command("/bin/bash", "-c", String(filled))
      let answer = try JSONParser.parse(Array(result.output.utf8))
      #expect(answer["user"]?["email"] == "me@example.org")
      try await server.stop()
    }

    @Test("neither the demo nor a remote Wrapper offers a setup")
    func noLink() async throws {
      let workplace = try Workplace()
      let demo = try await workplace.serve("--demo")
      #expect(!demo.child.output.contains("/setup"))
      #expect(try await setUp(demo, "guessed").status == 409)
      try await demo.stop()
      let wrapper = try await workplace.wrapper(database: "wrapper.db")
      let other = try Workplace()
      let server = try await other.serve(
        environment: ["WRAPPER_API_BASE_URL": wrapper.url, "WRAPPER_API_KEY": "the-key"])
      #expect(!server.child.output.contains("/setup"))
      #expect(try await setUp(server, "guessed").status == 404)
      try await server.stop()
      try await wrapper.stop()
    }

    /// The token of the link that the server prints.
    private func token(_ server: RunningServer) async throws -> String {
      let output = try await server.child.waitForOutput("--json '")
      let link = try #require(output.firstMatch(of: /(http:\S+)\/setup#token=([A-Za-z0-9_-]+)\n/))
      #expect(String(link.1) == server.url)
      return String(link.2)
    }

    private func setUp(_ server: RunningServer, _ token: String) async throws -> TestResponse {
      try await server.send(
        "POST", "/setup", token: nil,
        [
          "token": .string(token), "tenantName": "Novum", "name": "Nora",
          "email": "nora@novum.example", "password": "the very first password",
        ])
    }
  }
}
