internal import Foundation
internal import Glibc
internal import JSON
internal import TestSupport
internal import Testing

extension ProgramTests {
  @Suite struct DemoTests {
    @Test("the demo starts twice on one file, with a fresh password each, and its lines work")
    func twice() async throws {
      let workplace = try Workplace()
      let first = try await workplace.serve("--demo")
      // What is announced first is not all that is printed.
      _ = try await first.child.waitForOutput("sqlite3 ")
      let login = try login(first)
      if FileManager.default.isExecutableFile(atPath: "/usr/bin/curl") {
        try await runPrintedLines(first, in: workplace)
      }
      #expect(try await signIn(first, login.email, login.password).status == 200)
      let records = try counts(workplace)
      try expectVariety(workplace)
      try await first.stop()

      let second = try await workplace.serve("--demo")
      _ = try await second.child.waitForOutput("sqlite3 ")
      let fresh = try self.login(second)
      #expect(fresh.email == login.email)
      #expect(fresh.password != login.password)
      #expect(try await signIn(second, login.email, login.password).status == 401)
      let session = try await signIn(second, fresh.email, fresh.password)
      let token = try #require(session.json["token"]?.string)
      #expect(try await second.send("GET", "/api/contacts", token: token).status == 200)
      #expect(try counts(workplace) == records)
      try await second.stop()
      try StoredLeads(path: workplace.databasePath).expectWhole()
      // The password is shown on standard output, once, and in no log.
      for server in [first, second] {
        #expect(!server.child.errors.contains("Sign in"))
      }
      #expect(!first.child.errors.contains(login.password))
      #expect(!second.child.errors.contains(fresh.password))
    }

    @Test("a demo that was killed while it was filled is filled at the next start")
    func cutOff() async throws {
      let workplace = try Workplace()
      let filled = [["500", "200", "200"]]
      let sql = """
        SELECT (SELECT count(*) FROM contacts), (SELECT count(*) FROM leads),
          (SELECT count(*) FROM deals)
        """
      let child = try workplace.start(
        ["serve", "--demo", "--db", workplace.databasePath, "--listen", "127.0.0.1:0"])
      #expect(
        await eventually {
          // Until the server has made its file there is nothing to read.
          let contacts = try? workplace.rows("SELECT 1 FROM contacts LIMIT 1")
          return contacts == [["1"]]
        })
      child.signal(SIGKILL)
      #expect(try await child.waitForEnd() == .signalled(SIGKILL))
      #expect(try workplace.rows(sql) != filled)
      let server = try await workplace.serve("--demo")
      #expect(try workplace.rows(sql) == filled)
      try StoredLeads(path: workplace.databasePath).expectWhole()
      try await server.stop()
    }

    /// There is something to see on every page: deals in all stages after months of moves, tasks
    /// that are late, due today and still to come, private notes, meetings ahead.
    private func expectVariety(_ workplace: Workplace) throws {
      let stages = try workplace.rows("SELECT DISTINCT stage FROM deals ORDER BY stage")
      #expect(
        stages.compactMap(\.first) == [
          "lost", "negotiation", "new", "proposal", "qualified", "won",
        ])
      let conditions = [
        "SELECT count(*) = 200 FROM deals", "SELECT count(*) = 500 FROM contacts",
        "SELECT count(*) = 20 FROM companies",
        "SELECT count(*) = 20 FROM leads WHERE deal_id <> ''",
        "SELECT count(*) > 300 FROM contacts WHERE company_id IS NOT NULL",
        "SELECT count(DISTINCT substr(entered_at, 1, 7)) >= 6 FROM deal_stage_moves",
        "SELECT count(*) > 300 FROM deal_stage_moves WHERE left_at IS NOT NULL",
        "SELECT count(*) > 5 FROM notes WHERE visibility = 'private'",
        "SELECT count(*) > 5 FROM interactions WHERE scheduled_at > datetime('now')",
        "SELECT count(*) > 3 FROM tasks WHERE status = 'open' AND due_at < date('now')",
        "SELECT count(*) > 3 FROM tasks WHERE status = 'open' AND date(due_at) = date('now')",
        "SELECT count(*) > 3 FROM tasks WHERE remind_at > datetime('now')",
        "SELECT count(*) > 50 FROM tasks WHERE status = 'done' AND completed_at IS NOT NULL",
        "SELECT count(DISTINCT tag) > 3 FROM record_tags",
        "SELECT count(*) = 2 FROM segments", "SELECT count(*) = 2 FROM custom_field_definitions",
      ]
      for sql in conditions {
        #expect(try workplace.rows(sql) == [["1"]], "\(sql)")
      }
    }

    /// The three lines as a person would paste them, one after the other into one shell.
    private func runPrintedLines(_ server: RunningServer, in workplace: Workplace) async throws {
      let lines = server.child.output.split(separator: "\n").map { $0.drop { $0 == " " } }
      let pasted = lines.filter { $0.hasPrefix("curl ") || $0.hasPrefix("TOKEN=") }
      #expect(pasted.count == 3)
      let result = try await workplace.command(
        "/bin/bash", "-eu", "-c", pasted.joined(separator: "\necho\n") + "\necho")
      #expect(result.end == .exited(0))
      #expect(result.errors == "")
      let answers = try result.output.split(separator: "\n").map { line in
        try JSONParser.parse(Array(line.utf8))
      }
      #expect(answers.count == 2)
      #expect(answers.first?["data"]?.array?.count == 3)
      #expect(answers.last?["data"]?["title"] == "Enterprise rollout")
      let log = lines.filter { $0.hasPrefix("sqlite3 ") }
      #expect(log.count == 1)
      guard FileManager.default.isExecutableFile(atPath: "/usr/bin/sqlite3") else { return }
      let entries = try await workplace.command("/bin/bash", "-c", log.joined())
      #expect(entries.output.split(separator: "\n").count == 5)
      #expect(entries.output.contains("|crm.leads.create|5"))
    }

    private func login(_ server: RunningServer) throws -> (email: String, password: String) {
      let line = server.child.output.split(separator: "\n").first { $0.hasPrefix("Sign in: ") }
      let words = try #require(line).split(separator: " ")
      try #require(words.count == 4)
      return (String(words[2]), String(words[3]))
    }

    private func signIn(
      _ server: RunningServer, _ email: String, _ password: String
    ) async throws -> TestResponse {
      try await server.send(
        "POST", "/auth/login", token: nil,
        ["email": .string(email), "password": .string(password)])
    }

    /// How much there is; the entries of signing in aside, which every start brings.
    private func counts(_ workplace: Workplace) throws -> [[String?]] {
      try workplace.rows(
        """
        SELECT (SELECT count(*) FROM contacts), (SELECT count(*) FROM leads),
          (SELECT count(*) FROM crm_activities WHERE operation NOT GLOB 'crm.auth.*'),
          (SELECT count(*) FROM directory_users)
        """)
    }
  }
}
