internal import Glibc
internal import JSON
internal import TestSupport
internal import Testing

extension ProgramTests {
  @Suite struct CrashTests {
    private static let rounds = 8
    private static let leadsPerRound = 150

    @Test("kill -9 amid 32 writers loses nothing that was answered, and leaves nothing half done")
    func killed() async throws {
      let workplace = try Workplace()
      try await workplace.addPeople()
      var created: Set<String> = []
      var sent: Set<String> = []
      for round in 1...Self.rounds {
        let server = try await workplace.serve()
        let child = server.child
        let tally = try await LeadWriters(server, prefix: "round \(round)").write(
          untilCreated: Self.leadsPerRound
        ) { child.signal(SIGKILL) }
        #expect(try await child.waitForEnd() == .signalled(SIGKILL))
        #expect(tally.surprises == [])
        created.formUnion(tally.created)
        sent.formUnion(tally.created.union(tally.unanswered))

        let next = try await workplace.serve()
        let stored = try StoredLeads(path: workplace.databasePath)
        #expect(created.subtracting(stored.titles) == [])
        // What broke off may have been written or not, but nothing else is there.
        #expect(stored.titles.subtracting(sent) == [])
        #expect(stored.leadCount == Int64(stored.titles.count), "a lead was written twice")
        stored.expectWhole()
        // Half of the rounds end at once: a kill right after a start must do no harm either.
        if round.isMultiple(of: 2) {
          next.child.signal(SIGKILL)
          _ = try await next.child.waitForEnd()
        } else {
          try await next.stop()
        }
      }
      let last = try await workplace.serve()
      let title = try #require(created.first)
      let id = try #require(
        try workplace.rows("SELECT id FROM leads WHERE title = '\(title)'").first?.first ?? nil)
      let found = try await last.send("GET", "/api/leads/\(id)")
      #expect(found.status == 200)
      #expect(found.json["data"]?["title"]?.string == title)
      try await last.stop()
      try StoredLeads(path: workplace.databasePath).expectWhole()
    }
  }
}
