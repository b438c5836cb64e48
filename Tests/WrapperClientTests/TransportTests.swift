import HTTP
import HTTPServer
import JSON
import Synchronization
import Testing
import Values

@testable import WrapperClient

/// What goes over the wire, and what is taken from it.
@Suite struct TransportTests {
  private func withTransport(
    _ body: (ScriptedWrapper, UInt16, WrapperTransport) async throws -> Void
  ) async throws {
    try await withScript { script, port in
      let configuration = WrapperConfiguration(
        baseURL: "http://127.0.0.1:\(port)", apiKey: "key", version: "test")
      let transport = WrapperTransport(configuration, time: .system, random: .system)
      try await body(script, port, transport)
      transport.close()
    }
  }

  private func failure(_ transport: WrapperTransport, _ path: String) async -> TransportFailure? {
    guard case .failure(let failure) = await transport.send(WrapperCall(path: path)) else {
      return nil
    }
    return failure
  }

  @Test(
    "a redirect is not followed, so that the key goes nowhere else", arguments: [301, 302, 307])
  func redirect(status: Int) async throws {
    try await withScript { elsewhere, port in
      try await withTransport { script, _, transport in
        script.play { call in
          guard call.path == "/moved" else { return nil }
          return HTTPResponse(
            status: status, headers: ["Location": "http://127.0.0.1:\(port)/api/tenants/t1"])
        }
        #expect(await failure(transport, "/moved") == .redirected)
        #expect(elsewhere.calls("/").isEmpty)
        #expect(script.calls("/").count == 1)
      }
    }
  }

  @Test("an answer of over 16 MiB is refused, whether its length was announced or not")
  func tooLarge() async throws {
    try await withTransport { script, _, transport in
      let piece = [UInt8](repeating: UInt8(ascii: " "), count: 1 << 20)
      script.play { call in
        switch call.path {
        case "/announced":
          .json([UInt8](repeating: UInt8(ascii: " "), count: Limits.answerBytesMax + 1))
        case "/streamed": HTTPResponse(status: 200, body: .stream(Pieces(piece, count: 17)))
        case "/largest": HTTPResponse(status: 200, body: .stream(Pieces(piece, count: 16)))
        default: nil
        }
      }
      #expect(await failure(transport, "/announced") == .tooLarge)
      #expect(await failure(transport, "/streamed") == .tooLarge)
      #expect(await failure(transport, "/largest") == nil)
    }
  }

  @Test("cookies that the Wrapper sets are not sent back")
  func cookies() async throws {
    try await withTransport { script, _, transport in
      script.play { call in
        var answer = ScriptedWrapper.peaceful(call)
        answer.headers.add("Set-Cookie", "session=1; Path=/")
        return answer
      }
      for _ in 0..<3 { #expect(await failure(transport, "/api/tenants/t1") == nil) }
      #expect(script.calls("/").count == 3)
      #expect(script.calls("/").allSatisfy { $0.headers["Cookie"] == nil })
    }
  }

  @Test("an answer that is not taken is complained of once a minute, with what was wrong")
  func complaints() async throws {
    let world = try ClientWorld()
    try await withScript { script, port in
      script.play { call in
        call.path == "/api/permissions" ? .json(Array(#"{"users":7}"#.utf8)) : nil
      }
      let client = world.client(port: port, time: world.hybridTime)
      await client.start()
      // Nothing is known that could be decided on.
      await #expect(throws: WrapperError.unavailable) { try await client.tenant("t1") }
      func complaints() -> [String] { world.log.filter { $0.contains("permissions:") } }
      for count in 1...2 {
        let looks = script.calls("/api/permissions").count
        #expect(await eventuallyTrue { script.calls("/api/permissions").count > looks + 5 })
        #expect(complaints().count == count)
        world.clock.advance(seconds: Limits.complaintSeconds)
      }
      #expect(
        complaints().allSatisfy { $0 == "warning: tenant t1: permissions: \(Self.complaint)" })
      await client.stop()
    }
  }

  private static let complaint = "users or roles are no list"

  @Test("of many new tokens at most eight are asked about at the same time")
  func validations() async throws {
    let world = try ClientWorld()
    let present = Mutex(0)
    let most = Mutex(0)
    try await withScript { script, port in
      script.play { call in
        guard call.path == "/auth/validate" else { return nil }
        let count = present.withLock { count in
          count += 1
          return count
        }
        most.withLock { $0 = max($0, count) }
        try? await Task.sleep(for: .milliseconds(20))
        present.withLock { $0 -= 1 }
        return nil
      }
      let client = world.client(port: port)
      try await withThrowingTaskGroup { group in
        for number in 0..<60 {
          group.addTask { _ = try await client.session(token: "token \(number)") }
        }
        try await group.waitForAll()
      }
      #expect(script.calls("/auth/validate").count == 60)
      #expect(most.withLock { $0 } <= Limits.validationsAtOnceMax)
      #expect(most.withLock { $0 } > 1)
      await client.stop()
    }
  }

  @Test("pauses after failures double from one second to sixty, with jitter over all of it")
  func backoff() {
    let backoff = Backoff(WrapperConfiguration(baseURL: "", apiKey: "", version: ""))
    for (failures, most) in [(1, 2.0), (2, 4), (3, 8), (5, 32), (6, 60), (40, 60), (1000, 60)] {
      let longest = backoff.seconds(failures: failures, random: RandomSource { .max })
      #expect(longest <= most && longest > most * 0.99, "\(failures)")
      #expect(backoff.seconds(failures: failures, random: RandomSource { 0 }) == 1)
    }
  }
}

/// The same piece again and again.
private final class Pieces: HTTPResponseBodyStream {
  private let piece: [UInt8]
  private let left: Mutex<Int>

  init(_ piece: [UInt8], count: Int) {
    self.piece = piece
    left = Mutex(count)
  }

  func next() async throws -> [UInt8]? {
    left.withLock { left in
      left -= 1
      return left >= 0 ? piece : nil
    }
  }

  func finish() {}
}
