internal import Foundation
internal import JSON
internal import TestSupport
internal import Testing

extension ProgramTests {
  @Suite struct FaultSwitchTests {
    @Test("a server stands a Wrapper that loses requests, is slow and has no feed")
    func broken() async throws {
      let workplace = try Workplace()
      let wrapper = try await workplace.wrapper(
        "--listen", "127.0.0.1:0", "--fail-rate", "0.3", "--latency=20", "--no-feed",
        database: "wrapper.db")
      #expect(try await Self.send(wrapper, "/api/events?channels=crm:*") == [404])
      let statuses = try await Self.send(wrapper, "/api/tenants/acme", times: 40)
      #expect(Set(statuses) == [200, 503])
      let server = try await workplace.serve(environment: [
        "WRAPPER_API_BASE_URL": wrapper.url, "WRAPPER_API_KEY": "the-key",
        "CRM_POLL_SECONDS": "0.1",
      ])
      // Until the first snapshot has come through, refusals are what is expected.
      let isUsable = await Self.comes {
        try await server.send("GET", "/api/leads").status == 200
      }
      #expect(isUsable)
      try await server.stop()
      try await wrapper.stop()
    }

    @Test("a Wrapper of this program goes down and comes back as it is told")
    func outage() async throws {
      let workplace = try Workplace()
      let wrapper = try await workplace.wrapper(
        "--listen", "127.0.0.1:0", "--down-after", "1", "--up-after", "1",
        database: "wrapper.db")
      #expect(await Self.answers(wrapper, false))
      #expect(await Self.answers(wrapper, true))
      try await wrapper.stop()
    }

    private static func send(
      _ wrapper: RunningServer, _ path: String, times: Int = 1
    ) async throws -> [Int] {
      var statuses: [Int] = []
      for _ in 0..<times {
        statuses.append(try await wrapper.send("GET", path, token: "the-key").status)
      }
      return statuses
    }

    /// Waits until the Wrapper answers, or until it does not.
    private static func answers(_ wrapper: RunningServer, _ wanted: Bool) async -> Bool {
      await comes {
        // Whether there is an answer is the question; an error is none.
        let statuses = try? await send(wrapper, "/api/tenants/acme")
        return (statuses == [200]) == wanted
      }
    }

    /// Waits until something holds; what throws does not hold yet.
    private static func comes(_ condition: () async throws -> Bool) async -> Bool {
      for _ in 0..<400 {
        // As the summary says.
        if await (try? condition()) == true { return true }
        // The wait between two looks; only cancelling ends it early.
        try? await Task.sleep(for: .milliseconds(50))
      }
      return false
    }
  }
}
