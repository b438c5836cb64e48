internal import Foundation
internal import JSON
internal import TestSupport
internal import Testing

extension ProgramTests {
  @Suite struct IdleTests {
    @Test("a server that nobody asks leaves the processor alone, also when it was started before")
    func idles() async throws {
      let workplace = try Workplace()
      try await workplace.addPeople()
      // The second start knows how far the change feed was read, and so may be held at once.
      for _ in 1...2 {
        let server = try await workplace.serve()
        let lead = try await server.send("POST", "/api/leads", ["leadData": ["title": "One"]])
        #expect(lead.status == 201)
        var quietest = Int.max
        // Each attempt sees two seconds; work that is left over from the start ends at some time.
        for _ in 1...4 where quietest > Self.ticksMax {
          let before = try processorTicks(of: server.child.id)
          try await Task.sleep(for: .seconds(2))
          quietest = min(quietest, try processorTicks(of: server.child.id) - before)
        }
        #expect(quietest <= Self.ticksMax)
        try await server.stop()
      }
    }

    /// A tick is a hundredth of a second: a tenth of one processor over two seconds.
    private static let ticksMax = 20

    /// The processor time that the process has taken (proc(5), `/proc/pid/stat`), in ticks.
    private func processorTicks(of process: Int32) throws -> Int {
      let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
      // The name stands in parentheses and may hold spaces. User and system time are the 12th and
      // 13th field behind it.
      let fields = text.split(separator: ")").last?.split(separator: " ").compactMap { Int($0) }
      let numbers = try #require(fields)
      // The state, a letter, is no number.
      return try #require(numbers.count > 11 ? numbers[10] + numbers[11] : nil)
    }
  }
}
