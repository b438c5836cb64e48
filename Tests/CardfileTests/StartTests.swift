internal import Foundation
internal import Glibc
internal import JSON
internal import SQLite
internal import TestSupport
internal import Testing

extension ProgramTests {
  @Suite struct StartTests {
    @Test("a fresh file is made with its folder, and only its owner may read any of it")
    func freshFile() async throws {
      let workplace = try Workplace()
      let path = workplace.folder.file("new/folder/cardfile.db")
      let child = try workplace.start(["serve", "--db", path, "--listen", "127.0.0.1:0"])
      let server = try await RunningServer(child, announcement: "Cardfile is listening on ")
      #expect(try await server.client.send("GET", "/health/ready").status == 200)
      #expect(try mode(of: workplace.folder.file("new/folder")) == 0o700)
      for suffix in ["", "-wal", "-shm", ".lock", ".control"] {
        #expect(try mode(of: path + suffix) == 0o600, "\(suffix)")
      }
      try await server.stop()
      #expect(try mode(of: path) == 0o600)
      // No login is made up when nobody asked for the demo: the first person makes it.
      #expect(child.output.hasPrefix("Cardfile is listening on \(server.url)\nNobody can sign in"))
      #expect(!child.output.contains("Sign in:"))
    }

    @Test("with --log-format json every line of the log is JSON")
    func jsonLog() async throws {
      let workplace = try Workplace()
      let server = try await workplace.serve(
        "--log-format", "json", environment: ["REDIS_HOST": "old"])
      #expect(try await server.client.send("GET", "/health/live").status == 200)
      try await server.stop()
      let lines = try server.child.errors.split(separator: "\n").map { line in
        try JSONParser.parse(Array(line.utf8))
      }
      #expect(lines.count == 3)
      #expect(lines.allSatisfy { $0["time"]?.string != nil && $0["level"]?.string != nil })
    }

    @Test("a start on an existing file changes nothing in it")
    func existingFile() async throws {
      let workplace = try Workplace()
      try await workplace.addPeople()
      let first = try await workplace.serve()
      let answer = try await first.send(
        "POST", "/api/leads", ["leadData": ["title": "Kept", "value": 1]])
      #expect(answer.status == 201)
      try await first.stop()
      let migrations = "SELECT * FROM schema_migrations"
      let applied = try workplace.rows(migrations)
      let second = try await workplace.serve()
      let leads = try await second.send("GET", "/api/leads")
      #expect(leads.json["data"]?.array?.map { $0["title"]?.string } == ["Kept"])
      try await second.stop()
      #expect(try workplace.rows(migrations) == applied)
    }

    @Test("a file of a newer version is refused, untouched, with what to do")
    func newerFile() async throws {
      let workplace = try Workplace()
      try await workplace.serve().stop()
      do {
        let connection = try Connection(path: workplace.databasePath, mode: .readWrite)
        try connection.execute(
          """
          INSERT INTO schema_migrations (number, name, checksum, applied_at)
          VALUES (999, 'later', 'x', '2030-01-01T00:00:00.000Z')
          """)
      }
      let before = FileManager.default.contents(atPath: workplace.databasePath)
      for command in ["serve", "wrapper"] {
        let result = try await workplace.run(
          command, "--db", workplace.databasePath, "--listen", "127.0.0.1:0")
        #expect(result.end == .exited(1))
        #expect(result.errors.contains("written by a newer version (schema 999, this one knows "))
        #expect(result.errors.contains("use that version or a newer one"))
      }
      #expect(FileManager.default.contents(atPath: workplace.databasePath) == before)
    }

    @Test("a file that is no database, or a damaged one, is refused and left as it is")
    func corruptFile() async throws {
      let workplace = try Workplace()
      try await workplace.serve().stop()
      let whole = try #require(FileManager.default.contents(atPath: workplace.databasePath))
      // The schema's own page, behind the file's header of 100 bytes.
      var damaged = whole
      damaged.replaceSubrange(100..<4096, with: Data(repeating: 0xff, count: 3996))
      let noDatabase = Data(String(repeating: "This is a letter. ", count: 500).utf8)
      for content in [damaged, noDatabase, whole.prefix(whole.count / 2)] {
        let file = URL(fileURLWithPath: workplace.folder.file("broken.db"))
        try content.write(to: file)
        let result = try await workplace.run(
          "serve", "--db", file.path, "--listen", "127.0.0.1:0")
        #expect(result.end == .exited(1))
        #expect(result.errors.contains("is not a healthy SQLite file: restore a backup"))
        #expect(FileManager.default.contents(atPath: file.path) == content)
      }
    }

    @Test("a path that cannot be a file is refused in plain words")
    func impossiblePath() async throws {
      let workplace = try Workplace()
      try workplace.write("", to: "file")
      try FileManager.default.createDirectory(
        atPath: workplace.folder.file("folder.db"), withIntermediateDirectories: false)
      for name in ["file/cardfile.db", "folder.db"] {
        let path = workplace.folder.file(name)
        let result = try await workplace.run("serve", "--db", path, "--listen", "127.0.0.1:0")
        #expect(result.end == .exited(1))
        #expect(result.errors.contains("cannot be used"))
        expectPlainWords(result.errors)
      }
    }

    @Test(
      "a folder or a file that may not be written is refused in plain words",
      .enabled(
        if: geteuid() != 0 || FileManager.default.isExecutableFile(atPath: Self.setpriv),
        "root may write everywhere, and there is no setpriv to be somebody else"))
    func readOnlyFolder() async throws {
      let workplace = try Workplace()
      try await workplace.serve().stop()
      let folder = workplace.folder.path
      for (name, folderMode, fileMode) in [
        ("new.db", 0o555, 0o600), ("sub/new.db", 0o555, 0o600), ("cardfile.db", 0o777, 0o444),
      ] {
        try setMode(fileMode, of: workplace.databasePath)
        try setMode(folderMode, of: folder)
        let arguments = ["serve", "--db", "\(folder)/\(name)", "--listen", "127.0.0.1:0"]
        let result = try await runUnprivileged(arguments, in: workplace)
        try setMode(0o777, of: folder)
        #expect(result.end == .exited(1))
        #expect(result.errors.contains(folder))
        #expect(result.errors.contains("cannot be"))
        expectPlainWords(result.errors)
        #expect(result.output == "")
      }
    }

    private static let setpriv = "/usr/bin/setpriv"

    private func runUnprivileged(
      _ arguments: [String], in workplace: Workplace
    ) async throws -> Finished {
      guard geteuid() == 0 else {
        let child = try workplace.start(arguments)
        let end = try await child.waitForEnd()
        return Finished(end: end, output: child.output, errors: child.errors)
      }
      // The lock that the first server left belongs to root; this is about the folder.
      if FileManager.default.fileExists(atPath: workplace.databasePath + ".lock") {
        try FileManager.default.removeItem(atPath: workplace.databasePath + ".lock")
      }
      return try await workplace.command(
        Self.setpriv,
        ["--reuid", "65534", "--regid", "65534", "--clear-groups", Workplace.program] + arguments)
    }

    /// What a language's or a library's dump of an error looks like must not reach a person.
    private func expectPlainWords(_ text: String) {
      for dump in ["Error(", "Domain=", "NSURL", "systemErrorNumber", "Optional("] {
        #expect(!text.contains(dump))
      }
      #expect(text.split(separator: "\n").count == 1)
    }

    private func mode(of path: String) throws -> Int? {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      return (attributes[.posixPermissions] as? NSNumber)?.intValue
    }

    private func setMode(_ mode: Int, of path: String) throws {
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }
  }
}
