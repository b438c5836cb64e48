internal import Foundation
internal import Glibc
internal import JSON
internal import SQLite
internal import TestSupport
internal import Testing

extension ProgramTests {
  /// `cardfile verify` and `cardfile rebuild`, and the checkpoints that `serve` makes.
  @Suite struct VerifyTests {
    /// A file that a server has left, with some leads; what that server said on standard error.
    private func file(
      _ workplace: Workplace, leads: Int = 5, environment: [String: String] = [:]
    ) async throws -> String {
      try await workplace.addPeople()
      let server = try await workplace.serve(environment: environment)
      for number in 0..<leads {
        let answer = try await server.send(
          "POST", "/api/leads", ["title": .string("\(number)")])
        #expect(answer.status == 201)
      }
      try await server.stop()
      return server.child.errors
    }

    private func verify(
      _ workplace: Workplace, _ options: String..., environment: [String: String] = [:]
    ) async throws -> Finished {
      let child = try workplace.start(
        ["verify", "--db", workplace.databasePath] + options, environment: environment)
      let end = try await child.waitForEnd()
      return Finished(end: end, output: child.output, errors: child.errors)
    }

    /// Changes the file as somebody would who may write it.
    private func change(_ workplace: Workplace, _ statements: String...) throws {
      let connection = try Connection(path: workplace.databasePath, mode: .readWrite)
      for name in [
        "crm_activities_no_update", "crm_activities_no_delete", "activity_checkpoints_no_delete",
      ] {
        try connection.execute("DROP TRIGGER IF EXISTS \(name)")
      }
      for statement in statements { try connection.execute(statement) }
    }

