internal import Foundation
internal import Glibc
internal import TestSupport
internal import Testing

extension ProgramTests {
  @Suite struct StopTests {
    /// What `serve` promises for its end.
    private static let stopSecondsMax = 10.0
    private static let idleStopSecondsMax = 3.0

    /// No accepted request is lost: a lead is in the file exactly when its client has the 201.
    @Test("SIGTERM amid 32 writers answers all that it wrote, and keeps all that it answered")
    func underLoad() async throws {
      let workplace = try Workplace()
      try await workplace.addPeople()
      for round in 1...2 {
        let server = try await workplace.serve()
        let child = server.child
        let before = try StoredLeads(path: workplace.databasePath).titles
        let tally = try await LeadWriters(server, prefix: "round \(round)").write(
          untilCreated: 150
        ) {
          child.signal(SIGTERM)
          child.signal(SIGTERM)
        }
        let end = try await child.waitForEnd(within: Self.stopSecondsMax)
        #expect(end == .exited(0))
        #expect(tally.surprises == [])
        let stored = try StoredLeads(path: workplace.databasePath)
        #expect(stored.titles.subtracting(before) == tally.created)
        #expect(stored.leadCount == Int64(stored.titles.count), "a lead was written twice")
        stored.expectWhole()
        #expect(child.errors.contains("stopping: finishing what was accepted"))
        #expect(!child.errors.contains(" error "))
        // The log was moved into the file: a copy of the one file is the whole of it.
        #expect(walBytes(workplace) == 0)
      }
    }

    @Test("SIGTERM and SIGINT end an idle server at once, open connections or not")
    func idle() async throws {
      let workplace = try Workplace()
      for number in [SIGTERM, SIGINT] {
        let server = try await workplace.serve()
        let child = server.child
        let end = try await server.client.withConnection { connection in
          // Kept open and silent: nothing was asked, so nothing is waited for.
          let answer = try connection.exchange("GET", "/health/live")
          child.signal(number)
          return (answer.status, connection.readToEnd())
        }
        #expect(end == (200, []))
        #expect(
          try await child.waitForEnd(within: Self.idleStopSecondsMax) == .exited(0))
      }
    }

    @Test("a client that never finishes its request does not hold up the end")
    func unfinishedRequest() async throws {
      let workplace = try Workplace()
      try await workplace.addPeople()
      let server = try await workplace.serve()
      let child = server.child
      let answer = try await server.client.withConnection { connection in
        try connection.write(
          "POST /api/leads HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Authorization: Bearer \(RunningServer.token("user-ada"))\r\n"
            + "Expect: 100-continue\r\nContent-Length: 100\r\n\r\n")
        // The server has it once it asks for the body, of which only a part comes.
        let interim = connection.readSome() ?? []
        try connection.write("{\"leadData\": ")
        child.signal(SIGTERM)
        return String(decoding: interim + connection.readToEnd(), as: UTF8.self)
      }
      #expect(answer.hasPrefix("HTTP/1.1 100"))
      #expect(!answer.contains(" 201 "))
      #expect(try await child.waitForEnd(within: Self.stopSecondsMax) == .exited(0))
      #expect(try StoredLeads(path: workplace.databasePath).leadCount == 0)
    }

    @Test("a signal right behind the first line is heard")
    func early() async throws {
      let workplace = try Workplace()
      for _ in 1...5 {
        let server = try await workplace.serve()
        server.child.signal(SIGHUP)
        server.child.signal(SIGTERM)
        server.child.signal(SIGTERM)
        #expect(try await server.child.waitForEnd(within: Self.idleStopSecondsMax) == .exited(0))
        let wrapper = try await workplace.wrapper(database: "wrapper.db")
        wrapper.child.signal(SIGHUP)
        wrapper.child.signal(SIGTERM)
        #expect(try await wrapper.child.waitForEnd(within: Self.idleStopSecondsMax) == .exited(0))
      }
    }

    @Test("SIGTERM while the server still starts is exit 0, and the file is whole")
    func whileStarting() async throws {
      let workplace = try Workplace()
      for round in 1...3 {
        let child = try workplace.start(
          ["serve", "--demo", "--db", workplace.databasePath, "--listen", "127.0.0.1:0"])
        // Each round comes a little further: the lock, the first contacts, some more of them.
        #expect(
          await eventually {
            guard round > 1 else {
              return FileManager.default.fileExists(atPath: workplace.databasePath + ".lock")
            }
            // Until the server has made its file there is nothing to read.
            let rows = try? workplace.rows("SELECT count(*) >= \(10 * round) FROM contacts")
            return rows == [["1"]]
          })
        child.signal(SIGTERM)
        #expect(try await child.waitForEnd(within: Self.stopSecondsMax) == .exited(0))
        #expect(!child.output.contains("listening"))
        #expect(walBytes(workplace) == 0)
      }
      try StoredLeads(path: workplace.databasePath).expectWhole()
    }

    @Test("SIGHUP keeps serving and takes the log level of .env")
    func reload() async throws {
      let workplace = try Workplace()
      try workplace.write("LOG_LEVEL=error\n", to: ".env")
      let server = try await workplace.serve()
      #expect(try await server.client.send("GET", "/health/live").status == 200)
      try workplace.write("LOG_LEVEL=info\n", to: ".env")
      server.child.signal(SIGHUP)
      #expect(await server.child.saysOnStandardError("read the TLS files and the log level again"))
      #expect(!server.child.errors.contains("/health/live"))
      #expect(try await server.client.send("GET", "/health/ready").status == 200)
      #expect(await server.child.saysOnStandardError("/health/ready"))

      try workplace.write("LOG_LEVEL=loud\nCRM_NONSENSE=1\n", to: ".env")
      server.child.signal(SIGHUP)
      #expect(await server.child.saysOnStandardError("SIGHUP: nothing was changed"))
      #expect(await server.child.saysOnStandardError("LOG_LEVEL=loud"))
      #expect(try await server.client.send("GET", "/health/live").status == 200)
      try await server.stop()
    }

    @Test("SIGHUP leaves the log level alone that the command line gave")
    func reloadBelowOption() async throws {
      let workplace = try Workplace()
      try workplace.write("LOG_LEVEL=error\n", to: ".env")
      let server = try await workplace.serve("--log-level", "info")
      server.child.signal(SIGHUP)
      #expect(await server.child.saysOnStandardError("read the TLS files and the log level again"))
      try await server.stop()
    }

    private func walBytes(_ workplace: Workplace) -> Int {
      FileManager.default.contents(atPath: workplace.databasePath + "-wal")?.count ?? 0
    }
  }
}
