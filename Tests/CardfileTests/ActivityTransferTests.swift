internal import Foundation
internal import JSON
internal import TestSupport
internal import Testing

extension ProgramTests {
  /// `cardfile export activities`, `cardfile import activities` and `cardfile demo`.
  @Suite struct ActivityTransferTests {
    /// A place with a log of so many entries, and its archive.
    private func filled(_ count: Int, format: String = "ndjson") async throws -> Workplace {
      let workplace = try Workplace()
      let demo = try await workplace.run(
        "demo", "--activities", "\(count)", "--db", workplace.databasePath)
      #expect(demo.end == .exited(0), "\(demo.errors)")
      #expect(demo.output.contains("wrote \(count) entries of acme"))
      let export = try await workplace.run(
        "export", "activities", "--db", workplace.databasePath, "--format", format, "--output",
        archive(workplace, format))
      #expect(export.end == .exited(0), "\(export.errors)")
      return workplace
    }

    private func archive(_ workplace: Workplace, _ format: String = "ndjson") -> String {
      workplace.folder.file("a.\(format)")
    }

    private func importing(
      _ workplace: Workplace, _ file: String, _ options: String..., into database: String
    ) async throws -> Finished {
      let child = try workplace.start(
        ["import", "activities", file, "--db", workplace.folder.file(database)] + options)
      let end = try await child.waitForEnd()
      return Finished(end: end, output: child.output, errors: child.errors)
    }

    private func rows(_ workplace: Workplace, _ database: String, _ sql: String) async throws
      -> String
    {
      let shell = "/usr/bin/sqlite3"
      try #require(FileManager.default.isExecutableFile(atPath: shell))
      return try await workplace.command(shell, workplace.folder.file(database), sql).output
    }

    private static let hashes = """
      SELECT seq, id, hex(hash), typeof(credit_cost), credit_cost, created_at
      FROM crm_activities WHERE tenant_id = 'acme' AND seq <= 3000 ORDER BY seq
      """

    @Test(
      "an archive goes into an empty file as it is, once, and again changes nothing",
      arguments: ["ndjson", "csv"])
    func roundTrip(format: String) async throws {
      let workplace = try await filled(3000, format: format)
      let file = archive(workplace, format)
      let trial = try await importing(workplace, file, "--dry-run", into: "new.db")
      #expect(trial.end == .exited(0), "\(trial.errors)")
      #expect(trial.output.contains("3000 entries of acme would be taken over"))
      let first = try await importing(workplace, file, into: "new.db")
      #expect(first.end == .exited(0), "\(first.errors)")
      #expect(first.output.contains("took over 3000 entries of acme with their links"))
      let again = try await importing(workplace, file, into: "new.db")
      #expect(again.output.contains("has all 3000 entries"))
      let stored = try await rows(workplace, "new.db", Self.hashes)
      #expect(stored == (try await rows(workplace, "cardfile.db", Self.hashes)))
      #expect(
        try await rows(
          workplace, "new.db",
          """
          SELECT (SELECT sum(entries) FROM activity_rollups),
            (SELECT count(*) FROM crm_activities), (SELECT count(*) FROM activity_outbox),
            (SELECT group_concat(operation) FROM crm_activities WHERE seq > 3000)
          """) == "3001|3001|1|crm.activities.import\n")
      // What is exported from there begins with the same lines.
      let second = try await workplace.run(
        "export", "activities", "--db", workplace.folder.file("new.db"), "--format", format)
      let before = try String(contentsOfFile: file, encoding: .utf8)
      let lines = before.split(separator: "\n").prefix(3000).joined(separator: "\n")
      #expect(second.output.hasPrefix(lines))
    }