    /// The last checkpoint that a server told of.
    private func checkpoint(_ log: String) throws -> String {
      let line = log.split(separator: "\n").last { $0.contains("checkpoint {") }
      let start = try #require(line?.firstIndex(of: "{"))
      return String(try #require(line?[start...]))
    }

    @Test("a server that stops signs its log with a key that it made; the file verifies")
    func sound() async throws {
      let workplace = try Workplace()
      let log = try await file(workplace)
      let kept = try JSONParser.parse(Array(try checkpoint(log).utf8))
      #expect(kept["tenantId"] == "acme")
      let key = workplace.databasePath + ".signing-key"
      let mode = try FileManager.default.attributesOfItem(atPath: key)[.posixPermissions]
      #expect((mode as? NSNumber)?.intValue == 0o600)
      let result = try await verify(workplace)
      #expect(result.end == .exited(0), "\(result.output)\(result.errors)")
      #expect(result.output.contains("acme: activity log: "))
      #expect(result.output.contains("signed by the key \(kept["keyId"]?.string ?? "?")\n"))
      let shown = try await verify(workplace, "--public-key")
      #expect(shown.output.contains("public:\(kept["publicKey"]?.string ?? "?")"))
      // Also while a server holds the file, whose key stays the same.
      let server = try await workplace.serve()
      let beside = try await verify(workplace)
      #expect(beside.end == .exited(0), "\(beside.output)\(beside.errors)")
      #expect(beside.output.contains("full text: its index fits its words"))
      try await server.stop()
      #expect(!server.child.errors.contains("checkpoint {"), "nothing came since")
    }

    @Test("what is wrong is said in words, and exits 1")
    func broken() async throws {
      let workplace = try Workplace()
      _ = try await file(workplace)
      try change(
        workplace, "UPDATE crm_activities SET metadata = metadata || ' ' WHERE seq = 2",
        "UPDATE activity_rollups SET entries = entries + 1 WHERE operation = 'crm.leads.create'",
        "DELETE FROM search_documents WHERE n = (SELECT max(n) FROM search_documents)",
        "UPDATE record_counters SET records = records + 1 WHERE records > 0")
      let result = try await verify(workplace)
      #expect(result.end == .exited(1))
      for words in [
        "acme: activity log: WRONG: entry 2 (activity:", "metadata",
        "acme: sums: WRONG: ", "acme: sums: to mend it: cardfile rebuild rollups",
        "acme: counters: WRONG: ", "acme: full text: WRONG: ",
        "full text: WRONG: its index does not fit its words",
      ] {
        #expect(result.output.contains(words), "\(words) in \(result.output)")
      }
      #expect(result.errors.contains("things are wrong"))
    }

    @Test("sums, counters and full text are made anew, with and without a server")
    func rebuild() async throws {
      let workplace = try Workplace()
      _ = try await file(workplace)
      for isServed in [false, true] {
        try change(
          workplace, "DELETE FROM activity_rollups", "DELETE FROM record_counters",
          "DELETE FROM search_documents")
        #expect(try await verify(workplace).end == .exited(1))
        let server = isServed ? try await workplace.serve() : nil
        for part in ["rollups", "counters", "search"] {
          let done = try await workplace.run(
            "rebuild", part, "--db", workplace.databasePath)
          #expect(done.end == .exited(0), "\(done.errors)")
          #expect(done.output.contains("rebuilt \(part) of acme"))
        }
        let result = try await verify(workplace)
        #expect(result.end == .exited(0), "\(result.output)")
        try await server?.stop()
      }
      let told = try workplace.rows(
        "SELECT count(*) FROM crm_activities WHERE operation = 'crm.maintenance.rebuild'")
      #expect(told == [["6"]])
      let wrong = try await workplace.run("rebuild", "trust", "--db", workplace.databasePath)
      #expect(wrong.end == .exited(2) && wrong.errors.contains("rollups, counters, search"))
    }

    @Test("a log whose end was cut off is found by a checkpoint kept elsewhere")
    func cut() async throws {
      let workplace = try Workplace()
      let log = try await file(workplace, leads: 8)
      try workplace.write(try checkpoint(log), to: "kept.json")
      let kept = workplace.folder.file("kept.json")
      let sound = try await verify(workplace, "--from-checkpoint", kept)
      #expect(sound.end == .exited(0), "\(sound.output)\(sound.errors)")
      try change(
        workplace, "DELETE FROM crm_activities WHERE seq > 3",
        "DELETE FROM activity_checkpoints", "DELETE FROM activity_rollups",
        """
        UPDATE activity_chains SET seq = 3, head = (
          SELECT hash FROM crm_activities WHERE seq = 3)
        """)
      _ = try await workplace.run("rebuild", "rollups", "--db", workplace.databasePath)
      #expect(try await verify(workplace).end == .exited(0), "right in itself")
      let found = try await verify(workplace, "--from-checkpoint", kept)
      #expect(found.end == .exited(1))
      #expect(found.output.contains("acme: activity log: WRONG: entry "), "\(found.output)")
      try workplace.write("{}", to: "other.json")
      let other = try await verify(
        workplace, "--from-checkpoint", workplace.folder.file("other.json"))
      #expect(other.end == .exited(1) && other.errors.contains("holds no checkpoint"))
    }

    @Test("a server that was killed leaves a log that verifies, and the next one signs it")
    func killed() async throws {
      let workplace = try Workplace()
      try await workplace.addPeople()
      let first = try await workplace.serve()
      for number in 0..<5 {
        _ = try await first.send("POST", "/api/leads", ["title": .string("\(number)")])
      }
      first.child.signal(SIGKILL)
      #expect(try await first.child.waitForEnd() == .signalled(SIGKILL))
      let left = try await verify(workplace)
      #expect(left.end == .exited(0), "\(left.output)\(left.errors)")
      let second = try await workplace.serve()
      try await second.stop()
      #expect(second.child.errors.contains("checkpoint {"))
      #expect(try await verify(workplace).end == .exited(0))
    }

    @Test("a key that was named signs, and no other one's signature counts beside it")
    func namedKey() async throws {
      let workplace = try Workplace()
      let seed = "nWGxne/9WmC6hErywy7MS0BKZMVGxQmXeUuHMCHK4no="
      let named = ["CRM_SIGNING_KEY": seed]
      let log = try await file(workplace, environment: named)
      #expect(!FileManager.default.fileExists(atPath: workplace.databasePath + ".signing-key"))
      let id = try JSONParser.parse(Array(try checkpoint(log).utf8))["keyId"]?.string ?? "?"
      let right = try await verify(workplace, environment: named)
      #expect(right.end == .exited(0), "\(right.output)\(right.errors)")
      let other = ["CRM_SIGNING_KEY": "TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs="]
      let wrong = try await verify(workplace, environment: other)
      #expect(wrong.end == .exited(1) && wrong.output.contains(id))
      #expect(!wrong.output.contains(seed) && !wrong.errors.contains(seed))
      // Nothing is known of keys here, which is no fault.
      let unknown = try await verify(workplace)
      #expect(unknown.end == .exited(0) && unknown.output.contains("which is not known here"))
      let refused = try await workplace.run(
        "serve", "--db", workplace.databasePath, environment: ["CRM_SIGNING_KEY": "secret word"])
      #expect(refused.end == .exited(2) && refused.errors.contains("CRM_SIGNING_KEY"))
      #expect(!refused.errors.contains("secret word"))
    }

    @Test("a file that is not there is said to be so")
    func missing() async throws {
      let workplace = try Workplace()
      let result = try await verify(workplace)
      #expect(result.end == .exited(1) && result.errors.contains("there is no file"))
      #expect(try workplace.isEmpty)
    }
  }
}