    @Test("a changed, cut or mixed archive is refused with the line, and nothing of it is kept")
    func tampering() async throws {
      let workplace = try await filled(500)
      let text = try String(contentsOfFile: archive(workplace), encoding: .utf8)
      let lines = text.split(separator: "\n").map(String.init)
      var changed = lines
      changed[299] = changed[299].replacing("user-", with: "user_", maxReplacements: 3)
      var missing = lines
      missing.remove(at: 99)
      for (name, lines, words) in [
        ("changed", changed, "line 300: seq 300"), ("missing", missing, "line 100: seq 100"),
        ("cut", lines.dropLast(2), "no manifest at its end"),
        ("short", lines.prefix(400) + lines.suffix(1), "does not fit its manifest"),
        ("broken", lines.prefix(10) + ["{"] + lines.dropFirst(10), "line 11: it is no JSON"),
      ] as [(String, [String], String)] {
        let file = workplace.folder.file("\(name).ndjson")
        try (lines.joined(separator: "\n") + "\n").write(
          toFile: file, atomically: true, encoding: .utf8)
        let result = try await importing(workplace, file, into: "\(name).db")
        #expect(result.end == .exited(1), "\(name)")
        #expect(result.errors.contains(words), "\(name): \(result.errors)")
        #expect(
          try await rows(workplace, "\(name).db", "SELECT count(*) FROM crm_activities") == "0\n")
      }
    }

    @Test("an import that was cut off goes on where it ended")
    func resume() async throws {
      let workplace = try await filled(500)
      let text = try String(contentsOfFile: archive(workplace), encoding: .utf8)
      let first = try await importing(workplace, archive(workplace), into: "new.db")
      #expect(first.end == .exited(0))
      // As it is after the first steps of an import: the log ends within the archive.
      let shortened = try await rows(
        workplace, "new.db",
        """
        INSERT INTO activity_exemptions VALUES ('acme', 'retention');
        DELETE FROM crm_activities WHERE tenant_id = 'acme' AND seq > 200;
        DELETE FROM activity_exemptions;
        DELETE FROM activity_rollups;
        UPDATE activity_chains SET seq = 200, head = (
          SELECT hash FROM crm_activities WHERE tenant_id = 'acme' AND seq = 200);
        SELECT count(*) FROM crm_activities;
        """)
      #expect(shortened == "200\n")
      let rest = try await importing(workplace, archive(workplace), into: "new.db")
      #expect(rest.end == .exited(0), "\(rest.errors)")
      #expect(rest.output.contains("took over 300 entries"))
      let lines = text.split(separator: "\n").dropLast()
      #expect(
        try await rows(workplace, "new.db", Self.hashes).split(separator: "\n").prefix(500).count
          == lines.count)
    }

    @Test("entries from elsewhere are appended, bad lines kept aside with the reason")
    func foreign() async throws {
      let workplace = try await filled(20)
      let file = workplace.folder.file("old.csv")
      try """
      user_id,operation,timestamp,credit_cost,metadata
      u1,old.create,2019-01-01T00:00:00Z,2.5,"{""a"":
      ""'=1""}"
      u2,old.create,never,1,
      '=u3,old.create,2019-01-01T00:00:00Z,1,
      u4,old.create,2019-01-01T00:00:00Z
      """.write(toFile: file, atomically: true, encoding: .utf8)
      let trial = try await importing(workplace, file, "--dry-run", into: "cardfile.db")
      #expect(trial.output.contains("imported 2 entries"), "\(trial.output)\(trial.errors)")
      let result = try await importing(workplace, file, into: "cardfile.db")
      #expect(result.end == .exited(0), "\(result.errors)")
      #expect(result.output.contains("rejected 2"))
      let rejected = try String(contentsOfFile: "\(file).rejected.csv", encoding: .utf8)
      #expect(rejected.hasPrefix("user_id,operation,timestamp,credit_cost,metadata,rejectedLine,"))
      #expect(rejected.contains("u2,old.create,never,1,,4,"))
      #expect(rejected.contains("6,it has 3 cells under 5 names"))
      #expect(
        try await rows(
          workplace, "cardfile.db",
          """
          SELECT user_id, credit_units, metadata FROM crm_activities WHERE source = 'import'
          ORDER BY seq
          """) == "u1|25000|{\"a\":\"'=1\"}\n=u3|10000|{}\n")
      let duplicates = try await importing(
        workplace, archive(workplace), "--on-duplicate", "fail", "--append", into: "cardfile.db")
      #expect(duplicates.end == .exited(1))
      #expect(duplicates.errors.contains("20 of the entries already"), "\(duplicates.errors)")
      let none = try await importing(workplace, "nowhere.ndjson", into: "cardfile.db")
      #expect(none.end == .exited(1))
      #expect(none.errors.contains("cannot be read"))
    }

    @Test("both work through the server that holds the file")
    func throughServer() async throws {
      let workplace = try await filled(1500)
      let server = try await workplace.serve()
      let export = try await workplace.run(
        "export", "activities", "--db", workplace.databasePath, "--output",
        workplace.folder.file("b.csv"), "--format", "csv", "--operation", "crm.leads.*")
      #expect(export.end == .exited(0), "\(export.errors)")
      let manifest = try JSONParser.parse(
        String(contentsOfFile: workplace.folder.file("b.csv.manifest.json"), encoding: .utf8))
      #expect(manifest["manifest"]?["whole"] == false)
      let whole = try await workplace.run(
        "export", "activities", "--db", workplace.databasePath)
      #expect(whole.end == .exited(0))
      #expect(whole.output.split(separator: "\n").last?.hasPrefix("{\"manifest\"") == true)
      let appended = try await importing(
        workplace, workplace.folder.file("b.csv"), "--append", into: "cardfile.db")
      #expect(appended.end == .exited(0), "\(appended.errors)")
      #expect(appended.output.contains("imported 0 entries"))
      try await server.stop()
      let empty = try Workplace()
      let other = try await empty.serve("--demo")
      let result = try await empty.run(
        "import", "activities", archive(workplace), "--db", empty.databasePath)
      #expect(result.end == .exited(0), "\(result.errors)")
      #expect(result.output.contains("imported 1500 entries into the log of acme as new ones"))
      let answer = try await other.send("GET", "/api/activities?operation=crm.activities.import")
      #expect(answer.json["data"]?.array?.count == 1)
      try await other.stop()
    }

    @Test("the same seed makes the same log; a server can be started on it")
    func demo() async throws {
      let workplace = try Workplace()
      for name in ["a.db", "b.db", "c.db"] {
        let seed = name == "c.db" ? "2" : "1"
        let result = try await workplace.run(
          "demo", "--activities", "800", "--seed", seed, "--db", workplace.folder.file(name))
        #expect(result.end == .exited(0), "\(result.errors)")
      }
      let sql = "SELECT seq, hex(hash) FROM crm_activities ORDER BY seq"
      let first = try await rows(workplace, "a.db", sql)
      #expect(first == (try await rows(workplace, "b.db", sql)))
      #expect(first != (try await rows(workplace, "c.db", sql)))
      let wrong = try await workplace.run("demo", "--activities", "many")
      #expect(wrong.end == .exited(2))
      #expect(wrong.errors.contains("--activities=many: a whole number"))
      #expect(try await workplace.run("demo").end == .exited(2))
      #expect(try await workplace.run("help", "demo").output.contains("--activities N"))
    }

    @Test("an export of any size takes the same memory")
    func memory() async throws {
      let workplace = try Workplace()
      let count = 60_000
      let demo = try await workplace.run(
        "demo", "--activities", "\(count)", "--db", workplace.databasePath)
      #expect(demo.end == .exited(0), "\(demo.errors)")
      let server = try await workplace.serve()
      func export(_ query: String) async throws -> Int {
        let request =
          "GET /api/activities/export?\(query) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
          + "Authorization: Bearer \(RunningServer.token("user-ada"))\r\n\r\n"
        return try await server.client.withConnection { connection in
          try connection.write(request)
          var bytes = 0
          while let piece = connection.readSome(), !piece.isEmpty { bytes += piece.count }
          return bytes
        }
      }
      // Caches and pools fill once.
      _ = try await export("since=30d")
      let before = try peakKibibytes(server)
      for query in ["format=ndjson", "format=csv", "format=ndjson"] {
        #expect(try await export(query) > count * 1000)
      }
      let grown = try peakKibibytes(server) - before
      #expect(grown < 20_000, "\(grown) KiB")
      try await server.stop()
    }

    /// The most that the server has had in memory so far.
    private func peakKibibytes(_ server: RunningServer) throws -> Int {
      let status = try String(
        contentsOfFile: "/proc/\(server.child.id)/status", encoding: .utf8)
      let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
      return try #require(line?.split(separator: " ").compactMap { Int($0) }.first)
    }
  }
}
